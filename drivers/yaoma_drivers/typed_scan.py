"""Typed scan: the keys of one scan as they came, spelled out for a layout; for calibration and pairing; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, get_args

from yaoma_drivers.key_decoder import EV_KEY, EV_SYN, KeyDecoder, KeyEvent, KeyState, KeyTerminator
from yaoma_drivers.keymap import KEYMAPS, Keymap
from yaoma_drivers.wrapping import key_name

__all__ = ["FIRST_PLACEHOLDER", "Spelling", "TypedScan", "has_typed", "placeholder_name", "spelled", "spells"]

#: A key without text stands in a spelling as a character of Unicode's private area.
FIRST_PLACEHOLDER: Final = 0xE000
_MAX_KEY: Final = 0x2FF
_PLACEHOLDERS: Final = "".join(chr(FIRST_PLACEHOLDER + code) for code in range(_MAX_KEY + 1))

_ALL: Final[tuple[KeyTerminator, ...]] = get_args(KeyTerminator)
_LOST: Final = 3  # SYN_DROPPED
#: Longer than any scanner pauses inside one code.
_GAP_US: Final = 60_000_000


@dataclass(frozen=True, slots=True)
class TypedScan:
    """Everything that a device typed for one code.

    Args:
        events: In their order.
        state: The keyboard as it was before.
    """

    events: tuple[KeyEvent, ...] = field(repr=False)
    state: KeyState

    @property
    def is_damaged(self) -> bool:
        """The kernel has lost keys in it."""
        return any(event.kind == EV_SYN and event.code == _LOST for event in self.events)


@dataclass(frozen=True, slots=True)
class Spelling:
    """A scan as text.

    Args:
        text: What was typed; a key without text is a placeholder, bytes that are no text are surrogates.
        end: What ended it; empty if silence did.
        took_ms: From the first character to the end, in milliseconds.
    """

    text: str = field(repr=False)
    end: str = ""
    took_ms: int = 0


class _Marked(Keymap):
    """A layout in which each key without text has a placeholder."""

    __slots__ = ()

    def text(self, code: int, *, shift: bool = False, caps_lock: bool = False, alt_gr: bool = False) -> str:
        """Return what the layout has, or the key's placeholder."""
        found = Keymap.text(self, code, shift=shift, caps_lock=caps_lock, alt_gr=alt_gr)
        return found or chr(FIRST_PLACEHOLDER + min(code, _MAX_KEY))


def has_typed(events: Sequence[KeyEvent]) -> bool:
    """Tell whether a key went down.

    Args:
        events: As they came.
    """
    return any(event.kind == EV_KEY and event.value == 1 for event in events)


def spelled(scan: TypedScan, keymap: Keymap) -> Spelling:
    """Spell a scan out; of several lines the longest.

    Args:
        scan: What was typed.
        keymap: The layout for which the scanner may be set.
    """
    marked = _Marked(keymap.plain, keymap.shifted, keymap.alt_gr)
    decoder = KeyDecoder(marked, _ALL, _GAP_US, lambda: scan.state, gap_ends_symbol=True)
    typed = decoder.feed(scan.events)
    last_us = scan.events[-1].mono_us if scan.events else 0
    typed += decoder.expire(last_us + 2 * _GAP_US)
    if not typed:
        return Spelling("")
    longest = max(typed, key=lambda one: one.frame.length)
    text = longest.frame.data.decode("utf-8", "surrogateescape").strip(_PLACEHOLDERS)
    end_us = longest.mono_us if longest.end else last_us
    return Spelling(text, longest.end, (end_us - longest.began_us) // 1000 if longest.began_us else 0)


def placeholder_name(text: str) -> str:
    """Name the function key that one placeholder stands for; empty for anything else.

    Args:
        text: A part of a spelling.
    """
    return key_name(ord(text) - FIRST_PLACEHOLDER) if len(text) == 1 and ord(text) >= FIRST_PLACEHOLDER else ""


def spells(scan: TypedScan, text: str) -> bool:
    """Tell whether a scan holds a text under any layout that is known.

    Args:
        scan: What was typed.
        text: Digits, or what no conversion of case changes.
    """
    return any(text in spelled(scan, keymap).text for keymap in KEYMAPS.values())
