"""PictureFolder: which pictures of a folder are new, whole, and not yet taken."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from yaoma_drivers.picture import PictureState, inspect
from yaoma_drivers.symbol import ReadFault

__all__ = ["MAX_PICTURE_BYTES", "MAX_PICTURE_PIXELS", "PictureFile", "PictureFolder"]

MAX_PICTURE_BYTES = 32 * 1024 * 1024
#: A small file may unfold to gigabytes; 24 million pixels are more than a camera at a counter needs.
MAX_PICTURE_PIXELS = 24_000_000

_SUFFIXES = (".png", ".jpg", ".jpeg")

_Identity = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class PictureFile:
    """One picture, taken once.

    Args:
        octets: The file; empty if `fault` is set.
        length: How many bytes it has.
        fault: Why it was given up, or None.
    """

    octets: bytes = field(repr=False)
    length: int
    fault: ReadFault | None = None


@dataclass(slots=True)
class _Sighting:
    """What is known of one name in the folder."""

    identity: _Identity
    changed_ms: int
    is_done: bool = False
    digest: bytes = b""


class PictureFolder:
    """Looks at a folder of PNG and JPEG files; names that begin with a dot are still being uploaded.

    A picture is known by name, inode, time of change and size, and taken again only if one of these and its bytes
    have changed. One that is not whole is waited for until it has not changed for `settle_ms`.

    Args:
        folder: Where pictures appear.
        settle_ms: After how long without change an unfinished picture is given up, in milliseconds.
    """

    def __init__(self, folder: Path, settle_ms: int) -> None:
        self._folder = folder
        self._settle_ms = settle_ms
        self._sightings: dict[str, _Sighting] = {}

    def skip_existing(self) -> None:
        """Take nothing that is there now, unless it changes.

        Raises:
            OSError: The folder cannot be listed.
        """
        for name, identity in self._listing().items():
            self._sightings[name] = _Sighting(identity, 0, is_done=True)

    def look(self, now_ms: int) -> Iterator[PictureFile]:
        """Yield the pictures that are ready, in the order of their names.

        Args:
            now_ms: CLOCK_MONOTONIC in milliseconds.

        Raises:
            OSError: The folder cannot be listed.
        """
        listing = self._listing()
        for name in self._sightings.keys() - listing.keys():
            del self._sightings[name]
        for name in sorted(listing):
            sighting = self._sightings.get(name)
            if sighting is None:
                sighting = self._sightings[name] = _Sighting(listing[name], now_ms)
            elif sighting.identity != listing[name]:
                sighting.identity, sighting.changed_ms, sighting.is_done = listing[name], now_ms, False
            if not sighting.is_done and (picture := self._take(name, sighting, now_ms)):
                yield picture

    def _listing(self) -> dict[str, _Identity]:
        """Return the pictures that are regular files now."""
        listing = {}
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or not entry.name.lower().endswith(_SUFFIXES):
                    continue
                try:
                    status = entry.stat()
                except FileNotFoundError:
                    continue
                if stat.S_ISREG(status.st_mode):
                    listing[entry.name] = _identity(status)
        return listing

    def _take(self, name: str, sighting: _Sighting, now_ms: int) -> PictureFile | None:
        """Return a picture that is whole or given up; None to look again later, or if its bytes were taken before."""
        length = sighting.identity[2]
        octets = self._read(name) if length <= MAX_PICTURE_BYTES else b""
        found = inspect(octets)
        if length > MAX_PICTURE_BYTES or found.pixels > MAX_PICTURE_PIXELS:
            fault = ReadFault.OVERLONG
        elif found.state is PictureState.WHOLE:
            sighting.is_done = True
            digest = hashlib.blake2b(octets, digest_size=16).digest()
            is_new, sighting.digest = digest != sighting.digest, digest
            return PictureFile(octets, len(octets)) if is_new else None
        elif found.state is PictureState.CUT_OFF:
            fault = ReadFault.UNTERMINATED
        else:
            fault = ReadFault.DROPPED
        if now_ms - sighting.changed_ms < self._settle_ms:
            return None
        sighting.is_done = True
        return PictureFile(b"", length, fault)

    def _read(self, name: str) -> bytes:
        """Return the bytes of a file; none if it cannot be read, or has grown too long meanwhile."""
        try:
            # Not blocking: a pipe put in the place of a picture must not hold us up.
            number = os.open(self._folder / name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
            with open(number, "rb") as file:  # noqa: PTH123 - a descriptor has no path
                octets = file.read(MAX_PICTURE_BYTES + 1)
        except OSError:
            return b""
        return octets if len(octets) <= MAX_PICTURE_BYTES else b""


def _identity(status: os.stat_result) -> _Identity:
    return status.st_ino, status.st_mtime_ns, status.st_size
