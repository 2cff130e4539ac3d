"""Symbol: what a scanner delivers, before anybody knows what it means."""

from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["MAX_SYMBOL_BYTES", "ReadFault", "Source", "Symbol", "Typing"]

#: A longer symbol is no trace code of any kind; its bytes are thrown away by the driver, its length is kept.
MAX_SYMBOL_BYTES = 256


class Source(StrEnum):
    """How a symbol came in; recorded, so that hand-typed codes stay visible (DOMAIN.md 7, S0-04)."""

    SCANNER = "scanner"
    CAMERA = "camera"
    HAND = "hand"
    IMPORT = "import"


class ReadFault(StrEnum):
    """Why a driver knows that a scan went wrong although it has no text for it."""

    OVERLONG = "overlong"  # more bytes than MAX_SYMBOL_BYTES before a terminator
    DROPPED = "dropped"  # the kernel or the line lost a part of it
    UNTERMINATED = "unterminated"  # bytes came, the terminator never did


@dataclass(frozen=True, slots=True)
class Typing:
    """How a scanner typed a symbol; for whoever sets it up.

    Args:
        took_ms: From the first character to the terminator, in milliseconds.
        terminator: The key that ended it; empty if silence did.
    """

    took_ms: int
    terminator: str


@dataclass(frozen=True, slots=True)
class Symbol:
    """One code, read once, by one scanner, at one time.

    The bytes may be anything: an identity card scanned by mistake is a symbol too. So they are not part of the
    repr, and nobody logs them before `yaoma.core.code` has said that they are a trace or product code.

    Args:
        data: The decoded bytes without AIM identifier and terminator; empty if `fault` is set.
        scanner: The configured name of the scanner.
        read_mono_ms: When it was complete (terminator or frame), CLOCK_MONOTONIC in milliseconds.
        aim: The AIM symbology identifier such as `]C1`, or an empty string if the scanner sends none.
        source: How it came in.
        fault: Why there is no text, or None.
        length: Number of bytes read, also where `data` was thrown away.
        typing: How it was typed, if its scanner types.
        in_burst: It came among others faster than anybody scans: read earlier, perhaps, and sent now.
        corners: Where it stands in its picture, as (x, y) in pixels from the upper left corner, in order around it;
            empty from whatever has no picture.
    """

    data: bytes = field(repr=False)
    scanner: str
    read_mono_ms: int
    aim: str = ""
    source: Source = Source.SCANNER
    fault: ReadFault | None = None
    length: int = -1
    typing: Typing | None = field(default=None, compare=False)
    in_burst: bool = False
    corners: tuple[tuple[int, int], ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        """Fill in the length; refuse data that a driver should have cut."""
        if len(self.data) > MAX_SYMBOL_BYTES:
            raise ValueError(f"a symbol holds at most {MAX_SYMBOL_BYTES} bytes, found {len(self.data)}")
        if self.length < 0:
            object.__setattr__(self, "length", len(self.data))
