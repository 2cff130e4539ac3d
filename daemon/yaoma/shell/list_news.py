"""List news: what the bridge tells this box about its own stock, kept in list.db (DESIGN.md 7)."""

from collections.abc import Mapping, Sequence

from yaoma.core.allowlist import CodeStatus, Denial, DenialKind, Source
from yaoma.core.canonical import canonical, parse_canonical
from yaoma.core.code import from_key
from yaoma.core.code_key import code_key
from yaoma.core.shipment import Shipment, ShipmentKind
from yaoma.core.shipment_text import read_shipment, shipment_fields
from yaoma.shell.list_db import ListDb, Run
from yaoma_link.state import MergeLine, StateMark, StateMessage

__all__ = ["SOURCE_OF", "ListNews", "is_next", "read_status", "read_urgent", "stored_shipment"]

#: How a pack is marked that a shipment of this kind names.
SOURCE_OF: Mapping[ShipmentKind, Source] = {
    ShipmentKind.SUPPLIER: Source.SHIPMENT,
    ShipmentKind.HEADQUARTERS: Source.HEADQUARTERS,
    ShipmentKind.PARSED: Source.PARSED,
    ShipmentKind.TRANSFER: Source.TRANSFER,
}


def is_next(message: StateMessage, mark: StateMark) -> bool:
    """Say whether a message follows what was applied, none left out."""
    if message.epoch == mark.epoch:
        return message.number == mark.upto + 1
    return message.epoch > mark.epoch and message.number == 1


class ListNews:
    """The part of list.db that state messages change.

    Args:
        db: An open list.db.
    """

    def __init__(self, db: ListDb) -> None:
        self._db = db

    def mark(self) -> StateMark:
        """Give how far the messages were applied.

        Raises:
            DatabaseError: If list.db can't be read.
        """
        for epoch, upto in self._db.rows("SELECT epoch, upto FROM heard ORDER BY epoch DESC LIMIT 1"):
            return StateMark(epoch, upto)
        return StateMark()

    def apply(self, message: StateMessage) -> bool:
        """Apply a message, all of it in one transaction with its number.

        Returns:
            Whether it was the next one; any other changes nothing.

        Raises:
            DatabaseError: If list.db can't be written; then nothing has happened.
        """
        with self._db.writing() as run:
            mark = StateMark()
            for epoch, upto in run("SELECT epoch, upto FROM heard ORDER BY epoch DESC LIMIT 1"):
                mark = StateMark(epoch, upto)
            if not is_next(message, mark):
                return False
            for shipment in message.shipments:
                _keep_shipment(run, shipment)
            for line in message.statuses:
                run(
                    "INSERT INTO status VALUES (?1,?2,?3) ON CONFLICT (code) DO UPDATE SET letter=?2, at_ms=?3 "
                    "WHERE at_ms <= ?3",
                    (code_key(from_key(line.code)), line.status.value, line.at_ms),
                )
            for place, denial in message.denials.items():
                run("DELETE FROM urgent WHERE key = ? AND lot = ?", place)
                if denial is not None:
                    run("INSERT INTO urgent VALUES (?,?,?,?)", (*place, denial.kind.value, denial.note))
            for merge in message.merges:
                run(
                    "INSERT INTO merge (code, operation, at_ms, box) VALUES (?,?,?,?)",
                    (merge.code, merge.operation, merge.at_ms, merge.box),
                )
            run("DELETE FROM heard")
            run("INSERT INTO heard VALUES (?,?)", (message.epoch, message.number))
        return True

    def merges(self, most: int = 1000) -> list[tuple[int, MergeLine]]:
        """Give what other boxes did and the ledger has not taken yet, each with its number, in order."""
        rows = self._db.rows("SELECT n, code, operation, at_ms, box FROM merge ORDER BY n LIMIT ?", (most,))
        return [(number, MergeLine(*rest)) for number, *rest in rows]

    def forget_merges(self, upto: int) -> None:
        """Forget what the ledger has taken, up to a number."""
        with self._db.writing() as run:
            run("DELETE FROM merge WHERE n <= ?", (upto,))


def stored_shipment(body: str) -> Shipment:
    """Read a shipment as list.db keeps it.

    Raises:
        ValueError: If it is damaged.
    """
    return read_shipment(parse_canonical(body.encode()))


def read_urgent(rows: Sequence[tuple[str, str, str, str]]) -> dict[tuple[str, str], Denial]:
    """Read the urgent denials as list.db keeps them.

    Raises:
        ValueError: If one is damaged.
    """
    return {(key, lot): Denial(DenialKind(kind), note) for key, lot, kind, note in rows}


def read_status(letter: str) -> CodeStatus:
    """Read a status as list.db keeps it.

    Raises:
        ValueError: If it is damaged.
    """
    return CodeStatus(letter)


def _keep_shipment(run: Run, shipment: Shipment) -> None:
    run("DELETE FROM shipped WHERE shipment = ?", (shipment.id,))
    body = canonical(shipment_fields(shipment)).decode()
    run(
        "INSERT OR REPLACE INTO shipment SELECT ?, ?, coalesce(max(n), 0) + 1 FROM shipment",
        (shipment.id, body),
    )
    for code in shipment.parents:
        run("INSERT INTO shipped VALUES (?,?)", (code_key(from_key(code)), shipment.id))
