"""Drain: a full journal goes to the centre, to the bridge's signed receipt; and what that costs on the wire."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from bench.scans import pack_codes
from bench.shop import BOX, SITE, scanned_morning
from bench.sync_shim import SyncShim
from bench.table import Found, Row
from fakes.county import County
from fakes.process import die_with_parent
from fakes.program import wait_for
from yaoma.core.checkpoint import box_key_name
from yaoma.shell.closed_log import ClosedLog
from yaoma_link.identity import load_signer

__all__ = ["DrainSection"]

_RECORDS = 20_000
_SLOW_RECORDS = 2_000
_ONE_WAY_MS = 150
_KBIT_S = 64
#: The broker tells in its log that a bridge has connected, not that it has subscribed.
_SUBSCRIBED_WITHIN_S = 0.5

_RATIO_BAR = 3.0
_WIRE_BAR_BYTES = 50
_SLOW_BAR = 120


class DrainSection:
    """Measures the way of records from the journal to the bridge's receipt, over mutual TLS, every end a real process.

    Args:
        folder: A folder on the disk that is measured.
        shim: Not needed here.
    """

    def __init__(self, folder: Path, shim: SyncShim) -> None:
        self._folder = folder
        codes = pack_codes(_RECORDS + 1000)
        self._county = County(folder / "c", codes=codes[:1], products={codes[0][:7]: "阿莫西林胶囊"})
        self._county.add_box(BOX)
        self._county.broker.start()
        signer = load_signer(folder / "c" / BOX / "signing.key", box_key_name(SITE, BOX))
        for name, records in (("many", _RECORDS), ("few", _SLOW_RECORDS)):
            scanned_morning(folder / name, codes, records, signer)
        log = ClosedLog(folder / "many" / "journal.db")
        self._lines = folder / "bodies.txt"
        self._lines.write_bytes(b"\n".join(log.bodies(0, log.size)))
        self._body_bytes = self._lines.stat().st_size / log.size
        log.close()

    def close(self) -> None:
        """End every process."""
        self._county.remove()

    def round(self) -> dict[str, float]:
        """Drain once beside the bare loops, once through a counting proxy, once over a slow line."""
        found: dict[str, float] = {}
        for name, arguments in (("paho", []), ("paho_own", ["--own-thread"])):
            found |= _rates(name, self._child("paho_child.py", self._lines, self._county.port, *arguments))
        with self._bridge(), self._journal("many") as state:
            found |= _rates("drain", self._child("drain_child.py", state, self._county.port))
        with self._bridge(), self._journal("many") as state, _Proxy(self._county.port) as proxy:
            drained = self._child("drain_child.py", state, proxy.port)
        found["wire_up"], found["wire_down"] = (count / drained["records"] for count in proxy.count)
        with _Proxy(self._county.port) as proxy:
            sent = self._child("paho_child.py", self._lines, proxy.port)
        found["paho_wire_up"] = proxy.count[0] / sent["records"]
        slow = ["--one-way-ms", str(_ONE_WAY_MS), "--kbit-s", str(_KBIT_S)]
        with self._bridge(), self._journal("few") as state, _Proxy(self._county.port, *slow) as proxy:
            found |= _rates("slow", self._child("drain_child.py", state, proxy.port))
        return found

    def rows(self, found: Found) -> list[Row]:
        """Lay out what was found; the faster of the two bare loops is the peer."""
        peer, name = max(
            (found.median("paho.rate"), "paho"), (found.median("paho_own.rate"), "paho_own"), key=lambda one: one[0]
        )
        other = "paho" if name == "paho_own" else "paho_own"
        how = {"paho": "its own thread", "paho_own": "no second thread"}
        ratio, wire, slow = (
            found.ratio("drain.rate", f"{name}.rate"),
            found.median("wire_up"),
            found.median("slow.rate"),
        )
        return [
            Row(
                f"drain of {_RECORDS} records to the receipt",
                f"{found.median('drain.rate'):.0f}/s, {found.median('drain.cpu_us'):.0f} us",
                f"bare paho, window 20, {how[name]}: {peer:.0f}/s, {found.median(f'{name}.cpu_us'):.0f} us",
                f"{ratio:.1f}",
                f">= {_RATIO_BAR:.0f}",
                ratio >= _RATIO_BAR,
            ),
            Row(
                "",
                "",
                f"bare paho, window 20, {how[other]}: {found.median(f'{other}.rate'):.0f}/s",
                f"{found.ratio('drain.rate', f'{other}.rate'):.1f}",
            ),
            Row(
                "wire, bytes up per record, TLS and all",
                f"{wire:.1f} B (down {found.median('wire_down'):.1f} B)",
                f"bare paho {found.median('paho_wire_up'):.0f} B; a record has {self._body_bytes:.0f} B",
                f"{found.ratio('wire_up', 'paho_wire_up'):.2f}",
                f"<= {_WIRE_BAR_BYTES} B",
                wire <= _WIRE_BAR_BYTES,
            ),
            Row(
                f"drain at {_KBIT_S} kbit/s and {2 * _ONE_WAY_MS} ms",
                f"{slow:.0f}/s",
                f"the line's own rate {_KBIT_S * 125 / wire:.0f}/s",
                f"{slow * wire / (_KBIT_S * 125):.2f}",
                f">= {_SLOW_BAR}/s",
                slow >= _SLOW_BAR,
            ),
        ]

    @contextmanager
    def _journal(self, name: str) -> Iterator[Path]:
        """Give a copy of a journal that nobody has sent yet."""
        state = self._folder / "state"
        shutil.copytree(self._folder / name, state)
        yield state
        shutil.rmtree(state)

    @contextmanager
    def _bridge(self) -> Iterator[None]:
        """Run a bridge worker on an empty store."""
        place = self._county.folder / "bridge"
        for path in (*place.glob("bridge.db*"), *place.glob("events*")):
            path.unlink()
        bridge = self._county.bridges[0] if self._county.bridges else self._county.add_bridge()
        bridge.program.start()
        log = self._county.broker.folder / "mosquitto.log"
        seen = log.stat().st_size
        wait_for(lambda: b"u'bridge-0'" in log.read_bytes()[seen:], f"no bridge came: {bridge.program.said()}")
        time.sleep(_SUBSCRIBED_WITHIN_S)
        yield
        bridge.program.stop()

    def _child(self, script: str, source: Path, port: int, *more: str) -> dict[str, float]:
        command = [sys.executable, str(Path(__file__).with_name(script)), str(source), str(self._county.folder)]
        done = subprocess.run([*command, str(port), *more], check=True, stdout=subprocess.PIPE, timeout=600)
        answer: dict[str, float] = json.loads(done.stdout)
        return answer


class _Proxy:
    """A line proxy as a child process.

    Args:
        target: The broker's port.
        arguments: Further ones of `line_proxy.py`.
    """

    def __init__(self, target: int, *arguments: str) -> None:
        self._command = [sys.executable, str(Path(__file__).with_name("line_proxy.py")), str(target), *arguments]
        self.count: Sequence[int] = (0, 0)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - the child calls prctl and nothing that locks
        )
        self.port = int(self._answer())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self.count = json.loads(self._answer())
        self._process.wait(20)

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def _rates(name: str, answer: dict[str, float]) -> dict[str, float]:
    return {
        f"{name}.rate": answer["records"] / answer["seconds"],
        f"{name}.cpu_us": answer["cpu_s"] / answer["records"] * 1e6,
    }
