"""Outputs: each configured lamp, loudspeaker and till there, free, and open to the service's user."""

import stat
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from yaoma.config.load import Loaded
from yaoma.doctor.finding import Finding, Group, ok, trouble, warning
from yaoma.doctor.host import Account, Host, group_name, may
from yaoma_drivers import registry
from yaoma_drivers.errors import DeviceError, DeviceReason, DriverError
from yaoma_drivers.indicator import IndicatorDriver
from yaoma_drivers.port import PortDriver, PortFailed, PortReason

__all__ = ["check_gpio_after_a_crash", "check_outputs", "check_running_outputs"]

_INDICATOR: Final = Group.INDICATOR
_TILL: Final = Group.TILL

_LAMPS: Final = "gpio_lamp"
_SOUND: Final = "alsa_tone"
_GADGET: Final = "hid_gadget"
_UINPUT: Final = "uinput_keyboard"

#: A parameter of the drivers of the Raspberry Pi's pins: a line that is given back stays as it was.
_PERSISTS: Final = ("pinctrl_bcm2835", "pinctrl_rp1")

Tried = tuple[str, str]
"""A reason's id, empty if it worked, and what the driver said."""

#: The daemon's reason for a device whose driver it does not load.
_SAFE_MODE: Final = "safe_mode"
_NOT_PERMITTED: Final[Tried] = (DeviceReason.NOT_PERMITTED.value, "")

#: What somebody should see to and what may be as it is meant: a till is switched off every night.
_NO_TROUBLE: Final = {
    _INDICATOR: frozenset({_SAFE_MODE}),
    _TILL: frozenset({_SAFE_MODE, PortReason.ASLEEP.value, PortReason.UNPLUGGED.value}),
}

#: The text by driver, or by none, and reason; `?` stands for every other one.
_TEXTS: Final[Mapping[Group, Mapping[tuple[str, str], str]]] = {
    _INDICATOR: {
        ("", ""): "doctor.indicator_works",
        ("", "?"): "doctor.indicator_fails",
        ("", _SAFE_MODE): "doctor.indicator_left_out",
        ("", DeviceReason.NOT_PERMITTED): "doctor.indicator_not_permitted",
        ("", DeviceReason.IN_USE): "doctor.indicator_in_use",
        (_LAMPS, DeviceReason.ABSENT): "doctor.indicator_no_chip",
        (_SOUND, DeviceReason.ABSENT): "doctor.indicator_no_sound",
    },
    _TILL: {
        ("", ""): "doctor.till_works",
        ("", "?"): "doctor.till_fails",
        ("", _SAFE_MODE): "doctor.till_left_out",
        ("", PortReason.NOT_PERMITTED): "doctor.till_not_permitted",
        ("", PortReason.ABSENT): "doctor.till_no_line",
        ("", PortReason.WRONG_KIND): "doctor.till_no_line",
        ("", PortReason.ASLEEP): "doctor.till_silent",
        ("", PortReason.UNPLUGGED): "doctor.till_silent",
        (_GADGET, PortReason.ABSENT): "doctor.till_no_gadget",
        (_UINPUT, PortReason.ABSENT): "doctor.till_no_uinput",
    },
}


def check_outputs(loaded: Loaded, service: Account, host: Host) -> list[Finding]:
    """Open each device for a moment, as the daemon would; for when the daemon does not run.

    Args:
        loaded: Names them.
        service: The user that the daemon runs as.
        host: The machine.
    """
    config = loaded.config
    indicators = {
        one.name: _tried(partial(_indicator_driver, one.driver, one.name, loaded.indicator_options[one.name]))
        for one in config.indicator
    }
    ports = {
        one.station: _tried(partial(_port_driver, one.driver, one.station, loaded.port_options[one.station]))
        for one in config.pass_through
    }
    return _judged(loaded, indicators, ports, service, host)


def check_running_outputs(loaded: Loaded, status: Mapping[str, Any], service: Account, host: Host) -> list[Finding]:
    """Judge what the running daemon says of them; it holds them, so nobody else can try.

    Args:
        loaded: Names them.
        status: As `yaoma status --json` has it.
        service: The user that the daemon runs as.
        host: The machine.
    """
    indicators = {str(one.get("indicator")): (str(one.get("problem")), "") for one in status.get("indicators", ())}
    ports = {str(one.get("station")): (str(one.get("problem")), "") for one in status.get("ports", ())}
    return _judged(loaded, indicators, ports, service, host)


def check_gpio_after_a_crash(loaded: Loaded, host: Host) -> list[Finding]:
    """Find a kernel that leaves lamps and buzzer on when the daemon is killed.

    Args:
        loaded: Names the indicators.
        host: The machine.
    """
    if all(one.driver != _LAMPS for one in loaded.config.indicator):
        return []
    found = (host.text(host.sys / "module" / name / "parameters/persist_gpio_outputs") for name in _PERSISTS)
    return [warning(_INDICATOR, "doctor.gpio_persists")] if "Y" in found else []


def _indicator_driver(driver: str, name: str, options: BaseModel) -> IndicatorDriver:
    return registry.load_indicator(driver)(name, options)


def _port_driver(driver: str, station: str, options: BaseModel) -> PortDriver:
    return registry.load_port(driver)(station, options)


def _tried(make: Callable[[], IndicatorDriver | PortDriver]) -> Tried:
    try:
        device = make()
    except DriverError as error:
        return "driver_unusable", str(error)
    try:
        device.open()
    except (DeviceError, PortFailed) as error:
        return error.reason.value, error.sentence
    finally:
        device.close()
    return "", ""


def _judged(
    loaded: Loaded, indicators: Mapping[str, Tried], ports: Mapping[str, Tried], service: Account, host: Host
) -> list[Finding]:
    findings = []
    for one in loaded.config.indicator:
        barred = _barred(_nodes(one.driver, loaded.indicator_options[one.name], host), service)
        facts = {"indicator": one.name, "user": service.name, "group": barred or "gpio, audio"}
        found = _NOT_PERMITTED if barred else indicators.get(one.name, (_SAFE_MODE, ""))
        findings.append(_finding(_INDICATOR, one.driver, found, facts))
    for port in loaded.config.pass_through:
        options = loaded.port_options[port.station]
        barred = _barred(_nodes(port.driver, options, host), service)
        device = str(getattr(options, "device", port.driver))
        facts = {"station": port.station, "device": device, "user": service.name, "group": barred or "?"}
        found = _NOT_PERMITTED if barred else ports.get(port.station, (_SAFE_MODE, ""))
        findings.append(_finding(_TILL, port.driver, found, facts))
    return findings


def _finding(group: Group, driver: str, found: Tried, facts: Mapping[str, str]) -> Finding:
    reason, detail = found
    texts = _TEXTS[group]
    if not reason:
        return ok(group, texts["", ""], **facts)
    text = texts.get((driver, reason)) or texts.get(("", reason)) or texts["", "?"]
    say = warning if reason in _NO_TROUBLE[group] else trouble
    return say(group, text, detail, **facts, reason=reason)


def _nodes(driver: str, options: BaseModel, host: Host) -> Iterable[Path]:
    """Give the device files of which the daemon needs one."""
    if driver == _LAMPS:
        return (host.root / "dev").glob("gpiochip*")
    if driver == _SOUND:
        return (host.root / "dev/snd").glob("pcm*p")
    device = getattr(options, "device", None)
    return (device,) if isinstance(device, Path) else ()


def _barred(nodes: Iterable[Path], service: Account) -> str:
    """Give the groups that would let the service's user use a device, empty if it may use one or nobody can tell."""
    groups = []
    for node in nodes:
        try:
            status = node.stat()
        except OSError:
            continue
        if not stat.S_ISCHR(status.st_mode) or may(service, status, write=True):
            return ""
        groups.append(group_name(status.st_gid))
    return ", ".join(dict.fromkeys(groups))
