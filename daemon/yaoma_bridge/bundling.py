"""Bundling: rules the lines of new bills for one platform, and divides what it wants into stored parcels."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from yaoma.core.note import Signer
from yaoma_bridge.bill import Bill
from yaoma_bridge.bill_text import read_bill
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.fate import Cause, Fate, moved
from yaoma_bridge.parcel_load import chosen_bill, gone_before
from yaoma_bridge.parcel_rows import insert_parcels
from yaoma_bridge.platform import Parcel, Platform, RulingKind
from yaoma_bridge.receipts import Outgoing
from yaoma_bridge.routing import Route, ruling
from yaoma_bridge.store import Store
from yaoma_bridge.tx import Tx
from yaoma_bridge.upload_rows import Standing, put_standings, standings_at

__all__ = ["QUARANTINED", "Bundler"]

_AT_ONCE = 100

#: Why a line is held whose packs went into quarantine: it goes on by itself once they are released.
QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Bundler:
    """Divides bills for one platform; many workers may do so, since each bill counts once.

    Args:
        store: The store; this thread's own.
        platform: The platform.
        route: Which lines go to it.
        facts: What the centre knows.
        signer: The bridge's key, for the receipts that tell what waits and what is held.
    """

    store: Store
    platform: Platform
    route: Route
    facts: CentreFacts
    signer: Signer

    def bundle(self, now_ms: int) -> list[Outgoing] | None:
        """Take the next bills.

        Args:
            now_ms: The time, milliseconds since 1970.

        Returns:
            The receipts to publish, or None if there was no new bill.
        """
        name = self.platform.name
        with self.store.reading() as tx:
            upto = _upto(tx, name)
            newest = tx.execute("SELECT MAX(id) FROM bill").fetchone()[0] or 0
        if newest <= upto:
            return None
        with self.store.writing() as tx:
            upto = _upto(tx, name)
            rows = tx.execute(
                "SELECT id, body, quarantined FROM bill WHERE id>? AND id<=? AND destination IN ('', ?) "
                "ORDER BY id LIMIT ?",
                (upto, newest, name, _AT_ONCE),
            ).fetchall()
            end = rows[-1][0] if len(rows) == _AT_ONCE else max(newest, upto)
            standings: dict[int, Standing] = {}
            for bill_id, body, quarantined in rows:
                bill, shut = read_bill(body), frozenset(json.loads(quarantined))
                standings |= self._rule(tx, bill_id, bill, shut, now_ms, earlier=standings)
            tx.execute(
                "INSERT INTO progress (name, upto) VALUES (?,?) ON CONFLICT (name) DO UPDATE SET upto=excluded.upto",
                (f"destination:{name}", end),
            )
            return put_standings(tx, name, standings, self.signer, now_ms)

    def _rule(
        self,
        tx: Tx,
        bill_id: int,
        kept: Bill,
        quarantined: frozenset[int],
        now_ms: int,
        *,
        earlier: Mapping[int, Standing],
    ) -> dict[int, Standing]:
        """Rule each line of a bill and keep the parcels of those that are wanted."""
        standings: dict[int, Standing] = {}
        known = {**standings_at(tx, self.platform.name, (n for line in kept.lines for n in line.records)), **earlier}
        wanted: list[int] = []
        try:
            bill = self.facts.completed(kept)
        except ConfigError:
            bill = None
        for number, line in enumerate(kept.lines):
            if line.records and all(_is_under_way(known.get(n)) for n in line.records):
                continue  # a person has sent it on before: it goes its way by that part
            if bill is None:
                held = "centre_facts"
            else:
                found = ruling(self.route, self.platform, bill, bill.lines[number])
                if found.kind is RulingKind.NOT_NEEDED:
                    continue
                held = QUARANTINED if number in quarantined else found.reason
                if found.kind is RulingKind.NEEDED and number not in quarantined:
                    wanted.append(number)
                    held = ""
            cause = Cause.HOLD if held else Cause.BUNDLE
            fate = moved(Fate.WAITING, cause)
            standings |= {n: Standing(fate, held, bill_id, number) for n in line.records}
        if bill is not None and wanted:
            parcels = self._parcels(tx, chosen_bill(bill, wanted))
            assert {number for parcel in parcels for number in parcel.lines} == set(range(len(wanted)))
            tx.execute(
                "INSERT INTO bundle (destination, bill_id, lines) VALUES (?,?,?)",
                (self.platform.name, bill_id, json.dumps(wanted)),
            )
            insert_parcels(tx, self.platform.name, bill_id, parcels, now_ms)
        return standings

    def _parcels(self, tx: Tx, chosen: Bill) -> Sequence[Parcel]:
        """Divide a bill, of a later part without what has gone before.

        Of a line whose keys have all gone, by another line of the same code, all goes again: a line that a person sends
        anew never ends in nothing, and the platform tells a double code itself.
        """
        if not chosen.part:
            return self.platform.parcels(chosen)
        gone = gone_before(tx, self.platform.name, chosen)
        lines = [replace(line, gone=gone.get(line.code, frozenset())) for line in chosen.lines]
        parcels = self.platform.parcels(replace(chosen, lines=tuple(lines)))
        carried = {number for parcel in parcels for number in parcel.lines}
        if len(carried) == len(lines):
            return parcels
        left = [line if number in carried else chosen.lines[number] for number, line in enumerate(lines)]
        return self.platform.parcels(replace(chosen, lines=tuple(left)))


def _is_under_way(standing: Standing | None) -> bool:
    """Say whether a record goes to the platform by an earlier part of its bill, or has gone."""
    return standing is not None and standing.fate not in {Fate.WAITING, Fate.HELD, Fate.REFUSED}


def _upto(tx: Tx, name: str) -> int:
    found = tx.execute("SELECT upto FROM progress WHERE name=?", (f"destination:{name}",)).fetchone()
    return 0 if found is None else int(found[0])
