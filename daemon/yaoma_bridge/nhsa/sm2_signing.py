"""The SM2 signature over the envelope, as public clients of the insurance platform make it.

SM2 comes from the library `gmalg`, plain Python: it is not constant in time, so it belongs on a centre's machine that
nobody else shares, and nowhere else. OpenSSL has SM2, but `cryptography` does not offer it.
"""

import base64
import re
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, ClassVar, Final, Literal

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pydantic import BaseModel, Field

from yaoma.core.canonical import Json
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.nhsa.signing import SigningMoment, SigningOptions, credential, sorted_pairs

__all__ = ["Sm2Options", "Sm2Signing"]

_SM2_BYTES: Final = 32
_SM2_KEY: Final = re.compile(r"[0-9A-Fa-f]{64}")
#: A private key lies between 1 and this (GB/T 32918.1): the order of the base point less 2.
_LARGEST_KEY: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54121


class Sm2Options(SigningOptions):
    """How the envelope is signed with SM2.

    Args:
        left_out: Fields that are not signed.
        into: The field for the signature.
        user_id: The signer's id of GB/T 32918; this default is what public clients use.
        form: `raw` r and s of 32 bytes each, or `der`.
        text: How these bytes are written.
        skip_empty: Leave out fields without a value; public clients sign them.
    """

    left_out: tuple[str, ...] = ("cainfo", "input")
    into: str = "cainfo"
    user_id: str = Field(default="1234567812345678", max_length=1024)
    form: Literal["raw", "der"] = "raw"
    text: Literal["HEX", "hex", "base64"] = "HEX"
    skip_empty: bool = False


class Sm2Signing:
    """SM2 over the envelope without `cainfo` and `input`, fields sorted by name (DOMAIN.md 2.4).

    Args:
        options: Shape.
        credentials: `sm2_private_key`, 64 hexadecimal digits.

    Raises:
        ConfigError: If the key is none, or the library for SM2 is not installed.
    """

    Options: ClassVar[type[BaseModel]] = Sm2Options

    def __init__(self, options: Sm2Options, credentials: Mapping[str, str]) -> None:
        self._options = options
        self._sign = _sm2_signer(credential(credentials, "sm2_private_key"), options.user_id.encode())

    def seal(self, envelope: Mapping[str, Json]) -> Mapping[str, Json]:
        """Write the signature into the envelope."""
        shape = self._options
        signed = {
            name: "" if value is None else str(value)
            for name, value in envelope.items()
            if name not in shape.left_out and not (shape.skip_empty and value in {None, ""})
        }
        r, s = self._sign(sorted_pairs(signed).encode())
        signature = _der(r, s) if shape.form == "der" else r + s
        return {**envelope, shape.into: _written(signature, shape.text)}

    def headers(self, infno: str, moment: SigningMoment) -> Mapping[str, str]:
        """Give none."""
        del infno, moment
        return {}


def _sm2_signer(private_key: str, user_id: bytes) -> Callable[[bytes], tuple[bytes, bytes]]:
    if not _SM2_KEY.fullmatch(private_key) or not 1 <= int(private_key, 16) <= _LARGEST_KEY:
        raise ConfigError("credentials: sm2_private_key is no key", "Write its 64 hexadecimal digits")
    try:
        library: Any = import_module("gmalg")
    except ImportError:
        raise ConfigError("signing sm2: the library gmalg is missing", "pip install 'yaoma[sm2]'") from None
    signer = library.SM2(bytes.fromhex(private_key), user_id)

    def sign(content: bytes) -> tuple[bytes, bytes]:
        r, s = signer.sign(content)
        return r.rjust(_SM2_BYTES, b"\0"), s.rjust(_SM2_BYTES, b"\0")

    return sign


def _der(r: bytes, s: bytes) -> bytes:
    return encode_dss_signature(int.from_bytes(r), int.from_bytes(s))


def _written(signature: bytes, form: str) -> str:
    if form == "base64":
        return base64.b64encode(signature).decode()
    return signature.hex().upper() if form == "HEX" else signature.hex()
