"""Inquiring: asks a platform about deliveries and codes, and tells the boxes of a site by signed state messages.

Three questions: which despatch notes have come for a site (every so often); what is known of a code that a box did not
know when it came in (as soon as its scan is settled); and what lies in a container that was received (once the platform
has accepted it). What is asked twice does no harm; what was told is remembered by its content.
"""

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from yaoma.core.canonical import canonical
from yaoma.core.note import Signer
from yaoma.core.product import PackLevel
from yaoma.core.record import Kind, Record
from yaoma.core.shipment import Shipment
from yaoma.core.shipment_text import MAX_CODES, shipment_fields
from yaoma_bridge.bill import Institution
from yaoma_bridge.bill_text import read_bill
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.errors import BridgeError, ConfigError
from yaoma_bridge.state import queue_news
from yaoma_bridge.store import Store
from yaoma_bridge.tx import Tx
from yaoma_link.state import StateMessage, StatusLine
from yaoma_link.topics import BoxName

__all__ = ["Inquirer", "Inquiring", "InquiryFailedError"]

_log = logging.getLogger("yaoma.bridge.inquiring")

_AT_ONCE = 500
_MOST_CODES = 200
_MOST_NOTES = 5
_MOST_CONTAINERS = 20
_DOUBTFUL = frozenset({"REVIEW", "STOP"})
_RECEIVING = frozenset({"receive", "transfer_in", "gift_in"})


class InquiryFailedError(Exception):
    """A question was not answered; it is asked again later.

    Args:
        reason: A stable reason id.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@runtime_checkable
class Inquiring(Protocol):
    """A platform that can be asked about deliveries and codes. Each call may take a minute, and paces itself."""

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        ...

    @property
    def inquire_every_s(self) -> float:
        """How often despatch notes are asked for, in seconds; 0 never asks anything."""
        ...

    def despatches(
        self, institution: Institution, known: frozenset[str], now_ms: int
    ) -> Sequence[tuple[str, Shipment]]:
        """Give despatch notes for an institution by their numbers, without those that are known.

        Raises:
            InquiryFailedError: If the platform did not answer.
        """
        ...

    def despatch_of(self, institution: Institution, code: str, now_ms: int) -> Shipment | None:
        """Give the despatch note that brought a code, or None.

        Raises:
            InquiryFailedError: If the platform did not answer.
        """
        ...

    def statuses(self, institution: Institution, codes: Sequence[str], now_ms: int) -> Sequence[StatusLine]:
        """Give what the platform says of codes.

        Raises:
            InquiryFailedError: If the platform did not answer.
        """
        ...

    def contents(self, institution: Institution, code: str, now_ms: int) -> Shipment | None:
        """Give what lies in a container that the institution has received, or None.

        Raises:
            InquiryFailedError: If the platform did not answer.
        """
        ...


@dataclass(slots=True)
class Inquirer:
    """Asks one platform; on a thread of its own.

    Args:
        store: The store; this thread's own.
        platform: The platform.
        facts: What the centre knows of institutions.
        signer: The bridge's key.
        now_ms: The clock, milliseconds since 1970.
    """

    store: Store
    platform: Inquiring
    facts: CentreFacts
    signer: Signer
    now_ms: Callable[[], int]
    _due_ms: dict[str, int] = field(default_factory=dict)

    def step(self) -> bool:
        """Ask what there is to ask now; tell whether there may be more at once."""
        if self.platform.inquire_every_s <= 0:
            return False
        try:
            return self._ask_codes() | self._ask_containers() | self._ask_notes()
        except InquiryFailedError as error:
            _log.info("inquiry not answered: destination=%s reason=%s", self.platform.name, error.reason)
            return False

    def _ask_codes(self) -> bool:
        """Ask about the codes that boxes did not know when they came in."""
        with self.store.reading() as tx:
            upto = _progress(tx, self._stage("codes"))
            rows = tx.execute(
                "SELECT event.n, log.site, record.body FROM event JOIN log ON log.id=event.log_id "
                "JOIN record ON record.log_id=event.log_id AND record.seq=event.seq "
                "WHERE event.n>? AND event.held='' ORDER BY event.n LIMIT ?",
                (upto, _AT_ONCE),
            ).fetchall()
        if not rows:
            return False
        doubtful: dict[str, list[str]] = {}
        for _, site, body in rows:
            code = _doubtful_code(body)
            if code and code not in doubtful.setdefault(site, []):
                doubtful[site].append(code)
        for site, codes in doubtful.items():
            institution = self._institution(site)
            if institution is not None and codes:
                self._tell_codes(institution, codes[:_MOST_CODES])
        with self.store.writing() as tx:
            _go_on(tx, self._stage("codes"), rows[-1][0])
        return True

    def _tell_codes(self, institution: Institution, codes: Sequence[str]) -> None:
        now_ms = self.now_ms()
        told = self.platform.statuses(institution, codes, now_ms)
        notes: list[Shipment] = []
        for code in codes:
            if len(notes) < _MOST_NOTES and not any(code in note.parents for note in notes):
                note = self.platform.despatch_of(institution, code, now_ms)
                notes += [note] if note is not None else []
        self._tell(institution.site, notes, told)

    def _ask_containers(self) -> bool:
        """Ask what lies in containers whose receipt the platform has accepted."""
        with self.store.reading() as tx:
            upto = _progress(tx, self._stage("containers"))
            rows = tx.execute(
                "SELECT parcel_move.id, bill.body FROM parcel_move JOIN parcel ON parcel.id=parcel_move.parcel_id "
                "JOIN bill ON bill.id=parcel.bill_id WHERE parcel_move.id>? AND parcel.destination=? "
                "AND parcel_move.cause='said_accepted' ORDER BY parcel_move.id LIMIT ?",
                (upto, self.platform.name, _MOST_CONTAINERS),
            ).fetchall()
        for move_id, body in rows:
            bill = self.facts.completed(read_bill(body))
            if bill.operation in _RECEIVING and bill.institution is not None:
                closed = [line.code for line in bill.lines if line.level is not PackLevel.SMALL and not line.packs]
                found = [self.platform.contents(bill.institution, code, self.now_ms()) for code in closed]
                self._tell(bill.site, [one for one in found if one is not None], ())
            with self.store.writing() as tx:
                _go_on(tx, self._stage("containers"), move_id)
        return bool(rows)

    def _ask_notes(self) -> bool:
        """Ask for new despatch notes of each institution whose turn has come."""
        with self.store.reading() as tx:
            sites = [site for (site,) in tx.execute("SELECT DISTINCT site FROM box ORDER BY site").fetchall()]
        now_ms = self.now_ms()
        for site in sites:
            institution = self._institution(site)
            if institution is None or now_ms < self._due_ms.get(site, 0):
                continue
            self._due_ms[site] = now_ms + round(1000 * self.platform.inquire_every_s)
            with self.store.reading() as tx:
                rows = tx.execute(
                    "SELECT note FROM told_note WHERE destination=? AND site=?", (self.platform.name, site)
                ).fetchall()
            found = self.platform.despatches(institution, frozenset(note for (note,) in rows), now_ms)
            self._tell(site, [note for _, note in found], ())
            with self.store.writing() as tx:
                for number, _ in found:
                    self._remember(tx, site, number, "")
        return False

    def _institution(self, site: str) -> Institution | None:
        try:
            return self.facts.institution(site)
        except ConfigError:
            return None  # told where bills are divided

    def _tell(self, site: str, notes: Iterable[Shipment], told: Sequence[StatusLine]) -> None:
        """Queue news for all boxes of a site: each note in a message of its own, and only what is new."""
        now_ms = self.now_ms()
        with self.store.writing() as tx:
            messages = [StateMessage("", "", 0, 0, 0, statuses=told)] if told else []
            for note in notes:
                digest = hashlib.sha256(canonical(shipment_fields(note))).hexdigest()
                if len(note.parents) <= MAX_CODES and self._remember(tx, site, note.id, digest):
                    messages.append(StateMessage("", "", 0, 0, 0, shipments=[note]))
            boxes = tx.execute("SELECT box FROM box WHERE site=? ORDER BY box", (site,)).fetchall()
            for (box,) in boxes:
                for message in messages:
                    try:
                        queue_news(tx, BoxName(site, box), message, self.signer, now_ms)
                    except BridgeError as error:
                        _log.warning("note not told: site=%s problem=%s", site, error.problem)

    def _remember(self, tx: Tx, site: str, note: str, digest: str) -> bool:
        """Note what was told; tell whether it is news."""
        key = (self.platform.name, site, note)
        found = tx.execute("SELECT digest FROM told_note WHERE destination=? AND site=? AND note=?", key).fetchone()
        if found is not None and found[0] == digest:
            return False
        tx.execute(
            "INSERT INTO told_note (destination, site, note, digest) VALUES (?,?,?,?) "
            "ON CONFLICT (destination, site, note) DO UPDATE SET digest=excluded.digest",
            (*key, digest),
        )
        return True

    def _stage(self, name: str) -> str:
        return f"inquiry:{self.platform.name}:{name}"


def _doubtful_code(body: bytes) -> str:
    """Give the code of a scan that came in with a doubt; an empty text for any other record."""
    if b'"verdict":"REVIEW"' not in body and b'"verdict":"STOP"' not in body:
        return ""
    fields: Mapping[str, object] = Record.read(body).original().fields
    is_doubtful = fields.get("kind") == Kind.SCAN and fields.get("verdict") in _DOUBTFUL
    code = fields.get("code")
    if not is_doubtful or fields.get("operation") not in _RECEIVING or fields.get("training") is True:
        return ""
    return code if isinstance(code, str) and code.startswith("cn20:") else ""


def _progress(tx: Tx, name: str) -> int:
    found = tx.execute("SELECT upto FROM progress WHERE name=?", (name,)).fetchone()
    return 0 if found is None else int(found[0])


def _go_on(tx: Tx, name: str, upto: int) -> None:
    tx.execute(
        "INSERT INTO progress (name, upto) VALUES (?,?) ON CONFLICT (name) DO UPDATE SET upto=excluded.upto",
        (name, upto),
    )
