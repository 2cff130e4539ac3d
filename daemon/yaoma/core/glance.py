"""Glance: tells in one pass over its bytes that a body is a record of a place, without parsing it.

A bridge that takes in a backlog would spend most of its time on parsing each body and writing it again, only to see
that it is canonical. Nearly every record is a flat object of plain text and numbers, for which a pattern says as much.
"""

import re
from functools import lru_cache
from itertools import pairwise
from typing import Final

from yaoma.core.record import MAX_BODY_BYTES, VERSION, ClockState

__all__ = ["stands_at"]

# Text that RFC 8785 writes as it is; numbers that are whole and far below 2^53; lists of such text.
_TEXT: Final = rb'"[ !#-\[\]-~]*+"'
_NUMBER: Final = rb"(?:0|-?[1-9][0-9]{0,14}+)"
_LIST: Final = rb"\[(?:%b(?:,%b)*+)?\]" % (_TEXT, _TEXT)
_KEY: Final = rb'"[a-z0-9_]++"'
_PAIR: Final = rb"%b:(?:%b|%b|%b|null|true|false)" % (_KEY, _TEXT, _NUMBER, _LIST)


def _up_to(key: bytes, value: bytes) -> bytes:
    """Give the pattern of everything up to a key and its value; atomic, so that a failure never tries again."""
    return rb'(?>(?:%b,)*?"%b":%b,)' % (_PAIR, key, value)


_RECORD: Final = re.compile(
    rb"\{"
    + _up_to(b"boot", _TEXT)
    + _up_to(b"clock", rb'"(?:%b)"' % "|".join(ClockState).encode())
    + _up_to(b"kind", _TEXT)
    + _up_to(b"log", rb'"([ !#-\[\]-~]*+)"')
    + _up_to(b"mono_ms", _NUMBER)
    + _up_to(b"seq", rb"([0-9]{1,15}+)")
    + _up_to(b"v", b"%d" % VERSION)
    + rb'(?>(?:%b,)*?"wall_ms":%b)(?:,%b)*+\}' % (_PAIR, _NUMBER, _PAIR)
)
_KEYS: Final = re.compile(rb"(%b):" % _KEY)


def stands_at(body: bytes, log: str, seq: int) -> bool:
    """Tell that a body is a canonical record of this place in this log. False says nothing: read it.

    Args:
        body: The bytes.
        log: The log's id.
        seq: The place.
    """
    found = _RECORD.fullmatch(body)
    if found is None or found[1] != log.encode() or found[2] != b"%d" % seq or len(body) > MAX_BODY_BYTES:
        return False
    # No value that the pattern lets through holds a quote, so what stands before a colon in quotes is a key.
    return _are_in_order(tuple(_KEYS.findall(body)))


@lru_cache(maxsize=256)
def _are_in_order(keys: tuple[bytes, ...]) -> bool:
    """Tell whether the keys ascend, which also means that none comes twice; bodies have few different sets."""
    return all(before < after for before, after in pairwise(keys))
