"""Signing: how the gateway of 淘宝开放平台 (TOP) knows who calls (DOMAIN.md 3.1). Pure."""

import hashlib
import hmac
from collections.abc import Mapping
from enum import StrEnum

__all__ = ["SignMethod", "signature"]


class SignMethod(StrEnum):
    """How a call is signed; the gateway takes any of them."""

    MD5 = "md5"
    HMAC = "hmac"  # HMAC-MD5
    HMAC_SHA256 = "hmac-sha256"


def signature(parameters: Mapping[str, str], secret: bytes, method: SignMethod) -> str:
    """Sign the parameters of a call: names and values in the order of the names, one after the other.

    Args:
        parameters: All of the call, common ones included, without `sign` and without byte fields.
        secret: The app's secret.
        method: Which of the three.

    Returns:
        Capital hexadecimal digits.
    """
    text = "".join(f"{name}{parameters[name]}" for name in sorted(parameters)).encode()
    match method:
        case SignMethod.MD5:
            digest = hashlib.md5(secret + text + secret, usedforsecurity=False).digest()
        case SignMethod.HMAC:
            digest = hmac.new(secret, text, hashlib.md5).digest()
        case SignMethod.HMAC_SHA256:
            digest = hmac.new(secret, text, hashlib.sha256).digest()
    return digest.hex().upper()
