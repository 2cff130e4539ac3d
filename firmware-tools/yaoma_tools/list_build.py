"""List build: makes the base files of a release from tables of codes, with bounded memory and always the same bytes."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from yaoma.core.base_layout import ListKind
from yaoma.core.code_key import CN20_KEY_BYTES, DIGEST_KEY_BYTES
from yaoma.core.other_pattern import OtherPattern
from yaoma.shell.base_file import BaseFile
from yaoma_link.keyfile import refuse_existing
from yaoma_tools.list_build_shape import Shape, key_bound_bits
from yaoma_tools.list_build_sort import BLOCK_RECORDS, Sorter, stored
from yaoma_tools.list_build_write import LotRows, write_keys, write_runs
from yaoma_tools.list_source import MOST_NAMED, Mistakes
from yaoma_tools.list_source_codes import CodeSource, Records

__all__ = ["FILE_NAMES", "BuiltBase", "BuiltCodes", "build_codes"]

#: The files of a release's codes, by the width of their keys.
FILE_NAMES: Final = {CN20_KEY_BYTES: "cn20.codes", DIGEST_KEY_BYTES: "other.codes"}


@dataclass(frozen=True, slots=True)
class BuiltBase:
    """A base file that was built.

    Args:
        path: The file.
        digest: SHA-256 of its head in hexadecimal, for the signed release.
        size: Its length in bytes.
        kind: How it keeps the codes.
        codes: How many codes it holds.
        lots: How many lots it names.
        runs: How many runs of serials there are; 0 where nobody counted.
        holes: How many serials lie in runs without a code.
        bound_bits: The least bits a code that any list would need, lots not counted.
    """

    path: Path
    digest: str
    size: int
    kind: ListKind
    codes: int
    lots: int
    runs: int
    holes: int
    bound_bits: float

    @property
    def code_bytes(self) -> float:
        """Bytes a code, of the whole file."""
        return self.size / self.codes

    @property
    def times_bound(self) -> float:
        """How many times the least that is possible."""
        return 8 * self.code_bytes / self.bound_bits


@dataclass(frozen=True, slots=True)
class BuiltCodes:
    """What a build has made.

    Args:
        files: The base files.
        repeated: How many rows said once more what another row had said.
        repeats: Where the first of them stand.
    """

    files: tuple[BuiltBase, ...]
    repeated: int
    repeats: tuple[str, ...]


def build_codes(
    to: Path,
    sources: Sequence[Path],
    *,
    patterns: Sequence[OtherPattern] = (),
    progress: Callable[[int], None] | None = None,
    temporary: Path | None = None,
) -> BuiltCodes:
    """Build the base files of a release.

    The order of rows and files makes no difference to the result. A row that repeats another counts once; one that
    contradicts another is a mistake.

    Args:
        to: Folder for the files; nothing in it is overwritten.
        sources: Tables with the columns code, lot, expiry.
        patterns: Patterns of other standards, for codes of these.
        progress: Told how many bytes were read since the last time.
        temporary: Folder for chunks, 50 bytes a code; beside the result if it is not given.

    Raises:
        SourceError: Something is wrong with the tables; it names file and line of up to 20 mistakes.
        FileExistsAlreadyError: A file of this name is there.
        BaseFormatError: The index would be longer than a box accepts.
        OSError: A file can't be read or written.
    """
    to.mkdir(parents=True, exist_ok=True)
    for name in FILE_NAMES.values():
        refuse_existing(to / name)
    mistakes = Mistakes()
    with ExitStack() as stack:
        chunks, made = (
            Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".list-", dir=place)))
            for place in (temporary or to, to)
        )
        build = _Build(chunks, made, CodeSource(mistakes, patterns), mistakes)
        for path in sources:
            build.read(path, progress)
        mistakes.refuse()
        found = {width: build.unite(width) for width in FILE_NAMES}
        mistakes.refuse()
        files = [build.write(width, shape) for width, shape in found.items() if shape.codes]
        if not files:
            mistakes.add(", ".join(path.name for path in sources), 0, "there is no code in it")
            mistakes.refuse()
        return BuiltCodes(tuple(_place(to, one) for one in files), build.repeated, tuple(build.repeats))


class _Build:
    """One build, step by step."""

    def __init__(self, chunks: Path, made: Path, source: CodeSource, mistakes: Mistakes) -> None:
        self._chunks = chunks
        self._made = made
        self._source = source
        self._mistakes = mistakes
        self._sorters: dict[int, Sorter] = {}
        self._used: dict[int, set[int]] = {}
        self.repeated = 0
        self.repeats: list[str] = []
        for width in FILE_NAMES:
            place = chunks / str(width)
            place.mkdir()
            self._sorters[width] = Sorter(place)

    def read(self, path: Path, progress: Callable[[int], None] | None) -> None:
        """Read and sort a table."""
        for width, records in self._source.read(path, progress):
            self._sorters[width].add(records)

    def unite(self, width: int) -> Shape:
        """Merge what was sorted into one file, each code once, and count it."""
        shape, used = Shape(), set[int]()
        with self._united(width).open("wb") as stream:
            for block in self._sorters[width].blocks():
                single = self._each_once(block)
                (shape.add if width == CN20_KEY_BYTES else shape.count)(single)
                used.update(np.unique(single["lot"]).tolist())
                stream.write(single.tobytes())
        self._sorters[width].remove()
        self._used[width] = used
        return shape

    def write(self, width: int, shape: Shape) -> BuiltBase:
        """Write the file in the kind that is shorter, and read it back."""
        to, lots = self._made / FILE_NAMES[width], LotRows.of(self._source.lots, self._used[width])
        is_runs = width == CN20_KEY_BYTES and shape.bytes_as_runs <= shape.bytes_as_keys(width)
        blocks = self._blocks(width)
        digest = write_runs(to, blocks, lots, shape) if is_runs else write_keys(to, blocks, lots, shape.codes, width)
        bound = shape.bound_bits if width == CN20_KEY_BYTES else key_bound_bits(shape.codes, width)
        with BaseFile.open(to, digest) as base:
            base.index.verify()
            if any(True for _ in base.scrub()):
                raise OSError(f"{to.name} could not be read back as it was written")
        counted = (shape.runs, shape.holes) if width == CN20_KEY_BYTES else (0, 0)
        kind = ListKind.RUNS if is_runs else ListKind.KEYS
        return BuiltBase(to, digest, to.stat().st_size, kind, shape.codes, lots.table.count, *counted, bound)

    def _united(self, width: int) -> Path:
        return self._chunks / f"{width}.records"

    def _blocks(self, width: int) -> Iterator[Records]:
        read = stored(self._united(width))
        while len(block := read(BLOCK_RECORDS)):
            yield block

    def _each_once(self, block: Records) -> Records:
        """Leave out repeated rows, and note those that contradict each other."""
        same = np.zeros(len(block), np.bool_)
        same[1:] = (block["hi"][1:] == block["hi"][:-1]) & (block["lo"][1:] == block["lo"][:-1])
        for place in np.flatnonzero(same).tolist():
            (file, line), (other_file, other_line) = (
                self._source.place(int(block["at"][at])) for at in (place, place - 1)
            )
            there = f"the code of {other_file}, line {other_line}"
            if block["lot"][place] != block["lot"][place - 1]:
                self._mistakes.add(file, line, f"{there} again, with another lot or expiry")
                continue
            self.repeated += 1
            if len(self.repeats) < MOST_NAMED:
                self.repeats.append(f"{file}, line {line}: {there} again")
        single: Records = block[~same]
        return single


def _place(to: Path, built: BuiltBase) -> BuiltBase:
    path = to / built.path.name
    with built.path.open("rb+") as stream:
        os.fsync(stream.fileno())
    refuse_existing(path)
    built.path.rename(path)
    folder = os.open(to, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return replace(built, path=path)
