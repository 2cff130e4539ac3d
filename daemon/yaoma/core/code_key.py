"""Code key: the fixed-width bytes under which a list keeps a trace code; 20 digits never become one integer."""

import struct
from hashlib import blake2b
from typing import Final

from yaoma.core.trace_code import Cn20, CodeError, TraceCode

__all__ = ["CN20_KEY_BYTES", "DIGEST_KEY_BYTES", "cn20_digits", "cn20_key", "code_key", "is_cn20_key"]

#: 3 bytes product, 4 bytes serial, 2 bytes check digits: sorts as the digits do, and is exact.
CN20_KEY_BYTES: Final = 9
#: 16 bytes of BLAKE2b: a forger must find a preimage of one of the listed digests (ALLOWLIST.md 1.5).
DIGEST_KEY_BYTES: Final = 16

_PERSON: Final = b"yaoma/code/v1"
_CN20: Final = struct.Struct(">BHIH")
_FIRST_PRODUCT: Final = 8_000_000
_END_PRODUCT: Final = 9_000_000
_END_SERIAL: Final = 10**9
_END_CHECK: Final = 10**4


def code_key(code: TraceCode) -> bytes:
    """Give the bytes under which base files, deltas and the overlay keep a code.

    The two forms differ in length, so a digest never equals the key of 20 digits; and a digest covers the form's
    prefix (`gs1:`, `other:standard:`), so that codes of two standards never meet.
    """
    if isinstance(code, Cn20):
        return cn20_key(code.digits)
    return blake2b(code.key.encode(), digest_size=DIGEST_KEY_BYTES, person=_PERSON).digest()


def cn20_key(digits: str) -> bytes:
    """Give the key of 20 digits that were checked before."""
    return int(digits[:7]).to_bytes(3) + int(digits[7:16]).to_bytes(4) + int(digits[16:]).to_bytes(2)


def is_cn20_key(key: bytes) -> bool:
    """Say whether bytes are the key of 20 digits that begin with 8."""
    if len(key) != CN20_KEY_BYTES:
        return False
    high, low, serial, check = _CN20.unpack(key)
    is_product = _FIRST_PRODUCT <= (high << 16 | low) < _END_PRODUCT
    return bool(is_product and serial < _END_SERIAL and check < _END_CHECK)


def cn20_digits(key: bytes) -> str:
    """Give the 20 digits back.

    Raises:
        CodeError: These bytes are no key of 20 digits.
    """
    if not is_cn20_key(key):
        raise CodeError("key", len(key))
    high, low, serial, check = _CN20.unpack(key)
    return f"{high << 16 | low:07}{serial:09}{check:04}"
