"""Balance page: opening, what came, what went, and what was counted, code by code (进销存平衡)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from yaoma.core.operation import Direction
from yaoma.core.report_facts import Event, text_of
from yaoma.core.report_gather import is_practice
from yaoma.core.report_page import Cell, Page, Phrases
from yaoma.core.report_period import Period
from yaoma.core.report_rates import Site, head, labels
from yaoma.core.report_table import table_of
from yaoma.core.report_ticket import product_key_of

__all__ = ["Balance", "balance_of", "balance_page"]

_COUNT: Final = "count"


@dataclass(slots=True)
class Balance:
    """What the codes of one product come to; opening + came_in - went_out is always what is here.

    Args:
        opening: Packs that were here when the period began, those of an opening count during it included.
        came_in: Packs that came in during it.
        went_out: Packs that were here and went out during it.
        unreceived: Codes that went out during it though nothing says how they came.
        here: Codes that are here at its end.
        counted: Codes that were counted during it, carried on to its end by what came and went since.
        is_counted: Whether any were.
    """

    opening: int = 0
    came_in: int = 0
    went_out: int = 0
    unreceived: set[str] = field(default_factory=set)
    here: set[str] = field(default_factory=set)
    counted: set[str] = field(default_factory=set)
    is_counted: bool = False

    @property
    def missing(self) -> set[str]:
        """Codes that should be here and were not found (盘亏)."""
        return self.here - self.counted if self.is_counted else set()

    @property
    def surplus(self) -> set[str]:
        """Codes that were found and that nothing says to be here (盘盈)."""
        return self.counted - self.here

    def come(self, code: str, *, is_opening: bool) -> None:
        """Note that a pack is here from now on."""
        if code not in self.here:
            self.here.add(code)
            self.opening += is_opening
            self.came_in += not is_opening
        if self.is_counted:
            self.counted.add(code)

    def go(self, code: str, *, is_inside: bool) -> None:
        """Note that a pack has gone."""
        if code in self.here:
            self.here.discard(code)
            self.opening -= not is_inside
            self.went_out += is_inside
        elif is_inside:
            self.unreceived.add(code)
        self.counted.discard(code)

    def count(self, code: str) -> None:
        """Note that a pack was found by a count during the period."""
        self.is_counted = True
        self.counted.add(code)


@dataclass(slots=True)
class _Scans:
    """What lies on a ticket that is open.

    Args:
        scans: The codes that each scan brought, with its record, in order.
    """

    scans: list[tuple[list[str], Mapping[str, Any]]] = field(default_factory=list)

    def put(self, codes: Sequence[str], fields: Mapping[str, Any]) -> None:
        """Put on it what a scan brought."""
        self.scans.append((list(codes), fields))

    def take_off(self, codes: Iterable[str], *, last_only: bool) -> None:
        """Take codes off it, by their last scan only or wholly."""
        for code in codes:
            for held, _ in reversed(self.scans):
                if code in held:
                    held.remove(code)
                    if last_only:
                        break

    def by_code(self) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
        """Give each code with the records of its scans."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        for held, fields in self.scans:
            for code in held:
                found.setdefault(code, []).append(fields)
        yield from found.items()


class _Shelf:
    """Follows tickets and packs through the records.

    Args:
        period: The days.
        directions: What operations mean for the stock.
    """

    def __init__(self, period: Period, directions: Mapping[str, Direction]) -> None:
        self.found: dict[str, Balance] = {}
        self._from_ms = period.from_ms
        self._directions = directions
        self._tickets: dict[str, _Scans] = {}
        # Portions that are left in what is handed out piece by piece: units of an opened pack, packs of a case.
        self._left: dict[str, int] = {}

    def add(self, event: Event) -> None:
        """Take in a record."""
        fields, name = event.fields, text_of(event.fields, "ticket")
        if is_practice(fields) or not name:
            return
        if event.kind == "scan":
            self._scan(fields, name)
        elif event.kind == "undo" and name in self._tickets:
            self._tickets[name].take_off(_texts(fields, "packs"), last_only=True)
        elif event.kind == "ticket" and text_of(fields, "action") in {"close", "cancel"}:
            ticket = self._tickets.pop(name, None)
            if ticket is not None and text_of(fields, "action") == "close":
                is_inside = event.at_ms >= self._from_ms
                for code, scans in ticket.by_code():
                    self._take_effect(code, scans, fields, is_inside=is_inside)

    def _scan(self, fields: Mapping[str, Any], name: str) -> None:
        code, verdict = text_of(fields, "code"), text_of(fields, "verdict")
        if not code or verdict not in {"PASS", "REVIEW", "STOP"}:
            return
        codes = _texts(fields, "packs") or [code]
        is_on = verdict != "STOP"
        for other, ticket in self._tickets.items():
            # What is scanned for another ticket, or was denied since, leaves the one that it lay on.
            if (other == name) != is_on:
                ticket.take_off(codes, last_only=False)
        if is_on:
            self._tickets.setdefault(name, _Scans()).put(codes, fields)

    def _take_effect(
        self, code: str, scans: Sequence[Mapping[str, Any]], closing: Mapping[str, Any], *, is_inside: bool
    ) -> None:
        operation = text_of(closing, "operation")
        direction = self._directions.get(operation)
        balance = self.found.setdefault(product_key_of(code), Balance())
        if operation == _COUNT:
            if closing.get("opening") is True or not is_inside:
                # What an earlier count found is in the books from then on.
                balance.come(code, is_opening=True)
            else:
                balance.count(code)
            return
        if opens := _number(scans[-1], "opens"):
            self._left[code] = opens
        if direction is Direction.IN:
            self._takes(code, scans)
            balance.come(code, is_opening=not is_inside)
        elif direction is Direction.OUT and self._takes(code, scans) <= 0:
            balance.go(code, is_inside=is_inside)
        elif direction is Direction.OUT and code not in balance.here and is_inside:
            balance.unreceived.add(code)

    def _takes(self, code: str, scans: Sequence[Mapping[str, Any]]) -> int:
        """Take portions out of a code, or put them back; give what is left, nothing where the pack goes as a whole."""
        taken = sum(_number(one, "taken") for one in scans)
        if not taken:
            self._left.pop(code, None)
            return 0
        before = self._left.get(code) or _number(scans[0], "holds")
        self._left[code] = before - taken
        return self._left[code]


def balance_of(events: Iterable[Event], period: Period, directions: Mapping[str, Direction]) -> dict[str, Balance]:
    """Follow every code from its first receipt or opening count to the end of a period.

    Args:
        events: Every record up to the end of the period, in order.
        period: The days.
        directions: What operations mean for the stock.
    """
    shelf = _Shelf(period, directions)
    for event in events:
        shelf.add(event)
    return dict(sorted(shelf.found.items()))


def balance_page(found: Mapping[str, Balance], site: Site, phrases: Phrases, proof: str) -> Page:
    """Lay out opening + in - out against what was counted, by codes (S1-19, S2-22, S4-10).

    Args:
        found: By product key.
        site: Whose report it is.
        phrases: The language.
        proof: The newest signed checkpoint.
    """
    moves = ("opening", "came_in_packs", "went_out_packs", "expected")
    names = ("product", *moves, "counted", "not_found", "surplus", "out_unreceived")
    rows: list[list[Cell]] = []
    differing: list[list[Cell]] = []
    for key, one in found.items():
        known = site.products(key)
        name = f"{key} {known.name if known else ''}".strip()
        compared: list[Cell] = [None, None, None]
        if one.is_counted:
            compared = [len(one.counted), len(one.missing), len(one.surplus)]
        rows.append(
            [name, one.opening, one.came_in, one.went_out, len(one.here), *compared, len(one.unreceived)],
        )
        for word, codes in (
            ("not_found", one.missing),
            ("surplus", one.surplus),
            ("out_unreceived", one.unreceived),
        ):
            differing += [[name, phrases.say(word), code] for code in sorted(codes)]
    tables = [
        table_of("balance", names, rows, phrases, [phrases.say("balance_note")]),
        table_of("differing_codes", ("product", "difference", "code"), differing, phrases),
    ]
    title = phrases.say("title_balance", {"period": site.period})
    return Page("balance", title, head(site, phrases), tables, proof=proof, labels=labels(site, phrases))


def _texts(fields: Mapping[str, Any], name: str) -> list[str]:
    value = fields.get(name)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _number(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    return value if type(value) is int else 0
