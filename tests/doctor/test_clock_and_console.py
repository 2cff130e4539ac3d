"""The machine around the box: its clock, its console, programs that grab scanners; on a tree of files of our own."""

import os
from pathlib import Path

import pytest

from fakes.pty_scanner import PtyScanner
from yaoma.core.record import ClockState, Stamp
from yaoma.doctor.board import check_board, throttled
from yaoma.doctor.clock import check_clock
from yaoma.doctor.console import check_console, check_modem_manager, check_serial_login
from yaoma.doctor.finding import Finding, Mark
from yaoma.doctor.host import Host
from yaoma.shell.clock import RELEASED_MS, ClockPaths

LATER_MS = RELEASED_MS + 1_000_000


def marks(findings: list[Finding]) -> dict[str, Mark]:
    """Give what was found with its weight."""
    return {finding.id: finding.mark for finding in findings}


def runs(host: Host, number: int, name: str, terminal: int = 0) -> None:
    """Have a program run."""
    folder = host.proc / str(number)
    folder.mkdir()
    (folder / "stat").write_text(f"{number} ({name}) S 1 {number} {number} {terminal} -1 4194560 1 2 3\n")


def paths(host: Host, *, rtc: bool = False, saved: bool = False) -> ClockPaths:
    """Say what this machine has for a clock."""
    found = ClockPaths(rtc=host.sys / "rtc0", fake_hwclock=host.etc / "fake-hwclock.data")
    if rtc:
        found.rtc.mkdir()
    if saved:
        found.fake_hwclock.touch()
    return found


def stamp(clock: ClockState, wall_ms: int = LATER_MS) -> Stamp:
    """Give a time."""
    return Stamp(wall_ms, 1000, "0123456789abcdef", clock)


@pytest.mark.parametrize("clock", [ClockState.SYNCED, ClockState.HOLDOVER])
def test_clock_when_confirmed_then_nothing_else_is_asked_for(host: Host, clock: ClockState) -> None:
    """A board without battery clock is fine while the network tells the time."""
    assert list(marks(check_clock(stamp(clock), host, paths(host), passes_untrusted=False)).values()) == [Mark.OK]


@pytest.mark.parametrize(("passes", "weight"), [(True, Mark.WARNING), (False, Mark.TROUBLE)])
def test_clock_when_untrusted_then_the_policy_decides_its_weight(host: Host, passes: bool, weight: Mark) -> None:  # noqa: FBT001
    """It is trouble where every scan becomes a REVIEW; what would help is named beside it."""
    found = marks(check_clock(stamp(ClockState.UNTRUSTED), host, paths(host, saved=True), passes_untrusted=passes))

    assert next(iter(found.values())) is weight
    assert found.keys() >= {"doctor.ntp_absent", "doctor.saved_time", "doctor.rtc_absent"}


def test_clock_when_a_time_service_and_a_battery_clock_are_there_then_they_are_not_missed(host: Host) -> None:
    """The kernel cuts the names of programs at 15 characters."""
    runs(host, 7, "systemd-timesyn")

    found = check_clock(stamp(ClockState.UNTRUSTED), host, paths(host, rtc=True), passes_untrusted=True)

    assert marks(found) == {"doctor.clock_untrusted": Mark.WARNING}


def test_clock_when_before_the_release_then_it_is_trouble_whatever_the_policy(host: Host) -> None:
    """In 1970 every certificate is not yet valid, so nothing will connect."""
    found = check_clock(stamp(ClockState.UNTRUSTED, 1000), host, paths(host), passes_untrusted=True)

    assert marks(found)["doctor.clock_wrong"] is Mark.TROUBLE


def test_console_when_a_login_prompt_has_tty1_then_the_program_is_named(host: Host) -> None:
    """Codes typed while the daemon is away would go to it."""
    runs(host, 400, "agetty", terminal=os.makedev(4, 1))
    runs(host, 401, "bash) (odd", terminal=os.makedev(4, 2))

    found = check_console(host)

    assert [finding.facts.get("program") for finding in found if finding.id == "doctor.getty_listens"] == ["agetty"]
    assert marks(found)["doctor.ctrl_alt_del"] is Mark.WARNING


def test_console_when_masked_and_quiet_then_all_is_well(host: Host) -> None:
    """What the hint says is what the check looks for."""
    unit = host.etc / "systemd/system/ctrl-alt-del.target"
    unit.parent.mkdir(parents=True)
    unit.symlink_to("/dev/null")
    runs(host, 401, "bash", terminal=os.makedev(4, 2))

    assert marks(check_console(host)) == {"doctor.console_quiet": Mark.OK}


def test_serial_port_when_a_login_prompt_sits_on_it_then_program_and_port_are_named(host: Host) -> None:
    """A Pi's serial console and the scanner on the same port share the bytes; another port is no matter."""
    scanner = PtyScanner()
    try:
        device = Path(scanner.path)
        runs(host, 400, "agetty", terminal=os.makedev(4, 64))
        assert check_serial_login(host, [device]) == []

        runs(host, 401, "agetty", terminal=device.stat().st_rdev)
        (found,) = check_serial_login(host, [device])
        assert (found.id, found.mark) == ("doctor.getty_on_port", Mark.TROUBLE)
        assert found.facts == {"device": scanner.path, "program": "agetty"}
    finally:
        scanner.unplug()
    assert check_serial_login(host, [Path("/nowhere")]) == []


def test_modem_manager_when_it_runs_then_a_serial_scanner_is_named_unless_a_rule_keeps_it_away(host: Host) -> None:
    """The database of udev tells whether the rule that ships holds for this device."""
    scanner = PtyScanner()
    try:
        device = Path(scanner.path)
        assert marks(check_modem_manager(host, [device])) == {"doctor.no_modem_manager": Mark.OK}

        runs(host, 300, "ModemManager")
        found = check_modem_manager(host, [device])
        assert (found[0].id, found[0].facts["device"]) == ("doctor.modem_manager", scanner.path)

        number = device.stat().st_rdev
        known = host.run / f"udev/data/c{os.major(number)}:{os.minor(number)}"
        known.parent.mkdir(parents=True)
        known.write_text("I:1\nE:ID_MM_DEVICE_IGNORE=1\n")
        assert marks(check_modem_manager(host, [device])) == {"doctor.no_modem_manager": Mark.OK}
    finally:
        scanner.unplug()
    assert check_modem_manager(host, []) == []


@pytest.mark.parametrize(
    ("bits", "found"),
    [
        (0, {}),
        (0x1, {"doctor.undervoltage_now": Mark.TROUBLE}),
        (0x50000, {"doctor.undervoltage": Mark.WARNING}),
        (0x50005, {"doctor.undervoltage_now": Mark.TROUBLE, "doctor.slowed_down": Mark.WARNING}),
        (0x80000, {"doctor.slowed_down": Mark.WARNING}),
    ],
)
def test_board_when_power_was_poor_then_now_and_earlier_are_told_apart(
    host: Host, bits: int, found: dict[str, Mark]
) -> None:
    """Bits 0 to 3 are now, bits 16 to 19 since the start; 0x40000 is a throttling."""
    place = host.sys / "devices/platform/soc/soc:firmware"
    place.mkdir(parents=True)
    (place / "get_throttled").write_text(f"{bits:x}\n")
    if bits == 0x50000:
        found = {**found, "doctor.slowed_down": Mark.WARNING}

    assert throttled(host) == bits
    assert {one: mark for one, mark in marks(check_board(host)).items() if one != "doctor.versions"} == found


def test_board_when_hot_then_the_temperature_is_told(host: Host) -> None:
    """The kernel tells thousandths of a degree; a sensor that sleeps is passed over."""
    for number, text in enumerate(("81500\n", "not a number", "40000\n")):
        zone = host.sys / f"class/thermal/thermal_zone{number}"
        zone.mkdir(parents=True)
        (zone / "temp").write_text(text)

    found = [finding for finding in check_board(host, throttled=lambda _: None) if finding.id == "doctor.too_hot"]

    assert [finding.facts["celsius"] for finding in found] == [81]
