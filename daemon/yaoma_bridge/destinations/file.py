"""The destination `file`: events as JSON lines in a file, each exactly once.

Exactly once across crashes: lines are appended and fsynced first, and the store commits the outcomes together with
the position behind them (segment and byte). Whatever lies behind the store's position was therefore written by a
worker whose commit never came, or it was committed in a store that has since been replaced by a backup. Both cases
are one: at the start everything behind the position is read back and not written again. The first line there that is
not whole (a power cut leaves half a line, or pages of nothing) is cut off with all that follows it; it was never
fsynced, so nothing that counts is lost. What was read back is recognised by what happened (box, original place, leaf
hash) and not by its id: a store from a backup may meet a record and its copy in the other order.
"""

import fcntl
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, Field

from yaoma_bridge.destination_options import AbsolutePath, DestinationOptions
from yaoma_bridge.destinations.destination import Delivered
from yaoma_bridge.errors import DestinationBusyError, DestinationError
from yaoma_bridge.events import Event
from yaoma_link.receipt import OutcomeState

__all__ = ["FileDestination", "FileOptions", "event_line"]

_MIB = 1 << 20
_Key = tuple[str, str, int, str]


class FileOptions(DestinationOptions):
    """Options of the destination `file`.

    Args:
        path: The file, absolute; later segments get a number behind its stem.
        rotate_mib: Begin a new segment when one has reached this size in MiB; 0 never does.
    """

    path: AbsolutePath
    rotate_mib: int = Field(default=0, ge=0, le=1 << 20)


def event_line(event: Event) -> bytes:
    """Give an event as one line of JSON."""
    return json.dumps(event.cloud_event(), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


class FileDestination:
    """Appends events to a file; a lock beside it keeps a second writer out.

    Args:
        name: Its name in the configuration.
        options: Its options.
    """

    Options: ClassVar[type[BaseModel]] = FileOptions

    def __init__(self, name: str, options: FileOptions) -> None:
        self._name = name
        self._path = options.path
        self._rotate_bytes = options.rotate_mib * _MIB
        self._lock: int | None = None
        self._file: int | None = None
        self._segment = 0
        self._offset = 0
        self._read_back: set[_Key] = set()

    @property
    def name(self) -> str:
        """Its name in the configuration and in receipts."""
        return self._name

    @property
    def mark(self) -> str:
        """The position behind the last whole line."""
        return f"{self._segment}:{self._offset}"

    def resume(self, mark: str) -> tuple[str, ...]:
        """Open the file at the store's position and read back what lies behind it.

        Raises:
            DestinationBusyError: If another process writes it.
            DestinationError: If the disk refuses.
        """
        self.close()
        try:
            return self._resume(mark)
        except OSError as error:
            self.close()
            raise _refused(self._path, error) from None

    def deliver(self, events: Sequence[Event]) -> Sequence[Delivered]:
        """Append events and fsync; those that were read back are there already.

        Raises:
            DestinationError: If the disk refuses; the file is cut back to where it was.
        """
        fresh = [event for event in events if event.key not in self._read_back]
        try:
            self._append(b"".join(map(event_line, fresh)))
        except OSError as error:
            self._cut_back()
            raise _refused(self._path, error) from None
        self._read_back.difference_update(event.key for event in events)
        return [Delivered(event.n, OutcomeState.ACCEPTED) for event in events]

    def close(self) -> None:
        """Close the file and let others write it."""
        for descriptor in (self._file, self._lock):
            if descriptor is not None:
                os.close(descriptor)
        self._file = self._lock = None
        self._read_back = set()

    def _resume(self, mark: str) -> tuple[str, ...]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise DestinationBusyError(f"{self._path.name} is written by another process") from None
        segment, _, offset = mark.partition(":")
        at_segment, at_offset = (int(segment), int(offset)) if mark else (0, 0)
        odd = []
        first = self._segment_path(at_segment)
        if mark and at_offset and (not first.exists() or first.stat().st_size < at_offset):
            odd.append(f"{first.name} is shorter than what was written to it")
            at_offset = first.stat().st_size if first.exists() else 0
        self._open_segment(at_segment)
        self._offset = at_offset
        while True:
            self._offset += self._read_back_from(self._offset)
            if not self._segment_path(self._segment + 1).exists():
                break
            self._open_segment(self._segment + 1)
            self._offset = 0
        assert self._file is not None
        os.ftruncate(self._file, self._offset)
        os.fsync(self._file)
        return tuple(odd)

    def _read_back_from(self, offset: int) -> int:
        """Note the whole lines behind a position; give how many bytes they take."""
        whole = 0
        with self._segment_path(self._segment).open("rb") as lines:
            lines.seek(offset)
            for line in lines:
                key = _key_of(line)
                if key is None:
                    break
                self._read_back.add(key)
                whole += len(line)
        return whole

    def _append(self, data: bytes) -> None:
        if not data:
            return
        if self._rotate_bytes and self._offset >= self._rotate_bytes:
            self._open_segment(self._segment + 1)
            self._offset = 0
        assert self._file is not None
        left, at = memoryview(data), self._offset
        while left:
            written = os.pwrite(self._file, left, at)
            left, at = left[written:], at + written
        os.fsync(self._file)
        self._offset = at

    def _cut_back(self) -> None:
        """Take away what a failed append left; if even that fails, `resume` does it."""
        if self._file is not None:
            try:
                os.ftruncate(self._file, self._offset)
            except OSError:
                self.close()

    def _open_segment(self, segment: int) -> None:
        opened = os.open(self._segment_path(segment), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        if self._file is not None:
            os.close(self._file)
        self._file, self._segment = opened, segment
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _segment_path(self, segment: int) -> Path:
        if segment == 0:
            return self._path
        return self._path.with_name(f"{self._path.stem}-{segment:06d}{self._path.suffix}")


def _key_of(line: bytes) -> _Key | None:
    """Read back what happened from a line, or None if it is not a whole line of ours."""
    try:
        event = json.loads(line)
        box = "/".join(event["source"].split("/")[3:5])
        log, _, seq = event["origin"].rpartition("/")
        key = box, log, int(seq), event["leaf"]
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return key if line.endswith(b"\n") and isinstance(key[3], str) else None


def _refused(path: Path, error: OSError) -> DestinationError:
    return DestinationError(f"{path.name}: {error.strerror or 'the disk refuses'}", "Check space, mount, permissions")
