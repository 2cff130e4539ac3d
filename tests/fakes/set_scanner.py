"""SetScanner: a keyboard-like scanner with settings of its own, which types any text the way they say."""

from dataclasses import dataclass, field

from evdev import ecodes

from fakes.typist import Typist, key
from yaoma_drivers.calibration_sheet import DIGITS, GS1_TEXT, SIGNS
from yaoma_drivers.key_decoder import KeyState
from yaoma_drivers.keymap import KEYMAPS, LayoutName
from yaoma_drivers.typed_scan import TypedScan

__all__ = ["SetScanner"]

_ENDS = {"ENTER": "ENTER", "KP_ENTER": "KPENTER", "TAB": "TAB"}


@dataclass(frozen=True)
class SetScanner:
    """How it is set.

    Args:
        layout: The keyboard country.
        case: kept, swapped, upper or lower.
        prefix: Typed first.
        suffix: Typed before the terminator.
        sends_aim: An identifier is typed.
        aim_first: It stands before the prefix.
        gs: What is typed for GS: `ctrl`, `alt`, a function key such as `F8`, or a text; empty for nothing.
        end: The terminator; empty for none.
        by_alt: Every character is typed as Alt and its number.
        keypad: Digits come from the keypad.
        report_us: From one report to the next.
        caps_lock: The keyboard's LED is on, and the scanner makes up for it.
    """

    layout: LayoutName = "us"
    case: str = "kept"
    prefix: str = ""
    suffix: str = ""
    sends_aim: bool = True
    aim_first: bool = False
    gs: str = "ctrl"
    end: str = "ENTER"
    by_alt: bool = False
    keypad: bool = False
    report_us: int = 1000
    caps_lock: bool = False
    places: dict[str, tuple[str, ...]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        """Note how each character is typed in this layout."""
        keymap = KEYMAPS[self.layout]
        names = {
            code: name for name, code in ecodes.ecodes.items() if name.startswith("KEY_") and isinstance(code, int)
        }
        for table, held in ((keymap.alt_gr, ("RIGHTALT",)), (keymap.shifted, ("LEFTSHIFT",)), (keymap.plain, ())):
            for code, sign in table.items():
                self.places[sign] = (names[code].removeprefix("KEY_"), *held)

    def scan(self, text: str, aim: str = "]C0", *, start_us: int = 1_000_000) -> TypedScan:
        """Type what a symbol holds."""
        typist = Typist(start_us)
        identifier = aim if self.sends_aim else ""
        self._type(typist, identifier + self.prefix if self.aim_first else self.prefix + identifier)
        self._type(typist, text)
        self._type(typist, self.suffix)
        if self.end.startswith("CTRL_"):
            typist.tap(self.places[self.end[-1].lower()][0], "LEFTCTRL")
        elif self.end:
            typist.tap(_ENDS[self.end])
        factor = self.report_us / 1000
        events = tuple(
            type(one)(one.kind, one.code, one.value, start_us + int((one.mono_us - start_us) * factor))
            for one in typist.events
        )
        return TypedScan(events, KeyState(frozenset(), self.caps_lock, 0))

    def sheet(self) -> list[TypedScan]:
        """Type the calibration sheet."""
        return [self.scan(DIGITS), self.scan(SIGNS), self.scan(GS1_TEXT, "]d2")]

    def _type(self, typist: Typist, text: str) -> None:
        turned = {"swapped": text.swapcase, "upper": text.upper, "lower": text.lower}.get(self.case, lambda: text)()
        for sign in turned:
            if sign == "\x1d":
                self._separate(typist)
            else:
                self._sign(typist, sign)

    def _separate(self, typist: Typist) -> None:
        if self.gs == "ctrl":
            plain = KEYMAPS[self.layout].plain.get(key("RIGHTBRACE"), "")
            held = ("LEFTCTRL",) if plain in {"]", "+"} else ("LEFTCTRL", "RIGHTALT")
            name = "RIGHTBRACE" if plain in {"]", "+"} else self.places["]"][0]
            typist.tap(name, *held)
        elif self.gs == "alt":
            typist.alt_number("0029")
        elif self.gs.startswith("F") and self.gs[1:].isdecimal():
            typist.tap(self.gs)
        else:
            for sign in self.gs:
                self._sign(typist, sign)

    def _sign(self, typist: Typist, sign: str) -> None:
        if self.by_alt:
            typist.alt_number(f"{ord(sign):03}")
        elif self.keypad and sign.isdecimal():
            typist.tap(f"KP{sign}")
        else:
            name, *held = self.places[sign]
            if self.caps_lock and sign.isascii() and sign.isalpha():
                held = [] if held else ["LEFTSHIFT"]
            typist.tap(name, *held)
