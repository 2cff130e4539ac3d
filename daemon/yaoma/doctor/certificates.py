"""Certificates: fit for each other, for this box, and for some time to come."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID

from yaoma.config.model import Config
from yaoma.doctor.finding import Finding, Group, ok, trouble, warning
from yaoma.doctor.host import Account
from yaoma.doctor.key_files import check_secret
from yaoma_link.endpoint import TlsFiles
from yaoma_link.identity import IdentityError
from yaoma_link.tls import client_context

__all__ = ["check_certificates"]

_KEYS: Final = Group.KEYS

#: A technician comes by every few weeks; this leaves time for two visits.
_WARN_DAYS: Final = 60


def check_certificates(config: Config, service: Account, now: datetime | None = None) -> list[Finding]:
    """Look at the three files of mutual TLS.

    Args:
        config: Names them, and the box whose name the certificate must bear.
        service: The user that the daemon runs as.
        now: The time to judge expiry by, the system's if None.
    """
    broker = config.broker
    if broker.plain:
        return [warning(_KEYS, "doctor.tls_off", host=broker.host)]
    now = now or datetime.now(UTC)
    files = TlsFiles(broker.authority, broker.certificate, broker.key)
    findings = check_secret(files.key, service)
    try:
        # An expired one is named below, with the days; here the files are read and fitted together.
        client_context(files, now=datetime.min.replace(tzinfo=UTC))
    except IdentityError as error:
        return [*findings, trouble(_KEYS, "doctor.tls_file_wrong", error.problem, file=str(error.file))]
    authorities = x509.load_pem_x509_certificates(files.authority.read_bytes())
    certificate = x509.load_pem_x509_certificates(files.certificate.read_bytes())[0]
    findings += _validity("doctor.authority", str(files.authority), authorities[0], now)
    findings += _validity("doctor.certificate", str(files.certificate), certificate, now)
    findings += _name(f"{config.site}/{config.box}", str(files.certificate), certificate)
    if not any(_has_issued(authority, certificate) for authority in authorities):
        findings.append(
            trouble(
                _KEYS, "doctor.certificate_other_authority", file=str(files.certificate), authority=str(files.authority)
            )
        )
    days = (certificate.not_valid_after_utc - now).days
    return findings or [
        ok(
            _KEYS,
            "doctor.certificates_sound",
            days=days,
            until=_day(certificate),
            authority_days=(authorities[0].not_valid_after_utc - now).days,
        )
    ]


def _validity(what: str, file: str, certificate: x509.Certificate, now: datetime) -> Sequence[Finding]:
    days = (certificate.not_valid_after_utc - now).days
    if now > certificate.not_valid_after_utc:
        return [trouble(_KEYS, f"{what}_expired", file=file, until=_day(certificate))]
    if now < certificate.not_valid_before_utc:
        return [trouble(_KEYS, f"{what}_not_yet", file=file, since=f"{certificate.not_valid_before_utc:%Y-%m-%d}")]
    if days < _WARN_DAYS:
        return [warning(_KEYS, f"{what}_expires", file=file, until=_day(certificate), days=days)]
    return []


def _name(wanted: str, file: str, certificate: x509.Certificate) -> Sequence[Finding]:
    """Compare the common name: the broker takes it for the user, and the access list is built on it."""
    names = [str(one.value) for one in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if wanted in names:
        return []
    return [trouble(_KEYS, "doctor.certificate_other_name", file=file, wanted=wanted, found=", ".join(names) or "-")]


def _has_issued(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _day(certificate: x509.Certificate) -> str:
    return f"{certificate.not_valid_after_utc:%Y-%m-%d}"
