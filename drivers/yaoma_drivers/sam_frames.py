"""SAM frames: what a reader of resident identity cards speaks on its serial line, and the one field that is taken.

From public descriptions of the SAM_V module's protocol and from programs of others that agree with it (named in
drivers/README.md): a frame is AA AA AA 96 69, the length of what follows in two bytes, the content, and the exclusive
or of length and content in one byte. A request's content is command and parameter; an answer's is three status bytes
and data. Of a card only the number is looked at: nothing else is decoded, kept or handed on.
"""

import re
from dataclasses import dataclass, field
from enum import IntEnum
from functools import reduce
from operator import xor
from typing import Final

__all__ = ["Ask", "SamAnswer", "SamFramer", "SamStatus", "card_number", "frame", "request"]

_PREAMBLE: Final = bytes.fromhex("AAAAAA9669")
_LENGTH_BYTES: Final = 2
_STATUS_BYTES: Final = 3
_CHECK_BYTES: Final = 1
#: Text, photograph and two fingerprints, with their lengths: no answer is longer.
_LONGEST: Final = _STATUS_BYTES + 6 + 256 + 1024 + 1024 + _CHECK_BYTES

#: Base information: the lengths of text and photograph, two bytes each, then both. The text has fields of fixed widths
#: in UTF-16 with the low byte first: name 30 bytes, sex 2, people 4, birth 16, address 70, number 36, and more.
_HEAD_BYTES: Final = 4
_TEXT_BYTES: Final = 256
_NUMBER: Final = slice(122, 158)

_ID18: Final = re.compile(r"[1-9][0-9]{16}[0-9X]")
#: GB 11643: ISO 7064 MOD 11-2.
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS: Final = "10X98765432"


class Ask(IntEnum):
    """Requests: command and parameter, as one number."""

    STATUS = 0x11FF
    FIND = 0x2001
    SELECT = 0x2002
    READ = 0x3001


class SamStatus(IntEnum):
    """The last status byte, as far as it decides on what to do; every other one is a failure."""

    DONE = 0x90
    FOUND = 0x9F
    NO_CARD = 0x80


@dataclass(frozen=True, slots=True)
class SamAnswer:
    """One answer of a reader.

    Args:
        status: Its last status byte.
        data: What follows; of base information it is somebody's identity, so it stands in no repr.
    """

    status: int
    data: bytes = field(default=b"", repr=False)


def frame(content: bytes) -> bytes:
    """Give the frame around some content.

    Args:
        content: At most 65534 bytes.
    """
    counted = (len(content) + _CHECK_BYTES).to_bytes(_LENGTH_BYTES, "big") + content
    return _PREAMBLE + counted + bytes([reduce(xor, counted)])


def request(ask: Ask) -> bytes:
    """Give the frame of a request."""
    return frame(int(ask).to_bytes(2, "big"))


class SamFramer:
    """Cuts bytes into answers; noise, and frames that are broken or too long, are skipped."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, octets: bytes) -> list[SamAnswer]:
        """Take bytes and give the answers that are whole now.

        Args:
            octets: What came, in pieces of any size.
        """
        self._waiting += octets
        answers: list[SamAnswer] = []
        while (answer := self._next()) is not None:
            answers += answer
        return answers

    def forget(self) -> None:
        """Drop what is not whole: its end will not come."""
        self._waiting = bytearray()

    def _next(self) -> list[SamAnswer] | None:
        """Take one frame, or what is none, off the front; None if more bytes are needed."""
        self._skip_noise()
        content = len(_PREAMBLE) + _LENGTH_BYTES
        if len(self._waiting) < content:
            return None
        length = int.from_bytes(self._waiting[len(_PREAMBLE) : content], "big")
        if not _STATUS_BYTES + _CHECK_BYTES <= length <= _LONGEST:
            del self._waiting[0]
            return []
        end = content + length
        if len(self._waiting) < end:
            return None
        if reduce(xor, self._waiting[len(_PREAMBLE) : end]):
            # The preamble may have been data: what looks like its frame may hold the real one.
            del self._waiting[0]
            return []
        status = self._waiting[content + _STATUS_BYTES - 1]
        answer = SamAnswer(status, bytes(self._waiting[content + _STATUS_BYTES : end - _CHECK_BYTES]))
        del self._waiting[:end]
        return [answer]

    def _skip_noise(self) -> None:
        start = self._waiting.find(_PREAMBLE)
        if start < 0:
            # The end may be the beginning of a preamble.
            start = max(0, len(self._waiting) - len(_PREAMBLE) + 1)
        del self._waiting[:start]


def card_number(data: bytes) -> str | None:
    """Give the 18 characters of the number in a card's base information, or None if there is no such number.

    Cards of foreigners issued before 2023 have another number, of 15 characters.

    Args:
        data: The data of the answer to `Ask.READ`.
    """
    if len(data) < _HEAD_BYTES + _TEXT_BYTES or int.from_bytes(data[:2], "big") != _TEXT_BYTES:
        return None
    number = data[_HEAD_BYTES : _HEAD_BYTES + _TEXT_BYTES][_NUMBER].decode("utf-16-le", errors="replace").rstrip(" \0")
    if not _ID18.fullmatch(number):
        return None
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number, strict=False))
    return number if _CHECK_DIGITS[total % 11] == number[-1] else None
