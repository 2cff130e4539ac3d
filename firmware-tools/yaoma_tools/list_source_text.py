"""List source, text: finds how a table is encoded, and names what is no text at all."""

import codecs
from typing import BinaryIO, Final

from yaoma_tools.list_source_mistakes import Mistakes

__all__ = ["encoding_of"]

_BLOCK_BYTES: Final = 1 << 20
_NO_TEXT: Final = {
    b"PK\x03\x04": "the file is a workbook (xlsx) or an archive; save the table as CSV",
    b"\xd0\xcf\x11\xe0": "the file is a workbook (xls); save the table as CSV",
    b"\x1f\x8b": "the file is compressed (gzip); unpack it first",
}


def encoding_of(raw: BinaryIO, name: str, mistakes: Mistakes) -> str | None:
    """Find how a file is encoded by reading it whole: UTF-8, GBK or UTF-16.

    Args:
        raw: The file, at its beginning.
        name: Its name.
        mistakes: Takes it if the file is no text.

    Returns:
        The codec's name, or None if it is no text.
    """
    begin = raw.read(8)
    if not begin:
        mistakes.add(name, 0, "the file is empty")
        return None
    for signature, sentence in _NO_TEXT.items():
        if begin.startswith(signature):
            mistakes.add(name, 0, sentence)
            return None
    wide = begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "gb18030"):
        if _is_text(raw, encoding):
            return encoding
    mistakes.add(name, 0, "the file is no text in UTF-8, GBK or UTF-16; save the table as CSV (UTF-8)")
    return None


def _is_text(raw: BinaryIO, encoding: str) -> bool:
    """Say whether a whole file can be read so; what holds zero characters is no text."""
    decoder = codecs.getincrementaldecoder(encoding)()
    raw.seek(0)
    try:
        while block := raw.read(_BLOCK_BYTES):
            if "\0" in decoder.decode(block):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
