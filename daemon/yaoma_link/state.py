"""State messages: what the bridge tells one box about its own stock, signed, numbered, without gaps (DESIGN.md 7, 8).

A state message is a signed note whose text is one line of canonical JSON. Fields may be added, none is renamed; a box
passes over fields that it does not know. What it says is said again without harm: shipments and denials replace those
of the same name, of two answers about a code the later one holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from yaoma.core.allowlist import CodeStatus, Denial, DenialKind
from yaoma.core.canonical import Json, NotCanonicalError, canonical, parse_canonical
from yaoma.core.code import CodeError, from_key
from yaoma.core.note import NoteError, Signer, Verifier, open_note
from yaoma.core.shipment import Shipment, ShipmentError
from yaoma.core.shipment_text import read_shipment, shipment_fields

__all__ = ["MAX_STATE_BYTES", "TYPE", "MergeLine", "StateError", "StateMark", "StateMessage", "StatusLine", "read_news"]

TYPE: Final = "yaoma/state/v1"

#: With what the broker adds it stays below the largest packet that the sample configuration takes.
MAX_STATE_BYTES: Final = 900_000

_MAX_ENTRIES: Final = 10_000
_MAX_NOTE: Final = 200


class StateError(ValueError):
    """The payload is no state message for this box, or not signed by the bridge; never names a code."""


@dataclass(frozen=True, slots=True, order=True)
class StateMark:
    """How far a box has followed the state messages.

    Args:
        epoch: The bridge's memory of this box; a higher one begins at number 1.
        upto: The last number that was applied.
    """

    epoch: int = 0
    upto: int = 0


@dataclass(frozen=True, slots=True)
class StatusLine:
    """What the trace platform said of a code.

    Args:
        code: The code's key.
        status: What it said.
        at_ms: When, milliseconds since 1970.
    """

    code: str = field(repr=False)
    status: CodeStatus
    at_ms: int


@dataclass(frozen=True, slots=True)
class MergeLine:
    """What another box of the site did with a pack.

    Args:
        code: The code's key.
        operation: What was done.
        at_ms: When, milliseconds since 1970.
        box: Which box did it.
    """

    code: str = field(repr=False)
    operation: str
    at_ms: int
    box: str


@dataclass(frozen=True, slots=True)
class StateMessage:
    """One message.

    Args:
        site: The institution.
        box: The box that it is for.
        epoch: As in `StateMark`.
        number: Its number in the epoch, from 1, without gaps.
        made_ms: When it was made, by the bridge's clock, milliseconds since 1970.
        shipments: Despatch notes.
        statuses: What the platform said of codes.
        denials: Denials that can't wait for the next release, by the key of a code or a product and the lot, which is
            empty for all lots; None lifts one.
        merges: What other boxes of the site did.
    """

    site: str
    box: str
    epoch: int
    number: int
    made_ms: int
    shipments: Sequence[Shipment] = ()
    statuses: Sequence[StatusLine] = ()
    denials: Mapping[tuple[str, str], Denial | None] = field(default_factory=dict, repr=False)
    merges: Sequence[MergeLine] = ()

    def news(self) -> dict[str, Json]:
        """Give what it says, without whom it is for and its number."""
        return {
            "shipments": [shipment_fields(one) for one in self.shipments],
            "statuses": [{"code": one.code, "status": one.status.value, "at_ms": one.at_ms} for one in self.statuses],
            "denials": [
                {"key": key, "lot": lot, "kind": one.kind.value if one else "", "note": one.note if one else ""}
                for (key, lot), one in self.denials.items()
            ],
            "merges": [
                {"code": one.code, "operation": one.operation, "at_ms": one.at_ms, "box": one.box}
                for one in self.merges
            ],
        }

    def signed(self, signer: Signer) -> bytes:
        """Give the payload.

        Raises:
            StateError: If it is longer than a broker takes.
        """
        head: dict[str, Json] = {
            "type": TYPE,
            "site": self.site,
            "box": self.box,
            "epoch": self.epoch,
            "number": self.number,
            "made_ms": self.made_ms,
        }
        payload = signer.sign(f"{canonical({**head, **self.news()}).decode()}\n").encode()
        if len(payload) > MAX_STATE_BYTES:
            raise StateError(f"a state message has at most {MAX_STATE_BYTES} bytes: send the shipments one by one")
        return payload

    @classmethod
    def opened(cls, payload: bytes, verifiers: Iterable[Verifier]) -> "StateMessage":
        """Check the signature and read the message.

        Raises:
            StateError: If the bridge has not signed it, or its form is wrong.
        """
        if len(payload) > MAX_STATE_BYTES:
            raise StateError(f"a state message has at most {MAX_STATE_BYTES} bytes")
        try:
            fields = parse_canonical(open_note(payload.decode(), verifiers)[:-1].encode())
        except UnicodeDecodeError:
            raise StateError("a state message is UTF-8 text") from None
        except (NoteError, NotCanonicalError) as error:
            raise StateError(str(error)) from None
        if fields.get("type") != TYPE:
            raise StateError("the bridge signed this, but it is no state message")
        message = read_news(fields)
        found = cls(
            site=_text(fields, "site"),
            box=_text(fields, "box"),
            epoch=_whole(fields, "epoch"),
            number=_whole(fields, "number"),
            made_ms=_whole(fields, "made_ms"),
            shipments=message.shipments,
            statuses=message.statuses,
            denials=message.denials,
            merges=message.merges,
        )
        if found.epoch < 1 or found.number < 1:
            raise StateError("epoch and number begin at 1")
        return found


def read_news(fields: Mapping[str, Json]) -> StateMessage:
    """Read what a message says; each part may be missing. Whom it is for and its number are empty in the answer.

    Raises:
        StateError: If anything in it is wrong; the sentence names the place, never a code.
    """
    try:
        shipments = [read_shipment(_mapping(one)) for one in _entries(fields, "shipments")]
    except ShipmentError as error:
        raise StateError(f"a shipment contradicts itself: {error}") from None
    return StateMessage(
        site="",
        box="",
        epoch=0,
        number=0,
        made_ms=0,
        shipments=shipments,
        statuses=[_status(_mapping(one)) for one in _entries(fields, "statuses")],
        denials=dict(_denial(_mapping(one)) for one in _entries(fields, "denials")),
        merges=[_merge(_mapping(one)) for one in _entries(fields, "merges")],
    )


def _entries(fields: Mapping[str, Json], name: str) -> Sequence[Json]:
    value = fields.get(name, [])
    if not isinstance(value, list) or len(value) > _MAX_ENTRIES:
        raise StateError(f"{name} is a list of at most {_MAX_ENTRIES}")
    return value


def _mapping(value: Json) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        raise StateError("an entry is an object")
    return value


def _text(fields: Mapping[str, Json], name: str, most: int = 64) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or len(value) > most or not value.isprintable():
        raise StateError(f"{name} is text of at most {most} printable characters")
    return value


def _whole(fields: Mapping[str, Json], name: str) -> int:
    value = fields.get(name)
    if type(value) is not int or value < 0:
        raise StateError(f"{name} is a whole number from 0")
    return value


def _code(fields: Mapping[str, Json]) -> str:
    value = fields.get("code")
    try:
        if not isinstance(value, str) or from_key(value).key != value:
            raise StateError("code is the key of a trace code")
    except CodeError:
        raise StateError("code is the key of a trace code") from None
    return value


def _status(fields: Mapping[str, Json]) -> StatusLine:
    try:
        status = CodeStatus(_text(fields, "status"))
    except ValueError:
        raise StateError(f"status is one of {', '.join(CodeStatus)}") from None
    return StatusLine(_code(fields), status, _whole(fields, "at_ms"))


def _denial(fields: Mapping[str, Json]) -> tuple[tuple[str, str], Denial | None]:
    place = _text(fields, "key", 300), _text(fields, "lot")
    kind, note = _text(fields, "kind"), _text(fields, "note", _MAX_NOTE)
    if not kind:
        return place, None
    try:
        return place, Denial(DenialKind(kind), note)
    except ValueError:
        raise StateError(f"kind is one of {', '.join(DenialKind)}, or empty to lift a denial") from None


def _merge(fields: Mapping[str, Json]) -> MergeLine:
    return MergeLine(_code(fields), _text(fields, "operation"), _whole(fields, "at_ms"), _text(fields, "box"))
