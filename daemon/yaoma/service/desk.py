"""The desk: answers what other programs on the box ask through the control socket."""

import queue
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from yaoma import __version__
from yaoma.core.command import Command, Settle
from yaoma.core.deed import REFUSED_TASK
from yaoma.core.ledger import Duty, day_of
from yaoma.core.record import Stamp
from yaoma.core.ticket import CommandRefusedError
from yaoma.service.erasing import Erasing
from yaoma.service.following import Following
from yaoma.service.order_form import read_command
from yaoma.service.reader import Reader
from yaoma.service.recorder import Recorder
from yaoma.service.scanner_desk import ScannerDesk
from yaoma.service.settling import Settling
from yaoma.service.task_list import TaskList
from yaoma.service.uplink_state import UplinkState
from yaoma.service.work import Answer, Claim, Item, Request
from yaoma.shell.database import DatabaseError
from yaoma.shell.disk import DiskGauge
from yaoma.shell.indicator_worker import IndicatorWorker
from yaoma.shell.journal import Journal
from yaoma.shell.list_file import ListHolder
from yaoma.shell.outbox import Outbox
from yaoma.shell.port_worker import PortWorker
from yaoma.shell.site_ledger import SiteLedger

__all__ = ["Desk"]

_ANSWER_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What may be asked, and of whom.

    Args:
        site: The institution's code.
        box: The device id.
        items: The recorder's queue.
        recorder: Knows the journal.
        readers: Know the scanners.
        ledger: Knows tickets and counts.
        outbox: Knows tasks.
        uplink: Gives the state of the way to the bridge.
        lists: Knows the allowlist.
        disk: Knows the room that is left.
        clock: Gives the time.
        stations: Names of the stations.
        indicators: Know what they could not show.
        ports: Know what the tills did not take.
        safe_mode: Only drivers that came with this package are used.
        left_out: Scanners that are not read for that reason.
        config_refused: Why the last good configuration is used and not the new one, by language; None if the new one
            is.
        is_stopping: The daemon is about to end.
        erasing: Has sealed identities erased.
        settling: Says whether a ticket may be settled.
        metrics_trouble: Why metrics are not served though they should be, or empty.
    """

    site: str
    box: str
    items: "queue.Queue[Item]"
    recorder: Recorder
    readers: tuple[Reader, ...]
    ledger: SiteLedger
    outbox: Outbox
    uplink: Callable[[], UplinkState]
    lists: ListHolder
    disk: DiskGauge
    clock: Callable[[], Stamp]
    stations: tuple[str, ...]
    indicators: Sequence[IndicatorWorker] = ()
    ports: Sequence[PortWorker] = ()
    safe_mode: bool = False
    left_out: tuple[str, ...] = ()
    config_refused: Mapping[str, str] | None = None
    metrics_trouble: Callable[[], str] = lambda: ""
    is_stopping: Callable[[], bool] = lambda: False
    erasing: Erasing | None = None
    settling: Settling | None = None

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer one request.

        Raises:
            ValueError: If it can't be understood.
        """
        questions = {"status": self._status, "duties": self._duties, "store": self._store}
        try:
            if question := questions.get(str(request.get("do"))):
                return question()
            if answer := self._answers().get(str(request.get("do"))):
                return answer(request)
            command = read_command(request)
            return self._settled(command) if isinstance(command, Settle) else self._carried_out(command)
        except CommandRefusedError as error:
            return {"refusal": error.reason}
        except DatabaseError as error:
            return {"error": "state_unavailable", "problem": error.problem}

    def _settled(self, command: Settle) -> Mapping[str, Any]:
        """Settle duties and tasks: both by one record, and the tasks then leave the list."""
        tasks = self._tasks
        asked = {duty for duty in command.duties if duty.startswith(REFUSED_TASK)}
        if asked - tasks.ids().keys():
            return {"refusal": "no_such_duty"}
        answer = self._carried_out(command)
        if asked and "refusal" not in answer:
            tasks.finish(asked, self.clock().wall_ms)
        return answer

    @property
    def _tasks(self) -> TaskList:
        return TaskList(self.outbox, lambda: self.recorder.journal)

    def _carried_out(self, command: Command) -> Mapping[str, Any]:
        answers: queue.Queue[Answer] = queue.Queue()
        claim = Claim()
        try:
            self.items.put(Request(command, answers.put, claim.is_given_up), timeout=_ANSWER_S)
            answer = answers.get(timeout=_ANSWER_S)
        except queue.Full:
            return {"refusal": "busy"}
        except queue.Empty:
            if claim.give_up():
                return {"refusal": "busy"}
            # The recorder has it: whoever is told "busy" now would do it a second time.
            answer = answers.get()
        if answer.record is None:
            return {"refusal": answer.refusal}
        before = [dict(record.fields) for record in answer.records[:-1]]
        return {**answer.record.fields, **({"with": before} if before else {})}

    def _answers(self) -> Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]]:
        """Give what can be asked that needs the request itself."""
        scanners = ScannerDesk(self.readers, self.is_stopping)
        answers = {"scans": Following(lambda: self.recorder.journal, self.is_stopping).answer, **scanners.answers()}
        if self.settling is not None:
            answers["release"] = self.settling.answer
        if self.erasing is not None:
            answers["person_erase"] = self.erasing.asked
        return answers

    def _duties(self) -> Mapping[str, Any]:
        return {"duties": [_duty(duty) for duty in self.ledger.duties()], "tasks": self._tasks.listed()}

    def _store(self) -> Mapping[str, Any]:
        return {"store": [[drug, lot, left] for (drug, lot), left in sorted(self.ledger.store().items())]}

    def _status(self) -> Mapping[str, Any]:
        journal, trouble, uplink = self.recorder.journal, self.recorder.trouble, self.uplink()
        now, allowlist, refusal = self.clock(), self.lists.current, self.lists.refusal
        today: dict[str, int] = {}
        for (_, _, verdict, _), number in self.ledger.tally(day_of(now)).items():
            today[verdict] = today.get(verdict, 0) + number
        return {
            "site": self.site,
            "box": self.box,
            "version": __version__,
            "safe_mode": self.safe_mode,
            "config_refused": self.config_refused,
            "metrics_trouble": self.metrics_trouble(),
            "trouble": {"cause": trouble.cause, "problem": trouble.problem} if trouble else None,
            "journal": {
                "log": journal.log if journal else "",
                "size": journal.size if journal else 0,
                "signed_upto": journal.checkpointed if journal else 0,
            },
            "uplink": {
                "is_connected": uplink.is_connected,
                "since_ms": uplink.since_ms,
                "trouble": uplink.trouble,
                "pending": self._pending(uplink, journal),
                "oldest_ms": uplink.oldest_ms,
                "is_taken_over": uplink.is_taken_over,
                "stored_upto": uplink.stored_upto,
                "receipts": {"epoch": uplink.receipts.epoch, "upto": uplink.receipts.upto},
                "refused_receipts": uplink.refused_receipts,
            },
            "clock": now.clock.value,
            "disk_free_bytes": self.disk.room().free_bytes,
            "list": {
                "version": allowlist.version if allowlist else None,
                "problem": refusal.reason.value if refusal else "",
            },
            "scanners": [
                {
                    "scanner": reader.state.scanner,
                    "working": reader.state.working,
                    "reason": reader.state.reason,
                    "read": reader.state.read,
                }
                for reader in self.readers
            ]
            + [{"scanner": name, "working": False, "reason": "safe_mode", "read": 0} for name in self.left_out],
            "indicators": [
                {"indicator": one.label, "working": not one.problem, "problem": one.problem, "dropped": one.dropped}
                for one in self.indicators
            ],
            "ports": [
                {
                    "station": port.state.station,
                    "working": not port.problem,
                    "problem": port.problem,
                    "sent": port.state.sent,
                    "failed": port.state.failed,
                }
                for port in self.ports
            ],
            "stations": [{"station": station, "ticket": self._open_ticket(station)} for station in self.stations],
            "today": today,
            "tasks": self._tasks.listed(),
            "duties": [_duty(duty) for duty in self.ledger.duties()],
            "complete_since_ms": self.ledger.complete_since_ms,
        }

    def _pending(self, uplink: UplinkState, journal: Journal | None) -> int:
        """Count what the bridge has not confirmed; the uploader's own count is behind until it has looked."""
        if journal is None:
            return uplink.pending
        return uplink.pending_of(journal.log, journal.size, lambda: self.outbox.load(journal.log).upto)

    def _open_ticket(self, station: str) -> Mapping[str, Any] | None:
        ticket = self.ledger.open_ticket(station)
        if ticket is None:
            return None
        return {
            "id": ticket.id,
            "operation": ticket.operation,
            "packs": ticket.packs,
            "shipment": ticket.shipment,
            "training": ticket.is_training,
            "lines": [
                {"drug": line.drug, "packs": line.packs, "filled": line.filled}
                | ({"units": line.units, "filled_units": line.filled_units} if line.units else {})
                for line in ticket.lines
            ],
        }


def _duty(duty: Duty) -> Mapping[str, Any]:
    return {"id": duty.id, "kind": duty.kind, "code": duty.code, "due_ms": duty.due_ms, "note": duty.note}
