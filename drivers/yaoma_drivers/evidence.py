"""Evidence: small pictures of the trace codes that were read, kept for some days in a folder of limited size.

Only the code itself is kept, cut out along its own outline: what lies beside it may be an identity card (promise 5).
Of a code that is no trace code nothing is kept at all.
"""

import contextlib
import itertools
import os
import queue
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import cv2
import numpy as np

from yaoma_drivers.decoding.arrays import Grey
from yaoma_drivers.decoding.gs1 import elements
from yaoma_drivers.decoding.guard import is_trace_code
from yaoma_drivers.decoding.reading import Reading

__all__ = ["Evidence", "cut_out", "is_evidence"]

_ENDING: Final = ".jpg"
_GS1: Final = {"]C1", "]d2", "]Q3"}
_GTIN, _SERIAL = b"01", b"21"
#: Quiet zone around the outline, as a share of its size.
_MARGIN: Final = 0.05
_LONGEST_PX: Final = 1200
_LEAST_PX: Final = 8
_CORNERS: Final = 4
_QUALITY: Final = 80
_WAITING: Final = 8
_DAY_S: Final = 86_400
_TIDY_S: Final = 3600.0
_JOIN_S: Final = 0.4


def is_evidence(reading: Reading) -> bool:
    """Tell whether a picture of a reading may be kept: a trace code of 20 digits, or GS1 with GTIN and serial.

    Args:
        reading: What was read.
    """
    if is_trace_code(reading.data, reading.aim):
        return True
    found = elements(reading.data) if reading.aim in _GS1 else None
    return found is not None and _GTIN in found and _SERIAL in found


def cut_out(grey: Grey, reading: Reading) -> Grey | None:
    """Return the code alone, set upright, with a box drawn around it; None where its outline has no extent.

    Args:
        grey: The picture.
        reading: With its outline.
    """
    if len(reading.corners) != _CORNERS:
        return None
    corners = np.array(reading.corners, np.float32)
    sides = [float(np.linalg.norm(corners[end] - corners[begin])) for begin, end in ((0, 1), (3, 2), (0, 3), (1, 2))]
    width, height = max(sides[:2]), max(sides[2:])
    if min(width, height) < 1:
        return None
    shrink = min(1.0, _LONGEST_PX / max(width, height))
    width, height = max(_LEAST_PX, round(width * shrink)), max(_LEAST_PX, round(height * shrink))
    margin = max(4, round(_MARGIN * max(width, height)))
    inner = np.array(
        [
            (margin, margin),
            (margin + width, margin),
            (margin + width, margin + height),
            (margin, margin + height),
        ],
        np.float32,
    )
    size = (width + 2 * margin, height + 2 * margin)
    upright = cv2.warpPerspective(grey, cv2.getPerspectiveTransform(corners, inner), size, borderValue=(255,))
    kept = np.full(upright.shape, 255, np.uint8)
    # Along the height there is no margin: the line of print below a code may be anybody's.
    kept[margin : margin + height] = upright[margin : margin + height]
    cv2.rectangle(kept, (margin - 2, margin - 2), (margin + width + 1, margin + height + 1), 0, 1)
    return kept


class Evidence:
    """Writes cut-outs in a thread of its own, so that a slow disk holds no scan up; what it cannot take is counted.

    Args:
        folder: Where they are written; it is made, for our user alone, if it is not there.
        keep_days: After so many days each is deleted.
        most_bytes: When all together are larger, the oldest are deleted.
    """

    def __init__(self, folder: Path, keep_days: int, most_bytes: int) -> None:
        self._folder = folder
        self._keep_days = keep_days
        self._most_bytes = most_bytes
        self._waiting: queue.Queue[tuple[Grey, int] | None] = queue.Queue(_WAITING)
        self._numbers = itertools.count()
        self._lost_count = 0
        self._thread = threading.Thread(target=self._run, name="evidence", daemon=True)

    @property
    def lost_count(self) -> int:
        """How many pictures could not be kept so far: a full disk, a forbidden folder, or one that is too slow."""
        return self._lost_count

    def keep(self, grey: Grey, reading: Reading, taken_ms: int) -> None:
        """Hand a picture over to be kept, if it may be; never waits.

        Args:
            grey: The whole picture; only the code is copied out of it.
            reading: What was read in it.
            taken_ms: When it was taken, wall clock in milliseconds; it becomes the name of the file.
        """
        cut = cut_out(grey, reading) if is_evidence(reading) else None
        if cut is None:
            return
        try:
            self._waiting.put_nowait((cut, taken_ms))
        except queue.Full:
            self._lost_count += 1

    def tidy(self) -> None:
        """Delete what is too old, and the oldest of what is too much; other files in the folder are left alone."""
        oldest_s = time.time() - self._keep_days * _DAY_S
        found = sorted((status.st_mtime, status.st_size, path) for path, status in self._pictures())
        total = sum(size for _, size, _ in found)
        for changed_s, size, path in found:
            if changed_s >= oldest_s and total <= self._most_bytes:
                break
            with contextlib.suppress(OSError):
                path.unlink()
                total -= size

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        tidied_s = -_TIDY_S
        while True:
            try:
                now_s = time.monotonic()
                if now_s - tidied_s >= _TIDY_S:
                    self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                    self.tidy()
                    tidied_s = now_s
                order = self._waiting.get(timeout=_TIDY_S)
            except queue.Empty:
                continue
            except OSError:
                # The folder may come; until then each picture is tried and counted.
                tidied_s = time.monotonic()
                continue
            if order is None:
                return
            self._write(*order)

    def _write(self, cut: Grey, taken_ms: int) -> None:
        moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime(taken_ms // 1000))
        name = f"{moment}.{taken_ms % 1000:03}Z-{os.getpid()}-{next(self._numbers):06}"
        part = self._folder / f".{name}"
        try:
            fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(cv2.imencode(_ENDING, cut, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes())
            part.rename(self._folder / f"{name}{_ENDING}")
            self.tidy()
        except OSError:
            self._lost_count += 1
            with contextlib.suppress(OSError):
                part.unlink()

    def _pictures(self) -> list[tuple[Path, os.stat_result]]:
        found = []
        for path in self._folder.iterdir():
            # Also what a power cut has left half written.
            if path.suffix == _ENDING or (path.name.startswith(".") and path.name.count("-") == 2):  # noqa: PLR2004 - ours
                with contextlib.suppress(OSError):
                    found.append((path, path.stat()))
        return found
