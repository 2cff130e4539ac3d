"""Update: the longest time that a scan waits for its verdict while an update of the list comes into force."""

import os
import random
import select
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from bench import list_shapes
from bench.box_rig import BoxRig
from bench.scans import pack_codes
from bench.sync_shim import SyncShim, SyncTally
from bench.table import Found, Row
from fakes.county import County
from fakes.program import BIN
from fakes.released import Centre
from yaoma.core.code_key import cn20_key
from yaoma.core.list_delta import ListDelta
from yaoma.core.lot_table import BaseAnswer
from yaoma_tools.list_build import build_codes
from yaoma_tools.release_build import ReleaseParts

__all__ = ["UpdateSection"]

_CODES: Final = 1_000_000
_DELTA_ROWS: Final = 100_000
_WARM_UP: Final = 50
#: Scans in a row, as fast as they are shown; nobody scans faster than that at a counter.
_BETWEEN_S: Final = 0.005
#: The daemon looks every second, takes a picture, writes the WAL back, and closes the old picture after five.
_AFTER_S: Final = 8.0
_SHOWN_WITHIN_S: Final = 10.0
_BAR_MS: Final = 50.0


class UpdateSection:
    """Scans at a running box with a list of a million codes, at rest and then while `yaoma update` brings a delta in.

    Args:
        folder: A folder on the disk that is measured.
        shim: Counts and times the box's syncs.
    """

    def __init__(self, folder: Path, shim: SyncShim) -> None:
        self._folder, self._shim = folder, shim
        self._county = County(folder, codes=pack_codes(10))
        self._county.broker.start()
        self._rig = BoxRig(self._county)
        self._centre = Centre(folder / "centre", now_ms=time.time_ns() // 1_000_000)
        self._centre.begin()
        (folder / "root.json").write_bytes(self._centre.root)
        codes, table = list_shapes.clustered(_CODES), folder / "codes.csv"
        list_shapes.write_table(table, codes, has_lots=True)
        bases = [one.path for one in build_codes(folder / "built", [table]).files]
        table.unlink()
        self._version = 1
        self._centre.publish(ReleaseParts(version=1, bases=bases))
        places = np.random.default_rng(5).choice(len(codes.prefixes), 50_000, replace=False)
        self._asked = iter(
            [f"{int(codes.prefixes[place]):016d}{int(codes.checks[place]):04d}" for place in places.tolist()]
        )
        self._update().wait()

    def close(self) -> None:
        """End every process."""
        self._rig.close()
        self._county.remove()

    def round(self) -> dict[str, float]:
        """Scan for as long without an update as with one."""
        self._publish_delta()
        tally = SyncTally(self._folder / "tally")
        screen, written = os.pipe()
        try:
            self._rig.start(self._shim.environment(tally), written)
        finally:
            os.close(written)
        try:
            self._scan(screen, tally, _Rounds(_WARM_UP).has_ended)
            begun_s = time.monotonic()
            update = self._update()
            during = self._scan(screen, tally, _Until(update, _AFTER_S).has_ended)
            took_s = time.monotonic() - begun_s
            assert update.returncode == 0, "the update failed"
            rest = self._scan(screen, tally, _Rounds(len(during)).has_ended)
        finally:
            self._rig.stop()
            os.close(screen)
        return {
            "longest_ms": max(shown for shown, _ in during),
            "own_ms": max(own for _, own in during),
            "rest_ms": max(shown for shown, _ in rest),
            "rest_own_ms": max(own for _, own in rest),
            "scans": len(during),
            "took_s": took_s,
        }

    def rows(self, found: Found) -> list[Row]:
        """Lay out what was found."""
        longest_ms = found.median("longest_ms")
        return [
            Row(
                "longest wait for a verdict, update of 100,000",
                f"{longest_ms:.1f} ms, of it {found.median('own_ms'):.1f} own",
                f"at rest {found.median('rest_ms'):.1f} ms, of it {found.median('rest_own_ms'):.1f} own",
                f"{found.ratio('longest_ms', 'rest_ms'):.1f}",
                f"<= {_BAR_MS:.0f} ms",
                longest_ms <= _BAR_MS,
            ),
            Row("", f"{found.median('scans'):.0f} scans in {found.median('took_s'):.0f} s"),
        ]

    def _publish_delta(self) -> None:
        dice = random.Random(self._version)
        serials = dice.sample(range(10**9), _DELTA_ROWS)
        keys = [cn20_key(f"8999999{serial:09d}{serial % 9973:04d}") for serial in serials]
        half = _DELTA_ROWS // 2
        delta = ListDelta(self._version, self._version + 1, dict.fromkeys(keys[:half], BaseAnswer("B2")), keys[half:])
        path = self._folder / f"delta-{self._version}"
        path.write_bytes(delta.encoded())
        self._version += 1
        self._centre.publish(ReleaseParts(deltas=[path]))

    def _update(self) -> subprocess.Popen[bytes]:
        """Start the update as its unit does: after everybody else."""
        config = self._rig.folder / "bench.toml"
        command = ["nice", "-n", "10", str(BIN / "yaoma"), "update", "--from", str(self._centre.path)]
        return subprocess.Popen([*command, "--config", str(config)], stdout=subprocess.DEVNULL)

    def _scan(self, screen: int, tally: SyncTally, has_ended: Callable[[], bool]) -> list[tuple[float, float]]:
        """Give the milliseconds of each scan until it is shown, and those of them that were no sync of its own."""
        found = []
        while not has_ended():
            before, began_ns = tally.read(), time.perf_counter_ns()
            self._rig.scanner.send(next(self._asked).encode() + b"\r")
            ready, _, _ = select.select([screen], [], [], _SHOWN_WITHIN_S)
            assert ready, "no verdict came"
            took_ns = time.perf_counter_ns() - began_ns
            synced = tally.read().since(before)
            found.append((took_ns / 1e6, (took_ns - synced.nanoseconds) / 1e6))
            os.read(screen, 65536)
            time.sleep(_BETWEEN_S)
            while select.select([screen], [], [], 0)[0]:
                os.read(screen, 65536)
        return found


class _Rounds:
    """Ends after a number of scans.

    Args:
        number: How many.
    """

    def __init__(self, number: int) -> None:
        self._left = number

    def has_ended(self) -> bool:
        """Count one scan."""
        self._left -= 1
        return self._left < 0


class _Until:
    """Ends some time after a process.

    Args:
        process: The process.
        after_s: How long after its end.
    """

    def __init__(self, process: subprocess.Popen[bytes], after_s: float) -> None:
        self._process, self._after_s = process, after_s
        self._ended_s: float | None = None

    def has_ended(self) -> bool:
        """Look at the process and the clock."""
        if self._ended_s is None and self._process.poll() is not None:
            self._ended_s = time.monotonic()
        return self._ended_s is not None and time.monotonic() - self._ended_s > self._after_s
