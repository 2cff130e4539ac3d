"""Tally: what was shown, what the box keeps, what the bridge holds, what its destination has; and whether they agree.

An event is named as receivers name it: by its original place and leaf hash, whichever entry carries it (DESIGN.md 6).
That a log was closed is none: it stands on the box alone if the bridge has another record at its place.
"""

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fakes.county import BoxProcess, County, wait_for
from yaoma.core.record import Kind, Record

__all__ = [
    "Event",
    "ShownPack",
    "ShownVerdict",
    "assert_delivered_once",
    "assert_shown_is_kept",
    "delivered",
    "delivery_faults",
    "event_of",
    "held",
    "out_of_service_causes",
    "shown_packs",
    "shown_verdicts",
]

Event = tuple[str, int, str]
"""Original log, original place, leaf hash."""

_VERDICT = re.compile(r"verdict: class=([A-Z]+) reason=(\S+) station=(\S+) seq=([0-9]+)\n")
_OUT_OF_SERVICE = re.compile(r"verdict: class=OUT_OF_SERVICE reason=(\S+) station=(\S+) seq=none\n")
_BLOCK = re.compile(r"\[([A-Z]+)\] #([0-9]+)\n +\S+ · .*\n +([0-9 ]+)\n")


@dataclass(frozen=True, slots=True)
class ShownVerdict:
    """A verdict as the log indicator shows it."""

    verdict: str
    reason: str
    station: str
    seq: int


@dataclass(frozen=True, slots=True)
class ShownPack:
    """A verdict on a trace code as the screen shows it."""

    verdict: str
    seq: int
    code: str


def shown_verdicts(box: BoxProcess) -> list[ShownVerdict]:
    """What the box's log lines have shown since it was made; it must run with `--verbose`."""
    return [ShownVerdict(one, reason, at, int(seq)) for one, reason, at, seq in _VERDICT.findall(box.program.said())]


def out_of_service_causes(box: BoxProcess) -> list[str]:
    """Give the cause of each scan that was refused."""
    return [cause for cause, _ in _OUT_OF_SERVICE.findall(box.program.said())]


def shown_packs(box: BoxProcess) -> list[ShownPack]:
    """What the box's screen has shown of trace codes since it was made."""
    return [
        ShownPack(verdict, int(seq), code.replace(" ", "")) for verdict, seq, code in _BLOCK.findall(box.program.said())
    ]


def event_of(record: Record) -> Event:
    """Name what a record tells of."""
    original = record.original()
    return original.log, original.seq, original.leaf.hex()


def held(county: County) -> set[Event]:
    """What the bridge's store holds."""
    path = county.folder / "bridge" / "bridge.db"
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        records = [Record.read(body) for (body,) in connection.execute("SELECT body FROM record")]
        return {event_of(record) for record in records if record.kind != Kind.CLOSE}
    finally:
        connection.close()


def delivered(county: County) -> list[Event]:
    """What the bridge's destination has, line by line."""
    events = [event for event in county.events() if event["data"]["kind"] != Kind.CLOSE]
    places = [(event["origin"].rpartition("/"), event["leaf"]) for event in events]
    return [(log, int(seq), leaf) for (log, _, seq), leaf in places]


def delivery_faults(county: County, kept: Iterable[Record]) -> list[str]:
    """Compare what the boxes keep with the bridge's store and its destination; one sentence for each difference."""
    events = {event_of(record) for record in kept if record.kind != Kind.CLOSE}
    lines, ids = delivered(county), [event["id"] for event in county.events()]
    faults = [
        f"{what}: {len(some)} of {len(events)} events, such as {sorted(some)[:3]}"
        for what, some in (
            ("kept and not at the bridge", events - held(county)),
            ("at the bridge and not kept", held(county) - events),
            ("kept and not at the destination", events - set(lines)),
            ("at the destination and not kept", set(lines) - events),
        )
        if some
    ]
    for what, names in (("event", lines), ("id", ids)):
        twice = [name for name, times in Counter(names).items() if times > 1]
        if twice:
            faults.append(f"the destination has the same {what} twice: {twice[:3]}")
    return faults


def assert_delivered_once(county: County, boxes: Sequence[BoxProcess], deadline_s: float = 60.0) -> None:
    """Wait until nothing is pending; then what is kept is at the bridge and its destination, all of it once."""
    for box in boxes:
        if box.program.is_running():
            wait_for(
                lambda box=box: box.ask().get("uplink", {}).get("pending") == 0,  # type: ignore[misc]  # mypy can't infer a lambda with a default
                f"{box.name}: not everything was confirmed: {box.ask().get('uplink')}",
                deadline_s,
            )

    def kept() -> list[Record]:
        return [record for box in boxes for record in box.entries()]

    # A last checkpoint lets the last events leave the bridge.
    try:
        wait_for(lambda: not delivery_faults(county, kept()), "", deadline_s)
    except AssertionError:
        raise AssertionError("\n".join(delivery_faults(county, kept()))) from None


def assert_shown_is_kept(box: BoxProcess, log: str | None = None) -> int:
    """Check that every verdict that was shown is the one that the record at its place holds; give how many were.

    Args:
        box: A box that logs every verdict.
        log: The log they were shown for; the only one on the box if None.
    """
    # First what was shown: more may be kept while this looks, never more shown.
    shown, screen = shown_verdicts(box), shown_packs(box)
    entries = box.entries()
    logs = {record.log for record in entries}
    if log is None:
        assert len(logs) == 1, f"one log was expected, there are {sorted(logs)}"
        (log,) = logs
    kept = {
        record.seq: (record.fields["verdict"], record.fields["reason"], record.fields["station"])
        for record in entries
        if record.kind == Kind.SCAN and record.log == log
    }
    lost = [
        one
        for one in shown
        # A PASS that comes late is not shown green (DECISIONS.md 12); its record keeps the PASS.
        if kept.get(one.seq) != (one.verdict, one.reason, one.station)
        and not (one.reason == "late" and kept.get(one.seq, ("",))[0] == "PASS")
    ]
    assert not lost, f"{len(lost)} of {len(shown)} verdicts were shown and are not kept, such as {lost[:3]}"
    codes = {record.seq: record.fields.get("code") for record in entries if record.log == log}
    strange = [one for one in screen if codes.get(one.seq) != f"cn20:{one.code}"]
    assert not strange, f"the screen has shown what is not kept, such as {strange[:3]}"
    return len(shown)
