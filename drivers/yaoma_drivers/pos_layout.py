"""PosLayout: where a HID POS scanner puts text and symbology in its reports, and how it is made to beep; pure.

USB HID Point of Sale Usage Tables 1.02, usage page 0x8C (SCANNERS.md 1.9).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from yaoma_drivers.report_descriptor import ReportField, ReportKind, usage

__all__ = ["BAR_CODE_PAGE", "NotPosError", "PosLayout", "PosReport", "PosUsage", "TextPlace", "layout_of"]

BAR_CODE_PAGE: Final = 0x8C
#: Generic desktop page, Byte Count: how many bytes of a buffered field are meant.
_BYTE_COUNT: Final = usage(0x01, 0x3B)
_BYTE_BITS: Final = 8


class PosUsage(IntEnum):
    """What we use of the page."""

    PREVENT_READ = 0x5F
    INITIATE_READ = 0x60
    TRIGGER_STATE = 0x61
    SOUND_ERROR_BEEP = 0x85
    SOUND_GOOD_READ_BEEP = 0x86
    SOUND_NOT_ON_FILE_BEEP = 0x87
    SYMBOLOGY_IDENTIFIER_1 = 0xFB
    SYMBOLOGY_IDENTIFIER_2 = 0xFC
    SYMBOLOGY_IDENTIFIER_3 = 0xFD
    DECODED_DATA = 0xFE
    DECODED_DATA_CONTINUED = 0xFF


class NotPosError(ValueError):
    """A device whose reports hold no decoded data: no HID POS scanner."""


@dataclass(frozen=True, slots=True)
class _Place:
    """One value in a report."""

    field: ReportField
    index: int

    @property
    def begin(self) -> int:
        return self.field.offset_bits + self.index * self.field.size_bits

    def read(self, bits: int) -> int:
        return bits >> self.begin & (1 << self.field.size_bits) - 1


@dataclass(frozen=True, slots=True)
class TextPlace:
    """Where one input report has its text.

    Args:
        data: The bytes of text.
        count: How many of them are meant; None if the device does not say.
        symbology: The three symbology identifiers, as far as there are any.
        continued: Whether another report goes on; None if the text never does.
        size: How many bytes the report has without its number.
    """

    data: ReportField
    count: _Place | None
    symbology: tuple[_Place, ...]
    continued: _Place | None
    size: int


@dataclass(frozen=True, slots=True)
class PosReport:
    """A report to be sent to the scanner.

    Args:
        kind: Output or feature.
        octets: The whole report, its number first (0 if reports have none), as the kernel wants it.
    """

    kind: ReportKind
    octets: bytes


@dataclass(frozen=True, slots=True)
class PosLayout:
    """What a scanner's descriptor means to us.

    Args:
        texts: Where text is, by report number; number 0 if reports have none.
        is_numbered: Whether each report begins with its number.
        fields: All fields that can be sent to the scanner.
    """

    texts: dict[int, TextPlace]
    is_numbered: bool
    fields: tuple[ReportField, ...]

    def report_for(self, wanted: PosUsage) -> PosReport | None:
        """Return the report that makes the scanner do something; None if it can't be told.

        Args:
            wanted: Such as SOUND_GOOD_READ_BEEP.
        """
        # An output report is what it is meant for; a feature report is what some devices have instead.
        for field in sorted(self.fields, key=lambda each: each.kind is not ReportKind.OUTPUT):
            for index, one in enumerate(field.usages[: field.count] if field.is_variable else field.usages):
                if _is(one, wanted) and not field.is_constant:
                    return self._switched_on(field, index)
        return None

    def _switched_on(self, field: ReportField, index: int) -> PosReport:
        if field.is_variable:
            place, value = _Place(field, index), 1
        else:
            # A field that chooses: its value is the place of the usage in its list.
            place, value = _Place(field, 0), field.logical_minimum + index
        end = max(one.end_bits for one in self.fields if (one.kind, one.report_id) == (field.kind, field.report_id))
        size = (end + _BYTE_BITS - 1) // _BYTE_BITS
        value &= (1 << field.size_bits) - 1
        return PosReport(field.kind, bytes((field.report_id,)) + (value << place.begin).to_bytes(size, "little"))


def layout_of(fields: Sequence[ReportField]) -> PosLayout:
    """Find text and beeps among the fields of a descriptor.

    Args:
        fields: As `parse_descriptor` returns them.

    Raises:
        NotPosError: No input report holds decoded data.
    """
    texts: dict[int, TextPlace] = {}
    for data in fields:
        if data.kind is ReportKind.INPUT and not data.is_constant and _is(data.usage_of(0), PosUsage.DECODED_DATA):
            texts.setdefault(data.report_id, _text_place(data, fields))
    if not texts:
        raise NotPosError("no report of this device holds decoded data of a bar code scanner")
    return PosLayout(
        texts,
        is_numbered=any(one.report_id for one in fields),
        # Padding is kept: the size of a report counts it too.
        fields=tuple(one for one in fields if one.kind is not ReportKind.INPUT),
    )


def _text_place(data: ReportField, fields: Sequence[ReportField]) -> TextPlace:
    beside = [one for one in fields if one.kind is ReportKind.INPUT and one.report_id == data.report_id]
    if data.size_bits != _BYTE_BITS or data.offset_bits % _BYTE_BITS:
        raise NotPosError("the decoded data of this device is not in whole bytes")
    symbology = (
        _place(beside, usage(BAR_CODE_PAGE, each))
        for each in (
            PosUsage.SYMBOLOGY_IDENTIFIER_1,
            PosUsage.SYMBOLOGY_IDENTIFIER_2,
            PosUsage.SYMBOLOGY_IDENTIFIER_3,
        )
    )
    return TextPlace(
        data=data,
        count=_place(beside, _BYTE_COUNT) or _unnamed_count(beside, data),
        symbology=tuple(place for place in symbology if place is not None),
        continued=_place(beside, usage(BAR_CODE_PAGE, PosUsage.DECODED_DATA_CONTINUED)),
        size=(max(one.end_bits for one in beside) + _BYTE_BITS - 1) // _BYTE_BITS,
    )


def _place(fields: Sequence[ReportField], wanted: int) -> _Place | None:
    """Return the first value with a usage."""
    for field in fields:
        if not field.is_constant and wanted in field.usages[: field.count]:
            return _Place(field, field.usages.index(wanted))
    return None


def _unnamed_count(beside: Sequence[ReportField], data: ReportField) -> _Place | None:
    """Take one lone byte at the beginning for the count: some devices give it a usage that nobody knows."""
    first = beside[0]
    is_lone_byte = (first.size_bits, first.count, first.is_constant) == (_BYTE_BITS, 1, False)
    is_ours = any(one >> 16 == BAR_CODE_PAGE for one in first.usages)
    return _Place(first, 0) if is_lone_byte and not is_ours and first is not data else None


def _is(one: int, wanted: PosUsage) -> bool:
    return one == usage(BAR_CODE_PAGE, wanted)
