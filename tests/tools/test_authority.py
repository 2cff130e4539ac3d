"""The authority: what it signs, what it refuses, and how it keeps its secrets."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store

from yaoma_link.authority import (
    Authority,
    AuthorityError,
    issue,
    issue_from_request,
    load_authority,
    make_authority,
    make_request,
    revoke,
)
from yaoma_link.keyfile import FileExistsAlreadyError
from yaoma_link.register import Register


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Make an authority."""
    return make_authority(tmp_path / "ca", "test authority")


def _load(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem)


def _name(certificate: x509.Certificate) -> str | bytes:
    return certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value


def test_authority_when_made_then_its_key_is_for_its_owner_only(authority: Authority) -> None:
    """The private key has mode 0600, its folder 0700, and what is public can be read by all."""
    assert stat.S_IMODE((authority.folder / "authority.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(authority.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(authority.certificate_file.stat().st_mode) == 0o644
    assert not list(authority.folder.glob(".*")), "no half-written file stays behind"


def test_authority_when_there_is_one_then_it_is_not_overwritten(authority: Authority) -> None:
    """A second authority in the same folder would orphan every box; it is refused and nothing changes."""
    before = {file.name: file.read_bytes() for file in authority.folder.iterdir() if file.is_file()}

    with pytest.raises(FileExistsAlreadyError) as caught:
        make_authority(authority.folder, "again")

    assert caught.value.file.parent == authority.folder
    assert {file.name: file.read_bytes() for file in authority.folder.iterdir() if file.is_file()} == before


def test_authority_when_loaded_then_it_signs_as_before(authority: Authority) -> None:
    """What was written can be read back and used."""
    again = load_authority(authority.folder)

    certificate = _load(issue(again, "S1/b1", client=True).certificate)

    certificate.verify_directly_issued_by(authority.certificate)


@pytest.mark.parametrize("damage", ["missing", "garbage"])
def test_authority_when_it_cannot_be_read_then_it_says_what_to_do(authority: Authority, damage: str) -> None:
    """A missing or damaged authority has a hint, and no bytes of the key in the error."""
    file = authority.folder / "authority.key"
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(b"SECRET garbage")

    with pytest.raises(AuthorityError) as caught:
        load_authority(authority.folder)

    assert caught.value.hint
    assert "SECRET" not in str(caught.value)


def test_server_when_issued_then_it_verifies_for_its_names_alone(authority: Authority) -> None:
    """A strict verifier (RFC 5280) takes the chain for the names and addresses given, and for no other."""
    issued = _load(issue(authority, "b", server_names=["broker.example", "10.3.0.7"], client=False).certificate)
    builder = PolicyBuilder().store(Store([authority.certificate])).time(datetime.now(UTC))

    builder.build_server_verifier(x509.DNSName("broker.example")).verify(issued, [])
    with pytest.raises(x509.verification.VerificationError):
        builder.build_server_verifier(x509.DNSName("other.example")).verify(issued, [])
    with pytest.raises(x509.verification.VerificationError):
        builder.build_client_verifier().verify(issued, [])


def test_client_when_issued_then_it_can_log_in_and_serve_nothing(authority: Authority) -> None:
    """A box's certificate names it, lives two years, and is good for clients only."""
    issued = issue(authority, "S1/b1", client=True)
    certificate = _load(issued.certificate)
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value

    assert _name(certificate) == "S1/b1"
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    life = certificate.not_valid_after_utc - datetime.now(UTC)
    assert timedelta(days=729) < life <= timedelta(days=730)
    assert issued.key is not None
    key = load_pem_private_key(issued.key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.public_key() == certificate.public_key()


def test_certificate_when_its_name_is_too_long_then_it_is_refused(authority: Authority) -> None:
    """64 characters fit a common name, 65 are refused with a hint."""
    issue(authority, "x" * 64, client=True)
    with pytest.raises(AuthorityError) as caught:
        issue(authority, "x" * 65, client=True)
    assert "shorter" in caught.value.hint


@pytest.mark.parametrize("name", ["药店.example", "a b", "", "-x", "https://broker"])
def test_server_when_its_name_is_no_host_then_it_is_refused(authority: Authority, name: str) -> None:
    """A name that no client could dial is refused before anything is signed."""
    with pytest.raises(AuthorityError):
        issue(authority, "broker", server_names=[name], client=False)


def test_request_when_signed_then_the_key_stays_where_it_was_made(authority: Authority) -> None:
    """The authority never sees the key of a box that has made its own."""
    made = make_request("S1/b1")

    issued = issue_from_request(authority, made.certificate, "S1/b1")

    assert issued.key is None
    assert made.key is not None
    key = load_pem_private_key(made.key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert _load(issued.certificate).public_key() == key.public_key()


def test_request_when_it_is_for_another_name_then_it_is_refused(authority: Authority) -> None:
    """The name that the person has typed decides, not the one in the request."""
    made = make_request("S1/b2")

    with pytest.raises(AuthorityError, match="S1/b2"):
        issue_from_request(authority, made.certificate, "S1/b1")


def test_request_when_damaged_then_it_is_refused(authority: Authority) -> None:
    """Garbage and a forged signature are refused."""
    made = make_request("S1/b1").certificate
    body = made.split(b"\n")
    body[-3] = body[-3][:-6] + b"AAAAAA"

    for request in (b"", b"garbage", b"\n".join(body)):
        with pytest.raises(AuthorityError):
            issue_from_request(authority, request, "S1/b1")


def test_files_when_one_exists_then_neither_is_written(authority: Authority, tmp_path: Path) -> None:
    """A certificate without its key, or the other way round, is never left behind."""
    (tmp_path / "c.pem").write_text("old")

    with pytest.raises(FileExistsAlreadyError):
        issue(authority, "S1/b1", client=True).write(tmp_path / "c.pem", tmp_path / "c.key")

    assert (tmp_path / "c.pem").read_text() == "old"
    assert not (tmp_path / "c.key").exists()


def test_secrets_when_shown_then_they_are_not(authority: Authority) -> None:
    """No repr holds a private key."""
    assert "PRIVATE" not in repr(issue(authority, "S1/b1", client=True))
    assert "key=" not in repr(authority)


def test_register_when_certificates_are_issued_then_it_knows_boxes_and_bridges(authority: Authority) -> None:
    """Boxes, bridges and servers are told apart; a revoked name leaves the list, and only that one."""
    register = Register(authority)
    for name in ("S1/b1", "S1/b2", "S1/b1", "bridge"):
        register.enter(issue(authority, name, client=True))
    register.enter(issue(authority, "broker", server_names=["broker"], client=False))
    assert [str(box) for box in register.boxes()] == ["S1/b1", "S1/b2"]
    assert register.bridges() == ["bridge"]

    assert register.revoke("S1/b1") == 2

    assert [str(box) for box in register.boxes()] == ["S1/b2"]
    with pytest.raises(AuthorityError):
        register.revoke("S1/b1")
    assert register.revoke("S1/b2") == 1
    assert len(list(x509.load_pem_x509_crl(authority.revocation_file.read_bytes()))) == 3


def test_revocation_list_when_new_then_it_is_empty_and_valid_as_long_as_the_authority(authority: Authority) -> None:
    """A broker starts with it, and is not stopped by its age."""
    listed = x509.load_pem_x509_crl(authority.revocation_file.read_bytes())

    key = authority.certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert listed.is_signature_valid(key)
    assert listed.next_update_utc == authority.certificate.not_valid_after_utc
    assert len(list(listed)) == 0


def test_revocation_when_the_certificate_is_of_another_authority_then_it_is_refused(
    authority: Authority, tmp_path: Path
) -> None:
    """Serial numbers of another authority don't belong on this list."""
    other = make_authority(tmp_path / "other", "other")

    with pytest.raises(AuthorityError):
        revoke(authority, [_load(issue(other, "S1/b1", client=True).certificate)])
