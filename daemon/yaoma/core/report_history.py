"""History pages: what was done with one pack, and where the packs of a recalled product, lot or supplier went."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from yaoma.core.operation import Direction
from yaoma.core.report_facts import STORED, Event, text_of
from yaoma.core.report_gather import Delivered, is_practice
from yaoma.core.report_page import Cell, Page, Phrases, Tile
from yaoma.core.report_period import clock_text
from yaoma.core.report_rates import Site, head, labels
from yaoma.core.report_table import table_of
from yaoma.core.report_ticket import product_key_of

__all__ = ["HERE", "PackFlow", "Step", "flows", "pack_page", "recall_page"]

#: Where a pack is that came in and did not go out.
HERE: Final = "here"

_NEVER_IN: Final = "never_in"


@dataclass(frozen=True, slots=True)
class Step:
    """One record about a pack.

    Args:
        event: The record.
        effect: The closing record of its ticket, or None while that is open, was cancelled or the scan undone.
        container: Key of the container that was scanned in its place; empty if it was scanned itself.
    """

    event: Event
    effect: Event | None = None
    container: str = ""


@dataclass(slots=True)
class PackFlow:
    """Everything about one pack, oldest first.

    Args:
        code: Its key.
        steps: What was recorded.
        lot: Its lot; empty if nobody knows it.
        shipment: The despatch note that it came with; empty if none is known.
    """

    code: str
    steps: list[Step] = field(default_factory=list)
    lot: str = ""
    shipment: str = ""

    def effects(self) -> list[Step]:
        """Give the steps that took effect."""
        return [step for step in self.steps if step.effect is not None]

    def place(self, directions: Mapping[str, Direction]) -> str:
        """Say where it is: `here`, `never_in`, or the operation by which it left.

        Args:
            directions: What operations mean for the stock.
        """
        place = _NEVER_IN
        for step in self.effects():
            operation = text_of(step.event.fields, "operation")
            if directions.get(operation) is Direction.IN:
                place = HERE
            elif directions.get(operation) is Direction.OUT:
                place = operation
        return place


def flows(events: Iterable[Event], wanted: frozenset[str] | None = None, product: str = "") -> dict[str, PackFlow]:
    """Put records together by pack.

    Args:
        events: Records about packs, and those that close and cancel tickets, in order; others are passed over.
        wanted: The packs; None takes every one.
        product: Only packs of this product key; empty takes every one.
    """
    closed: dict[str, Event] = {}
    undone: set[tuple[str, str, int]] = set()
    found: dict[str, PackFlow] = {}
    on_ticket: dict[tuple[str, str], Event] = {}
    for event in events:
        fields, ticket = event.fields, text_of(event.fields, "ticket")
        if event.kind == "ticket" and text_of(fields, "action") == "close":
            closed[ticket] = event
            continue
        if event.kind == "ticket" or is_practice(fields):
            continue
        for code in _codes(fields):
            if (wanted is not None and code not in wanted) or (product and product_key_of(code) != product):
                continue
            scanned = on_ticket.get((ticket, code))
            if event.kind == "scan" and text_of(fields, "verdict") in {"PASS", "REVIEW"}:
                on_ticket[ticket, code] = event
            elif event.kind in {"scan", "undo"} and scanned is not None and text_of(fields, "verdict") != "REPEAT":
                undone.add((code, scanned.log, scanned.seq))
            flow = found.setdefault(code, PackFlow(code))
            flow.lot = text_of(fields, "lot") or flow.lot
            flow.shipment = text_of(fields, "shipment") or flow.shipment
            container = text_of(fields, "code")
            flow.steps.append(Step(event, None, container if container != code else ""))
    for flow in found.values():
        flow.steps = [_with_effect(flow.code, step, closed, undone) for step in flow.steps]
    return found


def pack_page(flow: PackFlow, delivered: Delivered, site: Site, phrases: Phrases) -> Page:
    """Lay out the history of one pack, for whoever stands at the counter and asks (S0-01, S1-31).

    Args:
        flow: The pack.
        delivered: What became of records.
        site: Whose report it is.
        phrases: The language.
    """
    product = site.products(product_key_of(flow.code))
    facts = [
        *head(site, phrases),
        (phrases.say("product"), product.name if product else ""),
        (phrases.say("lot"), flow.lot),
        (phrases.say("shipment"), flow.shipment),
    ]
    names = ("time", "what", "operation", "verdict", "reason", "ticket", "took_effect")
    more = ("station", "source", "container", "operator", "uploaded", "record")
    rows = [_step_row(step, delivered, phrases) for step in flow.steps]
    tiles = [Tile(phrases.say("where"), _place_text(flow.place(site.directions), phrases))]
    return Page(
        "pack",
        phrases.say("title_pack"),
        [(phrases.say("code"), flow.code), *((label, text) for label, text in facts if text)],
        [table_of("history", (*names, *more), rows, phrases)],
        tiles=tiles,
        labels=labels(site, phrases),
    )


def recall_page(found: Mapping[str, PackFlow], what: str, site: Site, phrases: Phrases, proof: str = "") -> Page:
    """Lay out where the packs of a recall went (S0-08, S1-20).

    Args:
        found: The packs.
        what: What was asked for, such as a lot, as text.
        site: Whose report it is.
        phrases: The language.
        proof: The newest signed checkpoint.
    """
    places = {code: flow.place(site.directions) for code, flow in found.items()}
    counts = Counter(places.values())
    tiles = [Tile(phrases.say("packs_known"), str(len(found)))]
    tiles += [Tile(_place_text(place, phrases), str(number)) for place, number in sorted(counts.items())]
    names = ("code", "product", "lot", "shipment", "came_in", "where", "went_out", "ticket", "record")
    rows: list[list[Cell]] = []
    for code, flow in sorted(found.items(), key=lambda item: (places[item[0]] != HERE, item[0])):
        came_in = _last(flow, Direction.IN, site)
        went_out = _last(flow, Direction.OUT, site) if places[code] != HERE else None
        newest = went_out or came_in or flow.steps[-1]
        product = site.products(product_key_of(code))
        rows.append(
            [
                code,
                product.name if product else "",
                flow.lot,
                flow.shipment,
                clock_text(came_in.effect.at_ms) if came_in and came_in.effect else None,
                _place_text(places[code], phrases),
                clock_text(went_out.effect.at_ms) if went_out and went_out.effect else None,
                text_of(newest.event.fields, "ticket"),
                f"{newest.event.log}/{newest.event.seq}",
            ]
        )
    facts = [(phrases.say("asked_for"), what), *head(site, phrases)]
    tables = [table_of("flow", names, rows, phrases)]
    title = phrases.say("title_recall", {"what": what})
    notes = [phrases.say("recall_note")]
    return Page("recall", title, facts, tables, notes, tiles, proof, labels(site, phrases))


def _codes(fields: Mapping[str, Any]) -> list[str]:
    """Give the packs that a record is about: what a container brought in, or the pack itself."""
    packs = fields.get("packs")
    if isinstance(packs, list) and packs:
        return [one for one in packs if isinstance(one, str)]
    code = text_of(fields, "code")
    return [code] if code else []


def _with_effect(code: str, step: Step, closed: Mapping[str, Event], undone: set[tuple[str, str, int]]) -> Step:
    event = step.event
    counts = event.kind == "scan" and text_of(event.fields, "verdict") in {"PASS", "REVIEW"}
    if not counts or (code, event.log, event.seq) in undone:
        return step
    return Step(event, closed.get(text_of(event.fields, "ticket")), step.container)


def _last(flow: PackFlow, direction: Direction, site: Site) -> Step | None:
    steps = (
        step
        for step in reversed(flow.effects())
        if site.directions.get(text_of(step.event.fields, "operation")) is direction
    )
    return next(steps, None)


def _step_row(step: Step, delivered: Delivered, phrases: Phrases) -> list[Cell]:
    fields, event = step.event.fields, step.event
    reason = text_of(fields, "reason")
    said = delivered.arrivals(event)
    uploaded = [phrases.say("stored")] if STORED in said else []
    uploaded += [f"{name} {phrases.say(f'state_{one.state}')}" for name, one in sorted(said.items()) if name != STORED]
    operation = text_of(fields, "operation")
    source = text_of(fields, "source")
    return [
        clock_text(event.at_ms),
        phrases.say(f"record_{event.kind}"),
        phrases.operation(operation) if operation else None,
        text_of(fields, "verdict") or None,
        phrases.reason(reason) if event.kind == "scan" else reason or text_of(fields, "note") or None,
        text_of(fields, "ticket") or None,
        clock_text(step.effect.at_ms) if step.effect else None,
        text_of(fields, "station") or text_of(fields, "box") or None,
        phrases.say(f"source_{source}") if source else None,
        step.container or None,
        text_of(step.effect.fields if step.effect else fields, "operator") or None,
        ", ".join(uploaded) or None,
        f"{event.log}/{event.seq}",
    ]


def _place_text(place: str, phrases: Phrases) -> str:
    if place in {HERE, _NEVER_IN}:
        return phrases.say(f"place_{place}")
    return phrases.operation(place)
