"""Box: a whole box at rest and at work: start, memory, idle processor time, and from terminator to shown verdict."""

import os
import select
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench.box_rig import BoxRig
from bench.scans import pack_codes
from bench.sync_shim import SyncShim, SyncTally
from bench.table import Found, Row
from fakes.county import County
from fakes.process import die_with_parent
from fakes.pty_scanner import PtyScanner

__all__ = ["BoxSection"]

_SCANS = 200
_WARM_UP = 20
_BETWEEN_S = 0.1
_REST_S = 10.0
_SHOWN_WITHIN_S = 10.0

_OWN_BAR_MS = 2.0
_MEMORY_BAR_MB = 60
_READY_BAR_S = 1.0
_REST_BAR = 0.005
_MB = 1e6


class BoxSection:
    """Measures `yaoma run` on a pseudo-terminal, connected to a broker with mutual TLS; a bridge answers it.

    Args:
        folder: A folder on the disk that is measured.
        shim: Counts and times its syncs.
    """

    def __init__(self, folder: Path, shim: SyncShim) -> None:
        self._folder = folder
        self._shim = shim
        self._codes = pack_codes(_SCANS + _WARM_UP)
        self._county = County(folder, codes=self._codes, products={code[:7]: "阿莫西林胶囊" for code in self._codes})
        self._county.broker.start()
        self._county.add_bridge().program.start()
        self._rig = BoxRig(self._county)
        # the first start makes the files and reads everything from the disk: not what happens every morning
        self._rig.start()
        self._rig.stop()
        self._seed = 1

    def close(self) -> None:
        """End every process."""
        self._rig.close()
        self._county.remove()

    def round(self) -> dict[str, float]:
        """Start a box as its unit does and let it rest; then one with a screen, and scan."""
        found = {"ready_s": self._rig.start()}
        try:
            times = self._rig.process().cpu_times()
            found["ready_cpu_s"] = times.user + times.system
            self._rig.wait_connected()
            found |= self._at_rest()
        finally:
            self._rig.stop()
        tally = SyncTally(self._folder / "tally")
        screen, written = os.pipe()
        try:
            self._rig.start(self._shim.environment(tally), written)
        finally:
            os.close(written)
        try:
            self._rig.wait_connected()
            found |= self._at_work(screen, tally)
        finally:
            self._rig.stop()
            os.close(screen)
        return found | self._relayed() | _bare_sync(self._folder)

    def rows(self, found: Found) -> list[Row]:
        """Lay out what was found."""
        own_ms, ready_s = found.median("own_p99_ms"), found.median("ready_s")
        memory_mb, rest = found.median("memory_mb"), found.median("rest")
        syncs, share = found.median("syncs"), found.median("one_sync")
        return [
            Row(
                "terminator to screen, p50",
                f"{found.median('p50_ms'):.2f} ms, of it {found.median('own_p50_ms'):.2f} own",
                f"bare fsync {found.median('bare_p50_ms'):.2f} ms",
            ),
            Row(
                "terminator to screen, p99",
                f"{found.median('p99_ms'):.2f} ms, of it {own_ms:.2f} own",
                f"bare fsync {found.median('bare_p99_ms'):.2f} ms",
                "",
                f"own < {_OWN_BAR_MS:.0f} ms",
                own_ms < _OWN_BAR_MS,
            ),
            *(
                Row(
                    "",
                    "",
                    f"relay that judges nothing, {percent}: {relay_ms:.2f} ms own",
                    f"{found.ratio(f'own_{percent}_ms', f'relay_{percent}_ms'):.2f}",
                )
                for percent in ("p50", "p99")
                if (relay_ms := found.median(f"relay_{percent}_ms"))
            ),
            Row(
                "syncs per scan, until shown",
                f"{syncs:.0f} ({share:.1%} of scans)",
                "1: the commit",
                f"{syncs:.1f}",
                "1",
                syncs == 1,
            ),
            Row(
                "start to READY",
                f"{ready_s:.2f} s, of it {found.median('ready_cpu_s'):.2f} processor",
                "",
                "",
                f"<= {_READY_BAR_S:.0f} s",
                ready_s <= _READY_BAR_S,
            ),
            Row(
                "resident memory, TLS, one serial scanner",
                f"{memory_mb:.0f} MB",
                "",
                "",
                f"<= {_MEMORY_BAR_MB} MB",
                memory_mb <= _MEMORY_BAR_MB,
            ),
            Row("processor at rest, of one core", f"{rest:.2%}", "", "", f"< {_REST_BAR:.1%}", rest < _REST_BAR),
        ]

    def _at_rest(self) -> dict[str, float]:
        process = self._rig.process()
        time.sleep(1)
        before = process.cpu_times()
        time.sleep(_REST_S)
        after = process.cpu_times()
        used_s = after.user + after.system - before.user - before.system
        return {"rest": used_s / _REST_S, "memory_mb": process.memory_info().rss / _MB}

    def _at_work(self, screen: int, tally: SyncTally) -> dict[str, float]:
        """Scan pack after pack and wait for each on the box's own screen."""
        shown, own, counted = self._scanned(self._rig.scanner, screen, tally)
        return {
            "p50_ms": statistics.median(shown),
            "p99_ms": _p99(shown),
            "own_p50_ms": statistics.median(own),
            "own_p99_ms": _p99(own),
            "syncs": statistics.median(counted),
            "one_sync": counted.count(1) / len(counted),
        }

    def _relayed(self) -> dict[str, float]:
        """Do the same with a program that has the box's threads and commits, and judges nothing."""
        tally, scanner = SyncTally(self._folder / "relay-tally"), PtyScanner()
        screen, written = os.pipe()
        command = [sys.executable, str(Path(__file__).parent / "relay_child.py"), scanner.path]
        with subprocess.Popen(
            [*command, str(self._folder / "relay.db")],
            stdout=written,
            stderr=subprocess.PIPE,
            env={**os.environ, **self._shim.environment(tally)},
            preexec_fn=die_with_parent,  # noqa: PLW1509 - as in BoxRig
        ) as relay:
            os.close(written)
            assert relay.stderr is not None
            relay.stderr.readline()
            try:
                _, own, _ = self._scanned(scanner, screen, tally)
            finally:
                relay.kill()
                os.close(screen)
        scanner.unplug()
        return {"relay_p50_ms": statistics.median(own), "relay_p99_ms": _p99(own)}

    def _scanned(
        self, scanner: PtyScanner, screen: int, tally: SyncTally
    ) -> tuple[list[float], list[float], list[int]]:
        """Time scans until each is shown; times and syncs are paired scan by scan."""
        shown_ms, own_ms, syncs = [], [], []
        for code in pack_codes(_SCANS + _WARM_UP, self._seed):
            before, began_ns = tally.read(), time.perf_counter_ns()
            scanner.send(code.encode() + b"\r")
            _wait_shown(screen)
            took_ns, synced = time.perf_counter_ns() - began_ns, tally.read().since(before)
            shown_ms.append(took_ns / 1e6)
            own_ms.append((took_ns - synced.nanoseconds) / 1e6)
            syncs.append(synced.calls)
            time.sleep(_BETWEEN_S)
            _drain(screen)
        self._seed += 1
        return shown_ms[_WARM_UP:], own_ms[_WARM_UP:], syncs[_WARM_UP:]


def _wait_shown(screen: int) -> None:
    ready, _, _ = select.select([screen], [], [], _SHOWN_WITHIN_S)
    assert ready, "no verdict came"
    os.read(screen, 65536)


def _drain(screen: int) -> None:
    while select.select([screen], [], [], 0)[0]:
        os.read(screen, 65536)


def _bare_sync(folder: Path) -> dict[str, float]:
    """Write a block in place and sync it, as often and as far apart as the scans were."""
    took_ms = []
    path = folder / "bare"
    with path.open("wb", buffering=0) as file:
        file.write(bytes(4096 * _SCANS))
        os.fsync(file.fileno())
        for place in range(_SCANS):
            began_ns = time.perf_counter_ns()
            os.pwrite(file.fileno(), b"\x01" * 4096, 4096 * place)
            os.fdatasync(file.fileno())
            took_ms.append((time.perf_counter_ns() - began_ns) / 1e6)
            time.sleep(_BETWEEN_S)
    path.unlink()
    return {"bare_p50_ms": statistics.median(took_ms), "bare_p99_ms": _p99(took_ms)}


def _p99(found: list[float]) -> float:
    return sorted(found)[round(0.99 * (len(found) - 1))]
