"""Whose USB device a serial line is, in a folder that looks like sysfs."""

from pathlib import Path

from yaoma_drivers.line_identity import usb_vendor_of
from yaoma_drivers.profile import known_profiles, load_profile, profiles_of_vendor


def test_vendor_when_the_line_is_of_usb_then_it_is_that_of_its_device(tmp_path: Path) -> None:
    """The vendor stands above the interface; a link is followed; what is no line of USB has none."""
    device = tmp_path / "sys/devices/usb1/1-1"
    (device / "1-1:1.0").mkdir(parents=True)
    (device / "idVendor").write_text("0C2E\n")
    lines = tmp_path / "sys/class/tty"
    for name, place in (("ttyACM0", device / "1-1:1.0"), ("ttyS0", tmp_path / "sys/devices")):
        (lines / name).mkdir(parents=True)
        (lines / name / "device").symlink_to(place)
    (tmp_path / "ttyACM0").touch()
    link = tmp_path / "by-id-gun"
    link.symlink_to(tmp_path / "ttyACM0")
    assert usb_vendor_of(link, lines) == "0c2e"
    assert usb_vendor_of(tmp_path / "ttyS0", lines) == ""
    assert usb_vendor_of(tmp_path / "ttyACM9", lines) == ""
    (device / "idVendor").write_bytes(b"\xff\xfe")
    assert usb_vendor_of(link, lines) == ""


def test_profiles_when_a_vendor_is_known_then_those_of_the_driver_are_named() -> None:
    """Every vendor of a profile is one that the udev rules leave to us; a cable's converter is nobody's."""
    assert profiles_of_vendor("0c2e", "serial_line") == ("honeywell",)
    assert profiles_of_vendor("05e0", "serial_line") == ("zebra_plain",)
    assert profiles_of_vendor("05e0", "zebra_ssi") == ("zebra_ssi",)
    assert profiles_of_vendor("05f9", "serial_line") == ("datalogic", "datalogic_esc")
    assert profiles_of_vendor("0403", "serial_line") == profiles_of_vendor("", "serial_line") == ()
    rules = (Path(__file__).parents[2] / "systemd/udev/70-yaoma-scanners.rules").read_text("utf-8")
    assert all(vendor in rules for name in known_profiles() for vendor in load_profile(name).usb_vendors)
