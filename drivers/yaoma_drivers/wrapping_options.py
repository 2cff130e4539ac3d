"""Options of what a scanner puts around each text or does to it; shared by the drivers that take it off again."""

from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field

from yaoma_drivers.driver import DriverOptions
from yaoma_drivers.hex_bytes import HexBytes
from yaoma_drivers.wrapping import CaseChange, GsStandIn, Wrapping, key_of

__all__ = ["WrappingOptions"]


def _no_key(text: str) -> str:
    """Refuse a key where nothing is typed."""
    if key_of(text) is not None:
        raise ValueError("is a key, which only a keyboard-like scanner can press")
    return text


class WrappingOptions(DriverOptions):
    """The ground for the options of such a driver; all four are found by calibration (SCANNERS.md 1.8).

    Args:
        prefix: Hex bytes that the scanner sends before each symbol, such as 02 for STX; one without them is a fault.
        suffix: Hex bytes that it sends behind each symbol, before the terminator; likewise.
        case: What it does to letters: kept, swapped (turned back), upper or lower (can't be turned back).
        gs_as: What it sends for GS if not GS itself: text such as `~`.
    """

    prefix: HexBytes = Field(default=b"", max_length=16)
    suffix: HexBytes = Field(default=b"", max_length=16)
    case: CaseChange = "kept"
    gs_as: Annotated[GsStandIn, AfterValidator(_no_key)] = ""

    #: Whether something must say where a symbol ends; packets and reports say it themselves.
    needs_terminator: ClassVar[bool] = False

    def wrapping(self) -> Wrapping:
        """Return what the scanner does to each symbol."""
        gs_text = "" if key_of(self.gs_as) else self.gs_as
        return Wrapping(self.prefix, self.suffix, self.case, gs_text.encode("ascii"))

    def as_sent(self) -> Self:
        """Return options for the same scanner under which nothing is taken off: for its calibration."""
        bare = {"prefix": b"", "suffix": b"", "case": "kept", "gs_as": ""}
        return self.model_copy(update=bare)
