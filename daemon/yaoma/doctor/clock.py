"""Clock: how far its time can be trusted, and what would make it better (SCANNERS.md 7)."""

from typing import Final

from yaoma.core.record import ClockState, Stamp
from yaoma.doctor.finding import Finding, Group, ok, trouble, warning
from yaoma.doctor.host import Host
from yaoma.shell.clock import RELEASED_MS, ClockPaths

__all__ = ["check_clock"]

_CLOCK: Final = Group.CLOCK

#: What keeps time from the network, by the kernel's names, which are cut at 15 characters.
_TIME_SERVICES: Final = frozenset({"systemd-timesyn", "chronyd", "ntpd", "openntpd", "ntpsec"})


def check_clock(now: Stamp, host: Host, paths: ClockPaths, *, passes_untrusted: bool) -> list[Finding]:
    """Judge the clock.

    Args:
        now: The time and its state.
        host: The machine.
        paths: Where the system tells about its clock.
        passes_untrusted: The policy lets scans pass while the clock is untrusted.
    """
    findings = [_state(now, passes_untrusted=passes_untrusted)]
    if now.clock in {ClockState.SYNCED, ClockState.HOLDOVER}:
        return findings
    if not any(process.name in _TIME_SERVICES for process in host.processes()):
        findings.append(warning(_CLOCK, "doctor.ntp_absent"))
    if paths.fake_hwclock.exists():
        findings.append(warning(_CLOCK, "doctor.saved_time", package="fake-hwclock"))
    if not paths.rtc.exists():
        findings.append(warning(_CLOCK, "doctor.rtc_absent"))
    return findings


def _state(now: Stamp, *, passes_untrusted: bool) -> Finding:
    match now.clock:
        case ClockState.SYNCED:
            return ok(_CLOCK, "doctor.clock_synced")
        case ClockState.HOLDOVER:
            return ok(_CLOCK, "doctor.clock_holdover")
        case ClockState.RTC:
            return ok(_CLOCK, "doctor.clock_rtc")
        case ClockState.UNTRUSTED:
            if now.wall_ms < RELEASED_MS:
                # Certificates and lists are judged by it, so nothing will connect.
                return trouble(_CLOCK, "doctor.clock_wrong")
            return (
                warning(_CLOCK, "doctor.clock_untrusted")
                if passes_untrusted
                else trouble(_CLOCK, "doctor.clock_untrusted_review")
            )
