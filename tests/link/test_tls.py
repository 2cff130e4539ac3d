"""TLS files: each way in which one can be unusable names the file and the cure."""

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from yaoma_link.authority import issue, make_authority
from yaoma_link.endpoint import Endpoint, TlsFiles
from yaoma_link.identity import IdentityError
from yaoma_link.report import ConnectFault
from yaoma_link.tls import client_context, explain


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    """Give a good set of files."""
    authority = make_authority(tmp_path / "ca", "test authority")
    issue(authority, "S1/b1", client=True).write(tmp_path / "client.pem", tmp_path / "client.key")
    return TlsFiles(authority.certificate_file, tmp_path / "client.pem", tmp_path / "client.key")


def _problem(files: TlsFiles, now: datetime | None = None) -> IdentityError:
    with pytest.raises(IdentityError) as caught:
        client_context(files, now=now)
    assert str(caught.value.file) in str(caught.value)
    assert caught.value.hint
    return caught.value


def test_context_when_the_files_are_good_then_it_is_strict(files: TlsFiles) -> None:
    """TLS 1.3 at least, the host name checked, and no CA believed but the one given."""
    context = client_context(files)

    assert context.minimum_version == ssl.TLSVersion.TLSv1_3
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert [ca["subject"] for ca in context.get_ca_certs()] == [((("commonName", "test authority"),),)]


@pytest.mark.parametrize("which", ["authority", "certificate", "key"])
def test_context_when_a_file_is_missing_then_it_is_named(files: TlsFiles, which: str) -> None:
    """The missing one of the three is named."""
    file: Path = getattr(files, which)
    file.unlink()

    error = _problem(files)

    assert error.file == file
    assert "missing" in error.problem


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything; run as a user")
def test_context_when_the_key_may_not_be_read_then_it_says_so(files: TlsFiles) -> None:
    """A key of another user is reported as a matter of rights."""
    files.key.chmod(0)

    assert "may not be read" in _problem(files).problem


@pytest.mark.parametrize("which", ["authority", "certificate", "key"])
def test_context_when_a_file_is_a_folder_then_it_is_named(files: TlsFiles, which: str) -> None:
    """Any other I/O error names the file too."""
    file: Path = getattr(files, which)
    file.unlink()
    file.mkdir()

    assert _problem(files).file == file


@pytest.mark.parametrize("which", ["authority", "certificate", "key"])
@pytest.mark.parametrize("content", [b"", b"no pem", b"\x00\xff" * 50])
def test_context_when_a_file_is_garbage_then_it_is_named(files: TlsFiles, which: str, content: bytes) -> None:
    """A file that is no PEM is named."""
    file: Path = getattr(files, which)
    file.write_bytes(content)

    assert _problem(files).file == file


def test_context_when_the_key_is_of_another_certificate_then_it_is_named(files: TlsFiles, tmp_path: Path) -> None:
    """A key that does not fit is found before the broker is asked."""
    authority = make_authority(tmp_path / "other", "other")
    other = issue(authority, "S1/b2", client=True)
    assert other.key is not None
    files.key.write_bytes(other.key)

    error = _problem(files)

    assert error.file == files.key
    assert "fits" in error.problem


def test_context_when_the_key_has_a_passphrase_then_nobody_is_asked(files: TlsFiles) -> None:
    """A locked key is an error at once, not a question on a terminal that nobody sits at."""
    key = load_pem_private_key(files.key.read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    files.key.write_bytes(locked)

    assert "passphrase" in _problem(files).problem


@pytest.mark.parametrize(("years", "which"), [(3, "certificate"), (20, "authority")])
def test_context_when_a_certificate_has_expired_then_the_file_is_named(files: TlsFiles, years: int, which: str) -> None:
    """The expired one is named with its date, and the clock as the other suspect."""
    error = _problem(files, datetime.now(UTC) + timedelta(days=365 * years))

    assert error.file == getattr(files, which)
    assert "expired on 20" in error.problem
    assert "clock" in error.hint


def test_context_when_the_clock_is_far_behind_then_our_files_are_no_obstacle(files: TlsFiles) -> None:
    """A box that has started in 1970 still tries: the broker's certificate tells it what is wrong."""
    assert client_context(files, now=datetime(1970, 1, 1, tzinfo=UTC)).check_hostname


@pytest.mark.parametrize(
    ("reason", "fault"),
    [
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", ConnectFault.CERTIFICATE_REFUSED),
        ("SSLV3_ALERT_CERTIFICATE_EXPIRED", ConnectFault.CERTIFICATE_REFUSED),
        ("TLSV1_ALERT_UNKNOWN_CA", ConnectFault.CERTIFICATE_REFUSED),
        ("TLSV1_ALERT_PROTOCOL_VERSION", ConnectFault.TLS_OTHER),
        ("WRONG_VERSION_NUMBER", ConnectFault.TLS_OTHER),
        (None, ConnectFault.TLS_OTHER),
    ],
)
def test_explanation_when_there_is_an_alert_then_it_says_what_to_do(reason: str | None, fault: ConnectFault) -> None:
    """Each kind of TLS error has a fault and a hint."""
    error = ssl.SSLError()
    error.reason = reason  # type: ignore[assignment]  # None for errors that OpenSSL gives no reason

    found, hint = explain(error)

    assert found == fault
    assert hint


def test_explanation_when_the_broker_just_hangs_up_then_the_certificate_is_suspected() -> None:
    """A line that ends inside TLS without an alert is a closed one, with our certificate as the first suspect."""
    fault, hint = explain(ssl.SSLEOFError())

    assert fault == ConnectFault.CLOSED
    assert "certificate" in hint


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (9, ConnectFault.BROKER_NOT_YET_VALID),
        (10, ConnectFault.BROKER_EXPIRED),
        (62, ConnectFault.BROKER_OTHER_NAME),
        (20, ConnectFault.BROKER_UNTRUSTED),
    ],
)
def test_explanation_when_the_broker_is_not_verified_then_the_reason_is_kept_apart(
    code: int, fault: ConnectFault
) -> None:
    """An expired broker, another name and another authority are three things to do."""
    error = ssl.SSLCertVerificationError()
    error.verify_code = code

    assert explain(error)[0] == fault


@pytest.mark.parametrize(
    "bad",
    [
        {"host": ""},
        {"host": "mqtts://broker"},
        {"host": "a b"},
        {"port": 0},
        {"port": 65536},
        {"keep_alive_s": 0},
        {"connack_timeout_s": 0.0},
    ],
)
def test_endpoint_when_a_value_cannot_work_then_its_name_is_said(bad: dict[str, object]) -> None:
    """A wrong value is refused where it is written down, by name."""
    with pytest.raises(ValueError, match=next(iter(bad))):
        Endpoint(**{"host": "broker", "port": 8883, **bad})  # type: ignore[arg-type]  # wrong on purpose
