"""Console: programs of the host that take a scanner's keys or bytes away (SCANNERS.md 1.1 and 1.4)."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from yaoma.doctor.finding import Finding, Group, ok, trouble, warning
from yaoma.doctor.host import Host

__all__ = ["check_console", "check_modem_manager", "check_serial_login"]

_HOST: Final = Group.HOST

#: /dev/tty1 (Linux devices.txt: major 4, minor 1): what a keyboard types goes there by default.
_TTY1: Final = os.makedev(4, 1)
_IGNORED: Final = "E:ID_MM_DEVICE_IGNORE=1"


def check_console(host: Host) -> list[Finding]:
    """See that codes typed while the daemon is away reach no login prompt, and that none can restart the machine.

    Args:
        host: The machine.
    """
    findings = []
    listening = next((one for one in host.processes() if one.terminal == _TTY1 and one.number != os.getpid()), None)
    if listening is not None:
        findings.append(trouble(_HOST, "doctor.getty_listens", program=listening.name))
    if not any(_is_masked(folder / "systemd/system/ctrl-alt-del.target") for folder in (host.etc, host.run)):
        findings.append(warning(_HOST, "doctor.ctrl_alt_del"))
    return findings or [ok(_HOST, "doctor.console_quiet")]


def check_modem_manager(host: Host, devices: Sequence[Path]) -> list[Finding]:
    """See that ModemManager does not probe a serial scanner, which eats its first scans.

    Args:
        host: The machine.
        devices: The serial scanners' device files.
    """
    if not devices:
        return []
    running = any(process.name == "ModemManager" for process in host.processes())
    probed = [str(device) for device in devices if not _is_ignored(host, device)]
    if running and probed:
        return [trouble(_HOST, "doctor.modem_manager", device=_joined(probed))]
    return [ok(_HOST, "doctor.no_modem_manager")]


def check_serial_login(host: Host, devices: Sequence[Path]) -> list[Finding]:
    """See that no login prompt or shell sits on a serial scanner's port: it would take part of every scan.

    Args:
        host: The machine.
        devices: The serial scanners' device files.
    """
    on = {process.terminal: process.name for process in host.processes() if process.terminal}
    return [
        trouble(_HOST, "doctor.getty_on_port", device=str(device), program=on[number])
        for device in devices
        if (number := _number(device)) in on
    ]


def _number(device: Path) -> int:
    """Give a device's number; 0, which no process has for its terminal, if it is not there."""
    try:
        return device.stat().st_rdev
    except OSError:
        return 0


def _is_ignored(host: Host, device: Path) -> bool:
    """Ask udev's database whether a rule has told ModemManager to leave a device alone."""
    number = _number(device)
    known = host.text(host.run / f"udev/data/c{os.major(number)}:{os.minor(number)}")
    return _IGNORED in known.splitlines()


def _is_masked(unit: Path) -> bool:
    try:
        return unit.is_symlink() and unit.readlink() == Path("/dev/null")
    except OSError:
        return False


def _joined(names: Iterable[str]) -> str:
    return ", ".join(names)
