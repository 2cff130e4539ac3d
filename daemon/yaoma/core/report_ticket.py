"""Counted ticket: what lies on a ticket while the records of a period are gone through, and what is missing on it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from yaoma.core.report_facts import Event, text_of

__all__ = ["CountedPack", "CountedTicket", "announced_missing", "product_key_of", "product_of"]

_CN20_PRODUCT: Final = len("cn20:") + 7
_GS1_PRODUCT: Final = len("gs1:01") + 14


def product_of(fields: Mapping[str, Any]) -> str:
    """Give the product key of a scan: as the record names it, or else as the code begins."""
    return text_of(fields, "product") or product_key_of(text_of(fields, "code"))


def product_key_of(code: str) -> str:
    """Give the product key that the key of a pack begins with; of another standard, the standard.

    Args:
        code: The key of a pack; empty gives empty.
    """
    if code.startswith("cn20:"):
        return code[:_CN20_PRODUCT]
    if code.startswith("gs1:"):
        return code[:_GS1_PRODUCT]
    return code[: code.find(":", len("other:"))] if code.startswith("other:") else ""


def announced_missing(fields: Mapping[str, Any]) -> Counter[str]:
    """Give what a difference record says was announced and is not there, in smallest packs by product.

    Args:
        fields: Of the record; it names a part of the codes and counts them all.
    """
    codes, number = fields.get("missing_codes"), fields.get("missing")
    named = [code for code in codes if isinstance(code, str)] if isinstance(codes, list) else []
    missing = Counter(product_key_of(code) for code in named)
    if isinstance(number, int) and number > len(named):
        missing[""] += number - len(named)
    return missing


@dataclass(frozen=True, slots=True)
class CountedPack:
    """A code on a ticket.

    Args:
        event: Its newest scan.
        packs: How many smallest packs it brought, by product; none where it stands for units of an opened pack.
        line: Number of the ticket's line that it fills; -1 if none.
    """

    event: Event
    packs: Mapping[str, int]
    line: int = -1

    @property
    def smallest(self) -> int:
        """How many smallest packs it brought."""
        return sum(self.packs.values())


@dataclass(slots=True)
class CountedTicket:
    """A ticket that is not closed yet.

    Args:
        packs: What was scanned for it, by code; of a code that was scanned for several portions the sum.
        uncoded: Packs without a code on it, by drug.
        undelivered: What its shipment announced and nobody scanned, by product.
        opening: What its opening says.
        lines: What it wants.
    """

    packs: dict[str, CountedPack] = field(default_factory=dict)
    uncoded: Counter[str] = field(default_factory=Counter)
    undelivered: Counter[str] = field(default_factory=Counter)
    opening: Mapping[str, Any] = field(default_factory=dict)
    lines: list[Mapping[str, Any]] = field(default_factory=list)
    _earlier: dict[str, list[CountedPack]] = field(default_factory=dict)

    def say(self, fields: Mapping[str, Any]) -> None:
        """Take in what a record says of it before it is closed.

        Args:
            fields: Of its opening, or of lines that were added.
        """
        self.opening = {**fields, **self.opening}
        lines = fields.get("lines")
        if isinstance(lines, list):
            self.lines += [line for line in lines if isinstance(line, Mapping)]

    def put(self, code: str, event: Event) -> None:
        """Put a code on it.

        Args:
            code: The code.
            event: Its scan.
        """
        fields, before = event.fields, self.packs.get(code)
        taken, held, line = fields.get("taken"), fields.get("packs"), fields.get("line")
        if before is None or not taken:
            self._earlier.pop(code, None)
        else:
            self._earlier.setdefault(code, []).append(before)
        product = product_of(fields)
        packs: dict[str, int] = {product: 1}
        if isinstance(taken, int) and taken:
            packs = {product: abs(taken) + (before.smallest if before else 0)} if fields.get("case") is True else {}
        elif isinstance(held, list) and held:
            packs = dict(Counter(product_key_of(one) for one in held if isinstance(one, str)))
        self.packs[code] = CountedPack(event, packs, line if isinstance(line, int) else -1)

    def take_off(self, packs: Sequence[object]) -> None:
        """Take the last scan of packs off it, a container with all that it brought in; earlier portions stay.

        Args:
            packs: Keys of packs, as the record of an undone scan names them.
        """
        gone = frozenset(packs)
        for code, pack in list(self.packs.items()):
            held = pack.event.fields.get("packs")
            if code in gone or (isinstance(held, list) and not gone.isdisjoint(held)):
                earlier = self._earlier.get(code)
                if earlier:
                    self.packs[code] = earlier.pop()
                else:
                    del self.packs[code]

    def missing(self) -> Counter[str]:
        """Give what its lines want, or else its shipment announced, and what is not on it, by drug or product."""
        missing = Counter() if self.lines else Counter(self.undelivered)
        uncoded = Counter(self.uncoded)
        found: Counter[int] = Counter()
        for pack in self.packs.values():
            found[pack.line] += pack.smallest
        for number, line in enumerate(self.lines):
            packs, matches = line.get("packs"), line.get("matches")
            if not isinstance(packs, int):
                continue
            drugs = [one for one in matches if isinstance(one, str)] if isinstance(matches, list) else []
            drugs.append(text_of(line, "drug"))
            short = packs - found[number]
            for drug in drugs:
                given = max(0, min(short, uncoded[drug]))
                uncoded[drug] -= given
                short -= given
            if short > 0:
                missing[drugs[0]] += short
        return missing
