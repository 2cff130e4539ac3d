"""County page: the register of institutions (工作台账) with devices, rates, and who is below the target."""

from collections.abc import Sequence
from datetime import date

from yaoma.core.rates import Rate
from yaoma.core.report_page import Cell, Column, ColumnKind, Page, Phrases, Table, Tile
from yaoma.core.report_period import clock_text
from yaoma.core.report_rates import rate_text
from yaoma_bridge.county_facts import InstitutionFacts, Judged

__all__ = ["county_page"]

_FORMULAS = (
    *("formula_counted", "formula_scan", "formula_scan_parts", "formula_exempt", "formula_upload"),
    *("formula_no_data", "county_note"),
)


def county_page(
    institutions: Sequence[InstitutionFacts], phrases: Phrases, *, period: str, made: str, today: date, language: str
) -> Page:
    """Lay out the county's register of a period (S0-05, S0-24).

    Args:
        institutions: What was counted.
        phrases: The language.
        period: The days, as text.
        made: When it was made, as text.
        today: The day on which it was made: targets may not be owed yet.
        language: `zh-CN` or `en`.
    """
    judged = {one.site: list(one.judged(today)) for one in institutions}
    platforms = sorted({name for one in institutions for name in one.upload.destinations})
    policies = sorted({f"{one.policy.title.said(language)} ({one.policy.id})" for one in institutions})
    boxes = [box for one in institutions for box in one.boxes if not box.retired]
    facts = [
        ("period", period),
        ("made", made),
        ("county_institutions", str(len(institutions))),
        ("county_boxes", str(len(boxes))),
        ("county_scanners", str(sum(len(box.scanners) for box in boxes))),
        ("policy", "、".join(policies)),
    ]
    return Page(
        "county",
        phrases.say("title_county", {"period": period}),
        [(phrases.say(name), text) for name, text in facts if text],
        [
            _below_table(institutions, judged, phrases),
            _rates_table(institutions, judged, platforms, phrases),
            _irregular_table(institutions, phrases),
            _refusals_table(institutions, phrases),
            _devices_table(institutions, phrases),
        ],
        [phrases.say(name) for name in _FORMULAS],
        _tiles(judged, platforms, phrases),
        labels={"nothing": phrases.say("nothing"), "proof": phrases.say("proof"), "language": language},
    )


def _named(name: str, phrases: Phrases) -> str:
    if name in {"scan_in", "scan_out", "stored"}:
        return phrases.say(name)
    return phrases.say("upload_to", {"destination": name})


def _tiles(judged: dict[str, list[Judged]], platforms: Sequence[str], phrases: Phrases) -> list[Tile]:
    """Give the county's rates: of all packs together, whichever institution they are of."""
    tiles = []
    for name in ("scan_in", "scan_out", "stored", *platforms):
        rates = [one.rate for several in judged.values() for one in several if one.name == name]
        total = Rate(sum(rate.n for rate in rates), sum(rate.d for rate in rates))
        tiles.append(Tile(_named(name, phrases), rate_text(total, phrases), f"{total.n} / {total.d}"))
    return tiles


def _below_table(institutions: Sequence[InstitutionFacts], judged: dict[str, list[Judged]], phrases: Phrases) -> Table:
    columns = [Column(phrases.say(one)) for one in ("site", "name", "county_rate")]
    columns += [
        Column(phrases.say(one), ColumnKind.NUMBER) for one in ("rate", "county_target", "county_n", "county_d")
    ]
    rows: list[list[Cell]] = []
    for one in institutions:
        for rate in judged[one.site]:
            if rate.is_below:
                wanted = rate_text(Rate(rate.target or 0, 1000), phrases)
                said = rate_text(rate.rate, phrases)
                rows.append([one.site, one.name, _named(rate.name, phrases), said, wanted, rate.rate.n, rate.rate.d])
    return Table(phrases.say("county_below"), columns, rows)


def _rates_table(
    institutions: Sequence[InstitutionFacts],
    judged: dict[str, list[Judged]],
    platforms: Sequence[str],
    phrases: Phrases,
) -> Table:
    names = ("scan_in", "scan_out", "stored", *platforms)
    columns = [Column(phrases.say(one)) for one in ("site", "name", "kind")]
    for name in names:
        columns.append(Column(_named(name, phrases), ColumnKind.NUMBER))
        columns.append(Column(phrases.say("county_parts"), ColumnKind.NUMBER))
    columns += [Column(phrases.say(one), ColumnKind.NUMBER) for one in ("exempt", "tickets")]
    rows: list[list[Cell]] = []
    for one in institutions:
        rates = {rate.name: rate.rate for rate in judged[one.site]}
        row: list[Cell] = [one.site, one.name, phrases.say(f"kind_{one.kind.value}") if one.kind is not None else ""]
        for name in names:
            rate = rates.get(name)
            row += ["", ""] if rate is None else [rate_text(rate, phrases), f"{rate.n} / {rate.d}"]
        exempt = sum(scan.exempt.total() for scan in one.scan.values())
        rows.append([*row, exempt, one.tickets])
    return Table(phrases.say("county_rates"), columns, rows)


def _irregular_table(institutions: Sequence[InstitutionFacts], phrases: Phrases) -> Table:
    names = ("typed", "unscanned", "uncoded", "overrides", "differences", "signals", "county_late")
    columns = [Column(phrases.say(one)) for one in ("site", "name")]
    columns += [Column(phrases.say(one), ColumnKind.NUMBER) for one in names]
    rows: list[list[Cell]] = []
    for one in institutions:
        moved = [scan.moved for scan in one.scan.values()]
        unscanned, uncoded = sum(each.unscanned for each in moved), sum(each.uncoded for each in moved)
        rows.append(
            [
                one.site,
                one.name,
                one.typed,
                unscanned,
                uncoded,
                one.overrides,
                one.differences,
                one.signals,
                one.late,
            ]
        )
    return Table(phrases.say("county_irregular"), columns, rows)


def _refusals_table(institutions: Sequence[InstitutionFacts], phrases: Phrases) -> Table:
    columns = [Column(phrases.say(one)) for one in ("site", "name", "destination", "reason")]
    rows: list[list[Cell]] = [
        [one.site, one.name, destination, phrases.reason(reason), packs]
        for one in institutions
        for (destination, reason), packs in one.refusals.most_common()
    ]
    return Table(phrases.say("refusals"), [*columns, Column(phrases.say("packs"), ColumnKind.NUMBER)], rows)


def _devices_table(institutions: Sequence[InstitutionFacts], phrases: Phrases) -> Table:
    names = ("site", "box", "software", "model", "devices_configured", "list_version", "county_seen", "county_state")
    columns = [Column(phrases.say(one)) for one in names]
    columns += [Column(phrases.say(one), ColumnKind.NUMBER) for one in ("county_scanners", "waiting")]
    rows: list[list[Cell]] = []
    for one in institutions:
        for box in one.boxes:
            state = "retired" if box.retired else "online" if box.is_online else "offline"
            pending = box.health.get("pending")
            rows.append(
                [
                    one.site,
                    box.name.box,
                    str(box.info.get("version", "")),
                    str(box.info.get("model", "")),
                    ", ".join(box.scanners),
                    str(box.info.get("list") or ""),
                    clock_text(box.seen_ms),
                    phrases.say(f"county_{state}", {"successor": box.successor}),
                    len(box.scanners),
                    pending if isinstance(pending, int) else None,
                ]
            )
    return Table(phrases.say("county_devices"), columns, rows)
