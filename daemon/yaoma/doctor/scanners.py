"""Scanners: each configured one there, free, and open to the service's user."""

import os
import stat
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel

from yaoma.config.load import Loaded
from yaoma.doctor.finding import Finding, Group, ok, trouble, warning
from yaoma.doctor.host import Account, Host, group_name, may
from yaoma.service.containment import Broken, made
from yaoma_drivers import registry
from yaoma_drivers.driver import Driver
from yaoma_drivers.errors import DeviceError, DeviceReason, DriverError
from yaoma_drivers.holders import holders
from yaoma_drivers.stop import Stop

__all__ = ["KEYBOARD_DRIVERS", "Tried", "check_running_scanners", "check_scanners", "device_of", "try_out"]

_SCANNER: Final = Group.SCANNER

#: Drivers whose scanners type like a keyboard.
KEYBOARD_DRIVERS: Final = frozenset({"hid"})

#: A driver that has run so long without an error has its device.
_HAS_DEVICE_S: Final = 0.8
#: A driver ends within a second of being told to (drivers/README.md); one that does not, hangs.
_GIVES_UP_S: Final = 5.0

#: Reasons of a scanner that is not read and not in trouble, and how each is said: its driver is not loaded, it sleeps,
#: or `yaoma scanners calibrate` has it.
_AT_REST: Final[Mapping[str, tuple[Callable[..., Finding], str]]] = MappingProxyType(
    {
        "safe_mode": (warning, "doctor.scanner_left_out"),
        DeviceReason.ASLEEP.value: (ok, "doctor.scanner_asleep"),
        "lent": (warning, "doctor.scanner_lent"),
    }
)

_ROOT: Final = "root"

_PATH_OPTIONS: Final = ("device", "folder", "file", "path")


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of opening a scanner.

    Args:
        reason: The driver's reason id, empty if it worked.
        detail: What the driver said.
        hangs: It neither worked nor failed.
    """

    reason: str = ""
    detail: str = ""
    hangs: bool = False


def try_out(driver: Driver) -> Tried:
    """Let a driver open its device for a moment.

    Args:
        driver: A new one that nobody else uses.
    """
    tried: list[Tried] = []

    def run() -> None:
        try:
            for _ in driver.symbols(stop):
                break
        except DeviceError as error:
            tried.append(Tried(error.reason.value, error.sentence))
        except BaseException as error:  # noqa: BLE001 - a stranger's driver may raise anything, and sys.exit is one
            tried.append(Tried(Broken.RAISED.value, type(error).__name__))
        else:
            tried.append(Tried())

    stop = Stop()
    thread = threading.Thread(target=run, name="doctor-scanner", daemon=True)
    thread.start()
    thread.join(_HAS_DEVICE_S)
    stop.set()
    thread.join(_GIVES_UP_S)
    if thread.is_alive():
        return Tried(hangs=True)
    stop.close()
    return tried[0]


def check_scanners(
    loaded: Loaded, service: Account, host: Host, attempt: Callable[[Driver], Tried] = try_out
) -> list[Finding]:
    """Open each scanner for a moment, as the daemon would; for when the daemon does not run.

    What is scanned in that moment is thrown away unread.

    Args:
        loaded: Names the scanners.
        service: The user that the daemon runs as.
        host: The machine.
        attempt: Opens one.
    """
    findings = []
    for one in loaded.config.scanner:
        options = loaded.options[one.name]
        try:
            driver = made(registry.load(one.driver), one.name, options)
        except DriverError as error:
            findings.append(trouble(_SCANNER, "device.driver_unusable", str(error), driver=one.driver))
            continue
        tried = attempt(driver)
        findings.append(_judged(one.name, device_of(options), tried, service, host))
    return findings


def check_running_scanners(
    loaded: Loaded, states: list[Mapping[str, Any]], service: Account, host: Host
) -> list[Finding]:
    """Judge what the running daemon says of its scanners; it holds them, so nobody else can try.

    Args:
        loaded: Names the scanners.
        states: As `yaoma status --json` has them.
        service: The user that the daemon runs as.
        host: The machine.
    """
    told = {str(state.get("scanner")): state for state in states}
    findings = []
    for one in loaded.config.scanner:
        state = told.get(one.name)
        if state is None:
            findings.append(warning(_SCANNER, "doctor.scanner_not_running", scanner=one.name))
            continue
        tried = Tried() if state.get("working") else Tried(str(state.get("reason")))
        findings.append(_judged(one.name, device_of(loaded.options[one.name]), tried, service, host))
    return findings


def device_of(options: BaseModel) -> Path | None:
    """Give the device file or folder that a driver's options name, as far as their names tell.

    Options that name a device by serial number or socket may offer `node()`, which says what node it has now.
    """
    found = (getattr(options, name, None) for name in _PATH_OPTIONS)
    named = next((path for path in found if isinstance(path, Path)), None)
    node = getattr(options, "node", None)
    asked = node() if named is None and callable(node) else None
    return asked if isinstance(asked, Path) else named


def _judged(scanner: str, device: Path | None, tried: Tried, service: Account, host: Host) -> Finding:
    facts = {"scanner": scanner, "device": str(device or scanner)}
    if tried.hangs or tried.reason == Broken.HANGS:
        return trouble(_SCANNER, "doctor.scanner_hangs", **facts)
    if tried.reason in _AT_REST:
        say, text = _AT_REST[tried.reason]
        return say(_SCANNER, text, **facts)
    if tried.reason == DeviceReason.IN_USE:
        held_by = _holders(host, device) if device else ""
        return trouble(_SCANNER, "doctor.scanner_held", tried.detail, **facts, program=held_by or "?")
    barred = _barred(device, service)
    if (barred and tried.reason not in set(Broken)) or tried.reason == DeviceReason.NOT_PERMITTED:
        return _not_permitted(barred, tried, {**facts, "user": service.name})
    if tried.reason:
        return trouble(_SCANNER, f"device.{tried.reason}", tried.detail, **facts)
    return ok(_SCANNER, "doctor.scanner_works", **facts)


def _not_permitted(group: str, tried: Tried, facts: dict[str, str]) -> Finding:
    """Name the group to join; a device that udev gave to nobody has the group root, where no user of ours belongs."""
    if group == _ROOT:
        return trouble(_SCANNER, "doctor.scanner_of_root", tried.detail, **facts)
    return trouble(_SCANNER, "doctor.scanner_not_permitted", tried.detail, **facts, group=group or "?")


def _barred(device: Path | None, service: Account) -> str:
    """Give the group that would let the service's user open a device, empty if it may open it or nobody can tell."""
    try:
        status = device.stat() if device else None
    except OSError:
        return ""
    if status is None or not stat.S_ISCHR(status.st_mode) or may(service, status):
        return ""
    return group_name(status.st_gid)


def _holders(host: Host, device: Path) -> str:
    """Name the programs that have a device open, as far as this user may look; root sees all."""
    found = (one for one in holders(device.resolve(), host.proc) if one.process != os.getpid())
    return ", ".join(f"{one.name} ({one.process})" for one in found)
