"""Daily sheet and inventory: the day on one page with the signed checkpoint, and what devices the site has."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from yaoma.core.rates import GroupBy, upload_rates
from yaoma.core.report_facts import Facts, Moved, text_of
from yaoma.core.report_lists import Task, difference_tables, outage_table, override_table, problem_table, task_table
from yaoma.core.report_page import Cell, Column, ColumnKind, Page, Phrases, Table, Tile
from yaoma.core.report_period import clock_text
from yaoma.core.report_rates import Site, head, labels, rate_text, scan_tiles
from yaoma.core.report_table import table_of

__all__ = ["daily_page", "devices_page"]

_VERDICTS = ("PASS", "REPEAT", "REVIEW", "STOP", "FAULT")


def daily_page(facts: Facts, tasks: Sequence[Task], site: Site, phrases: Phrases, proof: str) -> Page:
    """Lay out one day: totals, what is open, and the checkpoint that fixes it (S0-21, DESIGN.md 6).

    Args:
        facts: What happened.
        tasks: What is open.
        site: Whose report it is.
        phrases: The language.
        proof: The newest signed checkpoint.
    """
    rate = upload_rates(facts, by=GroupBy.NOTHING, directions=site.directions).get("")
    tiles = scan_tiles(facts, site, phrases)
    if rate is not None:
        stored = rate.stored
        tiles.append(Tile(phrases.say("stored"), rate_text(stored, phrases), f"{stored.n} / {stored.d}"))
    review = sum(number for (_, verdict, _), number in facts.verdicts.items() if verdict in {"REVIEW", "STOP"})
    tiles.append(Tile(phrases.say("review_and_stop"), str(review)))
    tables = [
        _operation_table(facts, phrases),
        _reason_table(facts, phrases),
        difference_tables(facts, phrases)[0],
        override_table(facts, phrases),
        outage_table(facts, phrases),
        problem_table(facts, phrases),
        task_table(tasks, phrases),
    ]
    notes = [phrases.say("daily_note"), phrases.say("signature_line")]
    title = phrases.say("title_daily", {"period": site.period})
    return Page("daily", title, head(site, phrases), tables, notes, tiles, proof, labels(site, phrases))


def devices_page(facts: Facts, info: Sequence[tuple[str, str]], site: Site, phrases: Phrases) -> Page:
    """Lay out scanners, versions and rates, for the register of devices (S0-05, S0-22, S1-27).

    Args:
        facts: What happened.
        info: Pairs of a label's id and a text: model, version, drivers as the box knows them.
        site: Whose report it is.
        phrases: The language.
    """
    names = ("scanner", "scans", "faults", "first_used", "last_used")
    rows: list[list[Cell]] = [
        [name, use.scans, use.faults, clock_text(use.first_ms), clock_text(use.last_ms)]
        for name, use in sorted(facts.scanners.items())
    ]
    starts: list[list[Cell]] = [
        [
            clock_text(one.at_ms),
            text_of(one.fields, "version"),
            _scanners(one.fields),
            text_of(one.fields, "config")[:16],
        ]
        for one in facts.noted.get("start", ())
    ]
    applied: list[list[Cell]] = [
        [clock_text(one.at_ms), text_of(one.fields, "what"), _version(one.fields)]
        for one in facts.noted.get("applied", ())
    ]
    return Page(
        "devices",
        phrases.say("title_devices", {"period": site.period}),
        [*head(site, phrases), *((phrases.say(name), text) for name, text in info if text)],
        [
            table_of("scanners", names, rows, phrases),
            table_of("starts", ("time", "version", "scanners", "config"), starts, phrases),
            table_of("applied", ("time", "what_applied", "version"), applied, phrases),
        ],
        tiles=scan_tiles(facts, site, phrases),
        labels=labels(site, phrases),
    )


def _operation_table(facts: Facts, phrases: Phrases) -> Table:
    """Give scans, tickets and packs by operation."""
    scans: dict[str, Counter[str]] = {}
    for (operation, verdict, _), number in facts.verdicts.items():
        scans.setdefault(operation, Counter())[verdict] += number
    moved: dict[str, Moved] = {}
    for (place, _), one in facts.moved.items():
        total = moved.setdefault(place.operation, Moved())
        total.scanned += one.scanned
        total.typed += one.typed
        total.uncoded += one.uncoded
        total.unscanned += one.unscanned
    columns = [Column(phrases.say("operation"))]
    columns += [Column(phrases.say(f"verdict_{one}"), ColumnKind.NUMBER) for one in _VERDICTS]
    names = ("tickets", "cancelled", "scanned", "typed", "uncoded", "unscanned")
    columns += [Column(phrases.say(one), ColumnKind.NUMBER) for one in names]
    rows: list[list[Cell]] = []
    for operation in sorted({*scans, *moved, *(name for name, _ in facts.tickets)}):
        packs = moved.get(operation, Moved())
        rows.append(
            [
                phrases.operation(operation),
                *(scans.get(operation, Counter())[verdict] for verdict in _VERDICTS),
                facts.tickets[operation, "close"],
                facts.tickets[operation, "cancel"],
                packs.scanned,
                packs.typed,
                packs.uncoded,
                packs.unscanned,
            ]
        )
    notes = [phrases.say("practice", {"number": facts.training})] if facts.training else []
    return Table(phrases.say("totals"), columns, rows, notes)


def _reason_table(facts: Facts, phrases: Phrases) -> Table:
    """Give what was not simply a PASS, by reason."""
    reasons: Counter[tuple[str, str]] = Counter()
    for (_, verdict, reason), number in facts.verdicts.items():
        if verdict != "PASS":
            reasons[verdict, reason] += number
    columns = [Column(phrases.say("verdict")), Column(phrases.say("reason"))]
    rows: list[list[Cell]] = [
        [phrases.say(f"verdict_{verdict}"), phrases.reason(reason), number]
        for (verdict, reason), number in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    ]
    return Table(phrases.say("reasons"), [*columns, Column(phrases.say("scans"), ColumnKind.NUMBER)], rows)


def _scanners(fields: Mapping[str, Any]) -> str:
    scanners = fields.get("scanners")
    return ", ".join(str(one) for one in scanners) if isinstance(scanners, list) else ""


def _version(fields: Mapping[str, Any]) -> str:
    version = fields.get("version")
    return str(version) if isinstance(version, int) else ""
