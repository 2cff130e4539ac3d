"""USB devices that the guest's kernel plays to itself: dummy_hcd joins a device port with a host port."""

import os
import select
import termios
import time
import tty
from pathlib import Path

__all__ = ["add", "answered", "plug", "type_lines", "unplug"]

_GADGETS = Path("/sys/kernel/config/usb_gadget")

#: A keyboard as the HID 1.11 specification has it in appendix B: eight modifiers, five lamps, six keys.
_KEYBOARD = bytes.fromhex(
    "05010906a101050719e029e715002501750195088102950175088103"
    "950575010508190129059102950175039103"
    "95067508150026ff000507190029ff8100c0"
)

_USAGES = {"\n": 40} | {digit: 30 + number for number, digit in enumerate("1234567890")}


def add(
    *, name: str, vendor: str, product: str, serial: str, maker: str, model: str, function: str, report: str = ""
) -> str:
    """Plug in a device with any ids and give the file by which it is played.

    Args:
        name: What it is called here.
        vendor: USB vendor id, four hex digits.
        product: USB product id, four hex digits.
        serial: Its serial number.
        maker: Its maker's name.
        model: Its own name.
        function: `keyboard`, `hid` with a report descriptor of its own, or `modem` for a CDC-ACM line.
        report: The report descriptor in hex, for `hid`.
    """
    gadget = _GADGETS / name
    strings, config = gadget / "strings/0x409", gadget / "configs/c.1"
    for folder in (strings, config / "strings/0x409"):
        folder.mkdir(parents=True)
    for file, value in (("idVendor", vendor), ("idProduct", product)):
        (gadget / file).write_text(f"0x{value}")
    for file, value in (("serialnumber", serial), ("manufacturer", maker), ("product", model)):
        (strings / file).write_text(value)
    if function == "modem":
        made = gadget / "functions" / f"acm.{name}"
        made.mkdir()
        node = f"/dev/ttyGS{(made / 'port_num').read_text().strip()}"
    else:
        made = gadget / "functions" / f"hid.{name}"
        made.mkdir()
        keyboard = function == "keyboard"
        (made / "protocol").write_text(str(int(keyboard)))
        (made / "subclass").write_text(str(int(keyboard)))
        (made / "report_length").write_text("8" if keyboard else "64")
        (made / "report_desc").write_bytes(_KEYBOARD if keyboard else bytes.fromhex(report))
        node = ""
    (config / made.name).symlink_to(made)
    plug(name)
    return node or f"/dev/hidg{(made / 'dev').read_text().strip().partition(':')[2]}"


def plug(name: str) -> None:
    """Plug a device in, at the first port that is free."""
    taken = {(gadget / "UDC").read_text().strip() for gadget in _GADGETS.iterdir()}
    free = next(port.name for port in sorted(Path("/sys/class/udc").iterdir()) if port.name not in taken)
    (_GADGETS / name / "UDC").write_text(free)


def unplug(name: str) -> None:
    """Pull a device out; it can be plugged in again."""
    (_GADGETS / name / "UDC").write_text("\n")


def type_lines(node: str, lines: list[str], ms_per_character: float) -> None:
    """Type lines of digits as a scanner does, each with Enter.

    The kernel takes a report only when the host has had the last.
    """
    device = os.open(node, os.O_WRONLY)
    try:
        for line in lines:
            for character in f"{line}\n":
                _press(device, _USAGES[character], ms_per_character / 2)
                _press(device, 0, ms_per_character / 2)
    finally:
        os.close(device)


def _press(device: int, usage: int, pause_ms: float) -> None:
    os.write(device, bytes([0, 0, usage, 0, 0, 0, 0, 0]))
    if pause_ms:
        time.sleep(pause_ms / 1000)


def answered(node: str, octets: str, count: int, within_s: float) -> str:
    """Write bytes to the device's end of its line and read so many of the answer; both in hex."""
    device = os.open(node, os.O_RDWR | os.O_NOCTTY)
    try:
        tty.setraw(device, termios.TCSANOW)
        os.write(device, bytes.fromhex(octets))
        answer, until_s = b"", time.monotonic() + within_s
        while len(answer) < count and time.monotonic() < until_s:
            if select.select([device], [], [], 0.2)[0]:
                answer += os.read(device, count - len(answer))
        return answer.hex()
    finally:
        os.close(device)
