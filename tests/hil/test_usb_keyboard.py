"""Two keyboard scanners of one model, plugged into an emulated USB controller: told apart, pulled, replugged, taken."""

from collections.abc import Iterator

import pytest

from hil import pressed_keys
from hil.counter_guest import CounterGuest

pytestmark = pytest.mark.timeout(300)

_PULLED = "/dev/input/by-id/usb-QEMU_QEMU_USB_Keyboard_HIL-PULLED-event-kbd"
_NEIGHBOUR = "/dev/input/by-path/pci-0000:00:05.0-usb-0:2:1.0-event-kbd"

#: Holds the device as a careless POS program would, until it is killed.
_TAKE = """
import evdev, os, time
print("waiting")
while not os.path.exists("{node}"):
    time.sleep(0.01)
device = evdev.InputDevice("{node}")
device.grab()
print("taken")
time.sleep(600)
"""


@pytest.fixture(scope="module")
def both(guest: CounterGuest) -> Iterator[None]:
    """Plug both in, and wait until the box has them."""
    guest.machine.plug("usb-kbd", "pulled", port="1", serial="HIL-PULLED", display="typed-a")
    guest.machine.plug("usb-kbd", "neighbour", port="2", serial="HIL-NEIGHBOUR", display="typed-b")
    for link, display in ((_PULLED, "typed-a"), (_NEIGHBOUR, "typed-b")):
        guest.wait_open(link)
        pressed_keys.wake(guest.machine, display)
    yield
    guest.machine.unplug("neighbour")


@pytest.mark.usefixtures("both")
def test_two_of_one_model_when_both_type_then_each_scan_is_its_own_scanners(guest: CounterGuest) -> None:
    """One is known by its link and the other by its socket; no key of one falls into a code of the other."""
    first, second = guest.code(), guest.code()
    since = guest.place()
    pressed_keys.type_lines(guest.machine, "typed-a", first)
    pressed_keys.type_lines(guest.machine, "typed-b", second)
    scans = guest.scans(since, 2)
    assert {("pulled", f"cn20:{first}"), ("neighbour", f"cn20:{second}")} == {
        (scan["scanner"], scan.get("code")) for scan in scans
    }


@pytest.mark.usefixtures("both")
def test_scanner_when_pulled_in_the_middle_of_a_code_then_half_a_code_is_no_scan(guest: CounterGuest) -> None:
    """What was typed before the cable went is no code, the box says who is gone, and the next pack is read whole."""
    since = guest.place()
    half = guest.code()[:9]
    for digit in half:
        pressed_keys.press(guest.machine, "typed-a", digit)
    guest.machine.unplug("pulled")
    guest.wait_scanner("pulled", "absent")
    guest.machine.plug("usb-kbd", "pulled", port="1", serial="HIL-PULLED", display="typed-a")
    guest.wait_open(_PULLED)
    pressed_keys.wake(guest.machine, "typed-a")
    code = guest.code()
    pressed_keys.type_lines(guest.machine, "typed-a", code)
    assert [f"cn20:{code}"] == [scan["code"] for scan in guest.scans(since, 1) if "code" in scan]


@pytest.mark.usefixtures("both")
def test_scanner_when_another_program_has_taken_it_then_the_box_says_so_and_the_doctor_names_it(
    guest: CounterGuest,
) -> None:
    """The kernel refuses a second reader: the box says that it is in use, the doctor by whom; gone, it reads again."""
    guest.machine.unplug("pulled")
    guest.wait_scanner("pulled", "absent")
    guest.machine.put("/run/take.py", _TAKE.format(node=_PULLED))
    guest.machine.shell("systemd-run --unit=pos --collect /opt/yaoma/bin/python -u /run/take.py")
    # The daemon stands still for a moment, much shorter than its watchdog, or it might be first.
    guest.machine.shell("until journalctl -u pos -o cat | grep -q waiting; do sleep 0.2; done", deadline_s=90)
    guest.machine.shell("systemctl kill -s STOP yaoma")
    guest.machine.plug("usb-kbd", "pulled", port="1", serial="HIL-PULLED", display="typed-a")
    guest.machine.shell("until journalctl -u pos -o cat | grep -q taken; do sleep 0.2; done", deadline_s=25)
    guest.machine.shell("systemctl kill -s CONT yaoma")
    guest.wait_scanner("pulled", "in_use")
    holder = guest.machine.shell("systemctl show -P MainPID pos").strip()
    said = guest.machine.shell("yaoma doctor --json", deadline_s=240, checked=False)
    assert f"({holder})" in said
    guest.machine.shell("systemctl stop pos")
    assert guest.wait_scanner("pulled")["working"]
