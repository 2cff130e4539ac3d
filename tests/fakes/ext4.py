"""A real ext4 on a loop device whose power can be cut. Needs root."""

import fcntl
import os
import struct
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

#: `EXT4_IOC_SHUTDOWN` of the kernel's ext4.h: _IOR('X', 125, __u32).
_SHUTDOWN = 0x8004587D
#: Do not even write the file system's own journal out before it stops.
_NO_LOG_FLUSH = struct.pack("I", 2)


class Ext4UnavailableError(Exception):
    """This machine can't mount one; the sentence says why."""


class Ext4:
    """An ext4 in an image file, mounted as long as the context lasts.

    At the cut everything that is not on the device is gone, and nothing more gets there; the next mount replays the
    file system's journal. Freeze the writer before the cut (SIGSTOP), so that nothing more is acknowledged, kill it
    before `again`, and note what was acknowledged outside of `path`.

    Args:
        folder: Where image and mount point are made.
        size_mib: The image's size.
    """

    def __init__(self, folder: Path, size_mib: int = 64) -> None:
        self.path = folder / "ext4"
        self._image = folder / "ext4.img"
        self._size_mib = size_mib
        self._mounted = False

    def __enter__(self) -> Self:
        """Make the file system and mount it.

        Raises:
            Ext4UnavailableError: If this needs root or a loop device that is not there.
        """
        if os.geteuid() != 0:
            raise Ext4UnavailableError("mounting an ext4 needs root")
        self.path.mkdir()
        with self._image.open("wb") as image:
            image.truncate(self._size_mib << 20)
        try:
            _run("mkfs.ext4", "-q", "-F", str(self._image))
            self._mount()
        except (OSError, subprocess.CalledProcessError) as error:
            self._remove()
            raise Ext4UnavailableError(f"no ext4 on a loop device here: {error}") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Unmount it, which also frees the loop device, and remove the image."""
        try:
            if self._mounted:
                # Lazily: a test that failed may still hold a file open; the rest follows when it is collected.
                _run("umount", "--lazy", str(self.path))
                self._mounted = False
        finally:
            self._remove()

    def cut(self) -> None:
        """Cut the power."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, _NO_LOG_FLUSH)
        finally:
            os.close(descriptor)

    def again(self) -> None:
        """Give power again: mount what was on the device."""
        self._unmount()
        self._mount()

    def _mount(self) -> None:
        # The mount sets the loop device up and has it freed at the unmount.
        _run("mount", "-t", "ext4", "-o", "loop,noatime", str(self._image), str(self.path))
        self._mounted = True

    def _unmount(self) -> None:
        _run("umount", str(self.path))
        self._mounted = False

    def _remove(self) -> None:
        if not self._mounted:
            self._image.unlink(missing_ok=True)
            self.path.rmdir()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)
