"""The clock: what is believed, what is not, and when a clock record is due."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from yaoma.core.record import ClockState, Stamp
from yaoma.shell.clock import RELEASED_MS, ClockPaths, SystemClock, TimeFloor, changed, kernel_max_error_us

BOOT_ID = "01234567-89ab-cdef-0123-456789abcdef"
BOOT = "0123456789abcdef"
NOW_MS = RELEASED_MS + 30 * 86_400_000
UNSYNCED_US = 16_000_000


@dataclass
class Machine:
    """A machine whose clocks and files are set by hand."""

    folder: Path
    wall_ms: int = NOW_MS
    mono_ms: int = 60_000
    error_us: int | None = UNSYNCED_US
    looks: int = 0

    def __post_init__(self) -> None:
        (self.folder / "boot_id").write_text(BOOT_ID + "\n")

    def clock(self, last: Stamp | None = None) -> SystemClock:
        """A clock on this machine."""
        paths = ClockPaths(
            self.folder / "boot_id", self.folder / "synchronized", self.folder / "rtc0", self.folder / "fake"
        )
        return SystemClock(
            last=last,
            paths=paths,
            wall_ms=lambda: self.wall_ms,
            mono_ms=lambda: self.mono_ms,
            max_error_us=self.max_error_us,
        )

    def max_error_us(self) -> int | None:
        """The kernel's answer; counts how often it is asked."""
        self.looks += 1
        return self.error_us

    def wait(self, ms: int) -> None:
        """Let time go by on both clocks."""
        self.wall_ms += ms
        self.mono_ms += ms

    def has_rtc(self, seconds: float) -> None:
        """Fit a battery clock that says this."""
        (self.folder / "rtc0").mkdir(exist_ok=True)
        (self.folder / "rtc0" / "since_epoch").write_text(f"{int(seconds)}\n")

    def synchronized(self, seconds: float) -> None:
        """Let timesyncd have synchronised at this wall time."""
        file = self.folder / "synchronized"
        file.touch()
        os.utime(file, (seconds, seconds))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine without network and battery clock."""
    return Machine(tmp_path)


def test_stamp_when_taken_then_it_bears_both_clocks_and_the_boot(machine: Machine) -> None:
    """The first 16 digits of the boot id stand in the stamp, the whole id beside it."""
    clock = machine.clock()

    assert clock() == Stamp(NOW_MS, 60_000, BOOT, ClockState.UNTRUSTED)
    assert clock.boot_id == BOOT_ID


def test_state_when_the_kernel_bounds_the_error_then_it_is_synced(machine: Machine) -> None:
    """Below 16 s the clock counts as synchronised, from there on not (SCANNERS.md 7)."""
    machine.error_us = UNSYNCED_US - 1
    assert machine.clock()().clock is ClockState.SYNCED
    machine.error_us = UNSYNCED_US
    assert machine.clock()().clock is ClockState.UNTRUSTED


def test_state_when_ntp_goes_away_then_it_is_held_over_until_somebody_sets_the_clock(machine: Machine) -> None:
    """What was synced in this boot stays good while nobody touches it, and is lost when somebody does."""
    machine.error_us = 1000
    clock = machine.clock()
    clock()
    machine.error_us = UNSYNCED_US
    machine.wait(3_600_000)
    assert clock().clock is ClockState.HOLDOVER
    machine.wall_ms += 86_400_000
    assert clock().clock is ClockState.UNTRUSTED
    machine.wall_ms -= 86_400_000
    assert clock().clock is ClockState.HOLDOVER


@pytest.mark.parametrize("state", list(ClockState))
def test_state_when_the_last_record_of_this_boot_was_good_then_a_restart_holds_over(
    machine: Machine, state: ClockState
) -> None:
    """A restart of the daemon does not forget that this boot was synced."""
    last = Stamp(NOW_MS - 10_000, 50_000, BOOT, state)
    good = state in {ClockState.SYNCED, ClockState.HOLDOVER}

    assert machine.clock(last)().clock is (ClockState.HOLDOVER if good else ClockState.UNTRUSTED)


def test_state_when_the_last_record_was_of_another_boot_or_before_a_jump_then_nothing_is_held(machine: Machine) -> None:
    """A monotonic time of another boot says nothing; a wall clock that moved since then is not the same clock."""
    other = Stamp(NOW_MS - 10_000, 50_000, "f" * 16, ClockState.SYNCED)
    moved = Stamp(NOW_MS - 500_000, 50_000, BOOT, ClockState.SYNCED)

    assert machine.clock(other)().clock is ClockState.UNTRUSTED
    assert machine.clock(moved)().clock is ClockState.UNTRUSTED


def test_state_when_timesyncd_synchronised_earlier_then_it_is_held_over(machine: Machine) -> None:
    """Its file is gone after a reboot, so it proves a synchronisation in this boot; not one in the future."""
    machine.synchronized(NOW_MS / 1000 - 100_000)
    assert machine.clock()().clock is ClockState.HOLDOVER
    machine.synchronized(NOW_MS / 1000 + 10)
    assert machine.clock()().clock is ClockState.UNTRUSTED


def test_state_when_the_sandbox_hides_the_kernel_then_timesyncd_alone_decides(machine: Machine) -> None:
    """Fresh within the time in which the kernel's bound grows to 16 s: synced; older: held over."""
    machine.error_us = None
    assert machine.clock()().clock is ClockState.UNTRUSTED
    machine.synchronized(NOW_MS / 1000 - 31_999)
    assert machine.clock()().clock is ClockState.SYNCED
    machine.synchronized(NOW_MS / 1000 - 32_001)
    assert machine.clock()().clock is ClockState.HOLDOVER


def test_state_when_a_battery_clock_agrees_then_it_is_rtc(machine: Machine) -> None:
    """The battery clock itself must say about the same, and no saved time may have been set at boot."""
    machine.has_rtc(NOW_MS / 1000 + 200)
    assert machine.clock()().clock is ClockState.RTC
    machine.has_rtc(NOW_MS / 1000 + 400)
    assert machine.clock()().clock is ClockState.UNTRUSTED
    machine.has_rtc(NOW_MS / 1000)
    (machine.folder / "fake").touch()
    assert machine.clock()().clock is ClockState.UNTRUSTED


def test_state_when_the_battery_is_empty_then_it_is_untrusted(machine: Machine) -> None:
    """A battery clock that begins in 1970 is there and vouches for nothing, also when the wall clock agrees."""
    machine.has_rtc(100)
    assert machine.clock()().clock is ClockState.UNTRUSTED
    machine.wall_ms = 100_000
    assert machine.clock()().clock is ClockState.UNTRUSTED
    (machine.folder / "rtc0" / "since_epoch").write_text("nonsense")
    assert machine.clock()().clock is ClockState.UNTRUSTED


def test_state_when_the_time_is_before_the_last_record_then_it_is_untrusted(machine: Machine) -> None:
    """Time does not run backwards, whatever a battery says; before the release nothing is plausible either."""
    machine.has_rtc(NOW_MS / 1000)
    later = Stamp(NOW_MS + 1, 1, "f" * 16, ClockState.RTC)
    assert machine.clock(later)().clock is ClockState.UNTRUSTED
    machine.wall_ms = RELEASED_MS - 1
    machine.has_rtc(RELEASED_MS / 1000 - 1)
    assert machine.clock()().clock is ClockState.UNTRUSTED


def test_state_when_asked_often_then_it_is_looked_up_once_a_second(machine: Machine) -> None:
    """A stamp is cheap; only a wall clock that was set is looked into at once."""
    clock = machine.clock()
    for _ in range(100):
        machine.wait(9)
        clock()
    assert machine.looks == 1
    machine.wait(1000)
    clock()
    assert machine.looks == 2
    machine.wall_ms += 3_000
    clock()
    assert machine.looks == 3


STAMP = Stamp(NOW_MS, 60_000, BOOT, ClockState.UNTRUSTED)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (Stamp(NOW_MS + 5_000, 65_000, BOOT, ClockState.UNTRUSTED), False),
        (Stamp(NOW_MS + 7_000, 65_000, BOOT, ClockState.UNTRUSTED), False),
        (Stamp(NOW_MS + 7_001, 65_000, BOOT, ClockState.UNTRUSTED), True),
        (Stamp(NOW_MS + 2_999, 65_000, BOOT, ClockState.UNTRUSTED), True),
        (Stamp(NOW_MS + 5_000, 65_000, BOOT, ClockState.SYNCED), True),
        (Stamp(NOW_MS + 99_000, 5, "f" * 16, ClockState.SYNCED), False),
    ],
)
def test_changed_when_state_or_offset_differ_then_a_record_is_due(now: Stamp, *, due: bool) -> None:
    """Another state, or more than 2 s against the monotonic clock, within one boot."""
    assert changed(STAMP, now) is due


def test_floor_when_fed_then_only_synced_and_signed_time_raise_it() -> None:
    """A clock without proof can't age a list, and nothing makes time younger."""
    floor = TimeFloor()
    assert floor.ms == RELEASED_MS
    for state in (ClockState.UNTRUSTED, ClockState.RTC, ClockState.HOLDOVER):
        floor.saw(Stamp(NOW_MS, 1, BOOT, state))
    assert floor.ms == RELEASED_MS
    floor.saw(Stamp(NOW_MS, 1, BOOT, ClockState.SYNCED))
    floor.saw_signed(NOW_MS + 5)
    floor.saw(Stamp(NOW_MS - 5, 1, BOOT, ClockState.SYNCED))
    assert floor.ms == NOW_MS + 5


def test_system_clock_when_real_then_it_is_the_clock_of_the_drivers() -> None:
    """On this machine it gives CLOCK_MONOTONIC as `Symbol.read_mono_ms` does, and the kernel's boot."""
    before = time.monotonic_ns() // 1_000_000
    stamp = SystemClock()()

    assert before <= stamp.mono_ms <= time.monotonic_ns() // 1_000_000
    assert len(stamp.boot) == 16
    error_us = kernel_max_error_us()
    assert error_us is None or error_us >= 0


NO_EXEC = """
import ctypes
libc = ctypes.CDLL(None)
done = libc.prctl(65, 1, 0, 0, 0)
from yaoma.shell.clock import kernel_max_error_us
print(done, kernel_max_error_us() is not None)
"""


def test_kernel_when_no_memory_may_become_executable_then_it_is_still_asked() -> None:
    """No callback goes to C, so MemoryDenyWriteExecute does not matter (prctl PR_SET_MDWE)."""
    ran = subprocess.run([sys.executable, "-c", NO_EXEC], capture_output=True, text=True, check=False, timeout=60)
    if ran.stdout.startswith("-1"):
        pytest.skip("needs Linux 6.3 or newer for PR_SET_MDWE")

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "0 True\n", "")


def test_clock_when_shared_then_it_is_the_journals_kind_of_clock() -> None:
    """It can be handed over wherever something that gives stamps is wanted."""
    gives: Callable[[], Stamp] = SystemClock()

    assert isinstance(gives(), Stamp)
