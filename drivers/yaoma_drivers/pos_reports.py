"""PosReader: a HID POS scanner's input reports into scans; pure."""

import re
from dataclasses import dataclass
from typing import Final

from yaoma_drivers.framing import Frame
from yaoma_drivers.pos_layout import PosLayout, TextPlace
from yaoma_drivers.symbol import MAX_SYMBOL_BYTES, ReadFault
from yaoma_drivers.symbology import split_aim

__all__ = ["PosReader", "PosScan"]

_AIM: Final = re.compile(rb"\][A-Za-z][0-9A-Za-z]")


@dataclass(frozen=True, slots=True)
class PosScan:
    """One scan.

    Args:
        frame: The text, or why there is none.
        aim: The AIM identifier, empty if the scanner sends none.
    """

    frame: Frame
    aim: str = ""


class PosReader:
    """Puts the reports of one scanner together; holds one text of at most 256 bytes.

    Args:
        layout: Where the scanner puts things.
    """

    def __init__(self, layout: PosLayout) -> None:
        self._layout = layout
        self._held = bytearray()
        self._length = 0
        self._aim = ""
        self._is_broken = False
        self._is_open = False

    @property
    def is_pending(self) -> bool:
        """Tell whether a text waits for the report that goes on with it."""
        return self._is_open

    def feed(self, report: bytes) -> list[PosScan]:
        """Take one report as the kernel hands it over, and return the scan that it completes.

        Args:
            report: With its number in front, if the scanner's reports have one.
        """
        number, body = (report[0], report[1:]) if self._layout.is_numbered and report else (0, report)
        place = self._layout.texts.get(number)
        if place is None:
            # A trigger, a status, an answer to a question that nobody asked.
            return []
        self._add(place, body)
        if self._is_open:
            return []
        return [self._finished()]

    def flush(self) -> list[PosScan]:
        """Give up a text that does not go on, after silence."""
        if not self._is_open:
            return []
        length = self._length
        self._forget()
        return [PosScan(Frame(b"", length, ReadFault.UNTERMINATED))]

    def _add(self, place: TextPlace, body: bytes) -> None:
        # A report that was cut off has lost text, or the mark that more follows.
        self._is_broken = self._is_broken or len(body) < place.size
        # One number for the whole report: bits are counted from the lowest of the first byte (HID 1.11, 5.5).
        bits = int.from_bytes(body, "little")
        first = place.data.offset_bits // 8
        text = body[first : first + place.data.count]
        if place.count is None:
            text = text.rstrip(b"\0")
        else:
            count = place.count.read(bits)
            self._is_broken = self._is_broken or count > len(text)
            text = text[:count]
        if not self._is_open:
            symbology = bytes(each.read(bits) & 0xFF for each in place.symbology)
            self._aim = symbology.decode("ascii") if _AIM.fullmatch(symbology) else ""
        self._length += len(text)
        if self._length <= MAX_SYMBOL_BYTES:
            self._held += text
        self._is_open = place.continued is not None and place.continued.read(bits) != 0

    def _finished(self) -> PosScan:
        # The suffix that a scanner is set to send stands behind the text here too.
        text = bytes(self._held).rstrip(b"\r\n")
        length, aim, is_broken = self._length, self._aim, self._is_broken
        self._forget()
        if length > MAX_SYMBOL_BYTES:
            return PosScan(Frame(b"", length, ReadFault.OVERLONG))
        if not aim:
            aim, text = split_aim(text)
        if is_broken or not text:
            return PosScan(Frame(b"", length, ReadFault.DROPPED), aim)
        return PosScan(Frame(text, len(text)), aim)

    def _forget(self) -> None:
        """Let go of the text; deleting alone would leave it in the buffer: an identity card's too."""
        self._held[:] = bytes(len(self._held))
        self._held.clear()
        self._length, self._aim, self._is_broken, self._is_open = 0, "", False, False
