"""What reports ask of others, made to order: events from bodies, answers of destinations, a small product list."""

import json
from collections.abc import Iterable, Iterator, Mapping

from yaoma.core.operation import Direction
from yaoma.core.product import Product, ProductFlag
from yaoma.core.report_facts import Arrival, Event

__all__ = ["DIRECTIONS", "GRANULE", "PRODUCTS", "TABLETS", "Answers", "events_of", "product"]

TABLETS, GRANULE, CASES = "cn20:8100001", "cn20:8100002", "cn20:8100003"

PRODUCTS = {
    TABLETS: Product(TABLETS, "阿莫西林胶囊"),
    GRANULE: Product(GRANULE, "黄芪配方颗粒", flags=frozenset({ProductFlag.GRANULE})),
    CASES: Product(CASES, "氯化钠注射液", packs=50, flags=frozenset({ProductFlag.CASE_CODE})),
}

DIRECTIONS = {
    "receive": Direction.IN,
    "dispense": Direction.OUT,
    "count": Direction.NONE,
}


def product(drug: str) -> Product | None:
    """Look a drug up."""
    return PRODUCTS.get(drug)


def events_of(bodies: Iterable[bytes]) -> Iterator[Event]:
    """Give records as a report sees them."""
    for body in bodies:
        fields = json.loads(body)
        log, seq = fields["log"], fields["seq"]
        yield Event(log, seq, fields["kind"], fields["wall_ms"], fields["clock"] != "untrusted", fields, (log, seq))


class Answers:
    """What destinations said, by the place of a record."""

    def __init__(self) -> None:
        self.said: dict[int, dict[str, Arrival]] = {}

    def arrivals(self, event: Event) -> Mapping[str, Arrival]:
        """Give what was said of a record."""
        return self.said.get(event.seq, {})
