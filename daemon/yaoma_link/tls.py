"""TLS: the client side of mutual TLS with one pinned CA, and errors that name the file and the cure."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from yaoma_link.endpoint import TlsFiles
from yaoma_link.identity import IdentityError
from yaoma_link.report import ConnectFault

__all__ = ["client_context", "explain"]

_CLOCK = "If the date of this box is wrong, set its clock first."


def client_context(files: TlsFiles, *, now: datetime | None = None) -> ssl.SSLContext:
    """Make the context for a connection to the broker: TLS 1.3, host name checked, no CA but the given one.

    Args:
        files: The authority, our certificate and its key, in PEM.
        now: The time to judge expiry by, the system's if None.

    Raises:
        IdentityError: If a file is missing, unreadable, no PEM of its kind, expired, or does not fit another.
    """
    now = now or datetime.now(UTC)
    authority = _certificates(files.authority, "the certificate of the authority")[0]
    certificate = _certificates(files.certificate, "our own certificate")[0]
    _read(files.key, "the private key")
    _refuse_expired(files.authority, authority, now, "Fetch the authority's new certificate from the centre.")
    _refuse_expired(files.certificate, certificate, now, "Have the centre issue a new one.")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cafile=files.authority)
    try:
        context.load_cert_chain(files.certificate, files.key, password=_no_passphrase)
    except _PassphraseAskedError:
        raise IdentityError(
            files.key, "is locked with a passphrase", "A box starts without a person: store the key without one."
        ) from None
    except ssl.SSLError as error:
        problem = f"is no private key that fits {files.certificate.name} ({error.reason or 'unreadable'})"
        raise IdentityError(files.key, problem, "Copy certificate and key again, both from one issue.") from None
    return context


def explain(error: ssl.SSLError) -> tuple[ConnectFault, str]:
    """Say what a TLS error means and what to do next.

    Args:
        error: What the handshake, or a read after it, has raised. In TLS 1.3 the broker judges our certificate
            after our side of the handshake is over, so its alert arrives with the first read (RFC 8446, 4.4.2.4).
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERIFY_FAULTS.get(
            error.verify_code,
            (
                ConnectFault.BROKER_UNTRUSTED,
                "The broker's certificate is not from our authority: check host and port, and the authority file.",
            ),
        )
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        # our CONNECT may cross the broker's alert; the reset that follows then swallows it
        return (
            ConnectFault.CLOSED,
            "The broker hung up without a word: its log says why; most often it does not accept our certificate.",
        )
    reason = (error.reason or "").upper()
    if "ALERT" in reason and any(word in reason for word in ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")):
        return (
            ConnectFault.CERTIFICATE_REFUSED,
            f"The broker does not accept our certificate: have the centre issue a new one. {_CLOCK}",
        )
    if "PROTOCOL_VERSION" in reason or "UNSUPPORTED_PROTOCOL" in reason:
        return ConnectFault.TLS_OTHER, "The broker does not speak TLS 1.3: bring it up to date."
    return ConnectFault.TLS_OTHER, "Check that the port is the broker's TLS port, and look into the broker's log."


#: OpenSSL's X509_V_ERR_* numbers (x509_vfy.h), which Python hands on as `verify_code`.
_VERIFY_FAULTS = {
    9: (ConnectFault.BROKER_NOT_YET_VALID, f"The broker's certificate is not valid yet. {_CLOCK}"),
    10: (ConnectFault.BROKER_EXPIRED, f"The broker's certificate has expired: the centre renews it. {_CLOCK}"),
    62: (
        ConnectFault.BROKER_OTHER_NAME,
        "The broker's certificate is for another name: use the name in the certificate as host.",
    ),
    64: (
        ConnectFault.BROKER_OTHER_NAME,
        "The broker's certificate is not for this address: use the name in the certificate as host.",
    ),
}


class _PassphraseAskedError(Exception):
    """OpenSSL wanted a passphrase; without this it would ask on the terminal and wait for ever."""


def _no_passphrase() -> str:
    raise _PassphraseAskedError


def _read(file: Path, what: str) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        problem, hint = f"{what} is missing", "Provision this box, or correct the path in its config."
    except PermissionError:
        problem, hint = f"{what} may not be read by this user", "Give the service's user read access to it."
    except OSError as error:
        problem, hint = f"{what} could not be read ({error.strerror})", "Check the path and the disk."
    raise IdentityError(file, problem, hint)


def _certificates(file: Path, what: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_read(file, what))
    except ValueError:
        raise IdentityError(file, f"{what} is not a PEM certificate", "Copy the file again.") from None


def _refuse_expired(file: Path, certificate: x509.Certificate, now: datetime, hint: str) -> None:
    end = certificate.not_valid_after_utc
    if now > end:
        raise IdentityError(file, f"has expired on {end:%Y-%m-%d}", f"{hint} {_CLOCK}")
