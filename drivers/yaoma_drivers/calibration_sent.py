"""Calibration of scanners that send bytes, packets or reports: how they send, found out from the same sheet; pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from yaoma_drivers.calibration import Advice, Calibration, Parity, judged
from yaoma_drivers.calibration_sheet import DIGITS
from yaoma_drivers.ssi_packet import Opcode, SsiPacket, SsiReader
from yaoma_drivers.symbol import Symbol
from yaoma_drivers.typed_scan import Spelling

__all__ = ["evaluate_sent"]

_LINE_ENDS: Final = re.compile(r"[\r\n]+\Z")
#: What else may end a symbol, by the names of the serial driver's option.
_OTHER_ENDS: Final = {"\t": "TAB", "\x03": "ETX"}
#: What text may hold: printable ASCII and what frames or separates it.
_TEXT: Final = frozenset(range(0x20, 0x7F)) | frozenset(b"\t\r\n\x02\x03\x04\x1c\x1d\x1e\x1f")
#: More foreign bytes than this share of all are no prefix but another speed or another parity.
_GARBLED: Final = 0.2
_HIGH_BIT: Final = 0x80

#: What keyboards do and lines don't; here it is all one.
_SIGNS: Final = (Advice.SIGNS_MISSING, Advice.LAYOUT_UNKNOWN, Advice.DEAD_KEYS)


def evaluate_sent(scans: Sequence[Symbol], *, needs_terminator: bool) -> Calibration:
    """Find out how a scanner sends.

    Args:
        scans: What it sent for the sheet's codes in their order, with nothing taken off; the last ones may be missing.
        needs_terminator: Whether it sends bare bytes, so that something must say where a symbol ends.
    """
    if not scans or any(scan.fault is not None for scan in scans):
        return Calibration(None, {Advice.SCAN_DAMAGED: {}})
    octets = [scan.data for scan in scans]
    if needs_terminator and _holds_packet(octets[0]):
        return Calibration(None, {Advice.SSI_PACKETS: {}})
    calibration = _evaluated(octets, [scan.aim for scan in scans], needs_terminator=needs_terminator)
    if calibration.profile is not None or not needs_terminator:
        return calibration
    parity = _parity(octets[0])
    if parity is None:
        return calibration
    bare = _evaluated([_low_bits(one) for one in octets], [""] * len(octets), needs_terminator=True)
    if bare.profile is None:
        return calibration
    advice = {Advice.LINE_SETTINGS: {"data_bits": 7, "parity": parity}, **bare.advice}
    return Calibration(replace(bare.profile, data_bits=7, parity=parity), _in_order(advice))


def _evaluated(octets: Sequence[bytes], aims: Sequence[str], *, needs_terminator: bool) -> Calibration:
    spellings = [_spelled(one) if needs_terminator else Spelling(one.decode("latin-1"), "frame") for one in octets]
    found = judged({"us": spellings}, aims=aims)
    if found.profile is None:
        is_garbled = needs_terminator and sum(one not in _TEXT for one in octets[0]) > _GARBLED * len(octets[0])
        return Calibration(None, {Advice.LINE_GARBLED if is_garbled else Advice.NOT_THE_SHEET: {}})
    advice = dict(found.advice)
    for one in _SIGNS:
        if one in advice:
            advice[Advice.SIGNS_CHANGED] = advice.pop(one)
    end = spellings[0].end
    profile = replace(
        found.profile,
        gap_ends_symbol=False,
        idle_ends_symbol=needs_terminator and not end,
        terminators=("CR", "LF") if end in {"CR", "LF", "CRLF"} else (end,) if end in _OTHER_ENDS.values() else (),
        terminator=end if needs_terminator else "",
    )
    return Calibration(profile, _in_order(advice))


def _spelled(octets: bytes) -> Spelling:
    """Tell the text from what ends it."""
    text = octets.decode("latin-1")
    if found := _LINE_ENDS.search(text):
        end = {"\r": "CR", "\n": "LF"}.get(found.group(), "CRLF")
        return Spelling(text[: found.start()], end)
    end = _OTHER_ENDS.get(text[-1:], "")
    # A symbol ends with the first of several.
    return Spelling(text.rstrip(text[-1]) if end else text, end)


def _holds_packet(octets: bytes) -> bool:
    """Tell whether it is SSI, in which nothing is a terminator."""
    reader = SsiReader()
    found = [*reader.feed(octets), *reader.flush()]
    return any(isinstance(one, SsiPacket) and one.opcode == Opcode.DECODE_DATA for one in found)


def _parity(octets: bytes) -> Parity | None:
    """Name the parity in whose highest bits the digits of the sheet came; None if they did not, or not all alike."""
    at = _low_bits(octets).find(DIGITS.encode("ascii"))
    if at < 0:
        return None
    digits = octets[at : at + len(DIGITS)]
    if all(one & _HIGH_BIT for one in digits):
        return "mark"
    ones = {one.bit_count() % 2 for one in digits}
    return None if len(ones) > 1 else "odd" if ones == {1} else "even"


def _low_bits(octets: bytes) -> bytes:
    return bytes(one & ~_HIGH_BIT for one in octets)


def _in_order(advice: Mapping[Advice, Mapping[str, str | int]]) -> Mapping[Advice, Mapping[str, str | int]]:
    return {one: advice[one] for one in Advice if one in advice}
