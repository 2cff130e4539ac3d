"""Sync shim: compiles `sync_shim.c`, preloads it into a process, and reads what it counted."""

import mmap
import os
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

__all__ = ["SyncShim", "SyncTally", "Syncs", "tally_of_this_process"]

_LAYOUT = struct.Struct("=QQ")


@dataclass(frozen=True, slots=True)
class Syncs:
    """How often a process has synced so far.

    Args:
        calls: Calls of fsync and fdatasync.
        nanoseconds: How long they took together.
    """

    calls: int
    nanoseconds: int

    def since(self, before: "Syncs") -> "Syncs":
        """Give what came after an earlier look."""
        return Syncs(self.calls - before.calls, self.nanoseconds - before.nanoseconds)


class SyncTally:
    """A file that a process under measurement counts its syncs in.

    Args:
        path: The file; made anew.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(bytes(_LAYOUT.size))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _LAYOUT.size)

    def read(self) -> Syncs:
        """Give the count so far."""
        return Syncs(*_LAYOUT.unpack(self._shared[: _LAYOUT.size]))


class SyncShim:
    """The compiled shim.

    Args:
        folder: Where it is compiled to.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "sync_shim.so"
        source = Path(__file__).with_name("sync_shim.c")
        command = ["gcc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(self.path), str(source), "-ldl"]
        subprocess.run(command, check=True, timeout=60)

    def environment(self, tally: SyncTally | None = None, slower_us: int = 0, stall_every_s: int = 0) -> dict[str, str]:
        """Give the environment of a process to measure.

        Args:
            tally: Where it counts its syncs.
            slower_us: How much longer each sync takes, in microseconds.
            stall_every_s: After so many seconds a sync takes two seconds longer, again and again; 0 for never.
        """
        counted = {} if tally is None else {"BENCH_SYNC_TALLY": str(tally.path)}
        return {
            **os.environ,
            "LD_PRELOAD": str(self.path),
            "BENCH_SYNC_US": str(slower_us),
            "BENCH_SYNC_STALL_S": str(stall_every_s),
            **counted,
        }


def tally_of_this_process() -> Syncs:
    """Give what the shim has counted in this process; nothing if it is not preloaded."""
    path = os.environ.get("BENCH_SYNC_TALLY")
    return Syncs(*_LAYOUT.unpack(Path(path).read_bytes())) if path else Syncs(0, 0)
