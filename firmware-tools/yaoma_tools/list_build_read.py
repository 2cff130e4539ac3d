"""List build, reading back: gives the codes of base files as sorted records, every page checked."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from yaoma.core.base_layout import HEADER_BYTES, BaseFormatError, Header
from yaoma.core.code_key import CN20_KEY_BYTES, DIGEST_KEY_BYTES, cn20_digits
from yaoma.core.key_list import KeyList
from yaoma.core.run_list import HOLE, RunList
from yaoma.shell.base_file import BaseFile, BaseRefusal, BaseRefusedError
from yaoma_tools.list_build import FILE_NAMES
from yaoma_tools.list_source_codes import RECORD, SERIALS, Records, halves

__all__ = ["key_bytes_of", "key_of_record", "open_bases", "open_unsigned", "records_of", "shown_key"]

_PORTION_PAGES: Final = 256


def open_unsigned(path: Path) -> tuple[BaseFile, str]:
    """Open a base file by what it says of itself, and give the digest of its head besides.

    Raises:
        BaseRefusedError: It is no sound base file.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(HEADER_BYTES)
            head += stream.read(Header.parse(head).head_bytes - HEADER_BYTES)
    except BaseFormatError as error:
        raise BaseRefusedError(BaseRefusal.MALFORMED, f"{path.name}: {error}") from None
    except OSError as error:
        raise BaseRefusedError(BaseRefusal.UNREADABLE, f"{path.name}: {error.strerror}") from None
    digest = hashlib.sha256(head).hexdigest()
    base = BaseFile.open(path, digest)
    try:
        base.index.verify()
    except BaseFormatError as error:
        base.close()
        raise BaseRefusedError(BaseRefusal.MALFORMED, f"{path.name}: {error}") from None
    return base, digest


def open_bases(path: Path, stack: ExitStack) -> dict[int, BaseFile]:
    """Open a base file, or those of a folder that `list build` has made, by the width of their keys.

    Raises:
        BaseRefusedError: One of them is not sound, or there is none.
    """
    if not path.is_dir():
        base = stack.enter_context(open_unsigned(path)[0])
        return {key_bytes_of(base): base}
    found = {}
    for width, name in FILE_NAMES.items():
        if (path / name).exists():
            found[width] = stack.enter_context(open_unsigned(path / name)[0])
    if not found:
        raise BaseRefusedError(BaseRefusal.ABSENT, f"{path}: there is none of {', '.join(FILE_NAMES.values())}")
    return found


def key_bytes_of(base: BaseFile) -> int:
    """Give the width of the keys that its codes have."""
    return base.index.key_bytes if isinstance(base.index, KeyList) else CN20_KEY_BYTES


def records_of(base: BaseFile) -> Callable[[int], Records]:
    """Read the codes of a file in order; `lot` is the row of the file's own table, `at` is 0.

    Returns:
        A reader for `yaoma_tools.list_build_sort.merged`; it raises `PageDamagedError` at a damaged page.
    """
    index = base.index
    parts = _run_records(base, index) if isinstance(index, RunList) else _key_records(base, index)
    waiting = np.empty(0, RECORD)

    def read(count: int) -> Records:
        nonlocal waiting
        while len(waiting) < count and (part := next(parts, None)) is not None:
            waiting = np.concatenate([waiting, part])
        given, waiting = waiting[:count], waiting[count:]
        return given

    return read


def key_of_record(record: Any, key_bytes: int) -> bytes:  # noqa: ANN401 - numpy has no name for a record's type
    """Give the code key that a record stands for."""
    hi, lo = int(record["hi"]), int(record["lo"])
    if key_bytes == DIGEST_KEY_BYTES:
        return hi.to_bytes(8) + lo.to_bytes(8)
    product, serial = divmod(hi, SERIALS)
    return product.to_bytes(3) + serial.to_bytes(4) + lo.to_bytes(2)


def shown_key(key: bytes) -> str:
    """Give a code key as people write it: the 20 digits, or a digest in hexadecimal."""
    return cn20_digits(key) if len(key) == CN20_KEY_BYTES else key.hex()


def _portions(base: BaseFile) -> Iterator[tuple[int, list[bytes]]]:
    for begin in range(0, base.pages, _PORTION_PAGES):
        end = min(begin + _PORTION_PAGES, base.pages)
        yield begin, [base.page(number) for number in range(begin, end)]


def _run_records(base: BaseFile, index: RunList) -> Iterator[Records]:
    columns = (index.starts, index.firsts, index.lots, index.products, index.run_at)
    starts, firsts, lots, products, run_at = (np.array(column, np.int64) for column in columns)
    place = 0
    for _, pages in _portions(base):
        checks = np.frombuffer(b"".join(pages), "<u2")[: int(firsts[-1]) - place]
        places = np.flatnonzero(checks != HOLE)
        runs = np.searchsorted(firsts, places + place, "right") - 1
        serials = starts[runs] + places + place - firsts[runs]
        product = products[np.searchsorted(run_at, runs, "right") - 1]
        yield _made(product * SERIALS + serials, checks[places], lots[runs])
        place += len(checks)


def _key_records(base: BaseFile, index: KeyList) -> Iterator[Records]:
    step, width = index.record_bytes, index.key_bytes
    for begin, pages in _portions(base):
        left = index.codes - begin * index.page_codes
        used = [page[: index.page_codes * step] for page in pages]
        records = np.frombuffer(b"".join(used), np.uint8)[: left * step].reshape(-1, step)
        hi, lo = halves(records[:, :width])
        rows = np.zeros(len(records), np.uint32)
        if index.lot_bytes:
            rows = np.ascontiguousarray(records[:, width:]).view("<u4")[:, 0].astype(np.uint32)
        yield _made(hi, lo, rows)


def _made(hi: npt.NDArray[Any], lo: npt.NDArray[Any], lots: npt.NDArray[Any]) -> Records:
    made = np.zeros(len(hi), RECORD)
    made["hi"], made["lo"], made["lot"] = hi, lo, lots
    return made
