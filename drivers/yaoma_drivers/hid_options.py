"""Options of the HID driver; apart from it, so that a configuration can be read where evdev is not installed."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from yaoma_drivers.driver import AbsolutePath
from yaoma_drivers.errors import DeviceError
from yaoma_drivers.input_identity import InputPlaces, find
from yaoma_drivers.key_decoder import KeyTerminator
from yaoma_drivers.keymap import LayoutName
from yaoma_drivers.usb_name_options import UsbNameOptions
from yaoma_drivers.wrapping import GsStandIn
from yaoma_drivers.wrapping_options import WrappingOptions

__all__ = ["HidOptions"]

_STABLE_FOLDERS = {Path("/dev/input/by-id"), Path("/dev/input/by-path")}


def _stable(path: Path) -> Path:
    """Refuse /dev/input/event3, which may be another keyboard tomorrow."""
    if path.parent not in _STABLE_FOLDERS or path.name == "..":
        raise ValueError("must be a link in /dev/input/by-id or /dev/input/by-path; event numbers change")
    return path


class HidOptions(WrappingOptions, UsbNameOptions):
    """Options of the HID driver, beside those of its name and of wrapping.

    Args:
        device: A link in /dev/input/by-id or /dev/input/by-path.
        layout: The keyboard layout for which the scanner is set.
        terminators: What ends a symbol: any of ENTER, KP_ENTER, TAB, CTRL_J, CTRL_M.
        gap_ms: After how long without a key a symbol without terminator is given up, in milliseconds.
        gap_ends_symbol: Whether that silence ends a symbol, for a scanner that can type no terminator.
        gs_as: What it types for GS if not GS itself: a key F1 to F24, or text such as `~`.
        strip_aim: Whether an AIM identifier in front is taken off into the symbol's `aim`.
        report_dropped: Whether a scan of which keys were lost is told as a fault.
    """

    device: Annotated[AbsolutePath, AfterValidator(_stable)] | None = None
    layout: LayoutName = "us"
    terminators: tuple[KeyTerminator, ...] = Field(
        default=("ENTER", "KP_ENTER", "TAB", "CTRL_J", "CTRL_M"), min_length=1
    )
    gap_ms: int = Field(default=300, ge=50, le=10_000)
    gap_ends_symbol: bool = False
    gs_as: GsStandIn = ""
    strip_aim: bool = True
    report_dropped: bool = True

    def node(self) -> Path | None:
        """Return the node that the scanner has now; None if it is not there, or not alone."""
        try:
            return find(self.name(), InputPlaces()).node
        except DeviceError:
            return None
