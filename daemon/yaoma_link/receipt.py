"""Receipts: the bridge's signed, numbered answers to one box.

A receipt is a signed note whose text is one line of canonical JSON. The form is frozen: fields may be added, none is
renamed; a box passes over fields that it does not know.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from yaoma.core.canonical import Json, NotCanonicalError, canonical, parse_canonical
from yaoma.core.merkle import HASH_BYTES
from yaoma.core.note import NoteError, Signer, Verifier, open_note

__all__ = ["TYPE", "Outcome", "OutcomeState", "Receipt", "ReceiptError", "Span"]

TYPE = "yaoma/receipt/v1"

Span = tuple[int, int]
"""A half-open run of places in a log: from, to."""


class ReceiptError(ValueError):
    """The payload is no receipt for this box, or not signed by the bridge."""


class OutcomeState(StrEnum):
    """What became of a record at one destination (DESIGN.md 3, promise 4)."""

    WAITING = "waiting"
    PROCESSING = "processing"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # a time-out; nobody knows until it is reconciled
    HELD = "held"  # kept, not sent, with a reason that a person can lift


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run of records at one destination.

    Args:
        span: The places in the receipt's log.
        destination: The destination's name.
        state: What became of them.
        reason: A stable reason id, or an empty string.
    """

    span: Span
    destination: str
    state: OutcomeState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One answer.

    Args:
        site: The institution.
        box: The box that it is for.
        epoch: The bridge's memory: a restored bridge begins a higher one, in which `stored_upto` may be lower.
        rseq: The receipt's number in the epoch, from 1, without gaps.
        log: The log it speaks of.
        stored_upto: All places below are stored.
        root: The RFC 6962 tree hash at `stored_upto`; the box believes the receipt only if its own is equal.
        missing: Runs above `stored_upto` that the bridge lacks though it has something behind them.
        conflicts: Places at which the bridge holds another record than the one it was sent.
        outcomes: What became of records at destinations.
        made_ms: When it was made, by the bridge's clock, milliseconds since 1970.
    """

    site: str
    box: str
    epoch: int
    rseq: int
    log: str
    stored_upto: int
    root: bytes
    missing: tuple[Span, ...] = ()
    conflicts: tuple[int, ...] = ()
    outcomes: tuple[Outcome, ...] = field(default=())
    made_ms: int = 0

    def signed(self, signer: Signer) -> bytes:
        """Give the payload."""
        text = canonical(
            {
                "type": TYPE,
                "site": self.site,
                "box": self.box,
                "epoch": self.epoch,
                "rseq": self.rseq,
                "log": self.log,
                "stored_upto": self.stored_upto,
                "root": self.root.hex(),
                "missing": [list(span) for span in self.missing],
                "conflicts": list(self.conflicts),
                "outcomes": [
                    {
                        "from": one.span[0],
                        "to": one.span[1],
                        "destination": one.destination,
                        "state": one.state.value,
                        "reason": one.reason,
                    }
                    for one in self.outcomes
                ],
                "made_ms": self.made_ms,
            }
        ).decode()
        return signer.sign(f"{text}\n").encode()

    @classmethod
    def opened(cls, payload: bytes, verifiers: Iterable[Verifier]) -> "Receipt":
        """Check the signature and read the receipt.

        Raises:
            ReceiptError: If the bridge has not signed it, or its form is wrong.
        """
        try:
            fields = parse_canonical(open_note(payload.decode(), verifiers)[:-1].encode())
        except UnicodeDecodeError:
            raise ReceiptError("a receipt is UTF-8 text") from None
        except (NoteError, NotCanonicalError) as error:
            raise ReceiptError(str(error)) from error
        if fields.get("type") != TYPE:
            raise ReceiptError("the bridge signed this, but it is no receipt")
        try:
            receipt = cls(
                site=_text(fields, "site"),
                box=_text(fields, "box"),
                epoch=_number(fields, "epoch"),
                rseq=_number(fields, "rseq"),
                log=_text(fields, "log"),
                stored_upto=_number(fields, "stored_upto"),
                root=bytes.fromhex(_text(fields, "root")),
                missing=tuple(_span(one) for one in _list(fields, "missing")),
                conflicts=tuple(_place(one) for one in _list(fields, "conflicts")),
                outcomes=tuple(_outcome(one) for one in _list(fields, "outcomes")),
                made_ms=_number(fields, "made_ms"),
            )
        except ValueError as error:
            raise ReceiptError(f"the receipt's form is wrong: {error}") from None
        if len(receipt.root) != HASH_BYTES or receipt.rseq < 1 or receipt.epoch < 1:
            raise ReceiptError("a receipt has a root of 32 bytes, a number and an epoch from 1")
        return receipt


def _text(fields: Mapping[str, Json], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise ReceiptError(f"{name} is text")
    return value


def _place(value: Json) -> int:
    if type(value) is not int or value < 0:
        raise ReceiptError("a place is a whole number from 0")
    return value


def _number(fields: Mapping[str, Json], name: str) -> int:
    return _place(fields.get(name))


def _list(fields: Mapping[str, Json], name: str) -> list[Json]:
    value = fields.get(name)
    if not isinstance(value, list):
        raise ReceiptError(f"{name} is a list")
    return value


def _span(value: Json) -> Span:
    if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 - from and to
        raise ReceiptError("a run is a pair of places")
    span = _place(value[0]), _place(value[1])
    if span[0] >= span[1]:
        raise ReceiptError("a run is not empty")
    return span


def _outcome(value: Json) -> Outcome:
    if not isinstance(value, Mapping):
        raise ReceiptError("an outcome is an object")
    return Outcome(
        _span([value.get("from"), value.get("to")]),
        _text(value, "destination"),
        OutcomeState(_text(value, "state")),
        _text(value, "reason"),
    )
