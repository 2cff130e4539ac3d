"""Despatch note: a closed ticket by which goods leave, as the note that whoever gets them receives by (S2-04). Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from yaoma.core.code import CodeError, from_key
from yaoma.core.shipment import Shipment, ShipmentKind, ShipmentLine
from yaoma_bridge.bill import Bill, BillLine

__all__ = ["NOTE_PREFIX", "OUTGOING", "is_announced", "notes_of", "partner_of"]

#: Operations by which goods leave for somebody who books them in, and what their note is called there.
OUTGOING: Final[Mapping[str, ShipmentKind]] = {
    "wholesale": ShipmentKind.SUPPLIER,
    "gift_out": ShipmentKind.SUPPLIER,
    "transfer_out": ShipmentKind.TRANSFER,
    "return_supplier": ShipmentKind.TRANSFER,
}

#: Begins the id of every note that is made here, so that what is answered to it is known by its form.
NOTE_PREFIX: Final = "yaoma:"

#: So a note stays far below what one message to a box may be (`yaoma_link.state.MAX_STATE_BYTES`): a code takes some
#: 120 bytes, a line some 400. A container is never divided, and no record can name more packs than fit.
_MOST_CODES: Final = 5000
_MOST_LOTS: Final = 300

_TEXT_LETTERS: Final = 200
_NAME_LETTERS: Final = 60

#: The fact of a ticket that names the company or site on the other side.
_PARTNER: Final = "partner"


@dataclass(slots=True)
class _Draft:
    """A note that is being filled."""

    parents: dict[str, str] = field(default_factory=dict)
    line_of: dict[str, ShipmentLine] = field(default_factory=dict)
    lots: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Group:
    """What travels together: a container with its packs, or one pack."""

    container: str
    packs: Sequence[str]
    line: BillLine


def partner_of(bill: Bill) -> str:
    """Give who gets the goods of a bill, as its ticket names them; what goes back goes to who sent it.

    Args:
        bill: The bill.

    Returns:
        A site's code or a company's name; empty if nobody is named, or nothing leaves by this operation.
    """
    if bill.operation not in OUTGOING:
        return ""
    return bill.facts.get(_PARTNER, "") or (bill.supplier if bill.operation == "return_supplier" else "")


def is_announced(line: BillLine) -> bool:
    """Say whether a line stands in a note: whole packs, with a code that a box can read there."""
    return not (line.units or line.case_packs) and any(map(_product, line.packs or (line.code,)))


def notes_of(bill: Bill) -> tuple[Shipment, ...]:
    """Give the despatch notes of a bill; nearly always one.

    The same ticket gives notes of the same ids with the same codes for ever; names and dates are what the centre knows
    now. Containers travel as they were scanned, if they are whole. Parts of opened packs, and codes of other standards,
    which no box could read in a note, are left out.

    Args:
        bill: The bill, with its institution and products as far as they are known.
    """
    if bill.operation not in OUTGOING:
        return ()
    announced = replace(bill, lines=[line for line in bill.lines if is_announced(line)])
    drafts = _drafts(announced)
    name = f"{NOTE_PREFIX}{bill.site}:{announced.number}"
    ids = [name] if len(drafts) == 1 else [f"{name}_{number}" for number in range(1, len(drafts) + 1)]
    sender = bill.institution.name if bill.institution is not None and bill.institution.name else bill.site
    return tuple(
        _note(draft, note, bill, _plain(sender, _TEXT_LETTERS)) for note, draft in zip(ids, drafts, strict=True)
    )


def _note(draft: _Draft, name: str, bill: Bill, sender: str) -> Shipment:
    counts: dict[ShipmentLine, int] = {}
    for line in draft.line_of.values():
        counts[line] = counts.get(line, 0) + 1
    places = {line: place for place, line in enumerate(counts)}
    return Shipment(
        id=name,
        kind=OUTGOING[bill.operation],
        supplier=sender,
        bill=_plain(bill.till_bill or bill.ticket, _TEXT_LETTERS),
        lines=[ShipmentLine(line.product, packs, line.lot, line.expiry, line.name) for line, packs in counts.items()],
        parents=draft.parents,
        line_of={code: places[line] for code, line in draft.line_of.items()},
        sent_ms=bill.closed_ms,
    )


def _drafts(bill: Bill) -> list[_Draft]:
    """Divide what leaves into notes; by codes and lots as the records have them, so that it never changes."""
    drafts: list[_Draft] = []
    for group in _groups(bill.lines):
        lots = {(_product(pack), group.line.lot) for pack in group.packs}
        draft = drafts[-1] if drafts else None
        if (
            draft is None
            or len(draft.parents) + len(group.packs) + 1 > _MOST_CODES
            or len(draft.lots | lots) > _MOST_LOTS
        ):
            draft = _Draft()
            drafts.append(draft)
        draft.lots |= lots
        if group.container:
            draft.parents[group.container] = ""
        for pack in group.packs:
            draft.parents[pack] = group.container
            draft.line_of[pack] = _line(pack, group.line)
    return drafts


def _groups(lines: Sequence[BillLine]) -> Iterator[_Group]:
    """Give containers and packs in the order of the scans, each code once."""
    known: set[str] = set()
    for line in lines:
        packs = tuple(one for one in dict.fromkeys(line.packs or (line.code,)) if one not in known and _product(one))
        is_container = bool(line.packs) and line.is_whole and line.code not in known and line.code not in packs
        if not packs:
            continue
        known |= {line.code, *packs}
        if is_container and _product(line.code):
            yield _Group(line.code, packs, line)
        else:
            yield from (_Group("", (pack,), line) for pack in packs)


def _line(pack: str, line: BillLine) -> ShipmentLine:
    """Give the line of a note that a pack belongs to, still without its number of packs."""
    name = line.product.name if line.product is not None else ""
    return ShipmentLine(
        _product(pack), 0, _plain(line.lot, _NAME_LETTERS) or None, _day(line.expiry), _plain(name, _NAME_LETTERS)
    )


def _product(key: str) -> str:
    """Give the product of a code; empty for what no box could read in a note."""
    try:
        found = from_key(key)
    except CodeError:
        return ""
    return found.product_key if found.key == key else ""


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _plain(text: str, most: int) -> str:
    return "".join(one for one in text if one.isprintable())[:most]
