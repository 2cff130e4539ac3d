"""List build, writing: turns sorted records into a base file of either kind, page by page."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from yaoma.core.base_layout import PAGE_BYTES
from yaoma.core.code_key import CN20_KEY_BYTES
from yaoma.core.key_list import LOT_BYTES, KeyList
from yaoma.core.lot_table import BaseAnswer, LotTable
from yaoma.core.run_list import HOLE, RunList
from yaoma_tools.list_build_shape import Shape, begins_run
from yaoma_tools.list_source_codes import SERIALS, Records

__all__ = ["LotRows", "PageFile", "write_keys", "write_runs"]

_COPY_BYTES: Final = 1 << 20

_Numbers = npt.NDArray[np.int64]


class PageFile:
    """Writes pages and hashes them.

    Args:
        stream: Where to.
        filling: What fills the last page.
    """

    def __init__(self, stream: BinaryIO, filling: bytes) -> None:
        self._stream = stream
        self._filling = filling
        self._rest = b""
        self._hashes = bytearray()

    @property
    def pages(self) -> int:
        """How many pages were written."""
        return len(self._hashes) // hashlib.sha256().digest_size

    def write(self, content: bytes) -> None:
        """Take what goes into the next pages."""
        content = self._rest + content
        whole = len(content) // PAGE_BYTES * PAGE_BYTES
        for place in range(0, whole, PAGE_BYTES):
            self._hashes += hashlib.sha256(content[place : place + PAGE_BYTES]).digest()
        self._stream.write(content[:whole])
        self._rest = content[whole:]

    def finish(self) -> bytes:
        """Fill the last page and give the hashes of all."""
        if self._rest:
            self.write(self._filling * (PAGE_BYTES - len(self._rest)))
        return bytes(self._hashes)


@dataclass(frozen=True, slots=True)
class LotRows:
    """The lots that a file names, and their rows by the number that the records have.

    Args:
        table: The lots.
        rows: Row by number.
    """

    table: LotTable
    rows: _Numbers

    @classmethod
    def of(cls, lots: Sequence[BaseAnswer], used: set[int]) -> "LotRows":
        """Make the table of the lots that are used.

        Args:
            lots: All lots by number.
            used: The numbers that records have.
        """
        table = LotTable.of(lots[number] for number in used)
        row_of = {lot: row for row, lot in enumerate(table.all_rows())}
        rows = [row_of.get(lot, 0) for lot in lots]
        return cls(table, np.array(rows, np.int64))


def write_runs(to: Path, blocks: Iterator[Records], lots: LotRows, shape: Shape) -> str:
    """Write a file of kind R.

    Args:
        to: The file; another beside it holds the pages meanwhile.
        blocks: Codes of 20 digits in order, each once.
        lots: The lots by their number in the blocks.
        shape: What was counted of the same codes.

    Returns:
        SHA-256 of the head in hexadecimal.

    Raises:
        BaseFormatError: The index would be longer than a box accepts.
        OSError: It can't be written.
    """
    starts: list[_Numbers] = []
    firsts: list[_Numbers] = []
    runs_lots: list[_Numbers] = []
    runs_products: list[_Numbers] = []
    place, last_hi, last_row = -1, -SERIALS, -1
    beside = to.with_name(f"{to.name}.pages")
    with beside.open("wb") as stream:
        pages = PageFile(stream, b"\xff")
        for block in blocks:
            hi, rows = block["hi"].astype(np.int64), lots.rows[block["lot"]]
            products, steps = hi // SERIALS, np.diff(hi, prepend=last_hi)
            is_other = (np.diff(products, prepend=last_hi // SERIALS) != 0) | (np.diff(rows, prepend=last_row) != 0)
            begins = begins_run(steps, is_other)
            places = place + np.cumsum(np.where(begins, 1, steps))
            checks = np.full(int(places[-1]) - place, HOLE, "<u2")
            checks[places - place - 1] = block["lo"]
            pages.write(checks.tobytes())
            starts.append(hi[begins] % SERIALS)
            firsts.append(places[begins])
            runs_lots.append(rows[begins])
            runs_products.append(products[begins])
            place, last_hi, last_row = int(places[-1]), int(hi[-1]), int(rows[-1])
        hashes = pages.finish()
    products, run_at = np.unique(np.concatenate(runs_products), return_index=True)
    index = RunList(
        shape.codes,
        pages.pages,
        products.tolist(),
        [*run_at.tolist(), shape.runs],
        np.concatenate(starts).tolist(),
        [*np.concatenate(firsts).tolist(), place + 1],
        np.concatenate(runs_lots).tolist(),
        lots.table,
    )
    return _join(to, index.encoded(hashes), beside)


def write_keys(to: Path, blocks: Iterator[Records], lots: LotRows, codes: int, key_bytes: int) -> str:
    """Write a file of kind K.

    Args:
        to: The file; another beside it holds the pages meanwhile.
        blocks: Keys in order, each once.
        lots: The lots by their number in the blocks.
        codes: How many keys there are.
        key_bytes: Their width.

    Returns:
        SHA-256 of the head in hexadecimal.

    Raises:
        BaseFormatError: The index would be longer than a box accepts.
        OSError: It can't be written.
    """
    lot_bytes = LOT_BYTES if lots.table.count else 0
    record_bytes = key_bytes + lot_bytes
    per_page = PAGE_BYTES // record_bytes
    first_keys = bytearray()
    beside = to.with_name(f"{to.name}.pages")
    with beside.open("wb") as stream:
        pages = PageFile(stream, b"\0")
        rest = np.empty((0, record_bytes), np.uint8)
        for block in blocks:
            keys = _key_bytes(block, key_bytes)
            rows = lots.rows[block["lot"]].astype("<u4").view(np.uint8).reshape(-1, 4)[:, :lot_bytes]
            records = np.concatenate([rest, np.concatenate([keys, rows], axis=1)])
            whole = len(records) // per_page * per_page
            first_keys += records[:whole:per_page, :key_bytes].tobytes()
            pages.write(_paged(records[:whole], per_page))
            rest = records[whole:]
        if len(rest):
            first_keys += rest[0, :key_bytes].tobytes()
            pages.write(rest.tobytes())
        hashes = pages.finish()
    index = KeyList(codes, pages.pages, key_bytes, lot_bytes, bytes(first_keys), lots.table)
    return _join(to, index.encoded(hashes), beside)


def _key_bytes(block: Records, key_bytes: int) -> npt.NDArray[np.uint8]:
    hi, lo = block["hi"], block["lo"]
    if key_bytes != CN20_KEY_BYTES:
        return np.concatenate([_big(hi, 8), _big(lo, 8)], axis=1)
    serials = np.uint64(SERIALS)
    return np.concatenate([_big(hi // serials, 3), _big(hi % serials, 4), _big(lo, 2)], axis=1)


def _big(numbers: npt.NDArray[Any], width: int) -> npt.NDArray[np.uint8]:
    """Give the last bytes of each number, the highest first."""
    return numbers.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 8 - width :]


def _paged(records: npt.NDArray[np.uint8], per_page: int) -> bytes:
    used = per_page * records.shape[1]
    made = np.zeros((len(records) // per_page, PAGE_BYTES), np.uint8)
    made[:, :used] = records.reshape(-1, used)
    return made.tobytes()


def _join(to: Path, head: bytes, pages: Path) -> str:
    with to.open("wb") as whole, pages.open("rb") as stream:
        whole.write(head)
        copyfileobj(stream, whole, _COPY_BYTES)
    pages.unlink()
    return hashlib.sha256(head).hexdigest()
