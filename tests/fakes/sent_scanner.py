"""SentScanner: a scanner on a line with settings of its own, which sends any text the way they say."""

from dataclasses import dataclass

from yaoma_drivers.calibration_sheet import DIGITS, GS1_TEXT, SIGNS

__all__ = ["SentScanner"]


@dataclass(frozen=True)
class SentScanner:
    """How it is set.

    Args:
        prefix: Sent first.
        suffix: Sent before the terminator.
        case: kept, swapped, upper or lower.
        sends_aim: An identifier is sent.
        aim_first: It stands before the prefix.
        gs: What is sent for GS.
        end: What ends a symbol.
        parity: Of seven data bits, as a line without parity shows them: none (eight bits), even, odd, mark or space.
    """

    prefix: str = ""
    suffix: str = ""
    case: str = "kept"
    sends_aim: bool = True
    aim_first: bool = False
    gs: str = "\x1d"
    end: str = "\r"
    parity: str = "none"

    def scan(self, text: str, aim: str = "]C0") -> bytes:
        """Send what a symbol holds."""
        identifier = aim if self.sends_aim else ""
        around = identifier + self.prefix if self.aim_first else self.prefix + identifier
        text = self._turned(around + text + self.suffix).replace("\x1d", self.gs)
        return bytes(map(self._on_the_line, (text + self.end).encode("ascii")))

    def sheet(self) -> list[bytes]:
        """Send the calibration sheet."""
        return [self.scan(DIGITS), self.scan(SIGNS), self.scan(GS1_TEXT, "]d2")]

    def _turned(self, text: str) -> str:
        return {"swapped": text.swapcase, "upper": text.upper, "lower": text.lower}.get(self.case, lambda: text)()

    def _on_the_line(self, octet: int) -> int:
        is_odd = octet.bit_count() % 2 == 1
        high = {"even": is_odd, "odd": not is_odd, "mark": True}.get(self.parity, False)
        return octet | 0x80 if high else octet
