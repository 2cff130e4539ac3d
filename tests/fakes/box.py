"""A box as the bridge sees it: real logs, real signatures, real batches; in memory, or over a real broker."""

import json
import queue
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yaoma.core.canonical import Json, canonical
from yaoma.core.checkpoint import Checkpoint, box_key_name, log_origin
from yaoma.core.merkle import Frontier, leaf_hash
from yaoma.core.note import Signer, Verifier
from yaoma.core.record import ClockState, Entry, Kind, Record, Stamp
from yaoma_link.batch import Batch, ReceiptMark
from yaoma_link.endpoint import Endpoint
from yaoma_link.receipt import Receipt
from yaoma_link.report import Connected, Disconnected, Received, Retained, SessionReport
from yaoma_link.session import Session
from yaoma_link.topics import BoxName, Channel

__all__ = ["START_MS", "BoxLog", "SendingBox", "box_signer", "receipt_signer"]

START_MS = 1_795_000_000_000
_BOOT = "0123456789abcdef"


def box_signer(name: BoxName, seed: int = 1) -> Signer:
    """The key of a box; the same in every run."""
    return Signer(box_key_name(name.site, name.box), Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def receipt_signer(seed: int = 77) -> Signer:
    """The key of the bridge; the same in every run."""
    return Signer("yaoma-bridge", Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


class BoxLog:
    """A log that grows in memory, with a real frontier and real checkpoints."""

    def __init__(self, name: BoxName, log: str, *, signer: Signer | None = None) -> None:
        self.name = name
        self.log = log
        self.signer = signer or box_signer(name)
        self.bodies: list[bytes] = []
        self.sealed: dict[int, bytes] = {}
        self.frontier = Frontier()

    def twin(self) -> "BoxLog":
        """Give a copy that goes its own way: an old card, or a cloned one."""
        twin = BoxLog(self.name, self.log, signer=self.signer)
        twin.bodies, twin.frontier = list(self.bodies), self.frontier
        return twin

    @property
    def size(self) -> int:
        return len(self.bodies)

    @property
    def records(self) -> list[Record]:
        return [Record.read(body) for body in self.bodies]

    def add_body(self, body: bytes) -> None:
        """Append any bytes."""
        self.bodies.append(body)
        self.frontier = self.frontier.appended(leaf_hash(body))

    def add(
        self,
        entry: Entry,
        *,
        boot: str = _BOOT,
        clock: ClockState = ClockState.SYNCED,
        wall_ms: int | None = None,
    ) -> Record:
        """Append an entry; one second passes with each."""
        mono_ms = 1000 * (self.size + 1)
        stamp = Stamp(START_MS + mono_ms if wall_ms is None else wall_ms, mono_ms, boot, clock)
        body = entry.body(self.log, self.size, stamp)
        if entry.sealed is not None:
            self.sealed[self.size] = entry.sealed
        self.add_body(body)
        return Record.read(body)

    def scan(self, count: int = 1, *, salt: str = "", clock: ClockState = ClockState.SYNCED) -> None:
        """Append judged scans; a salt makes them differ from those of a twin."""
        for _ in range(count):
            fields: dict[str, Json] = {
                "code": f"cn20:8{self.size:019d}",
                "verdict": "PASS",
                "operation": "dispense",
                "station": f"counter{salt}",
            }
            self.add(Entry(Kind.SCAN, fields), clock=clock)

    def odd(self, **fields: Json) -> None:
        """Append a record with some fields changed, such as `kind` or `v`."""
        stamp = Stamp(START_MS, 1000 * (self.size + 1), _BOOT, ClockState.SYNCED)
        body = json.loads(Entry(Kind.SCAN, {}).body(self.log, self.size, stamp))
        self.add_body(canonical({**body, **fields}))

    def checkpoint(self, size: int | None = None, *, signer: Signer | None = None) -> str:
        """Sign a checkpoint."""
        size = self.size if size is None else size
        frontier = Frontier().extended(map(leaf_hash, self.bodies[:size]))
        origin = log_origin(self.name.site, self.name.box, self.log)
        return Checkpoint.of(origin, frontier).signed(signer or self.signer)

    def batch(
        self, first: int = 0, end: int | None = None, *, mark: ReceiptMark | None = None, checkpoint: bool = True
    ) -> Batch:
        """Give a run of records, with the newest checkpoint."""
        end = self.size if end is None else end
        return Batch(
            self.log,
            first,
            tuple(self.bodies[first:end]),
            self.checkpoint() if checkpoint else None,
            mark or ReceiptMark(),
            {seq: blob for seq, blob in self.sealed.items() if first <= seq < end},
        )

    def payload(self, first: int = 0, end: int | None = None, **options: bool | ReceiptMark) -> bytes:
        """Give a packed batch."""
        return self.batch(first, end, **options).packed()  # type: ignore[arg-type]  # the options of `batch`

    def payloads(self, step: int, first: int = 0) -> Iterator[bytes]:
        """Give everything in batches of so many records."""
        for at in range(first, self.size, step):
            yield self.payload(at, min(at + step, self.size))

    def birth(self, mark: ReceiptMark | None = None, **fields: Json) -> bytes:
        """Give the payload of a birth."""
        mark = mark or ReceiptMark()
        return canonical(
            {
                "state": "online",
                "boot": _BOOT,
                "log": self.log,
                "size": self.size,
                "root": self.frontier.root().hex(),
                "receipts": {"epoch": mark.epoch, "upto": mark.upto},
                **fields,
            }
        )


class SendingBox:
    """Delivers a log over a real broker until the bridge has it, as an uploader would.

    Args:
        endpoint: The broker.
        log: What it delivers; it may grow meanwhile.
        verifiers: The bridge's key.
        step: Records in a batch.
        again_s: After how long without news everything unconfirmed is sent again.
    """

    def __init__(
        self, endpoint: Endpoint, log: BoxLog, verifiers: Iterable[Verifier], *, step: int = 50, again_s: float = 1.5
    ) -> None:
        self.log = log
        self.verifiers = list(verifiers)
        self.mark = ReceiptMark()
        self.stored_upto = 0
        self.receipts: list[Receipt] = []
        self._step, self._again_s = step, again_s
        self._sent_upto = 0
        self._news_s = 0.0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._reports: queue.Queue[SessionReport] = queue.Queue(maxsize=10_000)
        self._session = Session(
            endpoint,
            self._reports,
            client_id=str(log.name),
            session_expiry_s=3600,
            subscriptions=[log.name.topic(Channel.RECEIPTS)],
            will=Retained(log.name.topic(Channel.STATUS), b'{"state":"offline"}'),
            birth=lambda: Retained(log.name.topic(Channel.STATUS), self.log.birth(self.mark)),
        )
        self._thread = threading.Thread(target=self._run, name=f"box {log.name}")

    def __enter__(self) -> Self:
        self._session.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        self._session.stop()

    def grow(self, count: int) -> None:
        """Append scans while it delivers."""
        with self._lock:
            self.log.scan(count)

    def wait_stored(self, size: int, deadline_s: float = 30.0) -> None:
        """Wait until the bridge has confirmed so many records."""
        end_s = time.monotonic() + deadline_s
        while self.stored_upto < size:
            assert time.monotonic() < end_s, f"stored {self.stored_upto} of {size}"
            time.sleep(0.02)

    def wait_receipt(self, wanted: Sequence[str], deadline_s: float = 30.0) -> Receipt:
        """Wait for a receipt in which these fields are not empty."""
        end_s = time.monotonic() + deadline_s
        while True:
            for receipt in list(self.receipts):
                if all(getattr(receipt, name) for name in wanted):
                    return receipt
            assert time.monotonic() < end_s, f"no receipt with {wanted}"
            time.sleep(0.02)

    def _run(self) -> None:
        online = False
        while not self._stop.is_set():
            try:
                report = self._reports.get(timeout=0.02)
            except queue.Empty:
                report = None
            match report:
                case Connected():
                    online, self._sent_upto = True, self.stored_upto
                case Disconnected():
                    online = False
                case Received():
                    self._apply(Receipt.opened(report.payload, self.verifiers))
                    self._session.ack(report)
            if time.monotonic() - self._news_s > self._again_s:
                self._sent_upto, self._news_s = self.stored_upto, time.monotonic()
            if online:
                with self._lock:
                    self._send()

    def _send(self) -> None:
        while self._sent_upto < self.log.size:
            end = min(self._sent_upto + self._step, self.log.size)
            if not self._publish(self._sent_upto, end):
                return
            self._sent_upto = end

    def _publish(self, first: int, end: int) -> bool:
        payload = self.log.payload(first, end, mark=self.mark)
        return self._session.publish(self.log.name.topic(Channel.RECORDS), payload) is not None

    def _apply(self, receipt: Receipt) -> None:
        self.receipts.append(receipt)
        if receipt.log != self.log.log or receipt.epoch < self.mark.epoch:
            return
        if receipt.epoch > self.mark.epoch:
            self.mark, self.stored_upto = ReceiptMark(receipt.epoch, 0), 0
        if receipt.rseq == self.mark.upto + 1:
            self.mark = replace(self.mark, upto=receipt.rseq)
        root = Frontier().extended(map(leaf_hash, self.log.bodies[: receipt.stored_upto])).root()
        if receipt.root == root and receipt.stored_upto > self.stored_upto:
            self.stored_upto, self._news_s = receipt.stored_upto, time.monotonic()
        with self._lock:
            for first, end in receipt.missing:
                for at in range(first, min(end, self.log.size), self._step):
                    self._publish(at, min(at + self._step, end, self.log.size))
