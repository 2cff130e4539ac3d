"""PosScanner: descriptors and reports of HID POS scanners, and one at the other end of a pair of sockets."""

import os
import socket
import time
from pathlib import Path

from yaoma_drivers.hidraw_device import HidrawDevice
from yaoma_drivers.hidraw_identity import HidrawPlaces

__all__ = ["ACCESS_IS", "BOOT_KEYBOARD", "LINUX_UHID", "HidrawTree", "PosScanner", "text_report"]


def _octets(text: str) -> bytes:
    return bytes.fromhex("".join(line.split("#")[0] for line in text.splitlines()))


#: 64-byte reports as the Access-IS LSR118 manual has them; beeps and trigger beside them.
ACCESS_IS = _octets("""
    05 8C 09 02 A1 01            # bar code scanner
    09 12 A1 02 85 02            # scanned data report, number 2
      15 00 26 FF 00 75 08 95 01
      05 01 09 3B 81 02          # byte count
      05 8C 95 03 09 FB 09 FC 09 FD 81 02
      95 38 09 FE 82 02 01       # decoded data, 56 buffered bytes
      95 02 06 66 FF 09 04 09 00 81 02
      05 8C 25 01 75 01 95 01 09 FF 81 02 95 07 81 03
    C0
    09 14 A1 02 85 04            # trigger report, number 4: a beep has a bit each
      15 00 25 01 75 01 95 03 09 85 09 86 09 87 91 02
      95 02 09 5F 09 60 91 02 95 03 91 03
    C0 C0""")

#: What the tests in the virtual machine make through uhid: the count has a usage of its own, there are no beeps.
LINUX_UHID = _octets("""
    05 8C 09 02 A1 01 09 12 A1 02 85 02 15 00 26 FF 00 75 08
    95 01 05 3B 09 01 81 02
    95 03 05 8C 09 FB 09 FC 09 FD 81 02
    95 38 09 FE 82 02 01
    95 02 09 FB 81 02
    25 01 75 01 95 01 09 FF 81 02 75 07 81 03 C0 C0""")

BOOT_KEYBOARD = _octets("""
    05 01 09 06 A1 01 05 07 19 E0 29 E7 15 00 25 01 75 01 95 08 81 02 95 01 75 08 81 03 95 05 75 01
    05 08 19 01 29 05 91 02 95 01 75 03 91 03 95 06 75 08 15 00 26 FF 00 05 07 19 00 29 FF 81 00 C0""")


def text_report(text: bytes, *, aim: bytes = b"]Q0", more: bool = False) -> bytes:
    """Write the report of the Access-IS manual by hand, apart from the code under test."""
    return bytes((2, len(text))) + aim + text.ljust(56, b"\0") + b"s\0" + bytes((more,))


class PosScanner:
    """The scanner's end; the kernel's end is what the driver gets instead of a node."""

    def __init__(self) -> None:
        self._scanner, self._kernel = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.openings = 0

    def open(self, _: object) -> HidrawDevice:
        """Stand in for `open_hidraw`."""
        descriptor = os.dup(self._kernel.fileno())
        os.set_blocking(descriptor, False)
        # Counted last: who waits for it may pull the cable at once.
        self.openings += 1
        return HidrawDevice(descriptor)

    def wait_until_open(self) -> None:
        """Wait until the driver has it."""
        until_s = time.monotonic() + 20
        while not self.openings:
            assert time.monotonic() < until_s, "the driver never opened the scanner"
            time.sleep(0.002)

    def scan(self, text: bytes, *, aim: bytes = b"]Q0") -> None:
        """Send a text in as many reports as it needs."""
        parts = [text[start : start + 56] for start in range(0, len(text), 56)] or [b""]
        for number, part in enumerate(parts, 1):
            self.send(text_report(part, aim=aim, more=number < len(parts)))

    def send(self, report: bytes) -> None:
        """Send one report."""
        self._scanner.send(report)

    def receive(self, wait_s: float = 20) -> bytes:
        """Return the next report that the driver sends; nothing if none comes."""
        self._scanner.settimeout(wait_s)
        try:
            return self._scanner.recv(4096)
        except TimeoutError:
            return b""

    def unplug(self) -> None:
        """Pull the cable; a second time does nothing."""
        self._scanner.close()
        self._kernel.close()


class HidrawTree:
    """Plugs raw HID devices into a folder that looks like sysfs and /dev.

    Args:
        folder: An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.places = HidrawPlaces(folder / "sys/class/hidraw", folder / "dev", folder / "dev/yaoma/by-path")
        self._devices = folder / "sys/devices"
        for each in (self.places.sysfs, self.places.links, self._devices):
            each.mkdir(parents=True)

    def plug(
        self,
        number: int,
        *,
        descriptor: bytes = ACCESS_IS,
        serial: str = "",
        phys: str = "",
        model: str = "0c2e:0b62",
        bus: str = "0003",
        id_path: str = "",
    ) -> Path:
        """Plug a device in as hidraw<number> and return its node."""
        vendor, product = model.upper().split(":")
        device = self._devices / f"hid{number}"
        device.mkdir()
        (device / "uevent").write_text(
            f"DRIVER=hid-generic\nHID_ID={bus}:0000{vendor}:0000{product}\nHID_NAME=Scanner\n"
            f"HID_PHYS={phys}\nHID_UNIQ={serial}\nMODALIAS=hid:b0003g0001v0000{vendor}p0000{product}\n"
        )
        (device / "report_descriptor").write_bytes(descriptor)
        (self.places.sysfs / f"hidraw{number}").mkdir()
        (self.places.sysfs / f"hidraw{number}" / "device").symlink_to(device)
        node = self.places.nodes / f"hidraw{number}"
        node.touch()
        if id_path:
            (self.places.links / f"{id_path}-hidraw").symlink_to(node)
        return node
