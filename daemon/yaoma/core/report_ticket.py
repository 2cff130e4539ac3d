"""Counted ticket: what lies on a ticket while the records of a period are gone through, and what is missing on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from yaoma.core.report_facts import Event, text_of

__all__ = ["CountedPack", "CountedTicket"]


@dataclass(frozen=True, slots=True)
class CountedPack:
    """A code on a ticket.

    Args:
        event: Its newest scan.
        drug: Its drug.
        smallest: How many smallest packs it brought; 0 where it stands for units of an opened pack.
    """

    event: Event
    drug: str
    smallest: int


@dataclass(slots=True)
class CountedTicket:
    """A ticket that is not closed yet.

    Args:
        packs: What was scanned for it, by code.
        uncoded: Packs without a code on it, by drug.
        opening: What its opening says.
        lines: What it wants.
    """

    packs: dict[str, CountedPack] = field(default_factory=dict)
    uncoded: dict[str, int] = field(default_factory=dict)
    opening: Mapping[str, Any] = field(default_factory=dict)
    lines: list[Mapping[str, Any]] = field(default_factory=list)

    def say(self, fields: Mapping[str, Any]) -> None:
        """Take in what a record says of it before it is closed.

        Args:
            fields: Of its opening, or of lines that were added.
        """
        self.opening = {**fields, **self.opening}
        lines = fields.get("lines")
        if isinstance(lines, list):
            self.lines += [line for line in lines if isinstance(line, Mapping)]

    def put(self, code: str, event: Event, drug: str, *, is_case: bool) -> None:
        """Put a code on it.

        Args:
            code: The code.
            event: Its scan.
            drug: Its drug.
            is_case: It stands for packs without codes of their own.
        """
        taken, held, before = event.fields.get("taken"), event.fields.get("packs"), self.packs.get(code)
        if isinstance(taken, int) and taken:
            smallest = abs(taken) + (before.smallest if before else 0) if is_case else 0
        else:
            smallest = len(held) if isinstance(held, list) and held else 1
        self.packs[code] = CountedPack(event, drug, smallest)

    def missing(self, announced: Mapping[str, int]) -> dict[str, int]:
        """Give what its lines want, or else its shipment announces, and what is not on it, by drug.

        Args:
            announced: What its shipment announces, in smallest packs by drug.
        """
        # A line may stand for several drug ids; it is counted by the first.
        same: dict[str, str] = {}
        stated: dict[str, int] = {} if self.lines else dict(announced)
        for line in self.lines:
            packs, matches = line.get("packs"), line.get("matches")
            drugs = [one for one in matches if isinstance(one, str)] if isinstance(matches, list) else []
            drug = drugs[0] if drugs else text_of(line, "drug")
            same.update(dict.fromkeys(drugs, drug))
            stated[drug] = stated.get(drug, 0) + (packs if isinstance(packs, int) else 0)
        found = dict(self.uncoded)
        for pack in self.packs.values():
            drug = same.get(pack.drug, pack.drug)
            found[drug] = found.get(drug, 0) + pack.smallest
        return {drug: packs - found.get(drug, 0) for drug, packs in stated.items() if packs > found.get(drug, 0)}
