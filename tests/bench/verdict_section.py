"""Verdict: what judging one pack costs before its commit, and what a delta of the list writes to the card."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from bench.sync_shim import SyncShim
from bench.table import Found, Row

__all__ = ["VerdictSection"]

_CHILD: Final = Path(__file__).parent / "verdict_child.py"

_P99_BAR_US: Final = 100.0
_DELTA_BAR_MB: Final = 5.0


class VerdictSection:
    """Judges packs by a list of a million codes, an empty ledger and the default policy.

    Args:
        folder: A folder on the disk that is measured.
        _: Not needed: nothing here waits for a sync.
    """

    def __init__(self, folder: Path, _: SyncShim) -> None:
        self._folder = folder / "list"

    def round(self) -> dict[str, float]:
        """Build the list and ask it once."""
        shutil.rmtree(self._folder, ignore_errors=True)
        done = subprocess.run(
            [sys.executable, str(_CHILD), str(self._folder)], capture_output=True, text=True, check=True
        )
        found: dict[str, float] = json.loads(done.stdout)
        return found

    def rows(self, found: Found) -> list[Row]:
        """Lay out what was found."""
        p50_us, p99_us, written_mb = (found.median(name) for name in ("p50_us", "p99_us", "delta_mb"))
        return [
            Row(
                "verdict: list, ledger, policy, record",
                f"p50 {p50_us:.0f} us, p99 {p99_us:.0f} us",
                "",
                "",
                f"p99 <= {_P99_BAR_US:.0f} us",
                p99_us <= _P99_BAR_US,
            ),
            Row(
                "list: a delta of 100,000 comes into force",
                f"{written_mb:.1f} MB written, {found.median('delta_s'):.1f} s",
                "",
                "",
                f"<= {_DELTA_BAR_MB:.0f} MB",
                written_mb <= _DELTA_BAR_MB,
            ),
        ]
