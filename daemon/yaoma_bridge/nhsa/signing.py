"""Gateway signatures of the insurance platform: a contract, and those that public sources describe.

None of them, nor that of `sm2_signing`, was ever run against a real gateway. Provinces differ in header names, so these
are data; a gateway that signs in another way is one class and one entry point of the group `yaoma.nhsa_signing`.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from yaoma.core.canonical import Json
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.plug_ins import checked_options, plug_in

__all__ = [
    "ENTRY_POINTS",
    "CsbSigning",
    "GatewaySigning",
    "PlainSigning",
    "SigningMoment",
    "SigningOptions",
    "TifSigning",
    "credential",
    "make_signing",
    "sorted_pairs",
]

ENTRY_POINTS: Final = "yaoma.nhsa_signing"
_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class SigningMoment:
    """What a signature takes from the moment of sending.

    Args:
        wall_ms: Milliseconds since 1970.
        nonce: Random text that is used once.
    """

    wall_ms: int
    nonce: str


@runtime_checkable
class GatewaySigning(Protocol):
    """Signs a request to a gateway; made with `(options, credentials)`.

    Both methods are called for each request, `seal` first; either may have nothing to do.
    """

    #: What a province's file may say of it.
    Options: ClassVar[type[BaseModel]]

    def seal(self, envelope: Mapping[str, Json]) -> Mapping[str, Json]:
        """Give the envelope with what the signature writes into it."""
        ...

    def headers(self, infno: str, moment: SigningMoment) -> Mapping[str, str]:
        """Give the HTTP headers."""
        ...


class SigningOptions(BaseModel):
    """Base of what a province's file may say of a signature: an unknown key is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class PlainOptions(SigningOptions):
    """`plain` has no options."""


class PlainSigning:
    """No signature: the line or a proxy in front of the gateway vouches for us.

    Args:
        options: None.
        credentials: Not used.
    """

    Options: ClassVar[type[BaseModel]] = PlainOptions

    def __init__(self, options: PlainOptions, credentials: Mapping[str, str]) -> None:
        del options, credentials

    def seal(self, envelope: Mapping[str, Json]) -> Mapping[str, Json]:
        """Leave the envelope as it is."""
        return envelope

    def headers(self, infno: str, moment: SigningMoment) -> Mapping[str, str]:
        """Give none."""
        del infno, moment
        return {}


class CsbOptions(SigningOptions):
    """Header names and version of a cloud service bus (CSB).

    Args:
        api_version: What `_api_version` says.
        api_name: What `_api_name` says; `{infno}` stands for the transaction's number.
        name_header, version_header, timestamp_header, key_header, signature_header: Names of the headers; they are
            signed by these names.
    """

    api_version: str = "1.0.0"
    api_name: str = "{infno}"
    name_header: str = "_api_name"
    version_header: str = "_api_version"
    timestamp_header: str = "_api_timestamp"
    key_header: str = "_api_access_key"
    signature_header: str = "_api_signature"


class CsbSigning:
    """CSB: Base64 of HMAC-SHA1 over the sorted pairs `name=value`, joined by `&` (aliyun/csb-sdk, DOMAIN.md 2.4).

    A JSON body is not signed. The time is in milliseconds.

    Args:
        options: Names.
        credentials: `access_key` and `secret_key`.
    """

    Options: ClassVar[type[BaseModel]] = CsbOptions

    def __init__(self, options: CsbOptions, credentials: Mapping[str, str]) -> None:
        self._options = options
        self._access_key = credential(credentials, "access_key")
        self._secret = credential(credentials, "secret_key").encode()

    def seal(self, envelope: Mapping[str, Json]) -> Mapping[str, Json]:
        """Leave the envelope as it is."""
        return envelope

    def headers(self, infno: str, moment: SigningMoment) -> Mapping[str, str]:
        """Give name, version, time, key and signature."""
        names = self._options
        signed = {
            names.name_header: names.api_name.format(infno=infno),
            names.version_header: names.api_version,
            names.timestamp_header: str(moment.wall_ms),
            names.key_header: self._access_key,
        }
        mac = hmac.new(self._secret, sorted_pairs(signed).encode(), hashlib.sha1).digest()
        return {**signed, names.signature_header: base64.b64encode(mac).decode()}


class TifOptions(SigningOptions):
    """Header names of a TIF gateway.

    Args:
        id_header, timestamp_header, nonce_header, signature_header: Names of the headers.
    """

    id_header: str = "x-tif-paasid"
    timestamp_header: str = "x-tif-timestamp"
    nonce_header: str = "x-tif-nonce"
    signature_header: str = "x-tif-signature"


class TifSigning:
    """TIF: hexadecimal SHA-256 of time + token + nonce + time; the time is in seconds (DOMAIN.md 2.4).

    Args:
        options: Names.
        credentials: `paas_id` and `paas_token`.
    """

    Options: ClassVar[type[BaseModel]] = TifOptions

    def __init__(self, options: TifOptions, credentials: Mapping[str, str]) -> None:
        self._options = options
        self._id = credential(credentials, "paas_id")
        self._token = credential(credentials, "paas_token")

    def seal(self, envelope: Mapping[str, Json]) -> Mapping[str, Json]:
        """Leave the envelope as it is."""
        return envelope

    def headers(self, infno: str, moment: SigningMoment) -> Mapping[str, str]:
        """Give id, time, nonce and signature."""
        del infno
        names, time_s = self._options, str(moment.wall_ms // _MS)
        signature = hashlib.sha256(f"{time_s}{self._token}{moment.nonce}{time_s}".encode()).hexdigest()
        return {
            names.id_header: self._id,
            names.timestamp_header: time_s,
            names.nonce_header: moment.nonce,
            names.signature_header: signature,
        }


def make_signing(kind: str, options: Mapping[str, object], credentials: Mapping[str, str]) -> GatewaySigning:
    """Make the signature that a province's file names.

    Args:
        kind: The entry point's name, such as `csb`.
        options: The rest of its table.
        credentials: What the institution was given.

    Raises:
        ConfigError: If it is not installed, an option is wrong or a credential is missing.
    """
    loaded = plug_in(ENTRY_POINTS, kind, "signing")
    made = loaded(checked_options(loaded.Options, options, f"signing {kind}"), credentials)
    assert isinstance(made, GatewaySigning)
    return made


def sorted_pairs(fields: Mapping[str, str]) -> str:
    """Give `name=value` joined by `&`, sorted by the names' ASCII values."""
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields))


def credential(credentials: Mapping[str, str], name: str) -> str:
    """Give one of the secrets that an institution was given.

    Raises:
        ConfigError: If it is missing.
    """
    text = credentials.get(name, "")
    if not text:
        raise ConfigError(f"credentials: {name} is missing", "Write it into the institution's file")
    return text
