"""Framer: bytes of a line into whole symbols; pure, any split of the input gives the same frames."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from yaoma_drivers.symbol import MAX_SYMBOL_BYTES, ReadFault

__all__ = ["TERMINATORS", "Frame", "Framer"]

#: The names that options use for what ends a symbol (SCANNERS.md 1.10).
TERMINATORS = {"CR": b"\r", "LF": b"\n", "CRLF": b"\r\n", "TAB": b"\t", "ETX": b"\x03"}

_SLICE_BYTES = 4096
_NEVER = re.compile(rb"(?!)")
_AIM_LAST = re.compile(rb"\][A-Za-z][0-9A-Za-z]\Z")


@dataclass(frozen=True, slots=True)
class Frame:
    """What came between two terminators.

    Args:
        data: The bytes without prefix and terminator; empty if `fault` is set.
        length: How many bytes `data` has; with a fault, how many came in before the terminator, prefix included.
        fault: Why there are no bytes, or None.
    """

    data: bytes = field(repr=False)
    length: int
    fault: ReadFault | None = None


class Framer:
    """Cuts a stream at its terminators and holds a bounded number of bytes, whatever comes in.

    Line ends at the beginning of a frame are no part of it and an empty frame is none, so that CR, LF and CRLF may
    come from the same scanner (SCANNERS.md 1.1, row 8). A frame with more than `max_bytes` beside its prefix gives one
    fault with its length, and the next terminator starts afresh.

    Args:
        terminators: The byte strings that end a symbol; empty if only silence does.
        prefix: What stands before each symbol, such as STX; what comes before it is noise, but for an AIM identifier
            right in front, and a frame without it has lost its beginning. Empty if the scanner sends none.
        max_bytes: How long a symbol may be.
        idle_ends_symbol: Whether `flush` makes a symbol of what it finds, for a scanner that sends no terminator.

    Raises:
        ValueError: A terminator is empty, or can never be seen whole because another one stands inside it, or
            nothing at all would end a symbol.
    """

    def __init__(
        self,
        terminators: Sequence[bytes],
        *,
        prefix: bytes = b"",
        max_bytes: int = MAX_SYMBOL_BYTES,
        idle_ends_symbol: bool = False,
    ) -> None:
        if not terminators and not idle_ends_symbol:
            raise ValueError("without a terminator only silence can end a symbol: switch that on or name one")
        if b"" in terminators:
            raise ValueError("a terminator has at least one byte")
        if any(inner in outer[:-1] for outer in terminators for inner in terminators if inner != outer):
            raise ValueError("one terminator stands inside another, which can never be seen (name CR and LF, not CRLF)")
        longest_first = sorted(terminators, key=len, reverse=True)
        self._end = re.compile(b"|".join(map(re.escape, longest_first))) if longest_first else _NEVER
        self._overlap = len(longest_first[0]) - 1 if longest_first else 0
        self._prefix = prefix
        self._max_frame = max_bytes + len(prefix)
        self._idle_ends_symbol = idle_ends_symbol
        self._held = bytearray()
        self._thrown_away = 0

    @property
    def is_pending(self) -> bool:
        """Tell whether bytes wait for their terminator."""
        return bool(self._held or self._thrown_away)

    def feed(self, octets: bytes) -> list[Frame]:
        """Take bytes as they come and return the frames that they complete."""
        frames: list[Frame] = []
        for start in range(0, len(octets), _SLICE_BYTES):
            self._feed_slice(octets[start : start + _SLICE_BYTES], frames)
        return frames

    def flush(self) -> list[Frame]:
        """Give up waiting for a terminator, after silence on the line, and return what that makes."""
        frames: list[Frame] = []
        if self._idle_ends_symbol or self._is_overlong(len(self._held)):
            self._cut(bytes(self._held), frames)
        elif rest := self._held.lstrip(b"\r\n"):
            frames.append(Frame(b"", len(rest), ReadFault.UNTERMINATED))
        self._drop(len(self._held))
        self._thrown_away = 0
        return frames

    def _feed_slice(self, octets: bytes, frames: list[Frame]) -> None:
        """Cut one slice, so that a large chunk from the caller is never copied as a whole."""
        searched = max(0, len(self._held) - self._overlap)
        self._held += octets
        start = 0
        while found := self._end.search(self._held, max(start, searched)):
            self._cut(bytes(self._held[start : found.start()]), frames)
            self._thrown_away = 0
            start = found.end()
        self._drop(start)
        if len(self._held) > self._max_frame + self._overlap:
            # Too long whatever follows; only what may be the first half of a terminator is still needed.
            surplus = len(self._held) - self._overlap
            self._thrown_away += surplus
            self._drop(surplus)

    def _drop(self, count: int) -> None:
        """Drop the first bytes; deleting alone would leave them in the buffer: an identity card's too."""
        self._held[:count] = bytes(count)
        del self._held[:count]

    def _is_overlong(self, held: int) -> bool:
        return self._thrown_away + held > self._max_frame

    def _cut(self, octets: bytes, frames: list[Frame]) -> None:
        """Make a frame of the bytes before a terminator, together with those already thrown away."""
        length = self._thrown_away + len(octets)
        if self._is_overlong(len(octets)):
            frames.append(Frame(b"", length, ReadFault.OVERLONG))
            return
        octets = octets.lstrip(b"\r\n")
        if not octets:
            return
        noise, prefix, rest = octets.partition(self._prefix) if self._prefix else (b"", b"", octets)
        if self._prefix and not prefix:
            frames.append(Frame(b"", len(noise), ReadFault.DROPPED))
            return
        if aim := _AIM_LAST.search(noise):
            rest = aim.group() + rest
        if rest:
            frames.append(Frame(rest, len(rest)))
