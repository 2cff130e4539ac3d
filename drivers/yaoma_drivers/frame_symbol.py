"""Make the symbol of a frame: the AIM identifier apart, faults as they are; pure."""

from yaoma_drivers.framing import Frame
from yaoma_drivers.symbol import ReadFault, Symbol
from yaoma_drivers.symbology import split_aim

__all__ = ["symbol_of"]


def symbol_of(frame: Frame, scanner: str, read_mono_ms: int, *, strip_aim: bool) -> Symbol:
    """Return the symbol that a scanner meant with a frame.

    Args:
        frame: What came between two terminators.
        scanner: The configured name of the scanner.
        read_mono_ms: When the frame was complete, CLOCK_MONOTONIC in milliseconds.
        strip_aim: Whether an AIM identifier in front goes into the symbol's `aim`.
    """
    if frame.fault is not None:
        return Symbol(b"", scanner, read_mono_ms, fault=frame.fault, length=frame.length)
    aim, data = split_aim(frame.data) if strip_aim else ("", frame.data)
    if not data:
        # An identifier alone: the line has lost the text behind it.
        return Symbol(b"", scanner, read_mono_ms, aim, fault=ReadFault.DROPPED, length=frame.length)
    return Symbol(data, scanner, read_mono_ms, aim)
