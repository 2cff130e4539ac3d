"""Billing: the stage that makes bills of closed tickets, in the order of the feed, once for all destinations."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from yaoma.core.canonical import Json
from yaoma.core.record import Kind, Record
from yaoma.core.ticket import Action
from yaoma_bridge.alarms import AlarmKind, raise_alarm
from yaoma_bridge.bill import Bill, BillLine
from yaoma_bridge.bill_text import bill_body, read_bill
from yaoma_bridge.contention import CONTENTION
from yaoma_bridge.despatch_clearing import note_clearing
from yaoma_bridge.despatch_rows import note_answers
from yaoma_bridge.note_senders import Sender
from yaoma_bridge.store import Store
from yaoma_bridge.ticket_bill import Assembled, Filed, assembled, first_portions, ticket_of
from yaoma_bridge.tx import Tx
from yaoma_link.topics import BoxName

__all__ = ["add_part", "bill_feed"]

_AT_ONCE = 500
_STAGE = "bills"

#: The operation that lets packs out of quarantine (config/operations.toml): what they came by is uploaded then.
_RELEASING = "check_return"
#: Operations by which packs go back to who sent them.
_GOING_BACK = frozenset({"return_supplier", "recall_out"})

_FEED = (
    "SELECT event.n, log.site, log.box, event.shift_ms, record.body FROM event JOIN log ON log.id=event.log_id "
    "JOIN record ON record.log_id=event.log_id AND record.seq=event.seq WHERE event.held='' AND "
)


def bill_feed(store: Store, now_ms: int) -> bool:
    """Take the next records of the feed into their tickets, and make bills of those that were closed.

    Args:
        store: The store.
        now_ms: The time, milliseconds since 1970.

    Returns:
        Whether there was anything to do.
    """
    with store.reading() as tx:
        upto = _upto(tx)
        newest = tx.execute("SELECT MAX(n) FROM event").fetchone()[0] or 0
        if newest <= upto:
            return False
        end = min(newest, upto + _AT_ONCE)
        rows = tx.execute(f"{_FEED} event.n>? AND event.n<=? ORDER BY event.n", (upto, end)).fetchall()
    belongs = [one for row in rows if (one := _ticket_row(row)) is not None]
    with store.writing() as tx:
        if _upto(tx) != upto:
            CONTENTION.add("bills")
            return True  # another worker was faster
        tx.executemany(
            "INSERT INTO ticket_record (site, box, ticket, n) VALUES (?,?,?,?)",
            [(name.site, name.box, ticket, n) for name, ticket, n, _ in belongs],
        )
        note_answers(tx, [(n, site, body) for n, site, _, _, body in rows])
        note_clearing(tx, [(site, shift_ms, body) for _, site, _, shift_ms, body in rows])
        closed = dict.fromkeys((name, ticket) for name, ticket, _, is_closing in belongs if is_closing)
        late = dict.fromkeys((name, ticket) for name, ticket, _, _ in belongs if (name, ticket) not in closed)
        closed |= {one: None for one in late if _is_unfinished(tx, *one)}
        for name, ticket in closed:
            _make(tx, name, ticket, now_ms)
        tx.execute(
            "INSERT INTO progress (name, upto) VALUES (?,?) ON CONFLICT (name) DO UPDATE SET upto=excluded.upto",
            (_STAGE, end),
        )
    return True


def add_part(
    tx: Tx,
    bill_id: int,
    lines: Sequence[int],
    now_ms: int,
    *,
    destination: str,
    closed: Bill | None,
    sender: Sender | None = None,
) -> int:
    """Make a later part of a bill, of some of its lines, with a number of its own.

    Args:
        tx: The transaction.
        bill_id: The bill, or a part of it.
        lines: Numbers of its lines.
        now_ms: The time, milliseconds since 1970.
        destination: Whom it is for; empty for all.
        closed: The bill by which it takes effect now; None if it took effect when it was closed.
        sender: Who sent the packs, if that has become known since; nothing of them was held against that note.

    Returns:
        Its key in the store.
    """
    site, box, ticket, body, persons = tx.execute(
        "SELECT site, box, ticket, body, persons FROM bill WHERE id=?", (bill_id,)
    ).fetchone()
    (last,) = tx.execute(
        "SELECT MAX(part) FROM bill WHERE site=? AND box=? AND ticket=?", (site, box, ticket)
    ).fetchone()
    bill = read_bill(body)
    part = replace(bill, part=last + 1, lines=tuple(bill.lines[number] for number in sorted(lines)))
    if closed is not None:
        part = replace(part, closed_ms=closed.closed_ms, closed_n=closed.closed_n)
    if sender is not None:
        part = replace(part, supplier=sender.supplier, supplier_bill=sender.bill, differences=())
    return _insert(tx, part, json.loads(persons), (), now_ms, destination=destination)


def _upto(tx: Tx) -> int:
    found = tx.execute("SELECT upto FROM progress WHERE name=?", (_STAGE,)).fetchone()
    return 0 if found is None else int(found[0])


def _ticket_row(row: tuple[int, str, str, int, bytes]) -> tuple[BoxName, str, int, bool] | None:
    """Give box, ticket, number and whether it closes the ticket; None if the record belongs to none."""
    n, site, box, _, body = row
    # Most of what is no scan for a ticket is told without reading it whole.
    if b'"ticket":"' not in body:
        return None
    record = Record.read(body).original()
    ticket = ticket_of(record)
    if not ticket:
        return None
    is_closing = record.kind == Kind.TICKET and record.fields.get("action") == Action.CLOSE
    return BoxName(site, box), ticket, n, is_closing


def _is_unfinished(tx: Tx, name: BoxName, ticket: str) -> bool:
    return (
        tx.execute(
            "SELECT 1 FROM unfinished WHERE site=? AND box=? AND ticket=?", (name.site, name.box, ticket)
        ).fetchone()
        is not None
    )


def _make(tx: Tx, name: BoxName, ticket: str, now_ms: int) -> None:
    """Make the bill of a ticket, or note why there can be none yet."""
    key = (name.site, name.box, ticket)
    if tx.execute("SELECT 1 FROM bill WHERE site=? AND box=? AND ticket=?", key).fetchone() is not None:
        return
    own = _records(tx, "event.n IN (SELECT n FROM ticket_record WHERE site=? AND box=? AND ticket=?)", key)
    found, reason = _tried(name, ticket, own)
    if found is not None and not found.is_whole:
        # A pack may have gone to another station's ticket meanwhile: then that one's records tell.
        span = (own[0].n, own[-1].n, name.site, name.box)
        found, reason = _tried(name, ticket, _records(tx, "event.n BETWEEN ? AND ? AND log.site=? AND log.box=?", span))
    if reason or (found is not None and not found.is_whole):
        facts: dict[str, str | int] = {"ticket": ticket[:64], "reason": reason or "records_lacking"}
        tx.execute(
            "INSERT INTO unfinished (site, box, ticket, closed_n, reason) VALUES (?,?,?,?,?) "
            "ON CONFLICT (site, box, ticket) DO UPDATE SET reason=excluded.reason",
            (*key, own[-1].n, reason or "records_lacking"),
        )
        raise_alarm(tx, AlarmKind.TICKET_INCOMPLETE, now_ms, site=name.site, box=name.box, facts=facts)
        return
    tx.execute("DELETE FROM unfinished WHERE site=? AND box=? AND ticket=?", key)
    if found is None or not found.bill.lines:
        return
    bill = _with_senders(tx, first_portions(found.bill, _handed_out(tx, found.bill)))
    _insert(tx, bill, found.persons, found.quarantined, now_ms, destination="")
    if bill.operation == _RELEASING:
        _release(tx, bill, now_ms)


def _tried(name: BoxName, ticket: str, records: Iterable[Filed]) -> tuple[Assembled | None, str]:
    """Assemble a bill; a record that no box of ours writes so must not stop the feed of all others."""
    try:
        return assembled(name.site, name.box, ticket, records), ""
    except (ValueError, TypeError, AttributeError, LookupError):
        return None, "records_malformed"


def _records(tx: Tx, where: str, values: Sequence[object]) -> list[Filed]:
    rows = tx.execute(f"{_FEED} {where} ORDER BY event.n", values)
    return [Filed(n, Record.read(body).original(), shift_ms) for n, _, _, shift_ms, body in rows]


def _handed_out(tx: Tx, bill: Bill) -> list[str]:
    """Give the codes of which another bill of the site handed out a part already."""
    return [
        line.code
        for line in bill.lines
        if (line.units > 0 or line.case_packs > 0)
        and tx.execute(
            "SELECT 1 FROM bill_code JOIN bill ON bill.id=bill_id WHERE code=? AND portions>0 AND bill.site=? LIMIT 1",
            (line.code, bill.site),
        ).fetchone()
    ]


def _with_senders(tx: Tx, bill: Bill) -> Bill:
    """Give a bill that goes back to suppliers with what is known of who sent each pack: from the bill it came by."""
    if bill.operation not in _GOING_BACK:
        return bill
    lines: list[BillLine] = []
    notes: dict[str, Mapping[str, Json]] = {}
    for line in bill.lines:
        rows = tx.execute(
            "SELECT bill.body, bill_code.line FROM bill_code JOIN bill ON bill.id=bill_code.bill_id "
            "WHERE bill_code.code=? AND bill.site=? AND bill.operation='receive' ORDER BY bill.closed_n DESC LIMIT 1",
            (line.code, bill.site),
        ).fetchall()
        came = read_bill(rows[0][0]) if rows else None
        note = (came.lines[rows[0][1]].shipment or came.shipment) if came is not None else ""
        lines.append(replace(line, shipment=line.shipment or note))
        for difference in came.differences if came is not None else ():
            notes.setdefault(str(difference.get("shipment")), difference)
    suppliers = {str(one.get("supplier")) for one in notes.values()}
    only = suppliers.pop() if len(suppliers) == 1 else ""
    return replace(bill, lines=tuple(lines), differences=tuple(notes.values()), supplier=bill.supplier or only)


def _insert(
    tx: Tx,
    bill: Bill,
    persons: Sequence[int],
    quarantined: Iterable[int],
    now_ms: int,
    *,
    destination: str,
) -> int:
    (bill_id,) = tx.execute(
        "INSERT INTO bill (site, box, ticket, part, destination, operation, closed_n, body, persons, quarantined, "
        "made_ms) VALUES (?,?,?,?,?,?,?,?,?,?,?) RETURNING id",
        (
            bill.site,
            bill.box,
            bill.ticket,
            bill.part,
            destination,
            bill.operation,
            bill.closed_n,
            bill_body(bill),
            json.dumps(list(persons)),
            json.dumps(sorted(quarantined)),
            now_ms,
        ),
    ).fetchone()
    codes: dict[str, tuple[int, int]] = {}
    for number, line in enumerate(bill.lines):
        for pack in line.packs:
            codes.setdefault(pack, (number, 0))
        codes[line.code] = (number, line.units or line.case_packs)
    tx.executemany(
        "INSERT INTO bill_code (code, bill_id, line, portions) VALUES (?,?,?,?)",
        [(code, bill_id, number, portions) for code, (number, portions) in codes.items()],
    )
    return int(bill_id)


def _release(tx: Tx, bill: Bill, now_ms: int) -> None:
    """Let the lines go on by which the packs of a bill had come into quarantine."""
    lines: dict[int, set[int]] = {}
    for line in bill.lines:
        for code in (line.code, *line.packs):
            found = tx.execute(
                "SELECT bill.id, bill_code.line, bill.quarantined FROM bill_code JOIN bill ON bill.id=bill_id "
                "WHERE code=? AND bill.site=? AND bill.id<>(SELECT MAX(id) FROM bill) AND bill.quarantined<>'[]' "
                "ORDER BY bill.closed_n DESC LIMIT 1",
                (code, bill.site),
            ).fetchone()
            if found is not None and found[1] in json.loads(found[2]):
                lines.setdefault(found[0], set()).add(found[1])
    for bill_id, numbers in lines.items():
        add_part(tx, bill_id, sorted(numbers), now_ms, destination="", closed=bill)
        (left,) = tx.execute("SELECT quarantined FROM bill WHERE id=?", (bill_id,)).fetchone()
        kept = sorted(set(json.loads(left)) - numbers)
        tx.execute("UPDATE bill SET quarantined=? WHERE id=?", (json.dumps(kept), bill_id))
