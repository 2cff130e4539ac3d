"""List build, comparing: what differs between the codes of two releases, as counts or as a delta."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from yaoma.core.list_delta import ListDelta
from yaoma.core.lot_table import BaseAnswer
from yaoma.shell.base_file import BaseFile
from yaoma_tools.list_build_read import key_of_record, open_bases, records_of
from yaoma_tools.list_build_sort import merged
from yaoma_tools.list_source_codes import Records

__all__ = ["Difference", "compare", "make_delta"]


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs.

    Args:
        added: Codes of the newer release alone, by their key.
        changed: Codes of both with another lot or expiry in the newer one, by their key.
        removed: Keys of the codes of the older release alone.
        common: How many codes are the same in both.
    """

    added: Mapping[bytes, BaseAnswer]
    changed: Mapping[bytes, BaseAnswer]
    removed: tuple[bytes, ...]
    common: int


def compare(old: Path, new: Path) -> Difference:
    """Compare two releases' codes; memory grows with what differs, not with the lists.

    Args:
        old: A base file, or a folder that `list build` has made.
        new: The same.

    Raises:
        BaseRefusedError: A file is not sound.
        PageDamagedError: A page is damaged.
    """
    added: dict[bytes, BaseAnswer] = {}
    changed: dict[bytes, BaseAnswer] = {}
    removed: list[bytes] = []
    common = 0
    with ExitStack() as stack:
        olds, news = open_bases(old, stack), open_bases(new, stack)
        for width in sorted(olds.keys() | news.keys()):
            sides = _Sides(olds.get(width), news.get(width))
            for block in sides.blocks():
                is_new, has_pair = block["at"] == 1, _pairs(block)
                for record in block[is_new & ~has_pair]:
                    added[key_of_record(record, width)] = sides.answer(record)
                removed += [key_of_record(record, width) for record in block[~is_new & ~has_pair]]
                pair = np.flatnonzero(is_new & has_pair)
                other = sides.number(block[pair]) != sides.number(block[pair - 1])
                for record in block[pair[other]]:
                    changed[key_of_record(record, width)] = sides.answer(record)
                common += len(pair) - int(other.sum())
    return Difference(added, changed, tuple(removed), common)


def make_delta(old: Path, new: Path, from_version: int, to_version: int) -> ListDelta:
    """Make the delta that turns one release's codes into another's.

    Raises:
        BaseRefusedError: A file is not sound.
        PageDamagedError: A page is damaged.
    """
    found = compare(old, new)
    return ListDelta(from_version, to_version, {**found.added, **found.changed}, found.removed)


class _Sides:
    """The older and the newer file of one width of keys; either may be missing."""

    def __init__(self, old: BaseFile | None, new: BaseFile | None) -> None:
        self._files = (old, new)
        self._answers = [[BaseAnswer()] if one is None else one.index.lot_table.all_rows() for one in self._files]
        number_of: dict[BaseAnswer, int] = {}
        self._numbers = [
            np.array([number_of.setdefault(answer, len(number_of)) for answer in answers]) for answers in self._answers
        ]

    def blocks(self) -> Iterator[Records]:
        """Give all codes in order; `at` is 1 for the newer file."""
        return merged([_marked(one, side) for side, one in enumerate(self._files) if one is not None])

    def answer(self, record: Any) -> BaseAnswer:  # noqa: ANN401 - numpy has no name for a record's type
        """Give the lot of a record."""
        return self._answers[int(record["at"])][int(record["lot"])]

    def number(self, records: Records) -> npt.NDArray[np.int64]:
        """Give numbers of lots that are comparable between both files."""
        found = np.empty(len(records), np.int64)
        for side, numbers in enumerate(self._numbers):
            mine = records["at"] == side
            found[mine] = numbers[records["lot"][mine]]
        return found


def _marked(base: BaseFile, side: int) -> Callable[[int], Records]:
    read = records_of(base)

    def marked(count: int) -> Records:
        records = read(count)
        records["at"] = side
        return records

    return marked


def _pairs(block: Records) -> npt.NDArray[np.bool_]:
    """Say which records have a neighbour of the same key."""
    same = (block["hi"][1:] == block["hi"][:-1]) & (block["lo"][1:] == block["lo"][:-1])
    found = np.zeros(len(block), np.bool_)
    found[1:] |= same
    found[:-1] |= same
    return found
