"""List source of codes: turns rows of code, lot and expiry into sortable records, thousands at a time."""

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from yaoma.core import gs1
from yaoma.core.code import CodeError, OtherPattern, from_key
from yaoma.core.code_key import CN20_KEY_BYTES, DIGEST_KEY_BYTES, code_key
from yaoma.core.lot_table import MAX_LOT_CHARS, BaseAnswer, is_lot
from yaoma.core.trace_code import CN20_DIGITS, Gs1, TraceCode
from yaoma_tools.list_source import MOST_NAMED, Batch, Columns, Mistakes, batches, is_mangled, key_of

__all__ = ["PLACE_BITS", "RECORD", "SERIALS", "CodeSource", "Records", "halves"]

Records = npt.NDArray[Any]

#: Serials of a product; product and serial are one number, the check digits another: 20 digits don't fit.
SERIALS: Final = 10**9
#: Bits of the line's number in `at`; the file's number stands above.
PLACE_BITS: Final = 40

#: hi, lo: 20 digits as product and serial, check digits; a digest as its halves. lot: in order of appearance.
RECORD: Final = np.dtype([("hi", "<u8"), ("lo", "<u8"), ("lot", "<u4"), ("at", "<u8")])

_COLUMNS: Final = Columns(("code",), ("lot", "expiry"))
_PREFIX_DIGITS: Final = 16
_TENS: Final = 10 ** np.arange(_PREFIX_DIGITS - 1, -1, -1, dtype=np.uint64)
_CHECK_TENS: Final = 10 ** np.arange(3, -1, -1, dtype=np.uint64)
#: A spreadsheet keeps 15 digits of a number and makes zeros of the rest.
_KEPT_DIGITS: Final = 15
#: One code in 100,000 ends so by itself; in a table where one in a hundred does, a spreadsheet has been at it.
_MANGLED_SHARE: Final = 0.01

_DAY: Final = re.compile(
    r"(?P<y>[0-9]{4})(?:(?P<m>[0-9]{2})(?P<d>[0-9]{2})|[-/.年](?P<month>[0-9]{1,2})(?:[-/.月](?P<day>[0-9]{1,2})日?|月)?)"
    r"(?:[ T]00?:00(?::00)?)?"
)


class _CellError(ValueError):
    """What is wrong with one row; never the text of a code."""


class _LotNumbers(dict[tuple[str, str], int]):
    """Numbers the pairs of lot and expiry text in order of appearance."""

    def __init__(self) -> None:
        super().__init__({("", ""): 0})
        self.answers: list[BaseAnswer] = [BaseAnswer()]
        self._known = {BaseAnswer(): 0}

    def __missing__(self, pair: tuple[str, str]) -> int:
        lot, expiry = pair
        if lot and not is_lot(lot):
            raise _CellError(f"a lot has 1-{MAX_LOT_CHARS} printable characters")
        return self.setdefault(pair, self.of(BaseAnswer(lot or None, _expiry(expiry))))

    def of(self, answer: BaseAnswer) -> int:
        """Give the number of a lot; the same lot written in two ways has one number."""
        number = self._known.setdefault(answer, len(self.answers))
        if number == len(self.answers):
            self.answers.append(answer)
        return number


class CodeSource:
    """Reads tables of codes.

    Args:
        mistakes: Takes what is wrong.
        patterns: Patterns of other standards, for codes of these.
    """

    def __init__(self, mistakes: Mistakes, patterns: Sequence[OtherPattern] = ()) -> None:
        self._mistakes = mistakes
        self._patterns = patterns
        self._lots = _LotNumbers()
        self._files: list[str] = []

    @property
    def lots(self) -> Sequence[BaseAnswer]:
        """The lots by the number that records have."""
        return self._lots.answers

    def place(self, at: int) -> tuple[str, int]:
        """Give file and line of a record."""
        return self._files[at >> PLACE_BITS], at & ((1 << PLACE_BITS) - 1)

    def read(self, path: Path, progress: Callable[[int], None] | None = None) -> Iterator[tuple[int, Records]]:
        """Read a table; see `yaoma_tools.list_source.batches`.

        Yields:
            The width of the keys, and some records, unsorted.

        Raises:
            OSError: The file can't be read.
        """
        number = len(self._files)
        self._files.append(path.name)
        total, cut = 0, 0
        cut_lines: list[int] = []
        for batch in batches(path, _COLUMNS, self._mistakes, progress):
            lines = np.array(batch.lines, np.uint64) | np.uint64(number << PLACE_BITS)
            made = self._quick(batch, lines)
            found = {CN20_KEY_BYTES: made} if made is not None else self._slow(path.name, batch, lines)
            for width, records in found.items():
                if width == CN20_KEY_BYTES:
                    rounded = records["at"][_rounded(records)]
                    total, cut = total + len(records), cut + len(rounded)
                    cut_lines += [int(at) & ((1 << PLACE_BITS) - 1) for at in rounded[: MOST_NAMED - len(cut_lines)]]
                yield width, records
        if cut > _MANGLED_SHARE * total:
            for line in cut_lines:
                self._mistakes.add(path.name, line, "a spreadsheet kept 15 digits and made zeros of the rest")
            self._mistakes.count_more(cut - len(cut_lines))

    def _quick(self, batch: Batch, at: npt.NDArray[np.uint64]) -> Records | None:
        """Read rows that are all sound and of 20 digits; None if one is not."""
        codes = batch.columns["code"]
        joined = "".join(codes)
        if not (joined.isascii() and joined.isdecimal() and set(map(len, codes)) == {CN20_DIGITS}):
            return None
        digits = np.frombuffer(joined.encode(), np.uint8).reshape(-1, CN20_DIGITS) - np.uint8(ord("0"))
        if not (digits[:, 0] == 8).all():  # noqa: PLR2004 - every such code begins with it (DOMAIN.md 1.1)
            return None
        try:
            pairs = zip(batch.columns["lot"], batch.columns["expiry"], strict=True)
            lots = [self._lots[pair] for pair in pairs]
        except _CellError:
            return None
        return _records(
            digits[:, :_PREFIX_DIGITS].astype(np.uint64) @ _TENS,
            digits[:, _PREFIX_DIGITS:].astype(np.uint64) @ _CHECK_TENS,
            lots,
            at,
        )

    def _slow(self, name: str, batch: Batch, at: npt.NDArray[np.uint64]) -> dict[int, Records]:
        found: dict[int, list[tuple[bytes, int, int]]] = {CN20_KEY_BYTES: [], DIGEST_KEY_BYTES: []}
        cells = (batch.columns[column] for column in _COLUMNS.all)
        for line, place, text, lot, expiry in zip(batch.lines, at.tolist(), *cells, strict=True):
            try:
                code = self._code(text)
                number = self._lots[(lot, expiry)] or self._lots.of(_own_lot(code))
            except _CellError as error:
                self._mistakes.add(name, line, str(error))
                continue
            key = code_key(code)
            found[len(key)].append((key, number, place))
        made = {}
        for width, several in found.items():
            if several:
                joined = b"".join(key for key, _, _ in several)
                hi, lo = halves(np.frombuffer(joined, np.uint8).reshape(-1, width))
                places = np.array([place for _, _, place in several], np.uint64)
                made[width] = _records(hi, lo, [number for _, number, _ in several], places)
        return made

    def _code(self, text: str) -> TraceCode:
        if not text:
            raise _CellError("there is no code")
        if is_mangled(text):
            raise _CellError(
                "a spreadsheet made a number such as 8.12E+19 of the code; export the column as text, digits are lost"
            )
        key = key_of(text)
        with suppress(CodeError):
            return from_key(key, self._patterns)
        read = gs1.read(text, aim="]d2", length=len(text)) if text[:1] in "0(" else None
        if isinstance(read, Gs1) and not read.may_be_glued:
            return read
        raise _CellError(f"no trace code ({len(text)} characters)")


def _own_lot(code: TraceCode) -> BaseAnswer:
    """Give what a GS1 symbol itself tells of its lot."""
    if not isinstance(code, Gs1) or (code.lot is not None and not is_lot(code.lot)):
        return BaseAnswer()
    return BaseAnswer(code.lot, code.expiry)


def halves(keys: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Give both numbers of a record from keys, a row of bytes each."""
    if keys.shape[1] == DIGEST_KEY_BYTES:
        pairs = np.ascontiguousarray(keys).view(">u8").astype(np.uint64)
        return pairs[:, 0], pairs[:, 1]
    product, serial, check = (_number(part) for part in np.split(keys, (3, 7), axis=1))
    return product * np.uint64(SERIALS) + serial, check


def _number(part: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    weights = np.uint64(256) ** np.arange(part.shape[1] - 1, -1, -1, dtype=np.uint64)
    return part.astype(np.uint64) @ weights


def _records(
    hi: npt.NDArray[np.uint64], lo: npt.NDArray[np.uint64], lots: Sequence[int], at: npt.NDArray[np.uint64]
) -> Records:
    made = np.empty(len(hi), RECORD)
    made["hi"], made["lo"], made["lot"], made["at"] = hi, lo, lots, at
    return made


def _rounded(records: Records) -> npt.NDArray[np.bool_]:
    """Say which codes end in five zeros."""
    cut: npt.NDArray[np.bool_] = (records["hi"] % np.uint64(10) == 0) & (records["lo"] == 0)
    return cut


def _expiry(text: str) -> date | None:
    """Read a day, or a month, which means its last day."""
    if not text:
        return None
    parts = _DAY.fullmatch(text)
    try:
        if parts is None:
            raise ValueError
        year, month, day = int(parts["y"]), int(parts["m"] or parts["month"]), parts["d"] or parts["day"]
        return date(year, month, int(day) if day else monthrange(year, month)[1])
    except ValueError:
        raise _CellError("an expiry is written 2027-06-30, 20270630 or 2027-06") from None
