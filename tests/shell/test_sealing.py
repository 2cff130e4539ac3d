"""Sealing: both holders open it, nobody else does, and nothing of the number is left."""

import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from yaoma.core.sealed import SealedError, SealKey, SealKeyError, normalised_identity, open_sealed, person_context
from yaoma.shell.sealing import Sealer, load_seal_keys
from yaoma_link.identity import make_sealing_key

NUMBER = b"11010519491231002X"
CONTEXT = person_context("H32132200561", "counter-1", "log-1")
BRIDGE, RECOVERY, STRANGER = (X25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2, 3))
KEYS = (SealKey.of("bridge", BRIDGE), SealKey.of("recovery", RECOVERY))
SALT = b"0123456789abcdef"


def test_seal_when_opened_by_either_key_then_the_number_comes_back() -> None:
    """The bridge and the offline recovery key each open it alone."""
    sealed = Sealer(KEYS, SALT).seal(NUMBER, CONTEXT)

    assert open_sealed(sealed.blob, BRIDGE, CONTEXT) == NUMBER
    assert open_sealed(sealed.blob, RECOVERY, CONTEXT) == NUMBER


def test_seal_when_looked_at_then_nothing_shows_the_number() -> None:
    """Neither blob, fields nor repr hold the number or a piece of it; hashes and key ids fit."""
    sealed = Sealer(KEYS, SALT).seal(NUMBER, CONTEXT)
    lying_open = sealed.blob + json.dumps(sealed.fields).encode() + repr(sealed).encode()

    assert NUMBER not in lying_open
    assert NUMBER[6:14] not in lying_open
    assert repr(sealed.blob) not in repr(sealed)
    assert sealed.fields["sealed"] == hashlib.sha256(sealed.blob).hexdigest()
    assert sealed.fields["keys"] == [key.id for key in KEYS]
    assert KEYS[0].id == hashlib.sha256(KEYS[0].public).hexdigest()[:16]


def test_seal_when_done_twice_then_hashes_are_equal_and_blobs_are_not() -> None:
    """Two scans of one person can be joined by the hash; the ciphertext tells nothing, another salt neither."""
    sealer = Sealer(KEYS, SALT)
    first, second = sealer.seal(NUMBER, CONTEXT), sealer.seal(b" ]Q1" + NUMBER.lower() + b"\r\n", CONTEXT)

    assert first.fields["hash"] == second.fields["hash"]
    assert first.blob != second.blob
    assert Sealer(KEYS, SALT[::-1]).seal(NUMBER, CONTEXT).fields["hash"] != first.fields["hash"]


def test_open_when_key_or_context_are_others_then_it_is_refused() -> None:
    """A stranger's key, another site, box or log open nothing, and the refusal quotes nothing."""
    blob = Sealer(KEYS, SALT).seal(NUMBER, CONTEXT).blob

    others = [
        person_context("H32132200562", "counter-1", "log-1"),
        person_context("H32132200561", "counter-2", "log-1"),
        person_context("H32132200561", "counter-1", "log-2"),
    ]
    for key, context in ((STRANGER, CONTEXT), *((BRIDGE, other) for other in others)):
        with pytest.raises(SealedError) as caught:
            open_sealed(blob, key, context)
        assert caught.value.__cause__ is None
        assert NUMBER.decode() not in str(caught.value)


@given(st.data())
def test_open_when_any_byte_is_altered_then_it_is_refused(data: st.DataObject) -> None:
    """Altered bytes are refused or were the other holder's part; they never give another number."""
    blob = bytearray(Sealer(KEYS, SALT).seal(NUMBER, CONTEXT).blob)
    place = data.draw(st.integers(0, len(blob) - 1))
    blob[place] ^= data.draw(st.integers(1, 255))

    for key in (BRIDGE, RECOVERY):
        try:
            assert open_sealed(bytes(blob), key, CONTEXT) == NUMBER
        except SealedError:
            break
    else:
        pytest.fail("both holders opened an altered blob")


@given(st.binary(max_size=200))
def test_open_when_given_any_bytes_then_only_the_one_error_comes(blob: bytes) -> None:
    """Garbage is refused as garbage."""
    with pytest.raises(SealedError):
        open_sealed(blob, BRIDGE, CONTEXT)


def test_open_when_the_envelope_has_odd_types_then_it_is_refused() -> None:
    """Canonical JSON with the right type but wrong insides is refused too."""
    suite = '"suite":"x25519-hkdfsha256-chacha20poly1305"'
    for inside in ("1", "[1]", '[{"hpke":1,"key":"%s"}]' % KEYS[0].id, '[{"hpke":"?","key":"%s"}]' % KEYS[0].id):  # noqa: UP031 - braces are data here
        with pytest.raises(SealedError):
            open_sealed(f'{{{suite},"to":{inside},"type":"yaoma/person/v1"}}'.encode(), BRIDGE, CONTEXT)


@pytest.mark.parametrize("raw", [NUMBER, NUMBER.lower(), b" \t" + NUMBER + b"\r", b"]C0" + NUMBER, b"]Q1 " + NUMBER])
def test_identity_when_scanned_in_another_way_then_it_is_the_same_person(raw: bytes) -> None:
    """Blanks, AIM identifier and a small x do not make another person."""
    assert normalised_identity(raw) == NUMBER


def test_keys_when_made_by_the_tools_then_the_box_reads_them(tmp_path: Path) -> None:
    """What `yaoma-tools` prints is a line of the key file; what it seals to opens with the tools' key."""
    made = make_sealing_key(tmp_path / "recovery.key", "recovery")
    file = tmp_path / "seal.keys"
    file.write_text(f"# 县医共体\n\n{KEYS[0]}\n{made.public}\n")

    keys = load_seal_keys(file)

    assert keys == (KEYS[0], made.public)
    assert open_sealed(Sealer(keys, SALT).seal(NUMBER, CONTEXT).blob, made.key, CONTEXT) == NUMBER


@pytest.mark.parametrize(
    "line",
    [
        "bridge",
        f"bridge+{KEYS[1].id}+x25519:{str(KEYS[0]).rpartition(':')[2]}",
        str(KEYS[0]).replace("x25519:", ""),
        str(KEYS[0])[:-8],
        str(KEYS[0]).replace("bridge", "b ridge"),
        f"bridge++{str(KEYS[0]).rpartition('+')[2]}",
        "\x00\xff",
    ],
)
def test_keys_when_a_line_is_malformed_then_its_number_is_named(tmp_path: Path, line: str) -> None:
    """A key that was copied wrongly is found at the start; nothing is sealed to half a key."""
    file = tmp_path / "seal.keys"
    file.write_text(f"{KEYS[1]}\n{line}\n")

    with pytest.raises(SealKeyError, match="line 2"):
        load_seal_keys(file)


def test_keys_when_the_file_is_huge_then_it_is_refused(tmp_path: Path) -> None:
    """A wrong path does not fill the memory."""
    file = tmp_path / "seal.keys"
    file.write_bytes(b"#" * 70_000)

    with pytest.raises(SealKeyError):
        load_seal_keys(file)


@pytest.mark.parametrize(("keys", "salt"), [((), SALT), ((KEYS[0], KEYS[0]), SALT), (KEYS, b"short")])
def test_sealer_when_keys_or_salt_are_weak_then_it_is_not_made(keys: tuple[SealKey, ...], salt: bytes) -> None:
    """No sealing to nobody, and no hash that anybody could try out."""
    with pytest.raises(ValueError, match="must"):
        Sealer(keys, salt)


def test_sealer_when_printed_then_the_salt_is_not_shown() -> None:
    """A repr in a log line must not give the salt away."""
    assert SALT.decode() not in repr(Sealer(KEYS, SALT))
