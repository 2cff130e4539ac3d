"""Ledger rows: how the values of the ledger lie in site.db."""

import json
from collections.abc import Sequence
from typing import Any, Final

from yaoma.core.ledger import Changes, Duty, Seen, Take
from yaoma.core.pack import PackState
from yaoma.core.record import ClockState, Stamp
from yaoma.core.ticket import Line, Ticket
from yaoma.shell.database import Connection

__all__ = ["DUTY", "PACK", "PROJECTED", "TICKET", "duty_of", "seen_of", "ticket_of", "write"]

#: The tables that are a projection of the journal and of nothing else.
PROJECTED: Final = ("seen", "ticket", "tally", "store", "duty", "known", "watermark")

_PACK_COLUMNS: Final = (
    "log, seq, station, ticket, verdict, wall_ms, mono_ms, boot, clock, place, effect, effect_ms, state, "
    "portions, takes, opens, product, lot, elsewhere, is_cleared, reason, is_opened"
)
# One column: for each that a statement has, the sqlite3 module describes it anew at every call, found or not.
PACK: Final = f"SELECT json_array({_PACK_COLUMNS}) FROM seen WHERE key = ?"  # noqa: S608 - our own columns
TICKET: Final = (
    "SELECT id, station, operation, opened, packs, wants_person, has_person, lines, shipment, payer, operator, "
    "is_training, is_opening, place, uncoded FROM ticket WHERE station = ?"
)
DUTY: Final = "SELECT id, kind, code, made_ms, due_ms, note, log, seq FROM duty"

_PUT_PACK: Final = f"INSERT OR REPLACE INTO seen (key, {_PACK_COLUMNS}) VALUES ({', '.join('?' * 23)})"  # noqa: S608 - as above
_PUT_TICKET: Final = (
    "INSERT OR REPLACE INTO ticket (id, station, operation, opened, packs, wants_person, has_person, lines, shipment, "
    "payer, operator, is_training, is_opening, place, uncoded) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def seen_of(row: Sequence[Any]) -> Seen:
    """Make a pack of its columns, as `PACK` selects them."""
    log, seq, station, ticket, verdict, wall_ms, mono_ms, boot, clock, place, effect, effect_ms, *rest = row
    state, portions, takes, opens, product, lot, elsewhere, is_cleared, reason, is_opened = rest
    return Seen(
        log,
        seq,
        station,
        ticket,
        verdict,
        Stamp(wall_ms, mono_ms, boot, ClockState(clock)),
        place,
        effect,
        effect_ms,
        PackState(state),
        portions,
        tuple(Take(*take) for take in json.loads(takes)) if takes else (),
        opens,
        product,
        lot,
        elsewhere,
        bool(is_cleared),
        reason,
        bool(is_opened),
    )


def ticket_of(row: Sequence[Any]) -> Ticket:
    """Make a ticket of its row, as `TICKET` selects it."""
    ticket, station, operation, opened, packs, wants, has, lines, shipment, payer, operator, *rest = row
    training, opening, place, uncoded = rest
    return Ticket(
        ticket,
        station,
        operation,
        opened,
        packs,
        bool(wants),
        bool(has),
        tuple(_line(line) for line in json.loads(lines)),
        shipment,
        payer,
        operator,
        bool(training),
        bool(opening),
        place,
        tuple((drug, packs) for drug, packs in json.loads(uncoded)),
    )


def duty_of(row: Sequence[Any]) -> Duty:
    """Make a duty of its row, as `DUTY` selects it."""
    return Duty(*row)


def _line(fields: Sequence[Any]) -> Line:
    drug, matches, packs, units, name, filled, filled_units, excuse = fields
    return Line(drug, tuple(matches), packs, units, name, filled, filled_units, excuse)


def _lines(ticket: Ticket) -> str:
    return json.dumps(
        [
            [line.drug, line.matches, line.packs, line.units, line.name, line.filled, line.filled_units, line.excuse]
            for line in ticket.lines
        ],
        ensure_ascii=False,
    )


def write(connection: Connection, changes: Changes) -> None:
    """Write changes within the caller's transaction."""
    for key, seen in changes.seen.items():
        connection.execute(_PUT_PACK, _pack_row(key, seen))
    for station, ticket in changes.tickets.items():
        if ticket is None:
            connection.execute("DELETE FROM ticket WHERE station = ?", (station,))
        else:
            connection.execute(
                _PUT_TICKET,
                (ticket.id, station, ticket.operation, ticket.opened, ticket.packs, ticket.wants_person,
                 ticket.has_person, _lines(ticket), ticket.shipment, ticket.payer, ticket.operator,
                 ticket.is_training, ticket.is_opening, ticket.place, json.dumps(ticket.uncoded)),
            )  # fmt: skip
    for row, number in changes.counts.items():
        connection.execute(
            "INSERT INTO tally VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET number = number + excluded.number",
            (*row, number),
        )
    for (drug, lot), number in changes.stock.items():
        connection.execute("INSERT OR REPLACE INTO store VALUES (?, ?, ?)", (drug, lot, number))
    for duty_id, duty in changes.duties.items():
        if duty is None:
            connection.execute("DELETE FROM duty WHERE id = ?", (duty_id,))
        else:
            connection.execute(
                "INSERT OR REPLACE INTO duty VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (duty.id, duty.kind, duty.code, duty.made_ms, duty.due_ms, duty.note, duty.log, duty.seq),
            )
    if changes.complete_since_ms is not None:
        connection.execute("INSERT OR REPLACE INTO known VALUES ('complete_since_ms', ?)", (changes.complete_since_ms,))
    for log, upto in changes.upto.items():
        connection.execute("INSERT OR REPLACE INTO watermark VALUES (?, ?)", (log, upto))


def _takes(seen: Seen) -> str:
    if not seen.takes:
        return ""
    return json.dumps([[take.place, take.portions, take.line, take.packs, take.units] for take in seen.takes])


def _pack_row(key: str, seen: Seen) -> Sequence[str | int | None]:
    stamp = seen.stamp
    return (
        key, seen.log, seen.seq, seen.station, seen.ticket, seen.verdict, stamp.wall_ms, stamp.mono_ms, stamp.boot,
        str(stamp.clock), seen.place, seen.effect, seen.effect_ms, str(seen.state), seen.left, _takes(seen),
        seen.opens, seen.product, seen.lot, seen.elsewhere, seen.is_cleared,
        seen.reason, seen.is_opened,
    )  # fmt: skip
