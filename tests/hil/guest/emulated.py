"""HID devices out of /dev/uhid: no USB, no flow control, so that a reader can be made to fall behind."""

import os
import struct
import threading
import time

__all__ = ["create", "destroy", "output_reports", "send", "type_lines"]

_CREATE2, _DESTROY, _OUTPUT, _SET_REPORT, _SET_REPORT_REPLY, _INPUT2 = 11, 1, 6, 13, 14, 12
_USB = 3
_DATA_BYTES = 4096

_devices: dict[str, int] = {}
_told: dict[str, list[str]] = {}


def create(name: str, vendor: str, product: str, serial: str, descriptor: str) -> None:
    """Make a device.

    Args:
        name: What it is called, here and by the kernel.
        vendor: Vendor id, four hex digits.
        product: Product id, four hex digits.
        serial: Its serial number.
        descriptor: Its report descriptor in hex.
    """
    octets = bytes.fromhex(descriptor)
    device = os.open("/dev/uhid", os.O_RDWR)
    form = struct.pack(
        "<I128s64s64sHHIIII4096s",
        *(_CREATE2, name.encode(), f"hil-{serial}/input0".encode(), serial.encode()),
        *(len(octets), _USB, int(vendor, 16), int(product, 16), 0x0111, 0, octets),
    )
    os.write(device, form)
    _devices[name], _told[name] = device, []
    threading.Thread(target=_listen, args=(device, _told[name]), daemon=True).start()


def destroy(name: str) -> None:
    """Take a device away."""
    device = _devices.pop(name)
    os.write(device, struct.pack("<I", _DESTROY))
    os.close(device)


def send(name: str, reports: list[str], pause_ms: float) -> None:
    """Send input reports, given in hex."""
    for report in reports:
        _input(_devices[name], bytes.fromhex(report))
        time.sleep(pause_ms / 1000)


def type_lines(name: str, lines: list[str], pause_ms: float) -> None:
    """Type digits as fast as wanted, each line with Enter; nobody waits for the reader."""
    for line in lines:
        for character in f"{line}\n":
            usage = 40 if character == "\n" else 39 if character == "0" else 29 + int(character)
            for report in (bytes([0, 0, usage, 0, 0, 0, 0, 0]), bytes(8)):
                _input(_devices[name], report)
                if pause_ms:
                    time.sleep(pause_ms / 2000)


def output_reports(name: str) -> list[str]:
    """Give what the device was told so far, in hex."""
    return list(_told[name])


def _input(device: int, report: bytes) -> None:
    os.write(device, struct.pack("<IH", _INPUT2, len(report)) + report)


def _listen(device: int, told: list[str]) -> None:
    """Take what the kernel tells the device: output reports, and reports that are set."""
    try:
        while True:
            event = os.read(device, 4380)
            kind = struct.unpack_from("<I", event)[0]
            if kind == _OUTPUT:
                told.append(event[4 : 4 + struct.unpack_from("<H", event, 4 + _DATA_BYTES)[0]].hex())
            elif kind == _SET_REPORT:
                number, _, _, size = struct.unpack_from("<IBBH", event, 4)
                told.append(event[12 : 12 + size].hex())
                os.write(device, struct.pack("<IIH", _SET_REPORT_REPLY, number, 0))
    except OSError:
        return
