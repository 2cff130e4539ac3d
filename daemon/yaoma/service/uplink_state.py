"""Uplink state: what the screen and the doctor may know of the way to the bridge."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from yaoma_link.batch import ReceiptMark

__all__ = ["ForkReason", "Trouble", "UplinkState"]


class Trouble(StrEnum):
    """What stands in the way, as ids of the message catalogue; a failed connect is `link.` and its fault's id."""

    TAKEN_OVER = "uplink.taken_over"  # another box uses this identity
    LOST = "uplink.lost"  # the connection broke
    BROKER_SILENT = "uplink.broker_silent"  # it takes batches and does not answer
    SUBSCRIBE_REFUSED = "uplink.subscribe_refused"  # no receipt can come in
    REFUSED = "uplink.refused"  # the broker refuses our records
    NOBODY_LISTENS = "uplink.nobody_listens"  # 0x10: no bridge is there
    RECORD_TOO_LARGE = "uplink.record_too_large"  # the broker's packet limit is below one record
    BRIDGE_SILENT = "uplink.bridge_silent"  # the broker takes everything, receipts stay out
    RECEIPT_REFUSED = "uplink.receipt_refused"  # forged, or for another box
    STATE_UNAVAILABLE = "uplink.state_unavailable"  # the disk refuses what a receipt says
    JOURNAL_UNAVAILABLE = "uplink.journal_unavailable"  # records can't be read for sending
    FORKED = "uplink.forked"  # the bridge knows another history of our log


class ForkReason(StrEnum):
    """How the bridge's history of a log differs from ours."""

    LONGER = "longer"  # it has more records than we do
    ROOT_DIFFERS = "root_differs"  # it has other records than we do
    CONFLICT = "conflict"  # it has another record at one of our places


@dataclass(frozen=True, slots=True)
class UplinkState:
    """A snapshot of the way to the bridge.

    Args:
        is_connected: Whether the broker has accepted us.
        since_ms: Since when that is so, milliseconds since 1970; 0 before the first try has ended.
        trouble: The worst of what stands in the way, as an id of the catalogue, or None.
        pending: Number of records that the bridge has not confirmed.
        oldest_ms: Wall time of the oldest one, milliseconds since 1970, or None if there is none.
        is_taken_over: Another box has lately used this identity (0x8E).
        receipts: How far the bridge's receipts were followed.
        refused_receipts: How many payloads were refused as forged or foreign since the start.
        log: The log that is being written, or an empty string.
        stored_upto: The bridge has all its places below.
        size: Number of its records.
    """

    is_connected: bool = False
    since_ms: int = 0
    trouble: str | None = None
    pending: int = 0
    oldest_ms: int | None = None
    is_taken_over: bool = False
    receipts: ReceiptMark = field(default=ReceiptMark())
    refused_receipts: int = 0
    log: str = ""
    stored_upto: int = 0
    size: int = 0

    def pending_of(self, log: str, size: int, stored_upto: Callable[[], int]) -> int:
        """Count what the bridge has not confirmed, also before the uploader has looked at a log for the first time.

        Args:
            log: The log that is written.
            size: Number of its records now.
            stored_upto: Gives up to where it is known to be stored; asked only where this snapshot does not know.
        """
        return max(self.pending, size - (self.stored_upto if self.log == log else stored_upto()))
