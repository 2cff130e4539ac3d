"""Report trace: finds everything about one pack, or about the packs of a product, a lot or a supplier."""

import json
from collections.abc import Iterator

from yaoma.core.report_facts import Event, text_of
from yaoma.core.report_history import PackFlow, flows
from yaoma.core.report_ticket import product_key_of
from yaoma.shell.report_source import ReportSource

__all__ = ["trace_lot", "trace_pack", "trace_product", "trace_supplier"]


def trace_pack(source: ReportSource, code: str) -> PackFlow:
    """Find everything about one pack.

    Args:
        source: The logs.
        code: Key of the pack.
    """
    found = _flows(source, frozenset({code}))
    return found.get(code) or PackFlow(code)


def trace_product(source: ReportSource, product: str) -> dict[str, PackFlow]:
    """Find the packs of a product.

    Args:
        source: The logs.
        product: Its key: `cn20:` and 7 digits, or `gs1:01` and a GTIN.
    """
    begins = json.dumps(product, ensure_ascii=False)[:-1]
    events = _ordered(source, [*source.having(begins)])
    return flows(events, product=product)


def trace_lot(source: ReportSource, lot: str) -> dict[str, PackFlow]:
    """Find the packs of a lot, as far as list, despatch note or symbol named it when they were scanned.

    Args:
        source: The logs.
        lot: The lot.
    """
    said = f'"lot":{json.dumps(lot, ensure_ascii=False)}'
    codes = {code for event in source.having(said) if event.kind == "scan" for code in _codes(event)}
    return _flows(source, frozenset(codes))


def trace_supplier(source: ReportSource, supplier: str) -> dict[str, PackFlow]:
    """Find the packs that a supplier delivered: those on tickets whose difference record names the supplier.

    Args:
        source: The logs.
        supplier: Its name as it stands in the despatch notes.
    """
    said = f'"supplier":{json.dumps(supplier, ensure_ascii=False)}'
    tickets = frozenset(text_of(event.fields, "ticket") for event in source.having(said)) - {""}
    if not tickets:
        return {}
    codes = {code for event in source.of_tickets(tickets, scans=True) for code in _codes(event)}
    return _flows(source, frozenset(codes))


def _flows(source: ReportSource, codes: frozenset[str]) -> dict[str, PackFlow]:
    if not codes:
        return {}
    return flows(_ordered(source, [*source.about(codes)]), codes)


def _ordered(source: ReportSource, events: list[Event]) -> Iterator[Event]:
    """Give the records, and behind them those that close their tickets: a ticket is closed after it was filled."""
    yield from events
    tickets = frozenset(text_of(event.fields, "ticket") for event in events) - {""}
    if tickets:
        yield from source.of_tickets(tickets, scans=False)


def _codes(event: Event) -> list[str]:
    packs = event.fields.get("packs")
    if isinstance(packs, list) and packs:
        return [one for one in packs if isinstance(one, str)]
    code = text_of(event.fields, "code")
    return [code] if product_key_of(code) else []
