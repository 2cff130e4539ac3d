"""Despatching: what a site sends off is known where it arrives, and what was found there comes back (S2-04, S4-04).

A closed ticket by which goods leave is a despatch note. If the ticket names a site that has a box here, every box of
that site is told of the note like of any other; boxes of the receiver hold the delivery against it, and the difference
that they record is told to the boxes that sent the goods: as the outcome of their records at the destination
`despatch`, so that what lacks there is a task here.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from yaoma.core.note import Signer
from yaoma.core.report_facts import DESPATCH
from yaoma.core.shipment import Shipment
from yaoma_bridge.alarms import AlarmKind, raise_alarm
from yaoma_bridge.bill import Bill
from yaoma_bridge.bill_text import read_bill
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.despatch_clearing import has_fresh_words, is_cleared_up, take_fresh_words
from yaoma_bridge.despatch_note import OUTGOING, notes_of, partner_of
from yaoma_bridge.despatch_rows import (
    Despatch,
    DespatchState,
    Found,
    despatch_by_note,
    found_of,
    keep_despatch,
    take_heard,
    unheard,
)
from yaoma_bridge.errors import BridgeError, ConfigError
from yaoma_bridge.fate import Fate
from yaoma_bridge.neighbour_news import NOTHING_NEW
from yaoma_bridge.receipts import Outgoing
from yaoma_bridge.state import queue_news
from yaoma_bridge.store import Store
from yaoma_bridge.tx import Tx
from yaoma_bridge.upload_rows import Standing, put_standings
from yaoma_link.topics import BoxName

__all__ = ["Despatcher"]

_log = logging.getLogger("yaoma.bridge.despatching")

_STAGE: Final = "despatches"
_BILLS_AT_ONCE: Final = 50
_ANSWERS_AT_ONCE: Final = 50

#: Why the receiver of a note doubts one of its packs, where there is a finer word than `despatch_doubtful`.
_DOUBTS: Final = {"lot_mismatch": "despatch_lot"}
_MISSING: Final = (Fate.REFUSED, "despatch_missing")


@dataclass(frozen=True, slots=True)
class Despatcher:
    """Makes notes and takes in answers; any number of workers may, since each bill and each answer counts once.

    Args:
        facts: What the centre knows of sites and products.
        signer: The bridge's key.
    """

    facts: CentreFacts
    signer: Signer

    def follow(self, store: Store, now_ms: int) -> list[Outgoing] | None:
        """Make the notes of the next bills, and take in what receivers have answered.

        Args:
            store: The store.
            now_ms: The time, milliseconds since 1970.

        Returns:
            The receipts to publish, or None if there was nothing to do.
        """
        with store.reading() as tx:
            newest = tx.execute("SELECT MAX(id) FROM bill").fetchone()[0] or 0
            if newest <= _upto(tx) and not unheard(tx, 1) and not has_fresh_words(tx):
                return None
        with store.writing() as tx:
            made = self._send_next(tx, newest, now_ms)
            for one in unheard(tx, _ANSWERS_AT_ONCE):
                made += self._take_answers(tx, one, now_ms)
            for one in take_fresh_words(tx):
                _note_clearing(tx, one, now_ms)
        return made

    def send_to(self, tx: Tx, note: str, receiver: str, now_ms: int) -> int:
        """Send a note to a site that somebody at the centre names: its ticket named none, or another one.

        Args:
            tx: The transaction.
            note: The note's id.
            receiver: The site.
            now_ms: The time, milliseconds since 1970.

        Returns:
            How many boxes are told.

        Raises:
            BridgeError: If there is no such note, or no such site.
        """
        known = despatch_by_note(tx, note)
        if known is None:
            raise BridgeError("there is no such note", "`yaoma-bridge despatch list` shows them")
        site = self.facts.site_of(receiver)
        if not site or site == known.site:
            raise BridgeError("no other site with a box is called so", "`yaoma-bridge boxes` lists them")
        bill = self._completed(_bill(tx, known.bill_id))
        told = self._queue(tx, site, [one for one in notes_of(bill) if one.id == note], now_ms)
        state = DespatchState.TOLD
        fresh = replace(known, receiver=site, state=state, missing=0, extra=0, doubtful=0, changed_ms=now_ms)
        keep_despatch(tx, fresh)
        return told

    def _send_next(self, tx: Tx, newest: int, now_ms: int) -> list[Outgoing]:
        """Make the notes of the next bills."""
        upto = _upto(tx)
        marks = ", ".join("?" * len(OUTGOING))
        rows = tx.execute(
            f"SELECT id, body FROM bill WHERE id>? AND id<=? AND part=0 AND operation IN ({marks}) "  # noqa: S608 - marks only
            "ORDER BY id LIMIT ?",
            (upto, newest, *OUTGOING, _BILLS_AT_ONCE),
        ).fetchall()
        made: list[Outgoing] = []
        for bill_id, body in rows:
            made += self._send(tx, bill_id, self._completed(read_bill(body)), now_ms)
        end = rows[-1][0] if len(rows) == _BILLS_AT_ONCE else max(newest, upto)
        tx.execute(
            "INSERT INTO progress (name, upto) VALUES (?,?) ON CONFLICT (name) DO UPDATE SET upto=excluded.upto",
            (_STAGE, end),
        )
        return made

    def _send(self, tx: Tx, bill_id: int, bill: Bill, now_ms: int) -> list[Outgoing]:
        """Make the notes of one bill and tell them to its receiver, if that is one of ours."""
        partner = partner_of(bill)
        receiver = self.facts.site_of(partner)
        if receiver == bill.site:
            return []  # its boxes know what they did
        notes = notes_of(bill)
        state = DespatchState.TOLD if receiver else DespatchState.OUTSIDE if partner else DespatchState.UNNAMED
        self._queue(tx, receiver, notes, now_ms)
        for note in notes:
            packs = len(note.line_of)
            keep_despatch(
                tx, Despatch(note.id, bill_id, bill.site, partner, receiver, packs, state, 0, 0, 0, now_ms, now_ms)
            )
        if not receiver:
            return []
        fates = {code: (Fate.PROCESSING, "") for note in notes for code in note.line_of}
        return put_standings(tx, DESPATCH, _standings(bill_id, bill, fates), self.signer, now_ms)

    def _queue(self, tx: Tx, site: str, notes: Iterable[Shipment], now_ms: int) -> int:
        """Queue notes for every box of a site, each in a message of its own; give the number of boxes."""
        boxes = self._boxes_of(tx, site)
        for note in notes:
            for name in boxes:
                try:
                    queue_news(tx, name, replace(NOTHING_NEW, shipments=(note,)), self.signer, now_ms)
                except BridgeError as error:
                    _log.warning("note not told: site=%s problem=%s", site, error.problem)
        return len(boxes)

    def _boxes_of(self, tx: Tx, site: str) -> Sequence[BoxName]:
        """Give the boxes of a site that are in service, also those that were never heard of yet."""
        if not site:
            return []
        registry = self.facts.registry
        seen = [BoxName(site, box) for (box,) in tx.execute("SELECT box FROM box WHERE site=?", (site,)).fetchall()]
        registered = [name for name in registry.boxes() if name.site == site] if registry is not None else []
        retired = {box for (box,) in tx.execute("SELECT box FROM retired WHERE site=?", (site,)).fetchall()}
        return sorted({name for name in (*seen, *registered) if name.box not in retired}, key=str)

    def _take_answers(self, tx: Tx, one: Despatch, now_ms: int) -> list[Outgoing]:
        """Take in what the receiver of a note found: for its sender's boxes, and for the centre."""
        found = found_of(tx, one)
        take_heard(tx, one)
        bill = _bill(tx, one.bill_id)
        note = next((note for note in notes_of(bill) if note.id == one.note), None)
        if note is None:
            return []
        missing = set(note.line_of) if found.is_empty else found.missing & note.line_of.keys()
        doubtful = {code: reason for code, reason in found.doubtful.items() if code in note.line_of}
        state = DespatchState.RECEIVED if found.is_clean else DespatchState.DIFFERS
        lacking = len(missing) + (0 if found.is_empty else found.unnamed)
        after = replace(
            one, state=state, missing=lacking, extra=len(found.extra), doubtful=len(doubtful), changed_ms=now_ms
        )
        keep_despatch(tx, after)
        fates: dict[str, tuple[Fate, str]] = dict.fromkeys(missing, _MISSING)
        fates |= {
            code: (Fate.REFUSED, _DOUBTS.get(reason, "despatch_doubtful"))
            for code, reason in doubtful.items()
            if code not in missing
        }
        if found.is_empty or not found.unnamed:
            fates = {code: fates.get(code, (Fate.ACCEPTED, "")) for code in note.line_of}
        standings = _standings(one.bill_id, bill, fates)
        standings[bill.closed_n] = Standing(*_of_the_ticket(found), one.bill_id, 0)
        made = put_standings(tx, DESPATCH, standings, self.signer, now_ms)
        _note_clearing(tx, after, now_ms)
        return made

    def _completed(self, bill: Bill) -> Bill:
        """Give a bill with names and dates; without them if a file can't be used: the note is due all the same."""
        try:
            return self.facts.completed(bill)
        except ConfigError:
            return bill


def _of_the_ticket(found: Found) -> tuple[Fate, str]:
    """Say what the closing record of the sender's ticket hears: what is about no single pack of it."""
    if found.extra:
        return Fate.REFUSED, "despatch_extra"
    if found.unnamed and not found.is_empty:
        return _MISSING
    return Fate.ACCEPTED, ""


def _standings(bill_id: int, bill: Bill, fates: Mapping[str, tuple[Fate, str]]) -> dict[int, Standing]:
    """Give where the records of a bill's lines stand: of a container, as the gravest of its packs."""
    standings: dict[int, Standing] = {}
    for number, line in enumerate(bill.lines):
        several = [fates[code] for code in line.packs or (line.code,) if code in fates]
        if several:
            worst = next((one for one in several if one[0] is Fate.REFUSED), several[0])
            standings |= {n: Standing(*worst, bill_id, number) for n in line.records}
    return standings


def _note_clearing(tx: Tx, one: Despatch, now_ms: int) -> None:
    """Tell the centre of a difference; what came after all, or was cleared up by its sender, is no alarm any more."""
    is_cleared = one.state is not DespatchState.RECEIVED and is_cleared_up(tx, one)
    if is_cleared and one.state is not DespatchState.CLEARED:
        keep_despatch(tx, replace(one, state=DespatchState.CLEARED, changed_ms=now_ms))
    if is_cleared or one.state is not DespatchState.DIFFERS:
        # `log` keeps the alarms of several notes apart.
        tx.execute("DELETE FROM alarm WHERE kind=? AND log=?", (AlarmKind.DESPATCH_DIFFERS.value, one.note))
        return
    facts: dict[str, str | int] = {
        "receiver": one.receiver,
        "missing": one.missing,
        "extra": one.extra,
        "doubtful": one.doubtful,
    }
    raise_alarm(tx, AlarmKind.DESPATCH_DIFFERS, now_ms, site=one.site, log=one.note, facts=facts)


def _bill(tx: Tx, bill_id: int) -> Bill:
    return read_bill(tx.execute("SELECT body FROM bill WHERE id=?", (bill_id,)).fetchone()[0])


def _upto(tx: Tx) -> int:
    found = tx.execute("SELECT upto FROM progress WHERE name=?", (_STAGE,)).fetchone()
    return 0 if found is None else int(found[0])
