"""ZbarReader: asks zbar in a child process, which may die or hang at any time."""

import os
import select
import subprocess
import sys
import time
from collections import deque
from types import TracebackType
from typing import Final, Self

import cv2
import numpy as np

from yaoma_drivers.decoding.arrays import Grey
from yaoma_drivers.decoding.reading import Reading
from yaoma_drivers.decoding.zbar_child import ANSWER, CODE, MOST_PIXELS, POINT, QUESTION

__all__ = ["ZbarReader"]

#: After that a picture is given up and the child with it; a driver must end within a second.
_TIMEOUT_S: Final = 0.5
#: How often a child is begun anew within how long; after that zbar rests.
_MOST_BEGINNINGS: Final = 4
_BEGINNINGS_S: Final = 60.0
_LONGEST_TEXT: Final = 8192
_MOST_CODES: Final = 256
_MOST_CORNERS: Final = 4096
_LAST_ASCII: Final = 0x7E
_WHITE_SPACE: Final = b"\t\n\r"


class _Failed(Exception):  # noqa: N818 - never seen outside
    """The child has died, hangs, or answers nonsense."""


class ZbarReader:
    """Reads the QR codes of a picture with zbar; a child that fails costs that picture, and nothing else.

    The child is begun at the first picture. It inherits how the box overwrites memory that is given back.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._begun_s: deque[float] = deque(maxlen=_MOST_BEGINNINGS)
        self._failed_count = 0

    @property
    def failed_count(self) -> int:
        """How many pictures were given up so far."""
        return self._failed_count

    def read(self, grey: Grey) -> list[Reading]:
        """Return the QR codes of a picture that have plain text; nothing if the child fails.

        Of other texts zbar guesses the character set, and guesses wrong (DECODE.md 2).

        Args:
            grey: The picture; a very large one is made smaller first.
        """
        scale = 1
        while grey.size > MOST_PIXELS:
            grey = np.asarray(cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
            scale *= 2
        child = self._begun()
        if child is None:
            return []
        until_s = time.monotonic() + _TIMEOUT_S
        try:
            self._ask(child, QUESTION.pack(grey.shape[1], grey.shape[0]) + grey.tobytes(), until_s)
            return self._answered(child, scale, until_s)
        except (_Failed, OSError):
            self._failed_count += 1
            self.close()
            return []

    def close(self) -> None:
        """End the child; the next picture begins another."""
        child, self._child = self._child, None
        if child is None:
            return
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
        if self._owner == os.getpid():
            child.kill()
            child.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begun(self) -> subprocess.Popen[bytes] | None:
        if self._child is not None and self._owner == os.getpid() and self._child.poll() is None:
            return self._child
        self.close()
        now_s = time.monotonic()
        if len(self._begun_s) == _MOST_BEGINNINGS and now_s - self._begun_s[0] < _BEGINNINGS_S:
            return None
        self._begun_s.append(now_s)
        try:
            # Unbuffered, so that a pipe to a dead child has nothing left to flush.
            self._child = subprocess.Popen(
                [sys.executable, "-m", "yaoma_drivers.decoding.zbar_child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
            )
        except OSError:
            return None
        self._owner = os.getpid()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
        return self._child

    def _ask(self, child: subprocess.Popen[bytes], question: bytes, until_s: float) -> None:
        assert child.stdin is not None
        fd, left = child.stdin.fileno(), memoryview(question)
        while left:
            _, writable, _ = select.select([], [fd], [], max(0.0, until_s - time.monotonic()))
            if not writable:
                raise _Failed
            left = left[os.write(fd, left) :]

    def _answered(self, child: subprocess.Popen[bytes], scale: int, until_s: float) -> list[Reading]:
        found = []
        (count,) = ANSWER.unpack(_taken(child, ANSWER.size, until_s))
        if count > _MOST_CODES:
            raise _Failed
        for _ in range(count):
            length, corners = CODE.unpack(_taken(child, CODE.size, until_s))
            if length > _LONGEST_TEXT or corners > _MOST_CORNERS:
                raise _Failed
            data = _taken(child, length, until_s)
            points = tuple(POINT.iter_unpack(_taken(child, POINT.size * corners, until_s)))
            if points and data and all(octet in _WHITE_SPACE or 0x20 <= octet <= _LAST_ASCII for octet in data):  # noqa: PLR2004 - printable
                found.append(Reading(data, "", tuple((x * scale, y * scale) for x, y in points)))
        return found


def _taken(child: subprocess.Popen[bytes], size: int, until_s: float) -> bytes:
    assert child.stdout is not None
    fd, found = child.stdout.fileno(), bytearray()
    while len(found) < size:
        readable, _, _ = select.select([fd], [], [], max(0.0, until_s - time.monotonic()))
        more = os.read(fd, size - len(found)) if readable else b""
        if not more:
            raise _Failed
        found += more
    return bytes(found)
