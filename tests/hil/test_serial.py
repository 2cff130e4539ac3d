"""Scanners on serial lines: one behind a USB adapter that is pulled, one that is a modem and gets its answer back."""

import socket
from collections.abc import Iterator

import pytest

from hil.counter_guest import CounterGuest
from hil.qmp import connected

pytestmark = pytest.mark.timeout(300)

_LINE = "/dev/serial/by-id/usb-QEMU_QEMU_USB_SERIAL_HIL-LINE-if00-port0"
_MODEM = "/dev/serial/by-id/usb-Honeywell_Voyager_HIL-MODEM-if00"
_ACKNOWLEDGED, _REFUSED = "06", "15"


class Cable:
    """The scanner's end of the adapter: the adapter is plugged in while somebody is connected to its socket."""

    def __init__(self, guest: CounterGuest) -> None:
        self._guest = guest
        self._path = guest.machine.folder / "line"
        address = {"type": "unix", "data": {"path": str(self._path)}}
        backend = {"type": "socket", "data": {"addr": address, "server": True, "wait": False}}
        guest.machine.qmp.do("chardev-add", id="line", backend=backend)
        guest.machine.plug("usb-serial", "line-adapter", port="3", chardev="line", serial="HIL-LINE")
        self._line: socket.socket | None = None

    def plug(self) -> None:
        """Plug the adapter in, if it is not, and wait until the box has the line open."""
        self._line = self._line or connected(self._path)
        self._guest.wait_open(_LINE)

    def send(self, octets: bytes) -> None:
        """Send what the scanner has read."""
        assert self._line is not None
        self._line.sendall(octets)

    def pull(self) -> None:
        """Pull the adapter out."""
        if self._line is not None:
            self._line.close()
            self._line = None


@pytest.fixture(scope="module")
def cable(guest: CounterGuest) -> Iterator[Cable]:
    """Give an adapter that is not plugged in yet."""
    made = Cable(guest)
    yield made
    made.pull()


def test_line_when_pulled_in_the_middle_of_a_code_then_half_a_code_is_no_scan(
    guest: CounterGuest, cable: Cable
) -> None:
    """A pack is read, the adapter goes with half a code on the line, comes back, and the next pack is read whole."""
    first, second = guest.code(), guest.code()
    cable.plug()
    since = guest.place()
    cable.send(f"{first}\r\n".encode())
    assert [f"cn20:{first}"] == [scan.get("code") for scan in guest.scans(since, 1)]
    cable.send(second[:11].encode())
    cable.pull()
    guest.wait_scanner("line", "absent")
    cable.plug()
    cable.send(f"{second}\r\n".encode())
    scans = guest.scans(since, 2)
    assert [f"cn20:{first}", f"cn20:{second}"] == [scan["code"] for scan in scans if "code" in scan]


def test_line_when_a_burst_comes_then_every_pack_of_it_is_read(guest: CounterGuest, cable: Cable) -> None:
    """Fifty packs at the full speed of the line are fifty scans in their order."""
    cable.plug()
    codes = [guest.code() for _ in range(50)]
    since = guest.place()
    cable.send("".join(f"{code}\r\n" for code in codes).encode())
    assert [f"cn20:{code}" for code in codes] == [scan.get("code") for scan in guest.scans(since, 50)]


def test_modem_when_it_reads_a_pack_then_the_verdict_goes_back_down_the_line(guest: CounterGuest) -> None:
    """A scanner that waits for its host is answered after each scan: one byte for a pack that passes, another else."""
    node = guest.machine.agent.call(
        "gadget:add",
        name="modem",
        vendor="0c2e",
        product="0901",
        serial="HIL-MODEM",
        maker="Honeywell",
        model="Voyager",
        function="modem",
    )
    guest.wait_open(_MODEM)
    since, code = guest.place(), guest.code()
    for text, answer in ((code, _ACKNOWLEDGED), (code[:-3], _REFUSED)):
        octets = f"{text}\r".encode().hex()
        assert answer == guest.machine.agent.call(
            "gadget:answered", node=node, octets=octets, count=1, within_s=60, deadline_s=100
        )
    assert ["PASS", "FAULT"] == [scan["verdict"] for scan in guest.scans(since, 2)]
    said = guest.machine.shell(f"stat -L -c '%G' {_MODEM}; udevadm info {_MODEM}")
    assert said.startswith("yaoma\n")
    assert "E: ID_MM_DEVICE_IGNORE=1" in said
