"""Deeds: the entries for what people and the box do at the counter besides scanning and tickets."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from yaoma.core.canonical import Json
from yaoma.core.record import Entry, Kind
from yaoma.core.ticket import Ticket

__all__ = [
    "MAX_REASON_CHARS",
    "PACKS_AT_ONCE",
    "REFUSED_TASK",
    "StockAction",
    "applied",
    "excused",
    "held",
    "interrupted",
    "merged",
    "not_passed_on",
    "overridden",
    "paired",
    "settled",
    "signed_on",
    "stated",
    "stocked",
    "task_id",
    "undone",
]

MAX_REASON_CHARS: Final = 200

#: How the ids of tasks begin that a refusal at a destination made; other ids are those of duties.
REFUSED_TASK: Final = "refused:"

#: So many packs go into one record of packs that were denied, so that it stays small.
PACKS_AT_ONCE: Final = 500


class StockAction(StrEnum):
    """What is done with goods that carry no code (无码库)."""

    IN = "in"
    OUT = "out"
    COUNT = "count"


def _at(ticket: Ticket) -> dict[str, Json]:
    """Say where; what is done on a practice ticket is marked as such, so that nobody counts it (S0-07)."""
    fields: dict[str, Json] = {"ticket": ticket.id, "station": ticket.station}
    return {**fields, "training": True} if ticket.is_training else fields


def undone(ticket: Ticket, packs: Sequence[str], operator: str) -> Entry:
    """Say that packs are taken off their ticket.

    Args:
        ticket: The open ticket.
        packs: What the last scan had put on it.
        operator: Who says so; empty if unknown.
    """
    return Entry(Kind.UNDO, {**_at(ticket), "packs": list(packs), "operator": operator})


def overridden(ticket: Ticket, packs: Sequence[str], operator: str, reason: str, due_ms: int = 0) -> Entry:
    """Say that a named operator lets packs through that were to be reviewed.

    Args:
        ticket: The open ticket.
        packs: Which.
        operator: Who.
        reason: Why, in the operator's words.
        due_ms: For an emergency use (先用后补): until when it must be matched, milliseconds since 1970; else 0.
    """
    fields: dict[str, Json] = {**_at(ticket), "packs": list(packs), "operator": operator, "reason": reason}
    if due_ms:
        fields["due_ms"] = due_ms
    return Entry(Kind.OVERRIDE, fields)


def stated(ticket: Ticket, statement: Mapping[str, Json]) -> Entry:
    """Say that a named operator wrote why there is no identity (S4-08 allows none; other places may).

    Args:
        ticket: The open ticket.
        statement: Operator and reason, see `yaoma.core.identity`.
    """
    return Entry(Kind.OVERRIDE, {**statement, "statement": True, **_at(ticket), "packs": []})


def excused(ticket: Ticket, line: int, reason: str, operator: str) -> Entry:
    """Say that a line of a ticket goes without codes for an objective reason (客观原因, S3-11).

    Args:
        ticket: The open ticket.
        line: Number of the line, from 0.
        reason: The reason, in the operator's words.
        operator: Who says so.
    """
    return Entry(
        Kind.OVERRIDE,
        {
            **_at(ticket),
            "excuse": reason,
            "line": line,
            "operator": operator,
            "packs": [],
        },
    )


def stocked(action: StockAction, fields: Mapping[str, Json]) -> Entry:
    """Say that goods without a code came, went or were counted.

    Args:
        action: What.
        fields: `drug`, `name`, `lot`, `quantity`, `reason`, `supplier`, `station`, `ticket`, `operator`.
    """
    return Entry(Kind.STOCK, {"action": action.value, **fields})


def held(packs: Sequence[str], kind: str, note: str, version: int) -> Entry:
    """Say that packs in stock are denied since they were received.

    Args:
        packs: Which; at most `PACKS_AT_ONCE`.
        kind: The denial's kind.
        note: The notice's number.
        version: The list's version.
    """
    return Entry(Kind.HOLD, {"packs": list(packs), "denial": kind, "note": note, "list": version})


def task_id(destination: str, log: str, seq: int) -> str:
    """Give the id by which a refusal of a destination is settled; it names destination and record for ever.

    Args:
        destination: Who refused.
        log: The record's log.
        seq: Its place there.
    """
    return f"{REFUSED_TASK}{destination}:{log}/{seq}"


def settled(duties: Sequence[str], how: str, operator: str = "", into: str = "") -> Entry:
    """Say that duties are done with.

    Args:
        duties: Their ids.
        how: Why: `matched`, or an operator's words.
        operator: Who says so; empty if the box found it.
        into: The state that quarantined packs get; empty if they stay.
    """
    return Entry(Kind.SETTLE, {"duties": list(duties), "how": how, "operator": operator, "into": into})


def merged(box: str, operation: str, into: str, done_ms: int, packs: Sequence[str]) -> Entry:
    """Say what another box of the site did.

    Args:
        box: Which.
        operation: What it did.
        into: The state that the packs have since.
        done_ms: When, milliseconds since 1970.
        packs: Keys of the packs.
    """
    return Entry(
        Kind.MERGE, {"box": box, "operation": operation, "into": into, "done_ms": done_ms, "packs": list(packs)}
    )


def signed_on(station: str, operator: str, *, is_supervisor: bool) -> Entry:
    """Say who works at a station from here on.

    Args:
        station: Where.
        operator: Who.
        is_supervisor: With the badge of a person in charge.
    """
    return Entry(Kind.SIGN_ON, {"station": station, "operator": operator, "supervisor": is_supervisor})


def interrupted(begin_ms: int, end_ms: int, waiting: int, cause: str, clock: str) -> Entry:
    """Say that the way to the centre was interrupted.

    Args:
        begin_ms: Since when, milliseconds since 1970.
        end_ms: Until when.
        waiting: How many records waited at most.
        cause: What stood in the way, an id of the message catalogue; empty if nobody knows.
        clock: How far the clock could be trusted when it began.
    """
    return Entry(
        Kind.OUTAGE,
        {"begin_ms": begin_ms, "end_ms": end_ms, "waiting": waiting, "cause": cause, "clock_at_begin": clock},
    )


def not_passed_on(
    station: str, problem: str, of: tuple[str, int] | None, *, is_partial: bool, ticket: str | None
) -> Entry:
    """Say that a code which was to go on to the till did not reach it.

    Of a code that is none of the box's business nothing is said but that there was one (DESIGN.md 3, promise 5).

    Args:
        station: Where.
        problem: Why, an id of the catalogue's section `pass_on`.
        of: Log and place of the record of the scan; None for a code that has no record.
        is_partial: A part of it may stand in the till's window.
        ticket: The ticket that was open, or None.
    """
    fields: dict[str, Json] = {"station": station, "problem": problem, "partial": is_partial, "ticket": ticket}
    if of is not None:
        fields["of"] = {"log": of[0], "seq": of[1]}
    return Entry(Kind.PASS_ON, fields)


def applied(what: str, version: int, digest: str = "", *, is_signed: bool = False) -> Entry:
    """Say that another list or policy counts from here on.

    Args:
        what: `list` or the policy's id.
        version: Its version.
        digest: What identifies its content; empty if nothing does.
        is_signed: Whether it came signed by the centre: a policy that ships has versions of its own.
    """
    return Entry(Kind.APPLIED, {"what": what, "version": version, "digest": digest, "signed": is_signed})


def paired(scanner: str, station: str, *, driver: str, device: str, sheet: str, paired_ms: int) -> Entry:
    """Say that a technician bound a scanner to a station; it counts from the next start of the daemon.

    Args:
        scanner: Its name.
        station: Its station.
        driver: Its driver.
        device: How the configuration names its device: socket or serial number.
        sheet: The id of the signed sheet that named the station; empty if the command did.
        paired_ms: When, milliseconds since 1970 by the box's clock then.
    """
    fields: dict[str, Json] = {"scanner": scanner, "station": station, "driver": driver, "device": device}
    return Entry(Kind.PAIR, {**fields, "sheet": sheet, "paired_ms": paired_ms})
