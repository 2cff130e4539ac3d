"""Receipt order: which receipts are for this box, and in which order they count."""

from collections.abc import Iterable
from enum import Enum, auto

from yaoma.core.note import Verifier
from yaoma_link.batch import ReceiptMark
from yaoma_link.receipt import Receipt, ReceiptError
from yaoma_link.topics import BoxName

__all__ = ["ReceiptOrder", "opened_for", "order_of"]


class ReceiptOrder(Enum):
    """Where a receipt stands behind the last one that was applied."""

    OLD = auto()  # applied already, or of an epoch that has ended
    NEXT = auto()
    AHEAD = auto()  # some before it were lost


def opened_for(box: BoxName, payload: bytes, verifiers: Iterable[Verifier]) -> Receipt:
    """Check a receipt and make sure that it is ours.

    Raises:
        ReceiptError: If the bridge has not signed it, its form is wrong, or it is for another box.
    """
    receipt = Receipt.opened(payload, verifiers)
    if (receipt.site, receipt.box) != (box.site, box.box):
        raise ReceiptError("this receipt is for another box")
    return receipt


def order_of(receipt: Receipt, mark: ReceiptMark) -> ReceiptOrder:
    """Tell where a receipt stands; numbers begin at 1 in each epoch."""
    if receipt.epoch < mark.epoch or (receipt.epoch == mark.epoch and receipt.rseq <= mark.upto):
        return ReceiptOrder.OLD
    expected = mark.upto + 1 if receipt.epoch == mark.epoch else 1
    return ReceiptOrder.NEXT if receipt.rseq == expected else ReceiptOrder.AHEAD
