"""HexBytes: bytes in options and profiles, written as a technician copies them from a scanner's manual."""

from typing import Annotated

from pydantic import BeforeValidator, Field

__all__ = ["HexBytes", "HexParts"]


def _from_hex(value: object) -> object:
    """Read `1B 37 2C`."""
    return bytes.fromhex(value) if isinstance(value, str) else value


def _as_parts(value: object) -> object:
    """Take one part for a list of one."""
    return [value] if isinstance(value, str | bytes) else value


HexBytes = Annotated[bytes, BeforeValidator(_from_hex)]

#: One or several byte strings, each sent as a whole.
HexParts = Annotated[
    tuple[Annotated[HexBytes, Field(min_length=1, max_length=64)], ...],
    BeforeValidator(_as_parts),
    Field(min_length=1, max_length=8),
]
