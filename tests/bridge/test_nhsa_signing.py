"""Gateway signatures: vectors worked out with OpenSSL's program from the cited sources, never with the code under test.

None of these was ever compared with a real gateway.
"""

import base64
import subprocess
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from fakes.sm2_key import SM2_KEY, write_public
from yaoma.core.canonical import Json
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.nhsa.signing import SigningMoment, make_signing

ENVELOPE: Mapping[str, Json] = {
    "infno": "3505",
    "msgid": "H14000000001202611221200000001",
    "fixmedins_name": "示例药店",
    "sign_no": "",
    "cainfo": "",
    "input": {"selinfo": {"certno": "not signed"}},
}
MOMENT = SigningMoment(1_507_884_348_630, "0123456789abcdef")


@pytest.fixture
def public(tmp_path: Path) -> Path:
    """Give the public key as a PEM file for OpenSSL."""
    return write_public(tmp_path / "sm2.pem")


def _openssl_verifies(public: Path, content: bytes, der: bytes, user_id: str = "1234567812345678") -> bool:
    signature = public.with_suffix(".sig")
    signature.write_bytes(der)
    command = [
        "openssl",
        "dgst",
        "-sm3",
        "-verify",
        str(public),
        "-signature",
        str(signature),
        "-sigopt",
        f"distid:{user_id}",
    ]
    return subprocess.run(command, input=content, capture_output=True, check=False).returncode == 0


def _der(raw: bytes) -> bytes:
    """Write r and s as DER, by hand."""
    numbers = b""
    for half in (raw[:32], raw[32:]):
        bare = half.lstrip(b"\0")
        bare = b"\0" + bare if bare[0] & 0x80 else bare
        numbers += b"\x02" + bytes([len(bare)]) + bare
    return b"\x30" + bytes([len(numbers)]) + numbers


def test_csb_when_a_call_is_signed_then_its_headers_equal_the_worked_out_ones() -> None:
    """CSB: Base64(HMAC-SHA1(secret, sorted name=value pairs joined by &)), as aliyun/csb-sdk builds it.

    printf '%s' '_api_access_key=4f19...&_api_name=3505&_api_timestamp=1507884348630&_api_version=1.0.0' |
    openssl dgst -sha1 -hmac 'Bzw2YO0HBXFMpcd9CN8tzeNrmf0=' -binary | openssl base64
    """
    credentials = {"access_key": "4f196fb61c1f46ffbf71691ffad35dbb", "secret_key": "Bzw2YO0HBXFMpcd9CN8tzeNrmf0="}
    signing = make_signing("csb", {}, credentials)
    assert {
        "_api_name": "3505",
        "_api_version": "1.0.0",
        "_api_timestamp": "1507884348630",
        "_api_access_key": "4f196fb61c1f46ffbf71691ffad35dbb",
        "_api_signature": "2+/R5ngZP9vY9RIwhUKnPfhBnJs=",
    } == signing.headers("3505", MOMENT)
    assert ENVELOPE == signing.seal(ENVELOPE)


def test_tif_when_a_call_is_signed_then_its_headers_equal_the_worked_out_ones() -> None:
    """TIF: hexadecimal SHA-256 of time + token + nonce + time, the time in seconds.

    printf '%s' '1507884348sampletoken0123456789abcdef1507884348' | openssl dgst -sha256
    """
    signing = make_signing("tif", {}, {"paas_id": "site1", "paas_token": "sampletoken"})
    assert {
        "x-tif-paasid": "site1",
        "x-tif-timestamp": "1507884348",
        "x-tif-nonce": "0123456789abcdef",
        "x-tif-signature": "922e32d7ab5fcec1f365400a23801083f0d6d66394f5c73c16647e9ae35b73bf",
    } == signing.headers("3505", MOMENT)


def test_csb_when_a_province_names_headers_otherwise_then_they_are_signed_by_these_names() -> None:
    """Header names are data."""
    options = {"key_header": "X-Key", "api_name": "fsi-{infno}", "api_version": "2.0"}
    headers = make_signing("csb", options, {"access_key": "a", "secret_key": "b"}).headers("3502", MOMENT)
    assert ("a", "fsi-3502", "2.0") == (headers["X-Key"], headers["_api_name"], headers["_api_version"])


def test_sm2_when_the_standards_example_is_computed_then_the_library_gives_its_numbers() -> None:
    """GM/T 0003.5-2012 annex A: message, key, random number, r and s. The library is judged before it is used."""
    k = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
    library: Any = import_module("gmalg")
    signer = library.SM2(bytes.fromhex(SM2_KEY), b"1234567812345678", rnd_fn=lambda _: k)
    r, s = signer.sign(b"message digest")
    assert "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3" == r.hex().upper()
    assert "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA" == s.hex().upper()


def test_sm2_when_an_envelope_is_sealed_then_openssl_verifies_it_without_cainfo_and_input(public: Path) -> None:
    """The pairs but `cainfo` and `input`, sorted, joined by &; empty values too; r and s as 128 capital digits."""
    sealed = make_signing("sm2", {}, {"sm2_private_key": SM2_KEY}).seal(ENVELOPE)
    signed = "fixmedins_name=示例药店&infno=3505&msgid=H14000000001202611221200000001&sign_no="
    cainfo = str(sealed["cainfo"])
    assert (128, cainfo.upper()) == (len(cainfo), cainfo)
    der = _der(bytes.fromhex(cainfo))
    assert _openssl_verifies(public, signed.encode(), der)
    assert not _openssl_verifies(public, signed.replace("3505", "3506").encode(), der)
    assert {**sealed, "cainfo": ""} == ENVELOPE


def test_sm2_when_a_province_wants_der_in_base64_without_empty_fields_then_openssl_verifies_it(public: Path) -> None:
    """The form of the signature, the signer's id and the treatment of empty fields are data."""
    options = {"form": "der", "text": "base64", "skip_empty": True, "user_id": "ALICE123@YAHOO.COM", "into": "signData"}
    options["left_out"] = ["cainfo", "input", "signData"]
    sealed = make_signing("sm2", options, {"sm2_private_key": SM2_KEY}).seal(ENVELOPE)
    der = base64.b64decode(str(sealed["signData"]))
    decode_dss_signature(der)
    signed = "fixmedins_name=示例药店&infno=3505&msgid=H14000000001202611221200000001"
    assert _openssl_verifies(public, signed.encode(), der, "ALICE123@YAHOO.COM")


@pytest.mark.parametrize(
    ("kind", "options", "credentials", "said"),
    [
        ("csb", {}, {"access_key": "a"}, "secret_key is missing"),
        ("sm2", {}, {"sm2_private_key": "12"}, "is no key"),
        ("sm2", {}, {"sm2_private_key": "0" * 64}, "is no key"),
        ("sm2", {}, {"sm2_private_key": "F" * 64}, "is no key"),
        ("tif", {"colour": "red"}, {}, "colour"),
        ("magic", {}, {}, "there is no kind 'magic'"),
    ],
)
def test_signing_when_something_is_wrong_then_the_sentence_says_what_and_no_secret(
    kind: str, options: dict[str, object], credentials: dict[str, str], said: str
) -> None:
    """A signature that can't be made is a mistake of the configuration; secrets are never quoted."""
    with pytest.raises(ConfigError, match=said) as caught:
        make_signing(kind, options, credentials)
    assert "F" * 64 not in str(caught.value)
