"""Reader: scans typed at a millisecond a character while the disk stalls; how many are lost, and by whom."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from bench.scans import pack_codes
from bench.sync_shim import SyncShim
from bench.table import Found, Row

__all__ = ["LongReaderSection", "ReaderSection"]

_HERE: Final = Path(__file__).parent
_LAST: Final = "89999999999999999999"
_STALL_EVERY_S: Final = 3
_DEADLINE_S: Final = 900


class ReaderSection:
    """Types packs without a pause into the driver, whose recorder's disk stalls for 2 s every few seconds.

    The physical floor: the kernel buffers 64 events of each client, some 11 characters (SCANNERS.md 1.2); whoever does
    not read for longer than that loses keys. The floor is a process that reads and does nothing else, typed to in the
    same round: what it loses was lost by the machine, which had no processor for it. The peer is a reader that commits
    in the thread that reads.

    Args:
        folder: A folder on the disk that is measured.
        shim: Makes syncs stall.
        scans: How many.
    """

    def __init__(self, folder: Path, shim: SyncShim, scans: int = 400) -> None:
        self._folder = folder
        self._shim = shim
        self._scans = scans
        self._codes = folder / "codes.txt"
        self._codes.write_text("\n".join(dict.fromkeys(pack_codes(scans + 200)[:scans])))

    def round(self) -> dict[str, float]:
        """Type everything once for each of the three."""
        found: dict[str, float] = {}
        for way in ("ours", "bare", "naive"):
            found |= {f"{way}.{name}": value for name, value in self._run(way).items()}
        return found

    def rows(self, found: Found) -> list[Row]:
        """Lay out what was found; the worst round counts."""
        ours, bare, naive = (found.most(f"{way}.lost") for way in ("ours", "bare", "naive"))
        wrong = found.most("ours.wrong") + found.most("ours.twice")
        return [
            Row(
                f"{self._scans} scans, {found.median('ours.character_ms'):.2f} ms a character, disk stalls of 2 s",
                f"{ours:.0f} lost, {wrong:.0f} wrong",
                f"reading and nothing else: {bare:.0f} lost",
                "",
                "0 lost, 0 wrong",
                ours == 0 and wrong == 0,
            ),
            Row("", "", f"committing in the reading thread: {naive:.0f} lost"),
            Row(
                "  overruns of the kernel's 64 events",
                f"{found.most('ours.overflows'):.0f}",
                f"reading and nothing else: {found.most('bare.overflows'):.0f}",
            ),
        ]

    def _run(self, way: str) -> dict[str, float]:
        place = self._folder / way
        place.mkdir()
        reader, writer = os.pipe2(os.O_CLOEXEC)
        try:
            child = subprocess.Popen(
                [sys.executable, _HERE / "reader_child.py", way, str(reader), place, self._codes, _LAST],
                env=self._shim.environment(stall_every_s=_STALL_EVERY_S),
                pass_fds=[reader],
                stdout=subprocess.PIPE,
                text=True,
            )
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            typed = subprocess.run(
                [sys.executable, _HERE / "reader_typist.py", str(reader), str(writer), self._codes, _LAST],
                pass_fds=[reader, writer],
                stdout=subprocess.PIPE,
                check=True,
                timeout=_DEADLINE_S,
            )
            answer, _ = child.communicate(timeout=_DEADLINE_S)
            assert child.returncode == 0
        finally:
            os.close(reader)
            os.close(writer)
            shutil.rmtree(place)
        found: dict[str, float] = {**json.loads(answer), **json.loads(typed.stdout)}
        return found


class LongReaderSection(ReaderSection):
    """The same with 10,000 scans, which takes eleven minutes a round.

    Args:
        folder: A folder on the disk that is measured.
        shim: Makes syncs stall.
    """

    def __init__(self, folder: Path, shim: SyncShim) -> None:
        super().__init__(folder, shim, 10_000)
