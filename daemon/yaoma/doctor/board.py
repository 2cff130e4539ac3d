"""Board: versions, power and heat; undervoltage explains half of what looks like chance (SCANNERS.md 4)."""

import platform
import shutil
import sqlite3
import ssl
import subprocess
from collections.abc import Callable
from typing import Final

from yaoma import __version__
from yaoma.doctor.finding import Finding, Group, ok, trouble, warning
from yaoma.doctor.host import Host
from yaoma.shell.thermal import hottest_c

__all__ = ["check_board", "throttled", "versions"]

_BOARD: Final = Group.BOARD
_HOT_C: Final = 80
_VCGENCMD_S: Final = 5.0

#: Bits of `vcgencmd get_throttled` (raspberrypi.com, vcgencmd): now, and since the start of the board.
_UNDERVOLTAGE_NOW: Final = 0x1
_SLOWED_NOW: Final = 0x2 | 0x4 | 0x8
_UNDERVOLTAGE_SINCE_START: Final = 0x10000
_SLOWED_SINCE_START: Final = 0x20000 | 0x40000 | 0x80000


def versions(host: Host) -> dict[str, str]:
    """Name the versions of everything that matters.

    Args:
        host: The machine.
    """
    release = dict(line.partition("=")[::2] for line in host.text(host.etc / "os-release").splitlines() if "=" in line)
    return {
        "yaoma": __version__,
        "python": platform.python_version(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "system": release.get("PRETTY_NAME", "").strip('"'),
        "model": host.text(host.proc / "device-tree/model"),
        "sqlite": sqlite3.sqlite_version,
        "openssl": ssl.OPENSSL_VERSION,
    }


def throttled(host: Host) -> int | None:
    """Ask a Raspberry Pi's firmware about power and heat; None on a board that does not say.

    Args:
        host: The machine.
    """
    said = host.text(host.sys / "devices/platform/soc/soc:firmware/get_throttled")
    if not said and (program := shutil.which("vcgencmd")):
        try:
            done = subprocess.run(  # noqa: S603 - a fixed program without input
                [program, "get_throttled"], capture_output=True, text=True, check=True, timeout=_VCGENCMD_S
            )
        except (OSError, subprocess.SubprocessError):
            return None
        said = done.stdout.strip().removeprefix("throttled=").removeprefix("0x")
    try:
        return int(said, 16)
    except ValueError:
        return None


def check_board(host: Host, throttled: Callable[[Host], int | None] = throttled) -> list[Finding]:
    """Tell versions, and whether the board lacks power or is too hot.

    Args:
        host: The machine.
        throttled: Asks the firmware.
    """
    known = versions(host)
    findings = [ok(_BOARD, "doctor.versions", **{name: text for name, text in known.items() if text})]
    bits = throttled(host)
    if bits is not None and bits & _UNDERVOLTAGE_NOW:
        findings.append(trouble(_BOARD, "doctor.undervoltage_now"))
    elif bits is not None and bits & _UNDERVOLTAGE_SINCE_START:
        findings.append(warning(_BOARD, "doctor.undervoltage"))
    if bits is not None and bits & (_SLOWED_NOW | _SLOWED_SINCE_START):
        findings.append(warning(_BOARD, "doctor.slowed_down"))
    hot_c = hottest_c(host.sys)
    if hot_c is not None and hot_c >= _HOT_C:
        findings.append(warning(_BOARD, "doctor.too_hot", celsius=hot_c))
    return findings
