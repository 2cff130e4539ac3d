"""Loop disk: what reaches a block device, counted where nobody else writes: a private ext4 on a loop device."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.machine import mount_of
from fakes.ext4 import Ext4

__all__ = ["LoopDisk", "loop_disk", "sectors_written"]

_SECTORS_WRITTEN = 6


@dataclass(frozen=True, slots=True)
class LoopDisk:
    """A mounted file system with its device.

    Args:
        path: Where it is mounted.
        device: The name of its block device.
    """

    path: Path
    device: str


@contextmanager
def loop_disk(folder: Path, size_mib: int = 256) -> Iterator[LoopDisk]:
    """Mount a fresh ext4 as long as the context lasts.

    Raises:
        Ext4UnavailableError: If this needs root or a loop device that is not there.
    """
    with Ext4(folder, size_mib) as disk:
        yield LoopDisk(disk.path, Path(mount_of(disk.path)[0]).name)


def sectors_written(device: str) -> int:
    """Give how many sectors of 512 bytes have reached a block device (kernel, block/stat.rst); 0 for no name."""
    if not device:
        return 0
    return int(Path("/sys/block", device, "stat").read_text().split()[_SECTORS_WRITTEN])
