"""Clock: gives the time of both clocks, and says how far the wall clock can be trusted (SCANNERS.md 7)."""

import ctypes
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from yaoma.core.record import ClockState, Stamp

__all__ = ["RELEASED_MS", "ClockPaths", "SystemClock", "TimeFloor", "changed", "is_synced", "kernel_max_error_us"]

#: No box runs this version before it was released: 2026-11-01, milliseconds since 1970. Raised at each release.
RELEASED_MS: Final = 1_793_491_200_000

#: A wall clock that moves further than this against the monotonic one was set, not drifting.
JUMP_MS: Final = 2_000

#: systemd calls a clock synchronised while the kernel's bound of its error is below 16 s.
_SYNCED_BELOW_US: Final = 16_000_000

#: The kernel lets that bound grow by 500 ppm: so long after the last synchronisation it reaches 16 s.
_SYNCED_FOR_S: Final = 32_000

#: A battery clock that set the wall clock still agrees with it so far, months of drift apart.
_RTC_AGREES_S: Final = 300

_STATE_HOLDS_MS: Final = 1_000


class _Timex(ctypes.Structure):
    """`struct timex` of Linux on 64-bit machines (adjtimex(2)); what follows `maxerror` is only room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_long * 28),
    )


def kernel_max_error_us() -> int | None:
    """Ask the kernel for the bound of the wall clock's error, in microseconds; None if it does not say.

    Only reads (`modes` is 0). No callback goes to C, so no memory has to be writable and executable.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    timex = _Timex()
    # A sandbox that forbids setting the clock often forbids asking for its state too.
    return int(timex.maxerror) if libc.adjtimex(ctypes.byref(timex)) >= 0 else None


@dataclass(frozen=True, slots=True)
class ClockPaths:
    """Where the system tells about its clock.

    Args:
        boot_id: The kernel's id of this boot.
        synchronized: timesyncd touches it at each synchronisation; gone after a reboot.
        rtc: Folder of the battery clock.
        fake_hwclock: There if the time of the last shutdown is set at boot, which proves nothing.
    """

    boot_id: Path = Path("/proc/sys/kernel/random/boot_id")
    synchronized: Path = Path("/run/systemd/timesync/synchronized")
    rtc: Path = Path("/sys/class/rtc/rtc0")
    fake_hwclock: Path = Path("/etc/fake-hwclock.data")


def is_synced(
    wall_ms: int,
    paths: ClockPaths = ClockPaths(),
    max_error_us: Callable[[], int | None] = kernel_max_error_us,
) -> bool:
    """Say whether NTP holds the wall clock now, in this boot.

    Args:
        wall_ms: The wall clock, milliseconds since 1970.
        paths: Where the system tells about its clock.
        max_error_us: The kernel's bound of the error, or None if it can't be asked.
    """
    error_us = max_error_us()
    if error_us is not None:
        return error_us < _SYNCED_BELOW_US
    touched_s = _modified_s(paths.synchronized)
    return touched_s is not None and 0 <= wall_ms / 1000 - touched_s < _SYNCED_FOR_S


def changed(before: Stamp, now: Stamp) -> bool:
    """Say whether a clock record is due: the state is another one, or the wall clock was set by more than 2 s.

    Stamps of two boots can't be compared; a new boot has its own `start` record.
    """
    if before.boot != now.boot:
        return False
    shift_ms = (now.wall_ms - now.mono_ms) - (before.wall_ms - before.mono_ms)
    return before.clock is not now.clock or abs(shift_ms) > JUMP_MS


class TimeFloor:
    """The latest time that is known to have passed: what expired before it stays expired (DESIGN.md 6).

    Every thread may use it.

    Args:
        start_ms: What is known from the last run or from a signed list; never below the release.
    """

    def __init__(self, start_ms: int = RELEASED_MS) -> None:
        self._lock = threading.Lock()
        self._ms = max(start_ms, RELEASED_MS)

    @property
    def ms(self) -> int:
        """Milliseconds since 1970."""
        return self._ms

    def saw(self, stamp: Stamp) -> None:
        """Learn from a stamp; only one that NTP stands behind raises the floor."""
        if stamp.clock is ClockState.SYNCED:
            self.saw_signed(stamp.wall_ms)

    def saw_signed(self, time_ms: int) -> None:
        """Learn from a time that the centre has signed."""
        with self._lock:
            self._ms = max(self._ms, time_ms)


@dataclass(slots=True)
class _Evidence:
    """What is known of an earlier synchronisation in this boot: wall minus monotonic time then."""

    offset_ms: int | None = None


@dataclass(slots=True, kw_only=True)
class SystemClock:
    """The clock of the machine; calling it gives a `Stamp`. Every thread may call it.

    `synced`: the kernel's error bound is below 16 s, or, where the sandbox hides it, timesyncd synchronised within
    the time in which that bound would reach 16 s. `holdover`: it was synced earlier in this boot and nobody has set
    it since. `rtc`: a battery clock agrees with it, and the time is neither before the release nor before the last
    record. Everything else is `untrusted`, also what fake-hwclock or a saved time makes look plausible.

    Args:
        last: The stamp of the last record, or None.
        paths: Where the system tells about its clock.
        wall_ms: Milliseconds since 1970.
        mono_ms: CLOCK_MONOTONIC in milliseconds, the clock of `Symbol.read_mono_ms`.
        max_error_us: The kernel's bound of the error, or None if it can't be asked.

    Raises:
        OSError: If the kernel's boot id can't be read.
    """

    last: Stamp | None = None
    paths: ClockPaths = field(default_factory=ClockPaths)
    wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    mono_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000
    max_error_us: Callable[[], int | None] = kernel_max_error_us
    boot_id: str = field(init=False)
    _boot: str = field(init=False, repr=False)
    _synced: _Evidence = field(init=False, repr=False, default_factory=_Evidence)
    _state: ClockState = field(init=False, repr=False, default=ClockState.UNTRUSTED)
    _looked_ms: int | None = field(init=False, repr=False, default=None)
    _offset_ms: int = field(init=False, repr=False, default=0)
    _lock: threading.Lock = field(init=False, repr=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Read what stays the same for the whole boot."""
        self.boot_id = self.paths.boot_id.read_text("ascii").strip()
        self._boot = self.boot_id.replace("-", "")[:16]
        last = self.last
        if last is not None and last.boot == self._boot and last.clock in {ClockState.SYNCED, ClockState.HOLDOVER}:
            self._synced.offset_ms = last.wall_ms - last.mono_ms

    def __call__(self) -> Stamp:
        """Give the time. The state is looked up once a second, and at once when the wall clock was set."""
        with self._lock:
            wall_ms, mono_ms = self.wall_ms(), self.mono_ms()
            offset_ms = wall_ms - mono_ms
            fresh = self._looked_ms is not None and mono_ms - self._looked_ms < _STATE_HOLDS_MS
            if not fresh or abs(offset_ms - self._offset_ms) > JUMP_MS:
                self._state = self._look(wall_ms, offset_ms)
                self._looked_ms, self._offset_ms = mono_ms, offset_ms
            return Stamp(wall_ms, mono_ms, self._boot, self._state)

    def _look(self, wall_ms: int, offset_ms: int) -> ClockState:
        touched_s = _modified_s(self.paths.synchronized)
        if is_synced(wall_ms, self.paths, self.max_error_us):
            self._synced.offset_ms = offset_ms
            return ClockState.SYNCED
        if self._synced.offset_ms is None and touched_s is not None and touched_s * 1000 <= wall_ms:
            self._synced.offset_ms = offset_ms
        if self._synced.offset_ms is not None and abs(offset_ms - self._synced.offset_ms) <= JUMP_MS:
            return ClockState.HOLDOVER
        return ClockState.RTC if self._rtc_vouches(wall_ms) else ClockState.UNTRUSTED

    def _rtc_vouches(self, wall_ms: int) -> bool:
        """Ask the battery clock itself: one with an empty battery is there too, and says 1970 or 2000."""
        earliest_ms = max(RELEASED_MS, self.last.wall_ms if self.last else 0)
        if wall_ms < earliest_ms or self.paths.fake_hwclock.exists():
            return False
        try:
            rtc_s = int((self.paths.rtc / "since_epoch").read_text("ascii"))
        except (OSError, ValueError):
            return False
        return rtc_s * 1000 >= earliest_ms and abs(rtc_s - wall_ms / 1000) <= _RTC_AGREES_S


def _modified_s(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None
