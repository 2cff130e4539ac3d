"""Glance: tells in one pass over its bytes that a body is a record of a place, without parsing it.

A bridge that takes in a backlog would spend most of its time on parsing each body and writing it again, only to see
that it is canonical. Nearly every record is a flat object of plain text and numbers, for which a pattern says as much.
"""

import re
from collections.abc import Iterable
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

#: What `_RECORD` asks of the fields that every record has; of any other field it asks for a value of `_PAIR`.
_OF_EVERY: Final = {
    b'"boot"': _TEXT,
    b'"clock"': rb'"(?:%b)"' % "|".join(ClockState).encode(),
    b'"kind"': _TEXT,
    b'"log"': rb'"([ !#-\[\]-~]*+)"',
    b'"mono_ms"': _NUMBER,
    b'"seq"': rb"([0-9]{1,15}+)",
    b'"v"': b"%d" % VERSION,
    b'"wall_ms"': _NUMBER,
}

#: So many sets of keys get a pattern of their own; records have a dozen. More are not learnt: each costs milliseconds.
_MOST_SHAPES: Final = 16

#: Patterns of records whose keys were found in order. A record of a known shape needs no second look at its keys.
_shapes: list[re.Pattern[bytes]] = []


def stands_at(body: bytes, log: str, seq: int) -> bool:
    """Tell that a body is a canonical record of this place in this log. False says nothing: read it.

    Args:
        body: The bytes.
        log: The log's id.
        seq: The place.
    """
    for rank, shape in enumerate(_shapes):
        if (found := shape.fullmatch(body)) is not None:
            if rank:
                # What comes often rises to the front.
                _shapes[rank - 1 : rank + 1] = shape, _shapes[rank - 1]
            return _is_place(found, log, seq) and len(body) <= MAX_BODY_BYTES
    found = _RECORD.fullmatch(body)
    if found is None or not _is_place(found, log, seq) or len(body) > MAX_BODY_BYTES:
        return False
    # No value that the pattern lets through holds a quote, so what stands before a colon in quotes is a key.
    keys = tuple(_KEYS.findall(body))
    if not _are_in_order(keys):
        return False
    if len(_shapes) < _MOST_SHAPES:
        _shapes.append(_shape(keys))
    return True


def _is_place(found: re.Match[bytes], log: str, seq: int) -> bool:
    return found[1] == log.encode() and found[2] == b"%d" % seq


def _shape(keys: Iterable[bytes]) -> re.Pattern[bytes]:
    """Make the pattern of records with exactly these keys in this order; it lets through no more than `_RECORD`."""
    anything = rb"(?:%b|%b|%b|null|true|false)" % (_TEXT, _NUMBER, _LIST)
    return re.compile(rb"\{%b\}" % b",".join(b"%b:%b" % (key, _OF_EVERY.get(key, anything)) for key in keys))


@lru_cache(maxsize=256)
def _are_in_order(keys: tuple[bytes, ...]) -> bool:
    """Tell whether the keys ascend, which also means that none comes twice; bodies have few different sets."""
    return all(before < after for before, after in pairwise(keys))
