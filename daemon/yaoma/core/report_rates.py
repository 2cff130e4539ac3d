"""Rates page: the three rates with their targets, what went into them, delays, refusals, and the formula below."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from yaoma.core.operation import Direction
from yaoma.core.policy import Policy
from yaoma.core.product import Product
from yaoma.core.rates import DELAY_STEPS_S, GroupBy, Rate, ScanRate, UploadRate, delay_of, scan_rates, upload_rates
from yaoma.core.report_facts import STORED, Facts
from yaoma.core.report_page import Cell, Column, ColumnKind, Page, Phrases, Table, Tile

__all__ = ["Site", "head", "labels", "rate_text", "rates_page", "scan_tiles"]

_FORMULAS: Final = (
    *("formula_counted", "formula_scan", "formula_scan_parts", "formula_exempt", "formula_upload"),
    *("formula_no_data", "formula_delay"),
)
_DIRECTIONS: Final = ((Direction.IN, "scan_in"), (Direction.OUT, "scan_out"))
_NOT_ACCEPTED: Final = ("refused", "unknown", "held", "processing", "waiting")
_BREAKDOWNS: Final = (GroupBy.DAY, GroupBy.MONTH, GroupBy.OPERATION, GroupBy.INSTITUTION)


@dataclass(frozen=True, slots=True)
class Site:
    """Whose report it is, and by which rules.

    Args:
        site: The institution's code.
        box: The device id.
        period: The days it covers, as text.
        made: When it was made, as text.
        today: The day on which it was made, for targets that are not owed yet.
        language: `zh-CN` or `en`.
        policy: The rules of the place.
        directions: What operations mean for the stock.
        products: The product list.
        list_version: Version of the product list; 0 if there is none.
    """

    site: str
    box: str
    period: str
    made: str
    today: date
    language: str
    policy: Policy
    directions: Mapping[str, Direction]
    products: Callable[[str], Product | None]
    list_version: int = 0


def rates_page(facts: Facts, site: Site, phrases: Phrases) -> Page:
    """Lay out the rates of a period.

    Args:
        facts: What happened.
        site: Whose report it is.
        phrases: The language.
    """
    tables = [
        table
        for by in _BREAKDOWNS
        for table in (_scan_table(facts, direction, by, site, phrases) for direction, _ in _DIRECTIONS)
        if len(table.rows) > 1 or by in {GroupBy.DAY, GroupBy.OPERATION}
    ]
    upload = [
        _upload_table(facts, by, site, phrases)
        for by in _BREAKDOWNS
        if len(upload_rates(facts, by=by, directions=site.directions)) > 1 or by in {GroupBy.DAY, GroupBy.OPERATION}
    ]
    return Page(
        "rates",
        phrases.say("title_rates", {"period": site.period}),
        head(site, phrases),
        [
            *tables,
            _exempt_table(facts, site, phrases),
            *upload,
            _delay_table(facts, phrases),
            _refusal_table(facts, phrases),
            _source_table(facts, phrases),
        ],
        [phrases.say(name) for name in _FORMULAS],
        [*scan_tiles(facts, site, phrases), *_upload_tiles(facts, site, phrases)],
        labels=labels(site, phrases),
    )


def head(site: Site, phrases: Phrases) -> list[tuple[str, str]]:
    """Give what every report says of itself.

    Args:
        site: Whose report it is.
        phrases: The language.
    """
    policy = f"{site.policy.title.said(site.language)} ({site.policy.id} {site.policy.version})"
    kind = phrases.say(f"kind_{site.policy.institution.value}") if site.policy.institution else ""
    facts = [
        ("site", site.site),
        ("box", site.box),
        ("period", site.period),
        ("made", site.made),
        ("policy", policy),
        ("kind", kind),
        ("list_version", str(site.list_version or "")),
    ]
    return [(phrases.say(name), text) for name, text in facts if text]


def labels(site: Site, phrases: Phrases) -> dict[str, str]:
    """Give the words that writers of pages need.

    Args:
        site: Whose report it is.
        phrases: The language.
    """
    return {"nothing": phrases.say("nothing"), "proof": phrases.say("proof"), "language": site.language}


def rate_text(rate: Rate, phrases: Phrases) -> str:
    """Write a rate in parts per thousand, as per cent with one digit.

    Args:
        rate: The rate.
        phrases: The language.
    """
    per_mille = rate.per_mille
    return phrases.say("no_data") if per_mille is None else f"{per_mille // 10}.{per_mille % 10} %"


def scan_tiles(facts: Facts, site: Site, phrases: Phrases) -> list[Tile]:
    """Give scan-in and scan-out rate over everything.

    Args:
        facts: What happened.
        site: Whose report it is.
        phrases: The language.
    """
    targets = {Direction.IN: site.policy.scan_in_target, Direction.OUT: site.policy.scan_out_target}
    tiles = []
    for direction, name in _DIRECTIONS:
        rate = _scan(facts, direction, GroupBy.NOTHING, site).get("", ScanRate()).rate
        tiles.append(_tile(phrases.say(name), rate, targets[direction], site, phrases))
    return tiles


def _upload_tiles(facts: Facts, site: Site, phrases: Phrases) -> list[Tile]:
    rate = upload_rates(facts, by=GroupBy.NOTHING, directions=site.directions).get("", UploadRate())
    tiles = [
        _tile(
            phrases.say("upload_to", {"destination": name}),
            rate.accepted(name),
            site.policy.upload_target,
            site,
            phrases,
        )
        for name in rate.destinations
    ]
    return [_tile(phrases.say("stored"), rate.stored, site.policy.upload_target, site, phrases), *tiles]


def _tile(label: str, rate: Rate, target: int, site: Site, phrases: Phrases) -> Tile:
    if not site.policy.in_force(site.policy.institution, site.today):
        return Tile(label, rate_text(rate, phrases), f"{rate.n} / {rate.d}")
    part = f".{target % 10}" if target % 10 else ""
    wanted = phrases.say("target", {"percent": f"{target // 10}{part} %"})
    return Tile(label, rate_text(rate, phrases), f"{rate.n} / {rate.d} · {wanted}", rate.meets(target))


def _scan(facts: Facts, direction: Direction, by: GroupBy, site: Site) -> dict[str, ScanRate]:
    return scan_rates(facts, direction, by=by, directions=site.directions, products=site.products, policy=site.policy)


def _scan_table(facts: Facts, direction: Direction, by: GroupBy, site: Site, phrases: Phrases) -> Table:
    columns = [Column(phrases.say(f"row_{by.value}"))] + [
        Column(phrases.say(one), ColumnKind.NUMBER)
        for one in ("rate", "scanned", "due", "typed", "pushed", "unscanned", "uncoded", "exempt")
    ]
    rows: list[list[Cell]] = []
    for row, rate in _scan(facts, direction, by, site).items():
        moved = rate.moved
        rows.append(
            [
                _row_name(row, by, phrases),
                rate_text(rate.rate, phrases),
                moved.scanned,
                moved.due,
                moved.typed,
                moved.pushed,
                moved.unscanned,
                moved.uncoded,
                rate.exempt.total(),
            ]
        )
    return Table(_caption(dict(_DIRECTIONS)[direction], by, phrases), columns, rows)


def _upload_table(facts: Facts, by: GroupBy, site: Site, phrases: Phrases) -> Table:
    columns = [Column(phrases.say(f"row_{by.value}")), Column(phrases.say("destination"))]
    names = ("rate", "accepted", "upload_due", *(f"state_{state}" for state in _NOT_ACCEPTED))
    columns += [Column(phrases.say(name), ColumnKind.NUMBER) for name in names]
    rows: list[list[Cell]] = []
    for row, rate in upload_rates(facts, by=by, directions=site.directions).items():
        due, stored = rate.uploaded.due, rate.uploaded.stored
        named = _row_name(row, by, phrases)
        nothing = [None] * len(_NOT_ACCEPTED)
        rows.append([named, phrases.say("centre"), rate_text(rate.stored, phrases), stored, due, *nothing])
        for name in rate.destinations:
            states = (rate.uploaded.states[name, state] for state in _NOT_ACCEPTED)
            accepted = rate.accepted(name)
            rows.append([named, name, rate_text(accepted, phrases), accepted.n, due, *states])
    return Table(_caption("upload", by, phrases), columns, rows)


def _exempt_table(facts: Facts, site: Site, phrases: Phrases) -> Table:
    rows: list[list[Cell]] = [
        [phrases.say(name), phrases.say(f"flag_{flag}"), packs]
        for direction, name in _DIRECTIONS
        for flag, packs in sorted(_scan(facts, direction, GroupBy.NOTHING, site).get("", ScanRate()).exempt.items())
    ]
    columns = [Column(phrases.say("direction")), Column(phrases.say("exempt_class"))]
    named = "、".join(phrases.say(f"flag_{flag.value}") for flag in sorted(site.policy.exempt))
    return Table(
        phrases.say("exempt_packs"),
        [*columns, Column(phrases.say("packs"), ColumnKind.NUMBER)],
        rows,
        [phrases.say("exempt_by_policy", {"classes": named})] if named else [phrases.say("exempt_none")],
    )


def _delay_table(facts: Facts, phrases: Phrases) -> Table:
    columns = [Column(phrases.say("until"))]
    columns += [Column(phrases.say(one), ColumnKind.NUMBER) for one in ("records", "p50", "p95", "longest")]
    columns += [
        Column(phrases.say("within", {"age": _age(end_s, phrases)}), ColumnKind.NUMBER) for end_s in DELAY_STEPS_S
    ]
    columns.append(Column(phrases.say("later"), ColumnKind.NUMBER))
    rows: list[list[Cell]] = []
    for destination, delays_ms in sorted(facts.delays.items()):
        delay = delay_of(delays_ms)
        if delay is not None:
            name = phrases.say("stored") if destination == STORED else destination
            times = (_seconds(one) for one in (delay.p50_ms, delay.p95_ms, delay.longest_ms))
            rows.append([name, delay.number, *times, *delay.steps])
    notes = [phrases.say("untimed", {"number": facts.untimed})] if facts.untimed else []
    return Table(phrases.say("delays"), columns, rows, notes)


def _refusal_table(facts: Facts, phrases: Phrases) -> Table:
    columns = [Column(phrases.say("destination")), Column(phrases.say("reason"))]
    rows: list[list[Cell]] = [
        [destination, reason, packs] for (destination, reason), packs in facts.refusals.most_common()
    ]
    return Table(phrases.say("refusals"), [*columns, Column(phrases.say("packs"), ColumnKind.NUMBER)], rows)


def _source_table(facts: Facts, phrases: Phrases) -> Table:
    total = facts.sources.total()
    columns = [Column(phrases.say("source"))]
    columns += [Column(phrases.say(one), ColumnKind.NUMBER) for one in ("scans", "share")]
    rows: list[list[Cell]] = [
        [phrases.say(f"source_{source}"), number, rate_text(Rate(number, total), phrases)]
        for source, number in sorted(facts.sources.items())
    ]
    return Table(phrases.say("sources"), columns, rows)


def _caption(name: str, by: GroupBy, phrases: Phrases) -> str:
    return f"{phrases.say(name)} · {phrases.say(f'by_{by.value}')}"


def _row_name(row: str, by: GroupBy, phrases: Phrases) -> str:
    if by is GroupBy.OPERATION:
        return phrases.operation(row)
    if by is GroupBy.INSTITUTION and row:
        return phrases.say(f"kind_{row}")
    return row


def _seconds(delay_ms: int) -> str:
    return f"{delay_ms // 1000}.{delay_ms % 1000 // 100} s"


def _age(seconds: int, phrases: Phrases) -> str:
    for name, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= length:
            return phrases.say(name, {"number": seconds // length})
    return phrases.say("seconds", {"number": seconds})
