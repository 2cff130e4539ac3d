"""Thermal: how hot the board is, as the kernel tells."""

from pathlib import Path

__all__ = ["hottest_c"]


def hottest_c(sys: Path = Path("/sys")) -> int | None:
    """Give the hottest zone's temperature in whole degrees Celsius; None where the kernel names none.

    Args:
        sys: The kernel's tree of devices.
    """
    found = []
    for zone in (sys / "class/thermal").glob("thermal_zone*/temp"):
        try:
            found.append(int(zone.read_text("ascii")))
        except (OSError, ValueError):
            # A zone whose sensor sleeps refuses to be read.
            continue
    # The kernel tells thousandths of a degree (Documentation/driver-api/thermal/sysfs-api.rst).
    return max(found) // 1000 if found else None
