"""Receiving: what a delivery turned out to be, held against what the sender said (S1-09, S1-12, S1-13)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from yaoma.core.canonical import Json
from yaoma.core.record import Entry, Kind
from yaoma.core.shipment import Shipment
from yaoma.core.ticket import Ticket

__all__ = ["Difference", "compare", "difference_entry"]

#: So many codes of a kind, and lines, are named in the record; the rest is counted. The journal has each scan anyway.
_NAMED = 500
_LOT_CHARS = 40


@dataclass(frozen=True, slots=True)
class Difference:
    """What stands where between a delivery and its despatch note; every code is in one of these only.

    Args:
        shipment: The note, or None if there was none at all.
        matched: Scanned, or inside a scanned container, as said and without a doubt.
        missing: Said and not there.
        extra: There and not said.
        doubtful: There and said, but something stands against it, with the reason.
        lines: Per line of the note: packs said, packs matched.
    """

    shipment: Shipment | None
    matched: Sequence[str]
    missing: Sequence[str]
    extra: Sequence[str]
    doubtful: Mapping[str, str] = field(default_factory=dict)
    lines: Sequence[tuple[int, int]] = ()

    @property
    def is_clean(self) -> bool:
        """Everything that was said is there, and nothing else."""
        return self.shipment is not None and not (self.missing or self.extra or self.doubtful)


def compare(shipment: Shipment | None, scanned: Mapping[str, str], already: Collection[str] = ()) -> Difference:
    """Hold what was scanned against a despatch note.

    Args:
        shipment: The note, or None.
        already: Packs of the note that came with an earlier delivery.
        scanned: Keys of the smallest packs on the ticket, with the reason that stands against each; empty if none does.
    """
    said = frozenset(shipment.line_of) if shipment else frozenset()
    there = frozenset(already)
    matched = [key for key, reason in scanned.items() if key in said and not reason]
    doubtful = {key: reason for key, reason in scanned.items() if key in said and reason}
    extra = [key for key in scanned if key not in said]
    missing = [key for key in (shipment.line_of if shipment else ()) if key not in scanned and key not in there]
    found = [0] * (len(shipment.lines) if shipment else 0)
    for key in matched:
        if shipment is not None:
            found[shipment.line_of[key]] += 1
    lines = [(line.packs, number) for line, number in zip(shipment.lines, found, strict=True)] if shipment else []
    return Difference(shipment, matched, missing, extra, doubtful, lines)


def difference_entry(ticket: Ticket, found: Difference) -> Entry:
    """Make the record that tells the supplier and the regulator what was found.

    Args:
        ticket: The delivery's ticket.
        found: What was found.
    """
    shipment = found.shipment
    lines = shipment.lines[:_NAMED] if shipment else ()
    fields: dict[str, Json] = {
        "ticket": ticket.id,
        "station": ticket.station,
        "operation": ticket.operation,
        "shipment": shipment.id if shipment else ticket.shipment,
        "supplier": shipment.supplier if shipment else "",
        "bill": shipment.bill if shipment else "",
        "said": len(shipment.line_of) if shipment else 0,
        "matched": len(found.matched),
        "missing": len(found.missing),
        "extra": len(found.extra),
        "doubtful": len(found.doubtful),
        "missing_codes": list(found.missing[:_NAMED]),
        "extra_codes": list(found.extra[:_NAMED]),
        "doubtful_codes": [[key, reason] for key, reason in list(found.doubtful.items())[:_NAMED]],
        "lines": [
            [line.product, (line.lot or "")[:_LOT_CHARS], said, number]
            for line, (said, number) in zip(lines, found.lines[:_NAMED], strict=True)
        ],
    }
    return Entry(Kind.DIFFERENCE, fields)
