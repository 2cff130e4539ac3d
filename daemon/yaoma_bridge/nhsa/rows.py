"""Rows: how the lines of a bill become rows of the insurance platform, and how these are divided into calls.

One row stands for one drug, lot and kind of handing out, with all its codes; its `fixmedins_bchno` is made from the
bill's number, so that the same bill always gives the same rows, and is the handle by which 3507 deletes them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from yaoma.core.canonical import Json
from yaoma.core.product import PackLevel
from yaoma_bridge.bill import Bill, BillLine
from yaoma_bridge.nhsa.profile import Codes, Doing, Profile, Transaction

__all__ = ["Row", "code_text", "codes_of", "rows_of"]

#: N16,4: the most places that the platform takes.
_PLACES: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Args:
        number: Its `fixmedins_bchno`, at most 30 characters.
        lines: Numbers of the bill's lines behind it.
        codes: Keys of its codes.
        count: How much, in smallest packs.
        is_split: Less than whole packs (拆零).
    """

    number: str
    lines: tuple[int, ...]
    codes: tuple[str, ...] = field(repr=False)
    count: str
    is_split: bool = False

    def json(self) -> Json:
        """Give what a parcel remembers of it."""
        return [self.number, list(self.lines), list(self.codes), self.count, self.is_split]

    @classmethod
    def read(cls, value: Json) -> "Row":
        """Read what a parcel remembers."""
        assert isinstance(value, list)
        number, lines, codes, count, is_split = value
        assert isinstance(lines, list)
        assert isinstance(codes, list)
        numbers = tuple(one for one in lines if isinstance(one, int))
        return cls(str(number), numbers, tuple(str(one) for one in codes), str(count), is_split is True)


def codes_of(line: BillLine) -> tuple[str, ...]:
    """Give the smallest packs that a line stands for: insurance counts no containers."""
    return line.packs or (line.code,)


def code_text(key: str, codes: Codes) -> str:
    """Write a code as the province takes it.

    Returns:
        The text; empty if nobody knows how this form is written there, or it is too long (DOMAIN.md 1.4, 1.6).
    """
    form, _, rest = key.partition(":")
    match form:
        case "cn20":
            text = rest
        case "gs1":
            gtin, serial = rest[2:16], rest[18:]
            text = codes.gs1.replace("{gtin}", gtin).replace("{serial}", serial)
        case _:
            text = rest.partition(":")[2] if codes.other else ""
    return text if len(text) <= codes.length else ""


def rows_of(bill: Bill, doing: Doing, profile: Profile, lines: Sequence[int]) -> tuple[Row, ...]:
    """Group lines into rows.

    Args:
        bill: The bill.
        doing: What is sent.
        profile: The province's file.
        lines: Numbers of the lines that are needed.
    """
    transaction = profile.transaction[doing.do]
    most = _codes_in_a_row(transaction, profile)
    groups: dict[tuple[str, ...], list[int]] = {}
    for number in lines:
        groups.setdefault(_what(bill.lines[number]), []).append(number)
    rows: list[Row] = []
    for numbers in groups.values():
        for part in _parts(bill, numbers, most, (transaction.infno, transaction.batch_infno)):
            counts = [_count(bill.lines[number], profile.split_count) * len(keys) for number, keys in part.items()]
            rows.append(
                Row(
                    f"{bill.number}{transaction.letter}{len(rows):04d}",
                    tuple(part),
                    tuple(key for keys in part.values() for key in keys),
                    format(sum(counts, Decimal(0)).quantize(_PLACES).normalize(), "f"),
                    bill.lines[numbers[0]].is_split,
                )
            )
    return tuple(rows)


def _codes_in_a_row(transaction: Transaction, profile: Profile) -> int:
    is_single = transaction.codes is not None and transaction.codes.shape != "rows"
    return 1 if is_single else profile.gateway.codes_per_row


def _what(line: BillLine) -> tuple[str, ...]:
    product = line.product
    drug = line.code if product is None else product.drug_id
    key = "" if product is None else product.key
    return drug, key, line.lot, line.expiry, line.produced, str(line.is_split)


def _parts(bill: Bill, numbers: Sequence[int], most: int, calls: Sequence[str]) -> Iterator[Mapping[int, list[str]]]:
    """Divide codes so that no row has too many; a container's packs may stand in several."""
    part: dict[int, list[str]] = {}
    size = 0
    for number in numbers:
        line = bill.lines[number]
        for key in line.due(codes_of(line), calls):
            if size == most:
                yield part
                part, size = {}, 0
            part.setdefault(number, []).append(key)
            size += 1
    if part:
        yield part


def _count(line: BillLine, split_count: str) -> Decimal:
    """Give how much one code of a line stands for."""
    if line.units:
        units = Decimal(abs(line.units))
        whole = line.product.units if line.product is not None else 0
        return units / whole if split_count == "packs" and whole else units
    if line.case_packs:
        return Decimal(abs(line.case_packs))
    is_container = line.product is not None and line.product.level is not PackLevel.SMALL and not line.packs
    return Decimal(line.product.packs) if is_container and line.product is not None else Decimal(1)
