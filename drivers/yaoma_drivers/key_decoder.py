"""KeyDecoder: key events of one scanner into whole symbols; pure, any split of the events gives the same frames."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Literal

from yaoma_drivers.framing import Frame
from yaoma_drivers.keymap import KEYPAD_DIGITS, KEYPAD_SIGNS, Keymap
from yaoma_drivers.symbol import MAX_SYMBOL_BYTES, ReadFault

__all__ = ["KeyDecoder", "KeyEvent", "KeyState", "KeyTerminator", "TypedFrame"]

KeyTerminator = Literal["ENTER", "KP_ENTER", "TAB", "CTRL_J", "CTRL_M"]

EV_SYN, EV_KEY, EV_LED = 0, 1, 17
_SYN_REPORT, _SYN_DROPPED = 0, 3
_LED_CAPS_LOCK = 1
_RELEASED, _PRESSED = 0, 1

_CONTROL = frozenset({29, 97})
_SHIFT = frozenset({42, 54})
_LEFT_ALT, _RIGHT_ALT = 56, 100
_ALT = frozenset({_LEFT_ALT, _RIGHT_ALT})
_META = frozenset({125, 126})
_MODIFIERS = _CONTROL | _SHIFT | _ALT | _META
_LOCKS = frozenset({58, 69, 70})

# A key that ends a symbol if it is chosen as a terminator, and the byte that it is otherwise.
_END_KEYS: dict[int, tuple[KeyTerminator, bytes]] = {28: ("ENTER", b"\r"), 96: ("KP_ENTER", b"\r"), 15: ("TAB", b"\t")}
# Control characters that end a symbol, typed with Ctrl or as Alt and a number.
_END_BYTES: dict[bytes, KeyTerminator] = {b"\t": "TAB", b"\n": "CTRL_J", b"\r": "CTRL_M"}

_GS = b"\x1d"
_MAX_ALT_DIGITS = 6
_MAX_ALT_NUMBER = 0xFFFF


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """One event of the kernel (SCANNERS.md 1.2); what it says is text, so it is not part of the repr.

    Args:
        kind: EV_SYN, EV_KEY or EV_LED; others are ignored.
        code: Key, LED or kind of synchronisation.
        value: 1 pressed, 0 released, 2 repeated; for a LED 1 on, 0 off.
        mono_us: When it happened, CLOCK_MONOTONIC in microseconds.
    """

    kind: int
    code: int = field(repr=False)
    value: int = field(repr=False)
    mono_us: int


@dataclass(frozen=True, slots=True)
class KeyState:
    """What the kernel knows of a keyboard apart from its events.

    Args:
        held: The codes of the keys that are down.
        caps_lock: Whether the LED of Caps Lock is on.
        mono_us: No later than when it was read, CLOCK_MONOTONIC in microseconds; events up to then are in it.
    """

    held: frozenset[int] = field(repr=False)
    caps_lock: bool
    mono_us: int


@dataclass(frozen=True, slots=True)
class TypedFrame:
    """A frame and when it was complete.

    Args:
        frame: What was typed.
        mono_us: The time of its terminator, or when waiting for one was given up; microseconds.
        began_us: When its first character was typed, CLOCK_MONOTONIC in microseconds; 0 if there was none.
        end: What ended it; empty if silence did.
    """

    frame: Frame
    mono_us: int
    began_us: int = field(default=0, compare=False)
    end: KeyTerminator | Literal[""] = field(default="", compare=False)


class KeyDecoder:
    """Follows the keys of one opened device; every device has a decoder of its own (SCANNERS.md 1.1, row 12).

    Keys without text, such as F8, leave a hole: before and behind a symbol that is nothing, inside it makes the symbol
    a DROPPED fault, since a code with a piece missing may look like another one.

    Args:
        keymap: The layout for which the scanner is set.
        terminators: What ends a symbol.
        gap_us: After how long without a key a symbol that has no terminator is given up, in microseconds.
        state: Reads the keyboard's state; asked at the beginning and after each loss of events.
        gs_key: A key that the scanner types for GS, such as that of F8; None if it uses none.
        gap_ends_symbol: Whether the gap makes a symbol of what it finds, for a scanner that types no terminator.
    """

    def __init__(
        self,
        keymap: Keymap,
        terminators: Collection[KeyTerminator],
        gap_us: int,
        state: Callable[[], KeyState],
        *,
        gs_key: int | None = None,
        gap_ends_symbol: bool = False,
    ) -> None:
        self._keymap = keymap
        self._terminators = frozenset(terminators)
        self._gap_us = gap_us
        self._read_state = state
        self._gs_key = gs_key
        self._gap_fault = None if gap_ends_symbol else ReadFault.UNTERMINATED
        self._octets = bytearray()
        self._length = 0
        self._has_hole = False
        self._is_damaged = False
        self._alt_digits = ""
        self._is_dropping = False
        self._began_us = 0
        self._touched_us = 0
        self._take_state()

    @property
    def deadline_us(self) -> int | None:
        """When what is pending will be given up, or None if nothing waits for a terminator."""
        return self._touched_us + self._gap_us if self._is_pending() else None

    def feed(self, events: Iterable[KeyEvent]) -> list[TypedFrame]:
        """Take events in their order and return the frames that they complete."""
        frames: list[TypedFrame] = []
        for event in events:
            self._give_up(event.mono_us, frames)
            if event.kind == EV_SYN:
                self._synchronise(event)
            elif not self._is_dropping:
                self._follow(event, frames)
        return frames

    def expire(self, now_us: int) -> list[TypedFrame]:
        """Return what has waited too long for its terminator.

        Args:
            now_us: CLOCK_MONOTONIC in microseconds.
        """
        frames: list[TypedFrame] = []
        self._give_up(now_us, frames)
        return frames

    def lose(self, now_us: int) -> None:
        """Note that keys were lost: what is being typed is no symbol until its end.

        Args:
            now_us: CLOCK_MONOTONIC in microseconds.
        """
        self._forget()
        self._has_hole, self._is_damaged, self._alt_digits = False, True, ""
        self._touched_us = max(self._touched_us, now_us)

    def _is_pending(self) -> bool:
        return bool(self._length or self._is_damaged or self._alt_digits)

    def _take_state(self) -> None:
        state = self._read_state()
        self._held = set(state.held & _MODIFIERS)
        self._caps_lock = state.caps_lock
        self._known_us = state.mono_us

    def _synchronise(self, event: KeyEvent) -> None:
        """Follow SYN_DROPPED to the end of its report, then ask what is held (kernel: input/event-codes.rst)."""
        if event.code == _SYN_DROPPED:
            self._is_dropping = True
            self.lose(event.mono_us)
        elif event.code == _SYN_REPORT and self._is_dropping:
            self._is_dropping = False
            self._take_state()
            if self._is_pending():
                # Asking empties the kernel's queue of keys, so the loss reaches up to that time.
                self._touched_us = max(self._touched_us, self._known_us)

    def _follow(self, event: KeyEvent, frames: list[TypedFrame]) -> None:
        is_known = event.mono_us <= self._known_us
        if event.kind == EV_LED and event.code == _LED_CAPS_LOCK and not is_known:
            self._caps_lock = bool(event.value)
        if event.kind != EV_KEY or event.value not in {_PRESSED, _RELEASED}:
            return
        self._touched_us = max(self._touched_us, event.mono_us)
        if is_known:
            return
        if event.code in _MODIFIERS:
            self._modify(event, frames)
        elif event.value == _PRESSED and event.code not in _LOCKS:
            self._press(event.code, event.mono_us, frames)

    def _modify(self, event: KeyEvent, frames: list[TypedFrame]) -> None:
        if event.value == _PRESSED:
            self._held.add(event.code)
            return
        self._held.discard(event.code)
        if self._alt_digits and not self._held & _ALT:
            digits, self._alt_digits = self._alt_digits, ""
            number = int(digits)
            if len(digits) > _MAX_ALT_DIGITS or number > _MAX_ALT_NUMBER:
                self.lose(event.mono_us)
            else:
                # Two bytes as GBK has them: Alt and a number is how scanners type Chinese (SCANNERS.md 1.1, row 4).
                self._type_control(number.to_bytes(1 + (number > 0xFF)), event.mono_us, frames)  # noqa: PLR2004 - a byte

    def _press(self, code: int, mono_us: int, frames: list[TypedFrame]) -> None:
        with_alt_gr = _RIGHT_ALT in self._held or (_LEFT_ALT in self._held and bool(self._held & _CONTROL))
        with_control = bool(self._held & _CONTROL) and not (_LEFT_ALT in self._held and with_alt_gr)
        if code in _END_KEYS:
            name, octets = _END_KEYS[code]
            if name in self._terminators:
                self._end(name, mono_us, frames)
            else:
                self._type(octets, mono_us)
        elif code == self._gs_key:
            self._type(_GS, mono_us)
        elif code in KEYPAD_DIGITS and self._held & _ALT:
            self._alt_digits = (self._alt_digits + KEYPAD_DIGITS[code])[: _MAX_ALT_DIGITS + 1]
        elif self._held & _META:
            self._leave_hole()
        elif with_control:
            control = self._keymap.control(code, alt_gr=with_alt_gr)
            if control is None:
                self._leave_hole()
            else:
                self._type_control(bytes([control]), mono_us, frames)
        elif text := self._text(code, alt_gr=with_alt_gr):
            self._type(text.encode(), mono_us)
        else:
            self._leave_hole()

    def _text(self, code: int, *, alt_gr: bool) -> str:
        if self._held & _ALT and not alt_gr:
            return ""
        keypad = KEYPAD_DIGITS.get(code) or KEYPAD_SIGNS.get(code)
        return keypad or self._keymap.text(
            code, shift=bool(self._held & _SHIFT), caps_lock=self._caps_lock, alt_gr=alt_gr
        )

    def _type_control(self, octets: bytes, mono_us: int, frames: list[TypedFrame]) -> None:
        name = _END_BYTES.get(octets)
        if name in self._terminators:
            self._end(name, mono_us, frames)
        else:
            self._type(octets, mono_us)

    def _type(self, octets: bytes, mono_us: int) -> None:
        if not self._length and octets in {b"\r", b"\n"}:
            return  # the second half of the last symbol's line end
        if self._has_hole or self._alt_digits:
            self._forget()
            self._has_hole, self._is_damaged, self._alt_digits = False, True, ""
        self._began_us = self._began_us or mono_us
        self._length += len(octets)
        if self._length <= MAX_SYMBOL_BYTES and not self._is_damaged:
            self._octets += octets
        else:
            self._forget()

    def _forget(self) -> None:
        """Drop what was typed; clearing alone would leave it in the buffer until something as long is typed."""
        self._octets[:] = bytes(len(self._octets))
        self._octets.clear()

    def _leave_hole(self) -> None:
        self._has_hole = bool(self._length)

    def _give_up(self, now_us: int, frames: list[TypedFrame]) -> None:
        deadline_us = self.deadline_us
        if deadline_us is not None and now_us >= deadline_us:
            if self._alt_digits:
                self.lose(deadline_us)
            self._cut(self._gap_fault, "", deadline_us, frames)

    def _end(self, name: KeyTerminator, mono_us: int, frames: list[TypedFrame]) -> None:
        if self._alt_digits:
            self.lose(mono_us)
        if self._is_pending():
            self._cut(None, name, mono_us, frames)

    def _cut(
        self, fault: ReadFault | None, end: KeyTerminator | Literal[""], mono_us: int, frames: list[TypedFrame]
    ) -> None:
        if self._is_damaged:
            fault = ReadFault.DROPPED
        elif self._length > MAX_SYMBOL_BYTES:
            fault = ReadFault.OVERLONG
        data = b"" if fault else bytes(self._octets)
        frames.append(TypedFrame(Frame(data, self._length, fault), mono_us, self._began_us, end))
        self._forget()
        self._length = self._began_us = 0
        self._has_hole, self._is_damaged, self._alt_digits = False, False, ""
