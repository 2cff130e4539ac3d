"""HID report descriptors: which bits of which report mean what; pure (USB HID 1.11, sections 5 and 6.2.2).

Anything from a device is taken for what it may be: a descriptor that is wrong is refused, and none can take more than
bounded time and memory.
"""

from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from typing import Final

__all__ = ["MAX_DESCRIPTOR_BYTES", "ReportDescriptorError", "ReportField", "ReportKind", "parse_descriptor", "usage"]

#: The kernel takes no longer ones (HID_MAX_DESCRIPTOR_SIZE).
MAX_DESCRIPTOR_BYTES: Final = 4096
#: The kernel hands over no longer reports (HID_MAX_BUFFER_SIZE).
_MAX_REPORT_BITS: Final = 16384 * 8
#: No device says more by one item; the kernel's own limits are of this order.
_MAX_USAGES: Final = 12288
_MAX_DEPTH: Final = 64
_MAX_PUSHED: Final = 64
_MAX_FIELD_BITS: Final = 256
_MAX_REPORT_ID: Final = 255
_LONG_DATA_BYTES: Final = 4

_LONG_ITEM: Final = 0xFE
_CONSTANT: Final = 0x01
_VARIABLE: Final = 0x02
_BUFFERED: Final = 0x100


class ReportDescriptorError(ValueError):
    """Bytes that are no report descriptor."""


class ReportKind(StrEnum):
    """Which way a report goes."""

    INPUT = "input"
    OUTPUT = "output"
    FEATURE = "feature"


class _Type(IntEnum):
    MAIN = 0
    GLOBAL = 1
    LOCAL = 2


class _Main(IntEnum):
    INPUT = 0x8
    OUTPUT = 0x9
    COLLECTION = 0xA
    FEATURE = 0xB
    END_COLLECTION = 0xC


class _Global(IntEnum):
    USAGE_PAGE = 0x0
    LOGICAL_MINIMUM = 0x1
    LOGICAL_MAXIMUM = 0x2
    REPORT_SIZE = 0x7
    REPORT_ID = 0x8
    REPORT_COUNT = 0x9
    PUSH = 0xA
    POP = 0xB


class _Local(IntEnum):
    USAGE = 0x0
    USAGE_MINIMUM = 0x1
    USAGE_MAXIMUM = 0x2


_KINDS: Final = {
    _Main.INPUT: ReportKind.INPUT,
    _Main.OUTPUT: ReportKind.OUTPUT,
    _Main.FEATURE: ReportKind.FEATURE,
}


def usage(page: int, identifier: int) -> int:
    """Return a usage as it is written with its page: 0x008C00FE."""
    return page << 16 | identifier


@dataclass(frozen=True, slots=True)
class ReportField:
    """What one main item declares: `count` values of `size_bits` each, one behind the other.

    Args:
        kind: Which way it goes.
        report_id: The report that it is in; 0 if the device does not number its reports.
        offset_bits: Where it begins, counted from behind the report's number.
        size_bits: How many bits each value has.
        count: How many values.
        usages: What they mean, with their page; fewer than `count` if the last one goes on, and of a field that is no
            variable the things that a value chooses among.
        is_constant: Padding.
        is_variable: Each value has a usage of its own; else each value chooses one.
        is_buffered: A fixed-size stream of bytes.
        logical_minimum: The smallest value.
        logical_maximum: The greatest.
        collections: The usages of the collections around it, outermost first.
    """

    kind: ReportKind
    report_id: int
    offset_bits: int
    size_bits: int
    count: int
    usages: tuple[int, ...]
    is_constant: bool
    is_variable: bool
    is_buffered: bool
    logical_minimum: int
    logical_maximum: int
    collections: tuple[int, ...]

    @property
    def end_bits(self) -> int:
        """Where it ends, counted likewise."""
        return self.offset_bits + self.size_bits * self.count

    def usage_of(self, index: int) -> int:
        """Return what the value at a place means; 0 if the device does not say."""
        return self.usages[min(index, len(self.usages) - 1)] if self.usages else 0


@dataclass(frozen=True, slots=True)
class _Globals:
    """The state that goes on from item to item."""

    page: int = 0
    minimum: int = 0
    maximum: int = 0
    size_bits: int = 0
    count: int = 0
    report_id: int = 0


@dataclass(slots=True)
class _Locals:
    """The state that ends with each main item."""

    usages: list[tuple[int, bool]] = field(default_factory=list)
    minimum: tuple[int, bool] | None = None
    maximum: tuple[int, bool] | None = None


def parse_descriptor(octets: bytes) -> tuple[ReportField, ...]:
    """Return the fields of all reports, in the order in which they are declared.

    Args:
        octets: The descriptor.

    Raises:
        ReportDescriptorError: It ends inside an item or a collection, pops what was not pushed, or has a report larger
            than a device can send.
    """
    if len(octets) > MAX_DESCRIPTOR_BYTES:
        raise ReportDescriptorError(f"is longer than {MAX_DESCRIPTOR_BYTES} bytes")
    parser = _Parser()
    position = 0
    while position < len(octets):
        prefix = octets[position]
        if prefix == _LONG_ITEM:
            # Nobody has ever defined one; its length says what to skip.
            if position + 3 > len(octets) or position + 3 + octets[position + 1] > len(octets):
                raise ReportDescriptorError("ends inside a long item")
            position += 3 + octets[position + 1]
            continue
        size = (0, 1, 2, 4)[prefix & 3]
        data = octets[position + 1 : position + 1 + size]
        if len(data) < size:
            raise ReportDescriptorError("ends inside an item")
        parser.item(prefix >> 2 & 3, prefix >> 4, data)
        position += 1 + size
    return parser.finished()


class _Parser:
    def __init__(self) -> None:
        self._globals = _Globals()
        self._pushed: list[_Globals] = []
        self._locals = _Locals()
        self._collections: list[int] = []
        self._fields: list[ReportField] = []
        self._ends: dict[tuple[ReportKind, int], int] = {}
        self._usage_count = 0

    def item(self, kind: int, tag: int, data: bytes) -> None:
        """Take one short item; those of no meaning to us are skipped, as the standard wants."""
        if kind == _Type.MAIN:
            self._main(tag, data)
            self._locals = _Locals()
        elif kind == _Type.GLOBAL:
            self._global(tag, data)
        elif kind == _Type.LOCAL:
            self._local(tag, data)

    def finished(self) -> tuple[ReportField, ...]:
        """Return what was declared."""
        if self._collections:
            raise ReportDescriptorError("ends inside a collection")
        return tuple(self._fields)

    def _main(self, tag: int, data: bytes) -> None:
        if tag == _Main.COLLECTION:
            if len(self._collections) >= _MAX_DEPTH:
                raise ReportDescriptorError("has collections inside collections without end")
            usages = self._usages()
            self._collections.append(usages[0] if usages else 0)
        elif tag == _Main.END_COLLECTION:
            if not self._collections:
                raise ReportDescriptorError("ends a collection that was not begun")
            self._collections.pop()
        elif tag in (_Main.INPUT, _Main.OUTPUT, _Main.FEATURE):
            self._declare(_KINDS[_Main(tag)], int.from_bytes(data, "little"))

    def _declare(self, kind: ReportKind, flags: int) -> None:
        state = self._globals
        if state.size_bits > _MAX_FIELD_BITS:
            raise ReportDescriptorError("has a value of too many bits")
        begin = self._ends.get((kind, state.report_id), 0)
        end = begin + state.size_bits * state.count
        if end > _MAX_REPORT_BITS:
            raise ReportDescriptorError("has a report that is too long")
        self._ends[kind, state.report_id] = end
        if state.size_bits == 0 or state.count == 0:
            return
        self._fields.append(
            ReportField(
                kind=kind,
                report_id=state.report_id,
                offset_bits=begin,
                size_bits=state.size_bits,
                count=state.count,
                usages=self._usages(),
                is_constant=bool(flags & _CONSTANT),
                is_variable=bool(flags & _VARIABLE),
                is_buffered=bool(flags & _BUFFERED),
                logical_minimum=state.minimum,
                logical_maximum=state.maximum,
                collections=tuple(self._collections),
            )
        )

    def _global(self, tag: int, data: bytes) -> None:
        state = self._globals
        number, signed = int.from_bytes(data, "little"), int.from_bytes(data, "little", signed=True)
        match tag:
            case _Global.USAGE_PAGE:
                self._globals = replace(state, page=number & 0xFFFF)
            case _Global.LOGICAL_MINIMUM:
                self._globals = replace(state, minimum=signed)
            case _Global.LOGICAL_MAXIMUM:
                # FF is 255 behind a minimum of 0, and -1 only behind a negative one.
                self._globals = replace(state, maximum=signed if state.minimum < 0 else number)
            case _Global.REPORT_SIZE:
                self._globals = replace(state, size_bits=number)
            case _Global.REPORT_COUNT:
                self._globals = replace(state, count=number)
            case _Global.REPORT_ID:
                if not 0 < number <= _MAX_REPORT_ID:
                    raise ReportDescriptorError("has a report number that does not fit")
                self._globals = replace(state, report_id=number)
            case _:
                self._push_or_pop(tag)

    def _push_or_pop(self, tag: int) -> None:
        if tag == _Global.PUSH:
            if len(self._pushed) >= _MAX_PUSHED:
                raise ReportDescriptorError("pushes without end")
            self._pushed.append(self._globals)
        elif tag == _Global.POP:
            if not self._pushed:
                raise ReportDescriptorError("pops what was not pushed")
            self._globals = self._pushed.pop()

    def _local(self, tag: int, data: bytes) -> None:
        # Four bytes name the page too; fewer take that of the main item (section 6.2.2.8).
        one = int.from_bytes(data, "little"), len(data) == _LONG_DATA_BYTES
        match tag:
            case _Local.USAGE:
                self._locals.usages.append(one)
            case _Local.USAGE_MINIMUM:
                self._locals.minimum = one
            case _Local.USAGE_MAXIMUM:
                self._locals.maximum = one
        if self._locals.minimum is not None and self._locals.maximum is not None:
            (first, has_page), (last, _) = self._locals.minimum, self._locals.maximum
            if last - first + len(self._locals.usages) >= _MAX_USAGES:
                raise ReportDescriptorError("has too many usages")
            self._locals.usages += [(each, has_page) for each in range(first, last + 1)]
            self._locals.minimum = self._locals.maximum = None

    def _usages(self) -> tuple[int, ...]:
        page = self._globals.page
        self._usage_count += len(self._locals.usages)
        if self._usage_count > _MAX_USAGES:
            raise ReportDescriptorError("has too many usages")
        return tuple(one if has_page else usage(page, one) for one, has_page in self._locals.usages)
