"""Shipment: the supplier's despatch note, with what is packed in what."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

__all__ = ["MAX_DEPTH", "Shipment", "ShipmentError", "ShipmentKind", "ShipmentLine"]

#: Large, middle, small, and a pallet around them.
MAX_DEPTH = 4


class ShipmentKind(StrEnum):
    """Who says what is in it; the receipt is marked by it."""

    SUPPLIER = "supplier"  # upstream despatch note (ASN): each pack or container is scanned (S1-05)
    HEADQUARTERS = "headquarters"  # a chain's pushed receipt (S2-09)
    PARSED = "parsed"  # small codes that the platform has parsed (S2-20)
    TRANSFER = "transfer"  # 调拨 from another site (S2-16)


class ShipmentError(ValueError):
    """A shipment contradicts itself; the sentence names line or place, never a code."""


@dataclass(frozen=True, slots=True)
class ShipmentLine:
    """One product and lot of a shipment.

    Args:
        product: Key of the smallest package's product.
        packs: How many smallest packs the supplier says.
        lot: The lot, or None.
        expiry: The expiry date, or None.
        name: The drug's name as the supplier writes it.
    """

    product: str
    packs: int
    lot: str | None = None
    expiry: date | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Shipment:
    """A despatch note.

    Args:
        id: Unique at the site.
        kind: Who says so.
        supplier: Name or number of who sent it.
        bill: The supplier's own number of the note.
        lines: What is said to be in it.
        parents: Every code in it, mapped to the code of the container around it; empty text at the top.
        line_of: Number of the line, by the code of a smallest pack.
        sent_ms: When it left, milliseconds since 1970; 0 if nobody says.

    Raises:
        ShipmentError: A container lies in itself, is unknown, or too deep; or a line's quantity is not what is there.
    """

    id: str
    kind: ShipmentKind
    supplier: str
    bill: str
    lines: Sequence[ShipmentLine]
    parents: Mapping[str, str] = field(repr=False)
    line_of: Mapping[str, int] = field(repr=False)
    sent_ms: int = 0

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        for place, key in enumerate(self.parents):
            self._check_depth(place, key)
        holders = {parent for parent in self.parents.values() if parent}
        counted = [0] * len(self.lines)
        for key, number in self.line_of.items():
            if key not in self.parents or key in holders:
                raise ShipmentError(f"line {number + 1}: a smallest pack is unknown or holds another")
            if not 0 <= number < len(self.lines):
                raise ShipmentError(f"there is no line {number + 1}")
            counted[number] += 1
        for number, (line, found) in enumerate(zip(self.lines, counted, strict=True)):
            if line.packs != found:
                raise ShipmentError(f"line {number + 1}: {line.packs} packs are said, {found} codes are there")

    def _check_depth(self, place: int, key: str) -> None:
        above = self.parents[key]
        for _ in range(MAX_DEPTH):
            if not above:
                return
            if above == key:
                raise ShipmentError(f"code {place + 1}: it lies in itself")
            if above not in self.parents:
                raise ShipmentError(f"code {place + 1}: its container is not in the shipment")
            above = self.parents[above]
        if above:
            raise ShipmentError(f"code {place + 1}: more than {MAX_DEPTH} levels, or a circle")

    def smallest_in(self, key: str) -> tuple[str, ...]:
        """Give the smallest packs that a code brings in: what a container holds, or the pack itself."""
        if key in self.line_of:
            return (key,)
        return tuple(pack for pack in self.line_of if key in self.around(pack))

    def around(self, key: str) -> Iterator[str]:
        """Give the containers around a code, from the inside out."""
        above = self.parents.get(key, "")
        while above:
            yield above
            above = self.parents[above]

    def line(self, key: str) -> ShipmentLine | None:
        """Give the line of a smallest pack."""
        number = self.line_of.get(key)
        return None if number is None else self.lines[number]
