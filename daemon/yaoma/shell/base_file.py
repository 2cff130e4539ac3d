"""Base file: the large list on the box's disk; its index lies in memory, every page is hashed whenever it is read.

Pages are read with `pread`, not through a memory map: on a dying card a map ends the process with SIGBUS, where
`pread` gives an error that becomes `PageDamagedError`. It costs less than a microsecond more.
"""

import hashlib
import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from yaoma.core.base_layout import (
    HASH_BYTES,
    HEADER_BYTES,
    PAGE_BYTES,
    BaseFormatError,
    Header,
    ListKind,
    PageDamagedError,
)
from yaoma.core.key_list import KeyList
from yaoma.core.lot_table import BaseAnswer
from yaoma.core.run_list import RunList
from yaoma.core.trace_code import TraceCode

__all__ = ["BaseAnswer", "BaseFile", "BaseRefusal", "BaseRefusedError", "PageDamagedError"]


class BaseRefusal(StrEnum):
    """Why a base file is not used; stable."""

    ABSENT = "absent"
    UNREADABLE = "unreadable"
    MALFORMED = "malformed"
    WRONG_SIZE = "wrong_size"
    OTHER_DIGEST = "other_digest"


class BaseRefusedError(Exception):
    """A base file must not be used.

    Args:
        reason: Why.
        hint: What is wrong, for the technician.
    """

    def __init__(self, reason: BaseRefusal, hint: str) -> None:
        super().__init__(f"list file refused ({reason.value}): {hint}")
        self.reason = reason
        self.hint = hint

    def __reduce__(self) -> tuple[type["BaseRefusedError"], tuple[BaseRefusal, str]]:
        """Pickle by the facts; the default would pass the sentence as the only argument."""
        return type(self), (self.reason, self.hint)


class BaseFile:
    """An open base file; made by `open`. Look-ups may come from several threads."""

    def __init__(self, stream: BinaryIO, index: RunList | KeyList, header: Header, hashes: bytes) -> None:
        self._stream = stream
        self._index: Final = index
        self._header: Final = header
        self._hashes: Final = hashes

    @classmethod
    def open(cls, path: Path, digest: str) -> Self:
        """Open a file whose head the signed release names; its pages are not read.

        Args:
            path: The file.
            digest: SHA-256 of its head (header, index and page hashes) in hexadecimal.

        Raises:
            BaseRefusedError: It is absent, unreadable, malformed, of another length, or another file.
        """
        try:
            stream = path.open("rb", buffering=0)
        except FileNotFoundError:
            raise BaseRefusedError(BaseRefusal.ABSENT, f"there is no file {path.name}") from None
        except OSError as error:
            raise BaseRefusedError(BaseRefusal.UNREADABLE, f"{path.name}: {error.strerror}") from None
        try:
            index, header, hashes = _load(stream, path.name, digest)
        except BaseException:
            stream.close()
            raise
        return cls(stream, index, header, hashes)

    @property
    def codes(self) -> int:
        """How many codes it holds."""
        return self._index.codes

    @property
    def kind(self) -> ListKind:
        """How it keeps them."""
        return self._header.kind

    @property
    def pages(self) -> int:
        """How many pages can be read."""
        return self._header.pages

    @property
    def index(self) -> RunList | KeyList:
        """What lies in memory; for inspection."""
        return self._index

    def covers(self, code: TraceCode) -> bool:
        """Say whether such a code could be in it."""
        return self._index.covers(code)

    def look_up(self, code: TraceCode) -> BaseAnswer | None:
        """Find a code.

        Returns:
            What the file says of it, or None if it is not there.

        Raises:
            PageDamagedError: The page that would answer can't be read, or is not the one that was signed.
        """
        return self._index.look_up(self.page, code)

    def page(self, number: int) -> bytes:
        """Read a page and check it.

        Raises:
            PageDamagedError: It can't be read, or is not the one that was signed.
        """
        try:
            content = os.pread(self._stream.fileno(), PAGE_BYTES, self._header.head_bytes + number * PAGE_BYTES)
        except (OSError, ValueError):
            raise PageDamagedError(number) from None
        expected = self._hashes[number * HASH_BYTES : (number + 1) * HASH_BYTES]
        if len(content) != PAGE_BYTES or hashlib.sha256(content).digest() != expected:
            raise PageDamagedError(number)
        return content

    def scrub(self, begin: int = 0, end: int | None = None) -> Iterator[int]:
        """Read pages one after the other and give the numbers of the damaged ones.

        Args:
            begin: The first page; so that a caller can pause between portions.
            end: The page after the last; all without it.
        """
        for number in range(begin, self.pages if end is None else min(end, self.pages)):
            try:
                self.page(number)
            except PageDamagedError:
                yield number

    def close(self) -> None:
        """Close the file; a look-up that is under way ends with `PageDamagedError`."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _load(stream: BinaryIO, name: str, digest: str) -> tuple[RunList | KeyList, Header, bytes]:
    try:
        size = os.fstat(stream.fileno()).st_size
        # Look-ups jump: reading ahead would pull megabytes from a slow card (ALLOWLIST.md 1.2).
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        header = Header.parse(os.pread(stream.fileno(), HEADER_BYTES, 0))
        if size != header.file_bytes:
            raise BaseRefusedError(
                BaseRefusal.WRONG_SIZE, f"{name} has {size} bytes; {header.file_bytes} were expected"
            )
        head = _read(stream, header.head_bytes)
        if hashlib.sha256(head).hexdigest() != digest:
            raise BaseRefusedError(BaseRefusal.OTHER_DIGEST, f"{name} is not the file that was signed")
        index, hashes = RunList.parse(head) if header.kind is ListKind.RUNS else KeyList.parse(head)
    except BaseFormatError as error:
        raise BaseRefusedError(BaseRefusal.MALFORMED, f"{name}: {error}") from None
    except OSError as error:
        raise BaseRefusedError(BaseRefusal.UNREADABLE, f"{name}: {error.strerror}") from None
    return index, header, hashes


def _read(stream: BinaryIO, length: int) -> bytes:
    """Read from the beginning; a read may give less than was asked for."""
    parts, place = [], 0
    while place < length:
        part = os.pread(stream.fileno(), length - place, place)
        if not part:
            break
        parts.append(part)
        place += len(part)
    return b"".join(parts)
