"""Canonical JSON (RFC 8785), restricted to the values that records are made of."""

import json
from collections.abc import Mapping, Sequence

__all__ = ["MAX_INTEGER", "Json", "NotCanonicalError", "canonical", "parse_canonical"]


#: Whole numbers beyond this do not survive a reader that keeps numbers as doubles (RFC 7493, RFC 8785 3.2.2.3).
MAX_INTEGER = 2**53 - 1

Json = None | bool | int | str | Sequence["Json"] | Mapping[str, "Json"]

_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


class NotCanonicalError(ValueError):
    """The bytes or the value have no canonical form; the sentence names the kind of fault, never the content."""


def canonical(value: Json) -> bytes:
    """Encode a value as RFC 8785 does, for the subset without fractions.

    The C encoder of the standard library already agrees with RFC 8785 on escapes, and its key order agrees wherever
    keys are ASCII, which ours are. What is left to check are the types, and text that UTF-8 can't hold.

    Raises:
        NotCanonicalError: If the value holds a fraction, a number beyond 2^53-1, a key that is not ASCII, or a lone
            surrogate.
    """
    try:
        _check(value)
        return _ENCODER.encode(value).encode()
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


def _check(value: object) -> None:
    # Exact types: a subclass such as an enum or numpy's integer may encode as something else.
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return
    if isinstance(value, int) and kind is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise NotCanonicalError("a whole number lies beyond 2^53-1")
    elif isinstance(value, dict):
        for key, inner in value.items():
            if type(key) is not str or not key.isascii():
                raise NotCanonicalError("a key is not ASCII text")
            # Most of a record is text and numbers; a call for each costs as much as encoding them.
            kind = type(inner)
            if kind is not str and (kind is not int or not -MAX_INTEGER <= inner <= MAX_INTEGER):
                _check(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check(inner)
    else:
        raise NotCanonicalError(
            f"a record holds text, whole numbers, true/false, null, lists and objects; found {kind.__name__}"
        )
