"""Encoding: the bytes of a file as text, whatever editor wrote it; anything unusual is said, never passed over."""

import codecs
from dataclasses import dataclass
from typing import Final

from yaoma.config.said import Said

__all__ = ["MAX_FILE_BYTES", "NotTextError", "Written", "decoded"]

#: A configuration has a few thousand bytes; what is larger is another file.
MAX_FILE_BYTES: Final = 1024 * 1024

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
_UNDERSTOOD: Final = Said(
    "文件按 {name} 编码保存，已看懂；请另存为 UTF-8",
    "the file was saved as {name}; it was understood, but save it as UTF-8",
)


class NotTextError(Exception):
    """The bytes are no text in any encoding that editors write.

    Args:
        line: Where the first byte stands that does not fit, from 1; None where lines can't be told.
        expected: What was expected.
        found: What was found.
    """

    def __init__(self, line: int | None, expected: Said, found: Said) -> None:
        super().__init__(f"expected {expected.en}, found {found.en}")
        self.line = line
        self.expected = expected
        self.found = found


@dataclass(frozen=True, slots=True)
class Written:
    r"""The text of a file.

    Args:
        text: With `\n` at the end of each line, whatever the editor wrote.
        notice: What is unusual about the encoding, or None.
    """

    text: str
    notice: Said | None = None


def decoded(octets: bytes) -> Written:
    """Decode a file: UTF-8 with or without mark, UTF-16 as Windows writes it, GBK as older Chinese Windows writes it.

    A file that is mostly right UTF-8 is never taken for GBK: it is damaged, and the line is named.

    Raises:
        NotTextError: If it is none of these, or too large.
    """
    if len(octets) > MAX_FILE_BYTES:
        raise NotTextError(
            None,
            Said("配置文件，最多 1 MiB", "a configuration file of at most 1 MiB"),
            Said(f"{len(octets)} 字节", f"{len(octets)} bytes"),
        )
    for mark, encoding, name in _MARKS:
        if octets.startswith(mark):
            return _as(octets[len(mark) :], encoding, name)
    if _looks_like_utf_16(octets):
        return _as(octets, "utf-16-le" if octets[1::2].count(0) > octets[::2].count(0) else "utf-16-be", "UTF-16")
    try:
        return Written(_lines(octets.decode("utf-8")))
    except UnicodeDecodeError as error:
        if not _is_damaged_utf_8(octets):
            try:
                return Written(_lines(octets.decode("gb18030")), _UNDERSTOOD.fill({"name": "GBK"}))
            except UnicodeDecodeError:
                pass  # no GBK either: the first byte that is not UTF-8 is named
        line = octets.count(b"\n", 0, error.start) + 1
    raise NotTextError(line, _TEXT, _BYTES)


_TEXT: Final = Said("UTF-8 编码的文本", "text in UTF-8")
_BYTES: Final = Said("不是文本的字节", "bytes that are no text")


def _as(octets: bytes, encoding: str, name: str) -> Written:
    try:
        text = octets.decode(encoding)
    except UnicodeDecodeError:
        pass
    else:
        return Written(_lines(text), None if name == "UTF-8" else _UNDERSTOOD.fill({"name": name}))
    raise NotTextError(
        None,
        _TEXT,
        Said(f"以 {name} 标记开头但读不通的字节", f"bytes that begin with the mark of {name} and are not it"),
    )


def _looks_like_utf_16(octets: bytes) -> bool:
    """Tell UTF-16 without a mark by its zero bytes: half of every ASCII character."""
    return len(octets) % 2 == 0 and octets.count(0) * 4 > len(octets) and b"\0\0" not in octets[:64]


def _is_damaged_utf_8(octets: bytes) -> bool:
    text = octets.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    return sum(1 for character in text if character > "\x7f") - broken > broken


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
