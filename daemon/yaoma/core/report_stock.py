"""Stock pages: goods without a code, and suspicious codes."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from yaoma.core.report_facts import Event, Facts, text_of
from yaoma.core.report_page import Cell, Page, Phrases, Tile
from yaoma.core.report_period import clock_text
from yaoma.core.report_rates import Site, head, labels
from yaoma.core.report_table import table_of

__all__ = ["no_code_page", "signals_page"]

_COUNT: Final = "count"


def no_code_page(events: Iterable[Event], site: Site, phrases: Phrases) -> Page:
    """Lay out goods without a code, for the insurance's web page and the zone ledger (S3-09, S4-11, S4-12).

    Args:
        events: Every stock record, in order.
        site: Whose report it is.
        phrases: The language.
    """
    left: dict[tuple[str, str], int] = {}
    about: dict[tuple[str, str], Event] = {}
    moved: Counter[tuple[str, str, str]] = Counter()
    counted: dict[tuple[str, str], int] = {}
    entries: list[list[Cell]] = []
    for event in events:
        fields, action = event.fields, text_of(event.fields, "action")
        quantity = fields.get("quantity")
        if event.kind != "stock" or not isinstance(quantity, int):
            continue
        key = text_of(fields, "drug"), text_of(fields, "lot")
        moved[(*key, action)] += quantity
        if action == _COUNT:
            left[key] = counted[key] = quantity
        else:
            left[key] = max(0, left.get(key, 0) + (quantity if action == "in" else -quantity))
        if action == "in":
            about.setdefault(key, event)
        texts = [text_of(fields, name) for name in ("drug", "name", "lot")]
        rest = [text_of(fields, name) for name in ("reason", "supplier", "ticket", "operator")]
        booked = phrases.say(f"stock_{action}")
        entries.append([clock_text(event.at_ms), booked, *texts, quantity, *rest, f"{event.log}/{event.seq}"])
    rows: list[list[Cell]] = []
    by_supplier: Counter[str] = Counter()
    for key, number in sorted(left.items()):
        first = about.get(key)
        fields = first.fields if first else {}
        by_supplier[text_of(fields, "supplier")] += number
        rows.append(
            [
                *(key[0], text_of(fields, "name"), key[1]),
                *(moved[(*key, "in")], moved[(*key, "out")], counted.get(key), number),
                *(text_of(fields, "supplier"), text_of(fields, "reason")),
                clock_text(first.at_ms) if first else None,
            ]
        )
    until = site.policy.uncoded_until
    facts = [*head(site, phrases), (phrases.say("uncoded_until"), until.isoformat() if until else "")]
    names = ("drug", "name", "lot", "book_in", "book_out", "counted_last", "left", "supplier", "reason", "since")
    suppliers: list[list[Cell]] = [[name, number] for name, number in sorted(by_supplier.items()) if number]
    single = (
        "time",
        "booking",
        "drug",
        "name",
        "lot",
        "quantity",
        "reason",
        "supplier",
        "ticket",
        "operator",
        "record",
    )
    tables = [
        table_of("no_code_left", names, rows, phrases),
        table_of("no_code_suppliers", ("supplier", "left"), suppliers, phrases, [phrases.say("no_code_note")]),
        table_of("no_code_entries", single, entries, phrases),
    ]
    shown = [(label, text) for label, text in facts if text]
    return Page("nocode", phrases.say("title_nocode"), shown, tables, labels=labels(site, phrases))


def signals_page(facts: Facts, site: Site, phrases: Phrases, proof: str) -> Page:
    """Lay out codes that may have been copied, sold twice or swapped, as evidence (S0-14, S2-23, S4-09).

    Args:
        facts: What happened.
        site: Whose report it is.
        phrases: The language.
        proof: The newest signed checkpoint.
    """
    signals = facts.noted.get("signal", [])
    counts = Counter(text_of(one.fields, "reason") for one in signals)
    rows: list[list[Cell]] = [
        [
            clock_text(one.at_ms),
            phrases.reason(text_of(one.fields, "reason")),
            text_of(one.fields, "code") or None,
            phrases.say(f"verdict_{text_of(one.fields, 'verdict')}"),
            phrases.operation(text_of(one.fields, "operation")),
            text_of(one.fields, "ticket"),
            phrases.say(f"source_{text_of(one.fields, 'source')}"),
            text_of(one.fields, "station"),
            f"{one.log}/{one.seq}",
        ]
        for one in signals
    ]
    summary: list[list[Cell]] = [[phrases.reason(reason), number] for reason, number in counts.most_common()]
    names = ("time", "reason", "code", "verdict", "operation", "ticket", "source", "station", "record")
    tables = [
        table_of("signals_by_reason", ("reason", "scans"), summary, phrases),
        table_of("signals", names, rows, phrases),
    ]
    title = phrases.say("title_signals", {"period": site.period})
    tiles = [Tile(phrases.say("signals"), str(len(signals)))]
    notes = [phrases.say("signals_note")]
    return Page("signals", title, head(site, phrases), tables, notes, tiles, proof, labels(site, phrases))
