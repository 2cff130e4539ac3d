"""Pass-through: the box types into a till at the other end of a USB cable, here the same kernel's host side."""

import pytest

from hil.counter_guest import CounterGuest
from hil.qmp import connected

pytestmark = pytest.mark.timeout(300)

_LINE = "/dev/serial/by-id/usb-QEMU_QEMU_USB_SERIAL_HIL-LINE-if00-port0"


def test_till_when_a_pack_passes_then_it_gets_the_code_and_of_a_refused_one_nothing(guest: CounterGuest) -> None:
    """A pack of the list is typed with Enter once its record is kept; a cut-off code between two packs is not typed."""
    path = guest.machine.folder / "line"
    backend = {
        "type": "socket",
        "data": {"addr": {"type": "unix", "data": {"path": str(path)}}, "server": True, "wait": False},
    }
    guest.machine.qmp.do("chardev-add", id="line", backend=backend)
    guest.machine.plug("usb-serial", "line-adapter", port="3", chardev="line", serial="HIL-LINE")
    guest.wait_open("/dev/hidg0")
    first, second = guest.code(), guest.code()
    reading = guest.machine.agent.start("till:typed", serial="HIL-TILL", lines=2, within_s=90)
    since = guest.place()
    with connected(path) as line:
        guest.wait_open(_LINE)
        for text in (first, second[:-4], second):
            line.sendall(f"{text}\r\n".encode())
        scans = guest.scans(since, 3)
        assert f"{first}\n{second}\n" == reading.result(120)
    assert ["PASS", "FAULT", "PASS"] == [scan["verdict"] for scan in scans]
