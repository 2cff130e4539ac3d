"""Start log: a tiny file that remembers starts which failed, so that a crash loop ends in safe mode (DESIGN.md 11)."""

import contextlib
import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from yaoma.shell.database import fsync_folder

__all__ = ["FAILURES", "WITHIN_MS", "Start", "StartLog", "pause_s"]

log = logging.getLogger("yaoma.starts")

#: So many failed starts within `WITHIN_MS` are a crash loop.
FAILURES: Final = 3
WITHIN_MS: Final = 600_000

_LONGEST_PAUSE_S: Final = 60.0
_KEPT: Final = 16
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Start:
    """What is known at a start.

    Args:
        failed: How many starts have failed in a row before this one, within `WITHIN_MS`.
        safe_mode: Whether only built-in drivers may be used.
    """

    failed: int = 0
    safe_mode: bool = False


@dataclass(frozen=True, slots=True)
class _Memory:
    """What the file holds: starts of one boot whose end nobody has seen, by the monotonic clock.

    The monotonic clock, because a box without network or battery clock has no other; starts of another boot don't
    count, because a power cut is no defect of the daemon.
    """

    boot: str = ""
    starts_ms: tuple[int, ...] = ()
    safe_mode: bool = False


def pause_s(failed: int) -> float:
    """Give the pause before a start that follows failed ones: 0, 1, 2, 4 and so on up to 60 seconds.

    Args:
        failed: How many starts have failed in a row.
    """
    return min(2.0 ** (failed - 1), _LONGEST_PAUSE_S) if failed else 0.0


class StartLog:
    """Remembers starts from one process to the next. Whoever uses it holds the state lock.

    It never stands in the way of a start: what can't be read is forgotten, what can't be written is logged.

    Args:
        file: The file; nothing but it and a file beside it is written.
        boot: The kernel's id of this boot.
        mono_ms: The monotonic clock, in milliseconds.
    """

    def __init__(
        self, file: Path, boot: str, mono_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000
    ) -> None:
        self._file = file
        self._boot = boot
        self._mono_ms = mono_ms
        self._memory = _Memory(boot)

    def begin(self, *, normal: bool = False) -> Start:
        """Remember that a start begins, and say how it should be done.

        Args:
            normal: Forget failed starts and safe mode.
        """
        now_ms = self._mono_ms()
        before = _Memory() if normal else self._read()
        recent = tuple(
            at_ms for at_ms in before.starts_ms if before.boot == self._boot and 0 <= now_ms - at_ms <= WITHIN_MS
        )[-_KEPT:]
        start = Start(len(recent), before.safe_mode or len(recent) >= FAILURES)
        self._write(_Memory(self._boot, (*recent, now_ms), start.safe_mode))
        return start

    def healthy(self) -> None:
        """This run is no failed start, and the next one is a normal one."""
        self._write(_Memory(self._boot))

    def did_not_fail(self) -> None:
        """This start ended too early to be called healthy, but not by a defect: somebody asked for it."""
        self._write(replace(self._memory, starts_ms=self._memory.starts_ms[:-1]))

    def _read(self) -> _Memory:
        try:
            fields = json.loads(self._file.read_bytes())
            starts_ms = tuple(fields["starts_ms"])
            if fields["v"] != _VERSION or not all(type(at_ms) is int for at_ms in starts_ms):
                return _Memory()
            return _Memory(str(fields["boot"]), starts_ms, fields["safe_mode"] is True)
        except FileNotFoundError:
            return _Memory()
        except (OSError, ValueError, LookupError, TypeError) as error:
            log.warning("failed starts are forgotten, their file can't be read: error=%s", type(error).__name__)
            return _Memory()

    def _write(self, memory: _Memory) -> None:
        if memory == self._memory and self._file.exists():
            return
        self._memory = memory
        fields = {
            "v": _VERSION,
            "boot": memory.boot,
            "starts_ms": memory.starts_ms,
            "safe_mode": memory.safe_mode,
        }
        beside = self._file.with_name(f"{self._file.name}.new")
        try:
            with contextlib.closing(
                os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
            ) as new:
                new.write(json.dumps(fields).encode())
                new.flush()
                os.fsync(new.fileno())
            beside.replace(self._file)
            fsync_folder(self._file.parent)
        except OSError as error:
            log.warning("failed starts can't be remembered: problem=%s", error.strerror)
