"""The uinput port: which keys go down and up; on a kernel with uinput, through the kernel."""

import errno
import os
import select
import time
from pathlib import Path
from typing import Any

import evdev
import pytest
from evdev import ecodes

from yaoma_drivers.keystroke import Key, Modifier, Stroke
from yaoma_drivers.port import PortFailed, PortReason
from yaoma_drivers.uinput_keyboard import (
    KEY_CODES,
    MODIFIER_CODES,
    NAME,
    UinputKeyboardOptions,
    UinputKeyboardPort,
    key_events,
)

CODE = b"81000000000000000001"
HAS_UINPUT = os.access("/dev/uinput", os.W_OK)


class Keyboard:
    """What evdev makes; keeps what is written."""

    def __init__(self) -> None:
        self.events: list[tuple[int, int]] = []
        self.breaks_after: int | None = None
        self.is_closed = False

    def write(self, kind: int, code: int, value: int) -> None:
        """Take an event."""
        assert kind == ecodes.EV_KEY
        if self.breaks_after is not None and len(self.events) >= self.breaks_after:
            raise OSError(errno.ENODEV, "gone")
        self.events.append((code, value))

    def syn(self) -> None:
        """Take the end of a report."""

    def close(self) -> None:
        """Go."""
        self.is_closed = True


@pytest.fixture
def keyboard() -> Keyboard:
    """A keyboard."""
    return Keyboard()


@pytest.fixture
def port(keyboard: Keyboard, monkeypatch: pytest.MonkeyPatch) -> UinputKeyboardPort:
    """A port that types on it without waiting for a desktop."""
    monkeypatch.setattr("yaoma_drivers.uinput_keyboard._SETTLE_S", 0.0)
    return UinputKeyboardPort("counter", UinputKeyboardOptions(reports_per_s=1000), make=lambda _: keyboard)


def test_codes_when_compared_then_each_key_has_one_of_its_own() -> None:
    """Every key that a stroke may name is known to the kernel."""
    assert set(KEY_CODES) >= set(Key)
    assert len(set(KEY_CODES.values()) | set(MODIFIER_CODES.values())) == len(KEY_CODES) + len(MODIFIER_CODES)
    assert (ecodes.ecodes["KEY_1"], ecodes.ecodes["KEY_0"]) == (KEY_CODES[Key.ONE], KEY_CODES[Key.ZERO])
    assert ecodes.ecodes["KEY_KP0"] == KEY_CODES[Key.KP_ZERO]


def test_events_when_shift_is_held_then_it_goes_down_first_and_up_last() -> None:
    """A capital letter."""
    shift, key = ecodes.ecodes["KEY_LEFTSHIFT"], ecodes.ecodes["KEY_A"]

    assert [(shift, 1), (key, 1), (key, 0), (shift, 0)] == list(key_events(Stroke((Key.A,), Modifier.SHIFT)))


def test_send_when_typed_then_every_key_goes_down_and_up(port: UinputKeyboardPort, keyboard: Keyboard) -> None:
    """Twenty digits and Enter, none of them held."""
    port.send(CODE, 1)
    names = {ecodes.ecodes[f"KEY_{digit}"]: str(digit) for digit in range(10)} | {ecodes.ecodes["KEY_ENTER"]: "\n"}

    assert f"{CODE.decode()}\n" == "".join(names[code] for code, value in keyboard.events if value == 1)
    assert [1, 0] * 21 == [value for _, value in keyboard.events]
    port.close()
    assert keyboard.is_closed


def test_send_when_it_breaks_in_the_middle_then_a_part_counts_as_typed(
    port: UinputKeyboardPort, keyboard: Keyboard
) -> None:
    """Somebody removed the module."""
    keyboard.breaks_after = 5
    with pytest.raises(PortFailed) as failed:
        port.send(CODE, 1)

    assert failed.value.is_partial or failed.value.reason is PortReason.ABSENT
    assert keyboard.is_closed


def test_open_when_the_kernel_has_no_uinput_then_the_error_names_the_module(tmp_path: Path) -> None:
    """And not the permission."""
    port = UinputKeyboardPort("counter", UinputKeyboardOptions(device=tmp_path / "uinput"))
    with pytest.raises(PortFailed, match="modprobe") as failed:
        port.open()
    assert PortReason.ABSENT is failed.value.reason
    port.close()


def test_open_when_it_is_not_ours_then_the_reason_is_the_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    """As /dev/uinput is on every system before the udev rule."""

    def refuse(_: str) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied")

    with pytest.raises(PortFailed) as failed:
        UinputKeyboardPort("counter", UinputKeyboardOptions(), make=refuse).open()
    assert PortReason.NOT_PERMITTED is failed.value.reason


@pytest.mark.skipif(not HAS_UINPUT, reason="needs /dev/uinput: modprobe uinput, as root")
def test_send_when_the_kernel_has_uinput_then_the_keys_come_out_of_an_input_device() -> None:
    """The kernel's own half: what is written here is read there."""
    port = UinputKeyboardPort("counter", UinputKeyboardOptions())
    port.open()
    time.sleep(0.5)
    (path,) = [path for path in evdev.list_devices() if evdev.InputDevice(path).name == NAME]
    device = evdev.InputDevice(path)
    device.grab()
    port.send(b"12", 1)
    pressed: list[int] = []
    while len(pressed) < 3 and select.select([device], [], [], 5)[0]:
        pressed += [event.code for event in device.read() if event.type == ecodes.EV_KEY and event.value == 1]
    port.close()

    assert [ecodes.ecodes[name] for name in ("KEY_1", "KEY_2", "KEY_ENTER")] == pressed
