"""The session over mutual TLS against a real mosquitto: who gets in, who does not, and what is said then."""

import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from fakes.broker import Broker
from fakes.owner import Owner
from yaoma_link.authority import issue, make_authority, revoke
from yaoma_link.endpoint import Endpoint, TlsFiles
from yaoma_link.report import Connected, ConnectFailed, ConnectFault, Disconnected, Published, Received

pytestmark = pytest.mark.broker

Own = Callable[..., Owner]
BOX = "SITE1/box-1"


def _broker_with(folder: Path, server_names: list[str], *, days: int) -> Broker:
    """Make a broker whose certificate is for these names and this long."""
    broker = Broker(folder, tls=True)
    assert broker.authority is not None
    certificate, key = folder / "server.pem", folder / "server.key"
    certificate.unlink()
    key.unlink()
    issue(broker.authority, "broker", server_names=server_names, client=False, days=days).write(certificate, key)
    return broker


def _wait_refused(owner: Owner) -> ConnectFailed:
    """Wait for a try on which the broker's alert has won the race against the reset that follows it."""
    for _ in range(50):
        failed = owner.wait(ConnectFailed)
        if failed.fault == ConnectFault.CERTIFICATE_REFUSED:
            return failed
        assert failed.fault == ConnectFault.CLOSED
        assert "certificate" in failed.hint
    raise AssertionError("the broker's alert was never seen")


def test_connect_when_both_certificates_are_good_then_tls_1_3_is_spoken(tls_broker: Broker, own: Own) -> None:
    """A box with a certificate of the authority gets in, over TLS 1.3, and publishes."""
    owner = own(tls_broker.endpoint(tls_broker.client_files(BOX)), BOX)
    owner.connect()

    stream = owner.session._link._client.socket()
    assert isinstance(stream, ssl.SSLSocket)
    assert stream.version() == "TLSv1.3"
    owner.session.publish(f"yaoma/v1/{BOX}/records", b"x")
    assert owner.wait(Published).no_matching_subscribers


def test_publish_when_large_then_it_passes_through_tls_whole(tls_broker: Broker, own: Own) -> None:
    """A payload of many TLS records arrives byte for byte, both ways."""
    bridge = own(
        tls_broker.endpoint(tls_broker.client_files("bridge")), "bridge", subscriptions=["yaoma/v1/+/+/records"]
    )
    bridge.connect()
    owner = own(tls_broker.endpoint(tls_broker.client_files(BOX)), BOX)
    owner.connect()
    payload = bytes(range(256)) * 2000

    owner.session.publish(f"yaoma/v1/{BOX}/records", payload)

    assert bridge.wait(Received).payload == payload


def test_connect_when_the_broker_is_of_another_authority_then_it_is_not_trusted(
    tls_broker: Broker, own: Own, tmp_path: Path
) -> None:
    """Only the pinned CA is believed; the report says what to check."""
    other = make_authority(tmp_path / "other", "somebody else")
    files = replace(tls_broker.client_files(BOX), authority=other.certificate_file)
    owner = own(tls_broker.endpoint(files), BOX)
    owner.start()

    failed = owner.wait(ConnectFailed)

    assert failed.fault == ConnectFault.BROKER_UNTRUSTED
    assert "authority" in failed.hint


def test_connect_when_the_broker_has_another_name_then_it_is_not_trusted(
    mosquitto: str, tmp_path: Path, own: Own
) -> None:
    """A good certificate for another host is refused: the name is checked."""
    with _broker_with(tmp_path, ["elsewhere.example"], days=1) as broker:
        owner = own(broker.endpoint(broker.client_files(BOX)), BOX)
        owner.start()

        assert owner.wait(ConnectFailed).fault == ConnectFault.BROKER_OTHER_NAME
        owner.session.stop()


def test_connect_when_our_certificate_is_of_another_authority_then_the_refusal_is_explained(
    tls_broker: Broker, own: Own, tmp_path: Path
) -> None:
    """The broker's alert comes after our side of the handshake; it is still reported as our certificate's fault."""
    other = make_authority(tmp_path / "other", "somebody else")
    certificate, key = tmp_path / "c.pem", tmp_path / "c.key"
    issue(other, BOX, client=True).write(certificate, key)
    assert tls_broker.authority is not None
    owner = own(tls_broker.endpoint(TlsFiles(tls_broker.authority.certificate_file, certificate, key)), BOX)
    owner.start()

    assert "issue a new one" in _wait_refused(owner).hint


def test_connect_when_our_certificate_is_revoked_then_the_broker_refuses_it(tls_broker: Broker, own: Own) -> None:
    """A certificate on the revocation list is out as soon as the broker has read the list again."""
    files = tls_broker.client_files(BOX)
    assert tls_broker.authority is not None
    revoke(tls_broker.authority, [x509.load_pem_x509_certificate(files.certificate.read_bytes())])
    tls_broker.restart()
    owner = own(tls_broker.endpoint(files), BOX)
    owner.start()

    assert "issue a new one" in _wait_refused(owner).hint
    other = own(tls_broker.endpoint(tls_broker.client_files("SITE1/box-2")), "SITE1/box-2")
    other.connect()


def test_connect_when_the_certificate_is_for_servers_then_the_broker_refuses_it(tls_broker: Broker, own: Own) -> None:
    """A server's certificate is no way to log in."""
    assert tls_broker.authority is not None
    files = TlsFiles(
        tls_broker.authority.certificate_file, tls_broker.folder / "server.pem", tls_broker.folder / "server.key"
    )
    owner = own(tls_broker.endpoint(files), BOX)
    owner.start()

    assert "issue a new one" in _wait_refused(owner).hint


def test_connect_when_our_certificate_has_expired_then_the_file_is_named(tls_broker: Broker, own: Own) -> None:
    """An expired certificate is found before the broker is bothered, and mended by a new file without a restart."""
    files = tls_broker.client_files(BOX, days=-1)
    owner = own(tls_broker.endpoint(files), BOX)
    owner.start()

    failed = owner.wait(ConnectFailed)
    good = tls_broker.client_files(BOX)
    files.key.write_bytes(good.key.read_bytes())
    files.certificate.write_bytes(good.certificate.read_bytes())

    assert failed.fault == ConnectFault.TLS_FILES
    assert str(files.certificate) in failed.reason
    assert "expired" in failed.reason
    assert "clock" in failed.hint
    owner.wait(Connected)


def test_connect_when_the_brokers_certificate_has_expired_then_it_is_said(
    mosquitto: str, tmp_path: Path, own: Own
) -> None:
    """An expired broker is a fault of its own, with the clock as the other suspect."""
    with _broker_with(tmp_path, ["localhost"], days=-1) as broker:
        owner = own(broker.endpoint(broker.client_files(BOX)), BOX)
        owner.start()

        failed = owner.wait(ConnectFailed)

        assert failed.fault == ConnectFault.BROKER_EXPIRED
        assert "clock" in failed.hint
        owner.session.stop()


def test_connect_when_the_port_is_plain_then_tls_is_not_given_up(broker: Broker, tls_broker: Broker, own: Own) -> None:
    """A box that is set up for TLS never speaks plainly, whatever answers."""
    files = tls_broker.client_files(BOX)
    owner = own(replace(broker.endpoint(), tls=files), BOX)
    owner.start()

    assert owner.wait(ConnectFailed).fault in {ConnectFault.CLOSED, ConnectFault.TLS_OTHER}
    assert "connected from" not in broker.log()


def test_connect_when_plain_on_a_tls_port_then_it_fails_with_a_hint(tls_broker: Broker, own: Own) -> None:
    """A box without TLS does not get into a broker that wants it, and is told to look for the certificate."""
    owner = own(Endpoint("127.0.0.1", tls_broker.port), BOX)
    owner.start()

    failed = owner.wait(ConnectFailed)

    assert failed.fault == ConnectFault.CLOSED
    assert "certificate" in failed.hint


def test_client_id_when_it_names_another_box_then_its_session_is_not_taken(tls_broker: Broker, own: Own) -> None:
    """The client id follows the certificate: a box that claims another's id does not throw it out."""
    victim = own(tls_broker.endpoint(tls_broker.client_files(BOX)), BOX)
    victim.connect()
    attacker = own(tls_broker.endpoint(tls_broker.client_files("SITE2/box-1")), BOX)
    attacker.connect()

    assert victim.drain(Disconnected, quiet_s=1) == []
    assert attacker.session.is_online


def test_outage_when_the_broker_restarts_then_tls_comes_back(tls_broker: Broker, own: Own) -> None:
    """Over TLS too a killed broker is found again."""
    owner = own(tls_broker.endpoint(tls_broker.client_files(BOX)), BOX)
    owner.connect()
    tls_broker.restart()

    owner.wait(Disconnected)

    assert owner.wait(Connected).connection == 2
