"""Canonical JSON (RFC 8785), restricted to the values that records are made of."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from json.encoder import encode_basestring

__all__ = ["MAX_INTEGER", "Json", "NotCanonicalError", "canonical", "parse_canonical"]


#: Whole numbers beyond this do not survive a reader that keeps numbers as doubles (RFC 7493, RFC 8785 3.2.2.3).
MAX_INTEGER = 2**53 - 1

Json = None | bool | int | str | Sequence["Json"] | Mapping[str, "Json"]

#: Objects with more keys than any record of ours has are laid out anew each time: nobody shall fill the memory.
_KEYS_KEPT = 64


class NotCanonicalError(ValueError):
    """The bytes or the value have no canonical form; the sentence names the kind of fault, never the content."""


def canonical(value: Json) -> bytes:
    """Encode a value as RFC 8785 does, for the subset without fractions.

    The standard library already agrees with RFC 8785 on escapes, and its order of text agrees wherever keys are ASCII,
    which ours are. Records have few different sets of keys, so order and punctuation are laid out once for each set.

    Raises:
        NotCanonicalError: If the value holds a fraction, a number beyond 2^53-1, a key that is not ASCII, or a lone
            surrogate.
    """
    try:
        return _written(value).encode()
    except UnicodeEncodeError:
        raise NotCanonicalError("text with half a surrogate pair has no UTF-8 form") from None
    except RecursionError:
        raise NotCanonicalError("lists and objects are nested too deeply") from None


def parse_canonical(data: bytes) -> dict[str, Json]:
    """Decode an object and make sure that the bytes are its one canonical form.

    Raises:
        NotCanonicalError: If the bytes are no JSON object, or not the canonical form of it (order, spaces, repeated
            keys, escapes).
    """
    try:
        # decoded here: given bytes, the library looks at each call which of five encodings they are in
        value = json.loads(data.decode())
    except (ValueError, RecursionError):
        raise NotCanonicalError("these bytes are no JSON") from None
    if not isinstance(value, dict):
        raise NotCanonicalError("a JSON object was expected")
    if canonical(value) != data:
        raise NotCanonicalError("this JSON is not in its canonical form")
    return value


def _written(value: object) -> str:
    # Exact types: a subclass such as an enum or numpy's integer may encode as something else.
    kind = type(value)
    if isinstance(value, str) and kind is str:
        return encode_basestring(value)
    if isinstance(value, int) and kind is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise NotCanonicalError("a whole number lies beyond 2^53-1")
        return str(value)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if isinstance(value, dict):
        keys = tuple(value)
        order, form = _laid_out(keys) if len(keys) <= _KEYS_KEPT else _laid_out.__wrapped__(keys)
        # Most of a record is text and numbers; a call for each costs as much as encoding it.
        return form % tuple(
            [
                encode_basestring(one)
                if (kind := type(one)) is str
                else str(one)
                if kind is int and -MAX_INTEGER <= one <= MAX_INTEGER
                else _written(one)
                for one in map(value.__getitem__, order)
            ]
        )
    if isinstance(value, list | tuple):
        return f"[{','.join([_written(one) for one in value])}]"
    raise NotCanonicalError(
        f"a record holds text, whole numbers, true/false, null, lists and objects; found {kind.__name__}"
    )


@lru_cache(maxsize=64)
def _laid_out(keys: tuple[object, ...]) -> tuple[list[str], str]:
    """Give the keys of an object in order, and the object with a place for each value."""
    texts = [key for key in keys if type(key) is str and key.isascii()]
    if len(texts) < len(keys):
        raise NotCanonicalError("a key is not ASCII text")
    texts.sort()
    members = [f"{encode_basestring(key).replace('%', '%%')}:%s" for key in texts]
    return texts, f"{{{','.join(members)}}}"
