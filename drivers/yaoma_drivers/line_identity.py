"""Line identity: whose USB device a serial line is, as the kernel says; nothing is opened."""

from pathlib import Path

__all__ = ["usb_vendor_of"]

_SYSFS = Path("/sys/class/tty")


def usb_vendor_of(device: Path, sysfs: Path = _SYSFS) -> str:
    """Return the USB vendor id of a line as four hex digits; empty if it is none of USB, or not there.

    Args:
        device: Its node, or a lasting link to it.
        sysfs: Where the kernel lists lines.
    """
    try:
        place = (sysfs / device.resolve().name / "device").resolve(strict=True)
        found = next((one / "idVendor" for one in (place, *place.parents) if (one / "idVendor").is_file()), None)
        return found.read_text(encoding="ascii").strip().lower() if found is not None else ""
    except (OSError, UnicodeDecodeError):
        return ""
