"""The boxes of a load as MQTT clients of one process: births, batches in a window, receipts to the last outcome.

Prints one line of JSON for each of: ready (every box was welcomed), stored, accepted; waits for a line before it sends.
"""

import argparse
import asyncio
import json
import ssl
import statistics
import sys
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.bridge_load import BoxLoad, read_load
from bench.mqtt_box import MqttBox
from fakes.box import receipt_signer
from yaoma.core.note import Verifier
from yaoma_link.batch import ReceiptMark
from yaoma_link.receipt import Receipt
from yaoma_link.topics import Channel

#: As a box does that hears nothing.
_AGAIN_S = 60.0
_LOOK_S = 0.05
_STUCK_S = 180.0
_CONNECTING = 200


class _Box:
    """One box: what it sends, and how far the receipts have come."""

    def __init__(self, load: BoxLoad, crowd: "_Crowd") -> None:
        self.load, self._crowd = load, crowd
        self.size = len(load.bodies)
        wanted = sum(1 << place for place in load.scans)
        self.left = dict.fromkeys(crowd.destinations, wanted)
        self.mark = ReceiptMark()
        self.stored_upto, self.sent_s = 0, 0.0
        self.payloads: list[bytes] = []
        self.told_whole = b""
        name = load.name
        self._records = name.topic(Channel.RECORDS)
        self._receipts = name.topic(Channel.RECEIPTS)
        self._status = name.topic(Channel.STATUS)
        self.client = MqttBox(str(name), (self._status, b'{"state":"offline"}'), name.inbound_filters(), self._heard)

    def be_born(self) -> None:
        self.client.publish(self._status, self.load.birth, retain=True)

    def send(self) -> None:
        self.sent_s = time.perf_counter()
        for payload in self.payloads:
            self.client.publish(self._records, payload)

    def _heard(self, topic: str, payload: bytes) -> None:
        if topic != self._receipts:
            return
        crowd = self._crowd
        crowd.heard_s, crowd.receipts = time.perf_counter(), crowd.receipts + 1
        said = json.loads(payload[: payload.index(b"\n")])
        if said["log"] != self.load.log:
            return
        self._follow(said["epoch"], said["rseq"])
        if said["stored_upto"] == self.size and self.stored_upto < self.size:
            self.told_whole = payload
            crowd.note_stored(self)
        self.stored_upto = max(self.stored_upto, said["stored_upto"])
        for one in said["outcomes"]:
            self._note_outcome(one["destination"], one["state"], (1 << one["to"]) - (1 << one["from"]))

    def _note_outcome(self, destination: str, state: str, places: int) -> None:
        left = self.left[destination]
        if state == "accepted" and left:
            self.left[destination] = left & ~places
            if not left & ~places:
                self._crowd.note_accepted()
        elif state in {"refused", "held"}:
            self._crowd.wrong.append(f"{self.load.name}: {destination} has {state} something")

    def _follow(self, epoch: int, rseq: int) -> None:
        """Move the mark as a box does: number by number."""
        if epoch > self.mark.epoch:
            self.mark = ReceiptMark(epoch, 0)
        if rseq == self.mark.upto + 1:
            self.mark = ReceiptMark(epoch, rseq)
            self._crowd.welcomed += rseq == 1


class _Crowd:
    """All boxes, sending in a window.

    Args:
        path: The load.
        destinations: Whose outcomes end it.
        step: Records in a batch.
        window: So many boxes send at a time.
    """

    def __init__(self, path: Path, destinations: Sequence[str], step: int, window: int) -> None:
        self.destinations, self._step, self._window = destinations, step, window
        self.receipts = self.welcomed = self.resent = 0
        self.heard_s = time.perf_counter()
        self.wrong: list[str] = []
        self.boxes = [_Box(load, self) for load in read_load(path)]
        self.unaccepted = sum(map(bool, (left for box in self.boxes for left in box.left.values())))
        self.unstored = len(self.boxes)
        self._waiting = deque(self.boxes)
        self._sent: dict[int, _Box] = {}
        self.receipt_s: list[float] = []
        self.stored_at_s = self.accepted_at_s = 0.0

    async def connect(self, port: int, tls_port: int, county: Path, tls: int) -> None:
        """Connect every box, some of them by TLS, and let it be born."""
        gate, loop = asyncio.Semaphore(_CONNECTING), asyncio.get_running_loop()

        async def one(number: int, box: _Box) -> None:
            async with gate:
                if number < tls:
                    context = ssl.create_default_context(cafile=str(county / "ca" / "authority.pem"))
                    context.load_cert_chain(county / "tls" / f"{number}.pem", county / "tls" / f"{number}.key")
                    await loop.create_connection(
                        lambda: box.client, "127.0.0.1", tls_port, ssl=context, server_hostname="localhost"
                    )
                else:
                    await loop.create_connection(lambda: box.client, "127.0.0.1", port)
                await asyncio.wait_for(box.client.is_subscribed.wait(), 60)
                box.be_born()

        await asyncio.gather(*(one(number, box) for number, box in enumerate(self.boxes)))
        while self.welcomed < len(self.boxes):
            self._watch("welcomed")
            await asyncio.sleep(_LOOK_S)

    def pack(self) -> None:
        """Pack every batch, with what each box knows of the receipts now."""
        for box in self.boxes:
            box.payloads = box.load.payloads(self._step, box.mark)

    def begin(self) -> None:
        """Let as many boxes send as the window lets."""
        while self._waiting and len(self._sent) < self._window:
            box = self._waiting.popleft()
            self._sent[id(box)] = box
            box.send()

    def note_stored(self, box: _Box) -> None:
        """Note that a box has its receipt, and let the next one send."""
        self.unstored -= 1
        self.stored_at_s = time.perf_counter()
        self.receipt_s.append(self.stored_at_s - box.sent_s)
        del self._sent[id(box)]
        self.begin()

    def note_accepted(self) -> None:
        """Note that one platform has accepted all of one box."""
        self.unaccepted -= 1
        self.accepted_at_s = time.perf_counter()

    async def until_stored(self) -> None:
        """Wait until every box knows that all it has is stored."""
        while self.unstored:
            self._watch("stored")
            for box in self._sent.values():
                if time.perf_counter() - box.sent_s > _AGAIN_S:
                    self.resent += 1
                    box.send()
            await asyncio.sleep(_LOOK_S)

    async def until_accepted(self) -> None:
        """Wait until every box knows that each platform has accepted each of its scans."""
        while self.unaccepted:
            self._watch("accepted")
            await asyncio.sleep(_LOOK_S)

    def count_wrong(self) -> int:
        """Count the receipts of whole logs that the bridge has not signed, or that name another root."""
        verifiers = [Verifier.parse(str(receipt_signer().verifier()))]
        return sum(Receipt.opened(box.told_whole, verifiers).root.hex() != box.load.root for box in self.boxes)

    def _watch(self, waiting_for: str) -> None:
        if self.wrong:
            raise SystemExit(f"this must not happen: {self.wrong[0]}")
        if time.perf_counter() - self.heard_s > _STUCK_S:
            raise SystemExit(
                f"nothing more came, waiting to be {waiting_for}: welcomed={self.welcomed} unstored={self.unstored} "
                f"unaccepted={self.unaccepted} receipts={self.receipts}"
            )


async def _run(options: argparse.Namespace) -> None:
    crowd = _Crowd(
        options.load, [name for name in options.destinations.split(",") if name], options.batch, options.window
    )
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: crowd.wrong.append(str(context.get("exception") or context["message"]))
    )
    began_s = time.perf_counter()
    await crowd.connect(options.port, options.tls_port, options.folder, options.tls)
    _say(ready_s=time.perf_counter() - began_s)
    crowd.pack()
    _say(packed=1.0)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    began_s, before = time.perf_counter(), crowd.receipts
    crowd.begin()
    await crowd.until_stored()
    waits = statistics.quantiles(crowd.receipt_s, n=100)
    _say(
        stored_s=crowd.stored_at_s - began_s,
        receipt_p50_ms=1000 * waits[49],
        receipt_p95_ms=1000 * waits[94],
        resent=crowd.resent,
    )
    await crowd.until_accepted()
    _say(
        accepted_s=crowd.accepted_at_s - began_s,
        receipts=crowd.receipts - before,
        wrong=crowd.count_wrong(),
        cpu_s=time.process_time(),
    )
    for box in crowd.boxes:
        box.client.leave()
    await asyncio.sleep(_LOOK_S)


def _say(**facts: float) -> None:
    sys.stdout.write(f"{json.dumps(facts)}\n")
    sys.stdout.flush()


def main() -> None:
    """Be the boxes."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("load", type=Path)
    parser.add_argument("folder", type=Path, help="with the authority, and the keys of the boxes with TLS")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tls-port", type=int, required=True)
    parser.add_argument("--tls", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--window", type=int, default=100)
    parser.add_argument("--destinations", required=True)
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
