"""Options of the HID driver; apart from it, so that a configuration can be read where evdev is not installed."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from yaoma_drivers.driver import AbsolutePath, DriverOptions
from yaoma_drivers.errors import DeviceError
from yaoma_drivers.hex_bytes import HexBytes
from yaoma_drivers.input_identity import InputName, InputPlaces, find
from yaoma_drivers.key_decoder import KeyTerminator
from yaoma_drivers.keymap import LayoutName
from yaoma_drivers.wrapping import CaseChange, GsStandIn, Wrapping, key_of

__all__ = ["HidOptions"]

_STABLE_FOLDERS = {Path("/dev/input/by-id"), Path("/dev/input/by-path")}


def _stable(path: Path) -> Path:
    """Refuse /dev/input/event3, which may be another keyboard tomorrow."""
    if path.parent not in _STABLE_FOLDERS or path.name == "..":
        raise ValueError("must be a link in /dev/input/by-id or /dev/input/by-path; event numbers change")
    return path


HexId = Annotated[str, Field(pattern="^[0-9a-fA-F]{4}$"), AfterValidator(str.lower)]


class HidOptions(DriverOptions):
    """Options of the HID driver; exactly one of serial, port and device names the scanner.

    Args:
        serial: Its serial number, where each piece has its own.
        port: The socket it is plugged into: ID_PATH of udev, or phys of the kernel.
        device: A link in /dev/input/by-id or /dev/input/by-path.
        vendor: USB vendor id as four hex digits; another model at this place is refused.
        product: USB product id as four hex digits, likewise.
        layout: The keyboard layout for which the scanner is set.
        terminators: What ends a symbol: any of ENTER, KP_ENTER, TAB, CTRL_J, CTRL_M.
        gap_ms: After how long without a key a symbol without terminator is given up, in milliseconds.
        gap_ends_symbol: Whether that silence ends a symbol, for a scanner that can type no terminator.
        prefix: Hex bytes that the scanner types before each symbol; one without them is a fault.
        suffix: Hex bytes that it types behind each symbol, before the terminator; likewise.
        case: What it does to letters: kept, swapped (turned back), upper or lower (can't be turned back).
        gs_as: What it types for GS if not GS itself: a key F1 to F24, or text such as `~`.
        strip_aim: Whether an AIM identifier in front is taken off into the symbol's `aim`.
        report_dropped: Whether a scan of which keys were lost is told as a fault.
    """

    serial: str | None = Field(default=None, min_length=1, max_length=255)
    port: str | None = Field(default=None, min_length=1, max_length=255)
    device: Annotated[AbsolutePath, AfterValidator(_stable)] | None = None
    vendor: HexId | None = None
    product: HexId | None = None
    layout: LayoutName = "us"
    terminators: tuple[KeyTerminator, ...] = Field(
        default=("ENTER", "KP_ENTER", "TAB", "CTRL_J", "CTRL_M"), min_length=1
    )
    gap_ms: int = Field(default=300, ge=50, le=10_000)
    gap_ends_symbol: bool = False
    prefix: HexBytes = Field(default=b"", max_length=16)
    suffix: HexBytes = Field(default=b"", max_length=16)
    case: CaseChange = "kept"
    gs_as: GsStandIn = ""
    strip_aim: bool = True
    report_dropped: bool = True

    @model_validator(mode="after")
    def _one_name(self) -> Self:
        if sum(name is not None for name in (self.serial, self.port, self.device)) != 1:
            raise ValueError("name the scanner by exactly one of serial, port and device")
        return self

    def name(self) -> InputName:
        """Return how the scanner is named."""
        return InputName(
            self.serial or "", self.port or "", self.device, vendor=self.vendor or "", product=self.product or ""
        )

    def node(self) -> Path | None:
        """Return the node that the scanner has now; None if it is not there, or not alone."""
        try:
            return find(self.name(), InputPlaces()).node
        except DeviceError:
            return None

    def wrapping(self) -> Wrapping:
        """Return what the scanner does to each symbol."""
        gs_text = "" if key_of(self.gs_as) else self.gs_as
        return Wrapping(self.prefix, self.suffix, self.case, gs_text.encode("ascii"))
