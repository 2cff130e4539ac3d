"""List pages: overrides, differences, outages and devices, each record on a line of its own."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from yaoma.core.report_facts import Facts, text_of
from yaoma.core.report_page import Cell, Page, Phrases, Table
from yaoma.core.report_period import clock_text
from yaoma.core.report_rates import Site, head, labels
from yaoma.core.report_table import table_of

__all__ = [
    "difference_tables",
    "differences_page",
    "duration_text",
    "outage_table",
    "outages_page",
    "override_table",
    "overrides_page",
    "problem_table",
    "task_table",
]

Task = tuple[str, str, str, int, int]
"""Kind, destination, reason, number of records, since when in milliseconds since 1970."""

#: A box that is silent for longer than this before it starts was off, and not only restarted.
_OFF_MS: Final = 5 * 60 * 1000


def overrides_page(facts: Facts, site: Site, phrases: Phrases) -> Page:
    """Lay out who let what through and why, and what came of it (S0-21, S2-14).

    Args:
        facts: What happened.
        site: Whose report it is.
        phrases: The language.
    """
    tables = [override_table(facts, phrases), _settled_table(facts, phrases), _undo_table(facts, phrases)]
    return _page("overrides", facts, site, phrases, tables=tables)


def differences_page(facts: Facts, site: Site, phrases: Phrases) -> Page:
    """Lay out what deliveries lacked or had too much, for supplier and regulator (S1-12, S0-19).

    Args:
        facts: What happened.
        site: Whose report it is.
        phrases: The language.
    """
    return _page("differences", facts, site, phrases, tables=difference_tables(facts, phrases))


def outages_page(facts: Facts, site: Site, phrases: Phrases, proof: str) -> Page:
    """Lay out the evidence of objective reasons (S3-07, S3-11, S4-20).

    Args:
        facts: What happened.
        site: Whose report it is.
        phrases: The language.
        proof: The newest signed checkpoint: it fixes everything that is listed.
    """
    tables = [outage_table(facts, phrases), _off_table(facts, phrases), _clock_table(facts, phrases)]
    tables.append(problem_table(facts, phrases))
    notes = [phrases.say("outage_note")]
    return _page("outages", facts, site, phrases, tables=tables, notes=notes, proof=proof)


def override_table(facts: Facts, phrases: Phrases) -> Table:
    """Give who let what through."""
    rows: list[list[Cell]] = [
        [
            clock_text(one.at_ms),
            text_of(one.fields, "operator"),
            text_of(one.fields, "ticket"),
            code,
            text_of(one.fields, "reason"),
            clock_text(due_ms) if isinstance(due_ms := one.fields.get("due_ms"), int) else None,
        ]
        for one in facts.noted.get("override", ())
        for code in _codes(one.fields, "packs") or [""]
    ]
    return table_of("overrides", ("time", "operator", "ticket", "code", "reason", "deadline"), rows, phrases)


def _settled_table(facts: Facts, phrases: Phrases) -> Table:
    rows: list[list[Cell]] = [
        [clock_text(one.at_ms), text_of(one.fields, "operator"), duty, text_of(one.fields, "how")]
        for one in facts.noted.get("settle", ())
        for duty in _codes(one.fields, "duties")
    ]
    return table_of("settled", ("time", "operator", "duty", "how"), rows, phrases)


def _undo_table(facts: Facts, phrases: Phrases) -> Table:
    rows: list[list[Cell]] = [
        [clock_text(one.at_ms), text_of(one.fields, "operator"), text_of(one.fields, "ticket"), code]
        for one in facts.noted.get("undo", ())
        for code in _codes(one.fields, "packs")
    ]
    return table_of("undone", ("time", "operator", "ticket", "code"), rows, phrases)


def difference_tables(facts: Facts, phrases: Phrases) -> list[Table]:
    """Give deliveries with their differences, then by supplier, then code by code."""
    noted = facts.noted.get("difference", [])
    names = ("said", "matched", "missing", "extra", "doubtful")
    rows: list[list[Cell]] = [
        [
            clock_text(one.at_ms),
            text_of(one.fields, "ticket"),
            text_of(one.fields, "supplier"),
            text_of(one.fields, "bill"),
            *(_number(one.fields, name) for name in names),
        ]
        for one in noted
    ]
    suppliers: dict[str, list[int]] = {}
    for one in noted:
        sums = suppliers.setdefault(text_of(one.fields, "supplier"), [0] * (len(names) + 1))
        for place, number in enumerate((1, *(_number(one.fields, name) for name in names))):
            sums[place] += number
    codes: list[list[Cell]] = [
        [text_of(one.fields, "ticket"), phrases.say(what), code, why]
        for one in noted
        for what, code, why in _differing(one.fields, phrases)
    ]
    return [
        table_of("differences", ("time", "ticket", "supplier", "bill", *names), rows, phrases),
        table_of(
            "by_supplier",
            ("supplier", "deliveries", *names),
            [[name or phrases.say("no_shipment"), *sums] for name, sums in sorted(suppliers.items())],
            phrases,
        ),
        table_of("differing_codes", ("ticket", "difference", "code", "reason"), codes, phrases),
    ]


def outage_table(facts: Facts, phrases: Phrases) -> Table:
    """Give when the way to the centre was interrupted."""
    rows: list[list[Cell]] = []
    for one in facts.noted.get("outage", ()):
        begin_ms, end_ms = _number(one.fields, "begin_ms"), _number(one.fields, "end_ms")
        rows.append(
            [
                clock_text(begin_ms or None),
                clock_text(end_ms or None),
                duration_text(end_ms - begin_ms, phrases) if begin_ms and end_ms else None,
                _number(one.fields, "waiting"),
                phrases.cause(text_of(one.fields, "cause")),
                text_of(one.fields, "clock_at_begin") or text_of(one.fields, "clock"),
                f"{one.log}/{one.seq}",
            ]
        )
    names = ("begin", "end", "duration", "waiting", "cause", "clock", "record")
    return table_of("outages", names, rows, phrases)


def _off_table(facts: Facts, phrases: Phrases) -> Table:
    """Give the times in which the box was off, by its starts."""
    rows: list[list[Cell]] = [
        [
            clock_text(last_ms),
            clock_text(one.at_ms),
            duration_text(one.at_ms - last_ms, phrases),
            text_of(one.fields, "clock"),
            f"{one.log}/{one.seq}",
        ]
        for last_ms, one in facts.silences
        if one.at_ms - last_ms > _OFF_MS
    ]
    return table_of("box_off", ("begin", "end", "duration", "clock", "record"), rows, phrases)


def _clock_table(facts: Facts, phrases: Phrases) -> Table:
    rows: list[list[Cell]] = [
        [
            clock_text(one.at_ms),
            text_of(one.fields, "was"),
            text_of(one.fields, "now"),
            f"{_number(one.fields, 'shift_ms') / 1000:+.1f} s",
            f"{one.log}/{one.seq}",
        ]
        for one in facts.noted.get("clock", ())
    ]
    return table_of("clock_changes", ("time", "clock_was", "clock", "shift", "record"), rows, phrases)


def problem_table(facts: Facts, phrases: Phrases) -> Table:
    """Give what people at the counter reported (S1-26)."""
    rows: list[list[Cell]] = [
        [
            clock_text(one.at_ms),
            phrases.say(f"problem_{text_of(one.fields, 'problem')}"),
            text_of(one.fields, "code") or None,
            text_of(one.fields, "text"),
            text_of(one.fields, "operator"),
            f"{one.log}/{one.seq}",
        ]
        for one in facts.noted.get("problem", ())
    ]
    return table_of("problems", ("time", "problem", "code", "text", "operator", "record"), rows, phrases)


def task_table(tasks: Sequence[Task], phrases: Phrases) -> Table:
    """Give what is open.

    Args:
        tasks: As site.db has them.
        phrases: The language.
    """
    rows: list[list[Cell]] = [
        [clock_text(made_ms), phrases.say(f"task_{kind}"), destination, reason, records]
        for kind, destination, reason, records, made_ms in tasks
    ]
    return table_of("open_tasks", ("since", "task", "destination", "reason", "records"), rows, phrases)


def duration_text(duration_ms: int, phrases: Phrases) -> str:
    """Write a duration as hours, minutes and seconds.

    Args:
        duration_ms: In milliseconds.
        phrases: The language.
    """
    seconds = max(0, duration_ms) // 1000
    parts = ((seconds // 3600, "hours"), (seconds // 60 % 60, "minutes"), (seconds % 60, "seconds"))
    said = [phrases.say(unit, {"number": number}) for number, unit in parts if number]
    return " ".join(said) or phrases.say("seconds", {"number": 0})


def _differing(fields: Mapping[str, Any], phrases: Phrases) -> list[tuple[str, str, str]]:
    found = [("missing", code, "") for code in _codes(fields, "missing_codes")]
    found += [("extra", code, "") for code in _codes(fields, "extra_codes")]
    doubtful = fields.get("doubtful_codes")
    for pair in doubtful if isinstance(doubtful, list) else ():
        if isinstance(pair, list) and len(pair) == len(("code", "reason")):
            found.append(("doubtful", str(pair[0]), phrases.reason(str(pair[1]))))
    return found


def _page(
    name: str,
    facts: Facts,
    site: Site,
    phrases: Phrases,
    *,
    tables: Sequence[Table],
    notes: Sequence[str] = (),
    proof: str = "",
) -> Page:
    title = phrases.say(f"title_{name}", {"period": site.period})
    untimed = sum(not one.is_timed for events in facts.noted.values() for one in events)
    notes = [*notes, phrases.say("untimed_records", {"number": untimed})] if untimed else notes
    return Page(name, title, head(site, phrases), tables, notes, proof=proof, labels=labels(site, phrases))


def _codes(fields: Mapping[str, Any], name: str) -> list[str]:
    value = fields.get(name)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _number(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    return value if isinstance(value, int) else 0
