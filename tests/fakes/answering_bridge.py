"""AnsweringBridge: answers a box over a real broker, signs receipts, and misbehaves where a test says so."""

import json
import queue
import threading
import time
from collections.abc import Callable
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yaoma.core.merkle import Frontier, leaf_hash
from yaoma.core.note import Signer, Verifier
from yaoma_link.backoff import Backoff
from yaoma_link.batch import Batch, ReceiptMark
from yaoma_link.endpoint import Endpoint
from yaoma_link.receipt import Outcome, Receipt, Span
from yaoma_link.report import Received, SessionReport, Subscribed
from yaoma_link.session import Session
from yaoma_link.topics import BoxName, Channel, bridge_filter, parse_topic, shared_filter

__all__ = ["BRIDGE_KEY", "AnsweringBridge"]

BRIDGE_KEY = Signer("yaoma/bridge", Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32))


class AnsweringBridge:
    """Receives the batches of one box and answers them.

    Args:
        endpoint: Where the broker is.
        box: The box that it answers.
        client_id: Its name at the broker.
    """

    def __init__(self, endpoint: Endpoint, box: BoxName, client_id: str = "bridge") -> None:
        self.box = box
        self.epoch = 1
        self.rseq = 0
        self.records: dict[tuple[str, int], bytes] = {}
        self.batches: list[Batch] = []
        self.statuses: list[dict[str, object]] = []
        self.made: list[Receipt] = []
        #: Whether a batch is thrown away though the broker has acknowledged it.
        self.drops: Callable[[Batch], bool] = lambda _: False
        #: What becomes of a receipt on its way out; None loses it.
        self.sends: Callable[[Receipt], Receipt | None] = lambda receipt: receipt
        self._reports: queue.Queue[SessionReport] = queue.Queue(10_000)
        self._ready = threading.Event()
        self._answering = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="answering-bridge")
        self._session = Session(
            endpoint,
            self._reports,
            client_id=client_id,
            session_expiry_s=0,
            subscriptions=(shared_filter(Channel.RECORDS), bridge_filter(Channel.STATUS)),
            backoff=Backoff(random=lambda: 0.5, base_s=0.05, cap_s=0.2),
            name=client_id,
        )

    def verifier(self) -> Verifier:
        """Give the key that boxes check receipts with."""
        return BRIDGE_KEY.verifier()

    def __enter__(self) -> Self:
        self._session.start()
        self._thread.start()
        assert self._ready.wait(20), "the bridge did not connect"
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(10)
        self._session.stop()

    def receipt(self, log: str, outcomes: tuple[Outcome, ...] = ()) -> Receipt:
        """Make the next receipt of a log."""
        places = sorted(seq for name, seq in self.records if name == log)
        upto = next((at for at, seq in enumerate(places) if at != seq), len(places))
        leaves = [leaf_hash(self.records[log, seq]) for seq in range(upto)]
        missing: list[Span] = []
        for before, after in zip([upto - 1, *places[upto:]], places[upto:], strict=False):
            if before + 1 < after:
                missing.append((before + 1, after))
        self.rseq += 1
        receipt = Receipt(
            site=self.box.site,
            box=self.box.box,
            epoch=self.epoch,
            rseq=self.rseq,
            log=log,
            stored_upto=upto,
            root=Frontier().extended(leaves).root(),
            missing=tuple(missing),
            outcomes=outcomes,
            made_ms=1_795_000_000_000 + self.rseq,
        )
        self.made.append(receipt)
        return receipt

    def send(self, receipt: Receipt, signer: Signer = BRIDGE_KEY) -> None:
        """Sign and publish a receipt."""
        self.send_bytes(receipt.signed(signer))

    def send_bytes(self, payload: bytes, channel: Channel = Channel.RECEIPTS) -> None:
        """Publish anything where the box listens, waiting for a place in the window while connected."""
        while self._session.publish(self.box.topic(channel), payload) is None:
            if not self._session.is_online:
                return
            time.sleep(0.002)

    def answer(self, log: str, outcomes: tuple[Outcome, ...] = ()) -> Receipt:
        """Make the next receipt of a log and send it, if it is not lost."""
        with self._answering:
            receipt = self.receipt(log, outcomes)
            out = self.sends(receipt)
            if out is not None:
                self.send(out)
        return receipt

    def restored(self, kept: int) -> None:
        """Become a bridge that was put back from a copy with so many records per log: a new epoch begins."""
        self.records = {place: body for place, body in self.records.items() if place[1] < kept}
        self.epoch += 1
        self.rseq = 0
        self.made.clear()

    def forged(self, receipt: Receipt) -> bytes:
        """Give a receipt that somebody else has signed under the bridge's name."""
        return receipt.signed(Signer(BRIDGE_KEY.name, Ed25519PrivateKey.from_private_bytes(bytes(32))))

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                report = self._reports.get(timeout=0.05)
            except queue.Empty:
                continue
            if isinstance(report, Subscribed):
                self._ready.set()
            elif isinstance(report, Received):
                self._take(report)
                self._session.ack(report)

    def _take(self, received: Received) -> None:
        topic = parse_topic(received.topic)
        if getattr(topic, "channel", None) is Channel.STATUS:
            status = json.loads(received.payload)
            self._welcome(status)
            self.statuses.append(status)  # last: whoever waits for a birth finds it answered
            return
        batch = Batch.unpacked(received.payload)
        self.batches.append(batch)
        if self.drops(batch):
            return
        for seq, body in enumerate(batch.bodies, batch.first):
            known = self.records.setdefault((batch.log, seq), body)
            assert known == body, "a place was filled twice with different records"
        self.answer(batch.log)

    def _welcome(self, status: dict[str, object]) -> None:
        mark = status.get("receipts")
        if status["state"] != "online" or not isinstance(mark, dict):
            return
        upto = ReceiptMark(**mark).upto if mark["epoch"] == self.epoch else 0
        for receipt in [one for one in self.made if one.rseq > upto]:
            out = self.sends(receipt)
            if out is not None:
                self.send(out)
        self.answer(str(status["log"]))
