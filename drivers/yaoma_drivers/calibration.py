"""Calibration: how a scanner types or sends, found out from what it makes of a sheet whose text is known; pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, get_args

from yaoma_drivers.calibration_sheet import DIGITS, GS1_HEAD, GS1_TAIL, SIGNS
from yaoma_drivers.keymap import KEYMAPS, LayoutName
from yaoma_drivers.typed_scan import FIRST_PLACEHOLDER, Spelling, TypedScan, placeholder_name, spelled
from yaoma_drivers.wrapping import GS, CaseChange, stands_for_gs

__all__ = ["Advice", "Calibration", "Parity", "Profile", "Speed", "evaluate", "judged"]

#: The parities of a line with seven data bits that can be told from the bytes themselves.
Parity = Literal["none", "even", "odd", "mark"]

_FAST_MS: Final = 800
_SLOW_MS: Final = 2000

_AIM: Final = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_CODE128_AIM: Final = "]C0"
_GS1_AIM: Final = "]d2"
_SHEET_AIMS: Final = (_CODE128_AIM, _CODE128_AIM, _GS1_AIM)
_MAX_WRAP: Final = 16
#: GS1's 82 characters: a stand-in made of them may also stand in a serial number.
_AI82: Final = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]+")

_CASES: Final[tuple[CaseChange, ...]] = get_args(CaseChange)

#: Places of the sheet's second and third code.
_SECOND: Final = 1
_THIRD: Final = 2


class Speed(StrEnum):
    """How long a 20-digit code takes to arrive (SCANNERS.md 1.8)."""

    FAST = "fast"
    MEDIUM = "medium"
    SLOW = "slow"


class Advice(StrEnum):
    """What a technician should know or change; the ids are stable, profiles and message catalogues use them."""

    KEYS_LOST = "keys_lost"  # the kernel dropped keys: the sheet must be scanned again
    SCAN_DAMAGED = "scan_damaged"  # a scan lost a part on the line or in a report: likewise
    UNREADABLE = "unreadable"  # not even the digits arrive
    NOT_THE_SHEET = "not_the_sheet"  # likewise, of a scanner that does not type
    LINE_GARBLED = "line_garbled"  # what arrives is no text: speed or parity differ
    LINE_SETTINGS = "line_settings"  # seven data bits and a parity
    SSI_PACKETS = "ssi_packets"  # packets, which another driver reads
    AIM_NOT_SENT = "aim_not_sent"
    CAPS_LOCK = "caps_lock"
    CASE_SWAPPED = "case_swapped"
    CASE_CONVERTED = "case_converted"
    NO_TERMINATOR = "no_terminator"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    WRAP_UNUSABLE = "wrap_unusable"  # what stands around the text can't be taken off
    LAYOUT_DIFFERS = "layout_differs"  # not us, but one that is known
    LAYOUT_UNKNOWN = "layout_unknown"  # letters or signs arrive changed under every layout that is known
    SIGNS_CHANGED = "signs_changed"  # letters or signs arrive changed or not at all, of a scanner that does not type
    SIGNS_MISSING = "signs_missing"
    DEAD_KEYS = "dead_keys"
    NOT_SCANNED = "not_scanned"  # the second or third code: a scanner that reads bars only passes over the third
    GS_NOT_SENT = "gs_not_sent"
    GS_AS = "gs_as"
    GS_AMBIGUOUS = "gs_ambiguous"
    GS_UNUSABLE = "gs_unusable"
    SLOW = "slow"
    PROFILE_FITS = "profile_fits"  # its maker's profile is known and not configured
    OPTIONS_FIRST = "options_first"  # options of the configuration say something else, and go before what was found


@dataclass(frozen=True, slots=True)
class Profile:
    """How one scanner types or sends; up to `parity` they are options of a driver.

    Args:
        layout: The layout for which it is set.
        gap_ends_symbol: It types no terminator.
        prefix: What it types before each symbol.
        suffix: What it types behind each symbol.
        case: What it does to letters.
        gs_as: What it types for GS if not GS itself.
        terminators: What ends a symbol, as the serial driver names it; empty where the driver needs none.
        idle_ends_symbol: It sends no terminator.
        data_bits: Of its line.
        parity: Of its line.
        terminator: What ends a symbol; empty if nothing does.
        sends_aim: Whether it sends AIM identifiers.
        sends_gs: Whether GS arrives as itself or as `gs_as`; None if that was not tried.
        types_signs: Whether letters and signs arrive; None if that was not tried.
        took_ms: How long 20 digits took, in milliseconds.
        speed: The same as a class.
    """

    layout: LayoutName = "us"
    gap_ends_symbol: bool = False
    prefix: bytes = b""
    suffix: bytes = b""
    case: CaseChange = "kept"
    gs_as: str = ""
    terminators: tuple[str, ...] = ()
    idle_ends_symbol: bool = False
    data_bits: Literal[7, 8] = 8
    parity: Parity = "none"
    terminator: str = ""
    sends_aim: bool = False
    sends_gs: bool | None = None
    types_signs: bool | None = None
    took_ms: int = 0
    speed: Speed = Speed.FAST


@dataclass(frozen=True, slots=True)
class Calibration:
    """What came of it.

    Args:
        profile: How the scanner types; None if the sheet must be scanned again.
        advice: What to know or change, with the facts of each sentence, in the order of the catalogue.
    """

    profile: Profile | None
    advice: Mapping[Advice, Mapping[str, str | int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Wrap:
    """What stood around the first code: the scanner's own prefix and suffix, and whether an identifier did."""

    prefix: str
    suffix: str
    sends_aim: bool

    @property
    def is_usable(self) -> bool:
        return all(part.isascii() and len(part) <= _MAX_WRAP for part in (self.prefix, self.suffix))


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One way in which the digits can be read."""

    layout: LayoutName
    case: CaseChange
    wrap: _Wrap

    def body(self, spelling: Spelling) -> tuple[str, str]:
        """Take off what stood around the first code, as `Wrapping` will; give identifier and text."""
        text, prefix = _turned_back(spelling.text, self.case), self.wrap.prefix
        is_off = text.startswith(prefix)
        text = text.removeprefix(prefix)
        found = _AIM.match(text)
        aim, text = (found.group(), text[found.end() :]) if found else ("", text)
        return aim, (text if is_off else text.removeprefix(prefix)).removesuffix(self.wrap.suffix)

    def score(self, spellings: Sequence[Spelling]) -> int:
        """Count the signs of the second code that came right."""
        if len(spellings) <= _SECOND:
            return 0
        text, wanted = self.body(spellings[_SECOND])[1], _converted(SIGNS, self.case)
        return sum(map(str.__eq__, text, wanted)) if len(text) == len(wanted) else 0


class _Findings:
    """Advice as it is found."""

    def __init__(self) -> None:
        self.advice: dict[Advice, Mapping[str, str | int]] = {}

    def add(self, advice: Advice, **facts: str | int) -> None:
        self.advice[advice] = facts

    def in_order(self) -> dict[Advice, Mapping[str, str | int]]:
        return {one: self.advice[one] for one in Advice if one in self.advice}


def evaluate(scans: Sequence[TypedScan]) -> Calibration:
    """Find out how a scanner types.

    Args:
        scans: What it typed for the sheet's codes in their order; the last ones may be missing.
    """
    if not scans or any(scan.is_damaged for scan in scans):
        return Calibration(None, {Advice.KEYS_LOST: {}})
    spellings = {layout: [spelled(scan, keymap) for scan in scans] for layout, keymap in KEYMAPS.items()}
    return judged(spellings, caps_lock=any(scan.state.caps_lock for scan in scans))


def judged(
    spellings: Mapping[LayoutName, Sequence[Spelling]], *, caps_lock: bool = False, aims: Sequence[str] = ()
) -> Calibration:
    """Find out how a scanner came to these texts.

    Args:
        spellings: What came for the sheet's codes in their order, for each layout in which it can be read.
        caps_lock: Whether the lamp was on.
        aims: The identifiers, where they came beside the texts.
    """
    candidates = [
        _Candidate(layout, case, wrap)
        for layout, texts in spellings.items()
        for case in _CASES
        if (wrap := _wrap(texts[0].text, case)) is not None
    ]
    if not candidates:
        return Calibration(None, {Advice.UNREADABLE: {}})
    # Of equals the first: us before the others, kept before what changes letters.
    best = max(candidates, key=lambda one: one.score(spellings[one.layout]))
    return _judge(best, spellings[best.layout], aims, caps_lock=caps_lock)


def _judge(best: _Candidate, texts: Sequence[Spelling], aims: Sequence[str], *, caps_lock: bool) -> Calibration:
    found, wrap, first = _Findings(), best.wrap, texts[0]
    has_aims = all(aim == wanted for aim, wanted in zip(aims, _SHEET_AIMS, strict=False)) and bool(aims)
    sends_aim = wrap.sends_aim
    types_signs = _judge_signs(best, texts, found) if len(texts) > _SECOND else None
    sends_gs, gs_as = None, ""
    if len(texts) > _THIRD:
        aim, body = best.body(texts[_THIRD])
        sends_aim = sends_aim and aim == _converted(_GS1_AIM, best.case)
        sends_gs, gs_as = _judge_gs(best, body, found)
    else:
        found.add(Advice.NOT_SCANNED, number=_THIRD + 1 - len(texts))
    sends_aim = sends_aim or has_aims
    if not sends_aim:
        found.add(Advice.AIM_NOT_SENT)
    if caps_lock:
        found.add(Advice.CAPS_LOCK)
    if best.case != "kept":
        found.add(Advice.CASE_SWAPPED if best.case == "swapped" else Advice.CASE_CONVERTED)
    if not first.end:
        found.add(Advice.NO_TERMINATOR)
    if best.layout != "us":
        found.add(Advice.LAYOUT_DIFFERS, layout=best.layout)
    prefix, suffix = _judge_wrap(wrap, found)
    speed = Speed.FAST if first.took_ms < _FAST_MS else Speed.MEDIUM if first.took_ms < _SLOW_MS else Speed.SLOW
    if speed is Speed.SLOW:
        found.add(Advice.SLOW, took_ms=first.took_ms)
    profile = Profile(
        layout=best.layout,
        gap_ends_symbol=not first.end,
        prefix=prefix,
        suffix=suffix,
        case=best.case,
        gs_as=gs_as,
        terminator=first.end,
        sends_aim=sends_aim,
        sends_gs=sends_gs,
        types_signs=types_signs,
        took_ms=first.took_ms,
        speed=speed,
    )
    return Calibration(profile, found.in_order())


def _wrap(text: str, case: CaseChange) -> _Wrap | None:
    """Tell prefix, identifier and suffix apart; None if the digits are not there."""
    before, digits, suffix = _turned_back(text, case).partition(DIGITS)
    if not digits:
        return None
    aim = _converted(_CODE128_AIM, case)
    # It stands before the scanner's own prefix or behind it.
    prefix = before.removeprefix(aim) if before.startswith(aim) else before.removesuffix(aim)
    return _Wrap(prefix, suffix, sends_aim=prefix != before)


def _turned_back(text: str, case: CaseChange) -> str:
    """Turn letters back whose case was swapped; ASCII ones only, as the driver does with bytes."""
    return "".join(one.swapcase() if one.isascii() else one for one in text) if case == "swapped" else text


def _converted(text: str, case: CaseChange) -> str:
    """Give what arrives of a text; a case that was swapped is turned back already."""
    if case == "upper":
        return text.upper()
    return text.lower() if case == "lower" else text


def _judge_signs(best: _Candidate, texts: Sequence[Spelling], found: _Findings) -> bool:
    """Say whether letters and signs arrive as they stand on the sheet."""
    wanted, score = _converted(SIGNS, best.case), best.score(texts)
    if score == len(wanted):
        return True
    body = best.body(texts[_SECOND])[1]
    if any(ord(sign) >= FIRST_PLACEHOLDER for sign in body):
        found.add(Advice.DEAD_KEYS)
    elif len(body) < len(wanted):
        found.add(Advice.SIGNS_MISSING, number=len(wanted) - len(body))
    else:
        found.add(Advice.LAYOUT_UNKNOWN, number=len(wanted) - score)
    return False


def _judge_gs(best: _Candidate, body: str, found: _Findings) -> tuple[bool, str]:
    """Say whether GS arrives, and what stands for it."""
    head, tail = _converted(GS1_HEAD, best.case), _converted(GS1_TAIL, best.case)
    # Some scanners send the FNC1 in front as GS, too.
    _, is_there, rest = body.partition(head)
    between = rest.removesuffix(tail)
    if not is_there or between == rest:
        found.add(Advice.GS_UNUSABLE)
    elif between == GS.decode("ascii"):
        return True, ""
    elif not between:
        found.add(Advice.GS_NOT_SENT)
    elif stands_for_gs(name := placeholder_name(between) or between):
        is_ambiguous = len(name) == 1 and _AI82.fullmatch(name)
        found.add(Advice.GS_AMBIGUOUS if is_ambiguous else Advice.GS_AS, text=name)
        return True, name
    else:
        found.add(Advice.GS_UNUSABLE)
    return False, ""


def _judge_wrap(wrap: _Wrap, found: _Findings) -> tuple[bytes, bytes]:
    """Give prefix and suffix as the driver takes them off; nothing if it can't."""
    if not wrap.is_usable:
        found.add(Advice.WRAP_UNUSABLE)
        return b"", b""
    prefix, suffix = wrap.prefix.encode("ascii"), wrap.suffix.encode("ascii")
    for one, advice in ((prefix, Advice.PREFIX), (suffix, Advice.SUFFIX)):
        if one:
            found.add(advice, bytes=one.hex(" ").upper())
    return prefix, suffix
