"""Reads a platform's answer: a JSON object, or why it is none; and its sentences, without identities."""

import codecs
import json
import re
from typing import Final, NoReturn

from yaoma.core.canonical import Json

__all__ = ["NotJsonError", "platform_sentence", "read_json_object"]

#: What Chinese gateways mean by gb2312 and gbk; it reads both.
_CHINESE: Final = "gb18030"

#: A platform may quote an identity; trace codes of 20 digits stay readable.
_NUMBERS: Final = re.compile(r"[0-9A-Za-z]*[0-9][0-9Xx*]{5,}[0-9A-Za-z]*")
_TRACE_CODE: Final = re.compile(r"8[0-9]{19}")
_MAX_SENTENCE: Final = 200


class NotJsonError(ValueError):
    """The answer is no JSON object; nothing of it is quoted, since platforms repeat what they were sent.

    Args:
        reason: `empty`, `html`, `not_text`, `not_json` or `not_object`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the answer is no JSON object: {reason}")
        self.reason = reason


def read_json_object(body: bytes) -> dict[str, Json]:
    """Read an answer in UTF-8 or a Chinese encoding, whatever its header says.

    Args:
        body: The bytes, limited by whoever read them.

    Raises:
        NotJsonError: If it is no JSON object.
    """
    text = _text(body).strip()
    if not text:
        raise NotJsonError("empty")
    try:
        value = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise NotJsonError("html" if text.startswith("<") else "not_json") from None
    if not isinstance(value, dict):
        raise NotJsonError("not_object")
    return value


def platform_sentence(value: Json) -> str:
    """Give a platform's sentence as it may be kept and shown: short, printable, without numbers that name a person.

    Args:
        value: What stood in the field for it; anything.
    """
    text = value if isinstance(value, str) else ""
    printable = "".join(one for one in text if one.isprintable() and not "\ud800" <= one <= "\udfff")
    return _NUMBERS.sub(_masked, printable[: 2 * _MAX_SENTENCE])[:_MAX_SENTENCE]


def _masked(found: re.Match[str]) -> str:
    return found[0] if _TRACE_CODE.fullmatch(found[0]) else "***"


def _text(body: bytes) -> str:
    try:
        return body.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError:
        pass
    try:
        return body.decode(_CHINESE)
    except UnicodeDecodeError:
        raise NotJsonError("not_text") from None


def _no_number(_: str) -> NoReturn:
    raise ValueError("no number of JSON")
