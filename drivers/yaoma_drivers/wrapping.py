"""Wrapping: what a scanner puts around the text of a symbol or does to it, taken off again; pure."""

import re
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import AfterValidator

from yaoma_drivers.framing import Frame
from yaoma_drivers.symbol import ReadFault
from yaoma_drivers.symbology import split_aim

__all__ = ["GS", "CaseChange", "GsStandIn", "Wrapping", "key_name", "key_of", "stands_for_gs"]

GS: Final = b"\x1d"

#: What a scanner does to letters; a conversion to one case can't be taken back, so it stays as it is.
CaseChange = Literal["kept", "swapped", "upper", "lower"]

#: F1 to F24 as the kernel numbers them.
_FUNCTION_KEYS: Final = {
    **{f"F{number}": 58 + number for number in range(1, 11)},
    "F11": 87,
    "F12": 88,
    **{f"F{number}": 170 + number for number in range(13, 25)},
}
_GS1_AIMS: Final = frozenset({b"]C1", b"]d2", b"]Q3", b"]e0", b"]J1"})
#: What a GS1 symbol for a pack begins with; without an identifier nothing else tells it.
_GTIN_FIELD: Final = b"01"
_STAND_IN: Final = re.compile(r"(?![0-9A-Za-z]+\Z)[!-~]{1,8}")

#: Identifiers that a conversion of case has changed, where only one can be meant (SCANNERS.md 1.11). `]E0` and `]e0`
#: are two: EAN-13 and GS1 DataBar; an identifier that may be either is none.
_AIM_FROM: Final = {
    "upper": {b"]D": b"]d", b"]E": b""},
    "lower": {b"]c": b"]C", b"]q": b"]Q", b"]j": b"]J", b"]i": b"]I", b"]e": b""},
}


def stands_for_gs(text: str) -> bool:
    """Tell whether a scanner may type this for GS; letters and digits alone would eat characters of a code.

    Args:
        text: The name of a key, or what is typed.
    """
    return text in _FUNCTION_KEYS or _STAND_IN.fullmatch(text) is not None


def _stand_in(text: str) -> str:
    if text and not stands_for_gs(text):
        raise ValueError("must be a key F1 to F24, or 1 to 8 characters that are not letters and digits alone")
    return text


GsStandIn = Annotated[str, AfterValidator(_stand_in)]


def key_of(gs_as: str) -> int | None:
    """Return the kernel's number of the key that stands for GS; None where text does, or nothing.

    Args:
        gs_as: A key such as `F8`, a text such as `~`, or an empty text.
    """
    return _FUNCTION_KEYS.get(gs_as)


def key_name(code: int) -> str:
    """Return the name of a function key; empty for any other key.

    Args:
        code: As the kernel numbers it.
    """
    return next((name for name, number in _FUNCTION_KEYS.items() if number == code), "")


@dataclass(frozen=True, slots=True)
class Wrapping:
    """How a scanner wraps what it reads (SCANNERS.md 1.1 rows 2 and 6, 1.8).

    Args:
        prefix: What stands before each symbol, before or behind an AIM identifier.
        suffix: What stands behind it, before the terminator.
        case: What happens to letters.
        gs_text: What stands for GS; empty if nothing does.
    """

    prefix: bytes = b""
    suffix: bytes = b""
    case: CaseChange = "kept"
    gs_text: bytes = b""

    def unwrap(self, frame: Frame, apart: str = "") -> Frame:
        """Return the frame as the symbol has it; a frame without its prefix or suffix has lost a piece: DROPPED.

        Args:
            frame: As the scanner sent it.
            apart: The AIM identifier, where it came beside the text and not in front of it.
        """
        if frame.fault is not None:
            return frame
        data = frame.data.swapcase() if self.case == "swapped" else frame.data
        aim, rest = (b"", data) if data.startswith(self.prefix) else self._split(data)
        if len(rest) < len(self.prefix) + len(self.suffix) or not (
            rest.startswith(self.prefix) and rest.endswith(self.suffix)
        ):
            return Frame(b"", frame.length, ReadFault.DROPPED)
        body = aim + rest[len(self.prefix) : len(rest) - len(self.suffix)]
        body = self._with_separators(body if apart else self._with_aim(body), apart.encode("ascii"))
        return Frame(body, len(body)) if body else Frame(b"", frame.length, ReadFault.DROPPED)

    def _with_aim(self, data: bytes) -> bytes:
        """Give back the case of an AIM identifier, without which a GS1 symbol can't be told."""
        turned = _AIM_FROM.get(self.case, {})
        aim, rest = self._split(data)
        if aim[:2] not in turned:
            return data
        return (turned[aim[:2]] + aim[2:] if turned[aim[:2]] else b"") + rest

    def _with_separators(self, data: bytes, apart: bytes) -> bytes:
        """Put GS where its stand-in is, in what is or may be GS1; in a web address it is a sign like others."""
        if not self.gs_text:
            return data
        aim, text = (b"", data) if apart else self._split(data)
        told = apart or aim
        is_gs1 = told in _GS1_AIMS if told else text.removeprefix(self.gs_text).startswith(_GTIN_FIELD)
        return aim + text.replace(self.gs_text, GS) if is_gs1 else data

    @staticmethod
    def _split(data: bytes) -> tuple[bytes, bytes]:
        aim, rest = split_aim(data)
        return aim.encode("ascii"), rest
