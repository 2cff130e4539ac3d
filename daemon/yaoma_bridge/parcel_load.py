"""Parcel load: a stored parcel as its platform sees it, and what its fate means for single records."""

import json
from collections.abc import Sequence
from dataclasses import replace

from yaoma_bridge.bill import Bill, SealedPerson
from yaoma_bridge.bill_text import read_bill
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.fate import Fate, folded
from yaoma_bridge.parcel_rows import ParcelRow, parcels_of
from yaoma_bridge.platform import Parcel
from yaoma_bridge.tx import Tx
from yaoma_bridge.upload_rows import Standing

__all__ = ["chosen_bill", "gone_before", "load_parcel", "sealed_persons", "standings_of"]


def chosen_bill(bill: Bill, lines: Sequence[int]) -> Bill:
    """Give a bill with the lines only that a destination wants."""
    return replace(bill, lines=tuple(bill.lines[number] for number in lines))


def load_parcel(tx: Tx, row: ParcelRow, facts: CentreFacts, *, persons: bool) -> Parcel:
    """Give a parcel as its platform sees it.

    Args:
        tx: A transaction.
        row: The parcel.
        facts: What the centre knows of products and institutions now.
        persons: Whether the sealed identities of its bill are wanted.

    Raises:
        ConfigError: If one of the centre's files can't be used.
    """
    body, numbers, lines = tx.execute(
        "SELECT bill.body, bill.persons, bundle.lines FROM bill "
        "LEFT JOIN bundle ON bundle.bill_id=bill.id AND bundle.destination=? WHERE bill.id=?",
        (row.destination, row.bill_id),
    ).fetchone()
    bill = read_bill(body)
    sealed = sealed_persons(tx, bill, json.loads(numbers)) if persons else []
    bill = chosen_bill(facts.completed(bill, sealed), json.loads(lines or "[]"))
    return Parcel(row.number, row.call, bill, row.lines, row.codes, row.follows, row.facts, row.sent_ms)


def sealed_persons(tx: Tx, bill: Bill, numbers: Sequence[int]) -> list[SealedPerson]:
    """Give the sealed identities of a bill.

    Args:
        tx: A transaction.
        bill: The bill.
        numbers: Feed numbers of the records that carry them.
    """
    persons = []
    for n in numbers:
        found = tx.execute(
            "SELECT record.body, sealed.blob FROM event JOIN record USING (log_id, seq) "
            "LEFT JOIN sealed USING (log_id, seq) WHERE event.n=?",
            (n,),
        ).fetchone()
        fields = json.loads(found[0])
        inner = fields.get("record", fields)
        said = inner.get("person")
        persons.append(
            SealedPerson(
                n,
                bill.site,
                bill.box,
                str(inner.get("log")),
                said if isinstance(said, dict) else {},
                bytes(found[1] or b""),
            )
        )
    return persons


def gone_before(tx: Tx, destination: str, part: Bill) -> dict[str, frozenset[tuple[str, str]]]:
    """Give what earlier parts of a bill have brought to a destination, or may have, by the code of the line.

    Args:
        tx: A transaction.
        destination: The destination.
        part: A later part.

    Returns:
        Call and key of each, as `BillLine.gone` has them; what was refused, or is held, is not among them.
    """
    gone: dict[str, set[tuple[str, str]]] = {}
    earlier = tx.execute(
        "SELECT bill.id, bill.body, bundle.lines FROM bill "
        "JOIN bundle ON bundle.bill_id=bill.id AND bundle.destination=? "
        "WHERE bill.site=? AND bill.box=? AND bill.ticket=? AND bill.part<?",
        (destination, part.site, part.box, part.ticket, part.part),
    ).fetchall()
    for bill_id, body, chosen in earlier:
        lines = chosen_bill(read_bill(body), json.loads(chosen)).lines
        for row in parcels_of(tx, bill_id, destination):
            for number in row.lines:
                if row.fate_of(number)[0] in {Fate.REFUSED, Fate.HELD}:
                    continue
                line = lines[number]
                keys = [key for key in (line.code, *line.packs) if not row.codes or key in row.codes]
                gone.setdefault(line.code, set()).update((row.call, key) for key in keys)
    return {code: frozenset(ways) for code, ways in gone.items()}


def standings_of(tx: Tx, destination: str, bill_id: int) -> dict[int, Standing]:
    """Give where the records of a bill's parcels stand at a destination, folded from all of them."""
    body, chosen = tx.execute(
        "SELECT bill.body, bundle.lines FROM bill LEFT JOIN bundle ON bundle.bill_id=bill.id AND bundle.destination=? "
        "WHERE bill.id=?",
        (destination, bill_id),
    ).fetchone()
    lines = json.loads(chosen or "[]")
    fates: dict[int, list[tuple[Fate, str]]] = {}
    for row in parcels_of(tx, bill_id, destination):
        for number in row.lines:
            fates.setdefault(lines[number], []).append(row.fate_of(number))
    carried = json.loads(body)["lines"]
    standings: dict[int, Standing] = {}
    for line, several in fates.items():
        fate, reason = folded(several)
        standings |= {n: Standing(fate, reason, bill_id, line) for n in carried[line]["records"]}
    return standings
