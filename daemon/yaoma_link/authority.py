"""Authority: a small CA for one county's broker, boxes and bridge workers."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from yaoma_link.keyfile import refuse_existing, write_public, write_secret

__all__ = [
    "Authority",
    "AuthorityError",
    "Issued",
    "issue",
    "issue_from_request",
    "load_authority",
    "make_authority",
    "make_request",
    "revoke",
]

#: DESIGN.md 10: client certificates live two years.
CLIENT_DAYS = 730
AUTHORITY_DAYS = 3650

_CERTIFICATE = "authority.pem"
_KEY = "authority.key"
_REVOKED = "revoked.pem"
_MAX_COMMON_NAME = 64
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)
#: A box without a battery clock may be a little behind when it first connects.
_BACKDATED = timedelta(hours=1)


class AuthorityError(Exception):
    """The authority can't do what was asked.

    Args:
        problem: What is wrong.
        hint: What to do next.
    """

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(f"{problem}. {hint}")
        self.problem = problem
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA that can sign.

    P-256 rather than Ed25519: the certificates must pass through brokers, load balancers and cloud consoles that we
    do not choose, and some of them refuse Ed25519 certificates; TLS 1.3 obliges everybody to take P-256 (RFC 8446,
    9.1). Signatures of our own, which only we read, are Ed25519.

    Args:
        folder: Where its files are.
        certificate: Its own certificate.
        key: Its private key, kept out of the repr.
    """

    folder: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def __repr__(self) -> str:
        return f"Authority({self.certificate.subject.rfc4514_string()})"

    @property
    def certificate_file(self) -> Path:
        """The file that boxes and brokers are given."""
        return self.folder / _CERTIFICATE

    @property
    def revocation_file(self) -> Path:
        """The list of revoked certificates that the broker is given."""
        return self.folder / _REVOKED


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and, unless its owner has made it, its private key; both PEM."""

    certificate: bytes
    key: bytes | None

    def __repr__(self) -> str:
        return f"Issued({'with' if self.key else 'without'} key)"

    def write(self, certificate_file: Path, key_file: Path) -> None:
        """Write the files, the key first and with mode 0600.

        Raises:
            FileExistsAlreadyError: If one exists; then neither is written.
        """
        refuse_existing(certificate_file, *([key_file] if self.key else []))
        if self.key is not None:
            write_secret(key_file, self.key)
        write_public(certificate_file, self.certificate)


def make_authority(folder: Path, common_name: str, days: int = AUTHORITY_DAYS) -> Authority:
    """Make a CA and write it.

    Args:
        folder: Where to; holds `authority.pem`, `authority.key` and `revoked.pem` afterwards.
        common_name: What it is called in its own certificate.
        days: How long it is valid.

    Raises:
        AuthorityError: If the name does not fit a certificate.
        FileExistsAlreadyError: If there is a CA in the folder.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(common_name)
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_secret(folder / _KEY, _pem(key))
    write_public(folder / _CERTIFICATE, certificate.public_bytes(Encoding.PEM))
    authority = Authority(folder, certificate, key)
    revoke(authority, ())
    return authority


def load_authority(folder: Path) -> Authority:
    """Read a CA that `make_authority` has written.

    Raises:
        AuthorityError: If there is none, or it can't be read.
    """
    try:
        certificate = x509.load_pem_x509_certificate((folder / _CERTIFICATE).read_bytes())
        key = load_pem_private_key((folder / _KEY).read_bytes(), password=None)
    except OSError as error:
        raise AuthorityError(
            f"no authority in {folder} ({error.strerror})", f"Make one: yaoma-tools ca new {folder}"
        ) from None
    except (ValueError, TypeError):
        raise AuthorityError(f"the authority in {folder} is damaged", "Restore it from its backup.") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AuthorityError(f"the authority in {folder} has another kind of key", "Restore it from its backup.")
    return Authority(folder, certificate, key)


def issue(
    authority: Authority,
    common_name: str,
    *,
    server_names: Sequence[str] = (),
    client: bool,
    days: int = CLIENT_DAYS,
) -> Issued:
    """Make a key and a certificate for it.

    Args:
        authority: Who signs.
        common_name: `<site>/<box>` for a box, the broker's user name for a bridge worker, the host for a server.
        server_names: Host names and addresses that clients will use; empty for a pure client.
        client: Whether it may be used to log in.
        days: How long it is valid; less than nought makes one that has expired.

    Raises:
        AuthorityError: If the name does not fit a certificate.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _sign(authority, common_name, key.public_key(), server_names=server_names, client=client, days=days)
    return Issued(certificate, _pem(key))


def make_request(common_name: str) -> Issued:
    """Make a key and a request for a certificate, so that the key never leaves its box (DESIGN.md 10).

    Raises:
        AuthorityError: If the name does not fit a certificate.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(_name(common_name)).sign(key, hashes.SHA256())
    return Issued(request.public_bytes(Encoding.PEM), _pem(key))


def issue_from_request(authority: Authority, request: bytes, common_name: str, *, days: int = CLIENT_DAYS) -> Issued:
    """Sign a client certificate for a key that was made elsewhere.

    Args:
        authority: Who signs.
        request: The PEM request.
        common_name: The name that the person at the CA has approved; the request must ask for the same.
        days: How long the certificate is valid.

    Raises:
        AuthorityError: If the request is damaged, is for another name, or its key is of another kind.
    """
    try:
        asked = x509.load_pem_x509_csr(request)
    except ValueError:
        raise AuthorityError("the request is not a PEM certificate request", "Copy the file again.") from None
    key = asked.public_key()
    if not asked.is_signature_valid or not isinstance(key, ec.EllipticCurvePublicKey):
        raise AuthorityError("the request's signature does not fit its key", "Make a new one on the box.")
    if asked.subject != _name(common_name):
        found = asked.subject.rfc4514_string()
        raise AuthorityError(f"the request is for {found}, not for CN={common_name}", "Check site and box name.")
    return Issued(_sign(authority, common_name, key, server_names=(), client=True, days=days), None)


def revoke(authority: Authority, certificates: Sequence[x509.Certificate]) -> None:
    """Add certificates to the authority's revocation list and write it again.

    Args:
        authority: Whose list.
        certificates: Which ones are no longer good; none makes an empty list, which a broker needs to start.

    Raises:
        AuthorityError: If one was not issued by this authority.
    """
    now = datetime.now(UTC)
    # no earlier next update: a broker with an outdated list would turn every box away
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now - _BACKDATED)
        .next_update(authority.certificate.not_valid_after_utc)
    )
    known: set[int] = set()
    if authority.revocation_file.exists():
        for entry in x509.load_pem_x509_crl(authority.revocation_file.read_bytes()):
            known.add(entry.serial_number)
            builder = builder.add_revoked_certificate(entry)
    for certificate in certificates:
        if certificate.issuer != authority.certificate.subject:
            raise AuthorityError("the certificate is from another authority", "Revoke it where it was issued.")
        if certificate.serial_number in known:
            continue
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(certificate.serial_number)
            .revocation_date(now - _BACKDATED)
            .build()
        )
    listed = builder.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.PEM)
    write_public(authority.revocation_file, listed, replace=True)


def _sign(
    authority: Authority,
    common_name: str,
    key: ec.EllipticCurvePublicKey,
    *,
    server_names: Sequence[str],
    client: bool,
    days: int,
) -> bytes:
    now = datetime.now(UTC)
    begin, end = now - _BACKDATED, now + timedelta(days=days)
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH] if server_names else []
    if client:
        purposes.append(ExtendedKeyUsageOID.CLIENT_AUTH)
    identifier = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .issuer_name(authority.certificate.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(begin, end - _BACKDATED))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    if server_names:
        names = x509.SubjectAlternativeName([_alternative(name) for name in server_names])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        if not _HOST.fullmatch(name):
            raise AuthorityError(
                f"{name!r} is neither a host name nor an address", "Give the name that boxes will use, in ASCII."
            ) from None
        return x509.DNSName(name)


def _name(common_name: str) -> x509.Name:
    if not 1 <= len(common_name) <= _MAX_COMMON_NAME or not common_name.isprintable():
        raise AuthorityError(
            f"a certificate's name has 1 to {_MAX_COMMON_NAME} printable characters, found {len(common_name)}",
            "Choose shorter names for site and box.",
        )
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
