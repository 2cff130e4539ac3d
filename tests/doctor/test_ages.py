"""What grows old: certificates, lists, records that wait; and what a broker or another box may answer."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fakes.broker import ScriptedBroker, connack, disconnect, puback, suback
from yaoma import __version__
from yaoma.config.counter_sections import ScannerConfig, StationConfig
from yaoma.config.model import BrokerConfig, Config, KeysConfig, PolicyConfig, StateConfig
from yaoma.config.said import Said
from yaoma.core.policy import InstitutionKind
from yaoma.core.policy_text import TYPE
from yaoma.core.record import ClockState, Stamp
from yaoma.doctor.broker import Visit, check_broker, check_running_uplink, resolves
from yaoma.doctor.certificates import check_certificates
from yaoma.doctor.delivery import Pending, check_delivery, pending_on_disk, true_health
from yaoma.doctor.finding import Finding, Mark
from yaoma.doctor.host import Account
from yaoma.doctor.key_files import check_keys, check_secret
from yaoma.doctor.policy import check_policy
from yaoma.doctor.service import check_service, is_locked
from yaoma.doctor.site_list import check_list
from yaoma.shell.state_lock import StateLock
from yaoma_link.authority import Authority, issue, make_authority
from yaoma_link.endpoint import Endpoint
from yaoma_link.identity import make_signer
from yaoma_link.topics import BoxName
from yaoma_tools.signed_list import ListSource, sign_list

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NOW_MS = 1_795_000_000_000


def marks(findings: list[Finding]) -> dict[str, Mark]:
    """Give what was found with its weight."""
    return {finding.id: finding.mark for finding in findings}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Give an authority that has issued the certificate of S1/b1."""
    made = make_authority(tmp_path / "ca", "throw-away authority", days=1000)
    issue(made, "S1/b1", client=True, days=500).write(tmp_path / "box.pem", tmp_path / "box.key")
    return made


@pytest.fixture
def config(tmp_path: Path, authority: Authority) -> Config:
    """Give a configuration whose certificates fit."""
    return Config(
        site="S1",
        box="b1",
        keys=KeysConfig(signing=tmp_path / "signing.key", bridge=tmp_path / "bridge.vkey", list=tmp_path / "list.vkey"),
        broker=BrokerConfig(
            host="localhost",
            authority=authority.certificate_file,
            certificate=tmp_path / "box.pem",
            key=tmp_path / "box.key",
        ),
        station=(StationConfig(name="counter", scanners=("gun",)),),
        scanner=(ScannerConfig(name="gun", driver="replay"),),
    )


@pytest.mark.parametrize(
    ("days", "found"),
    [
        (0, {"doctor.certificates_sound": Mark.OK}),
        (450, {"doctor.certificate_expires": Mark.WARNING}),
        (501, {"doctor.certificate_expired": Mark.TROUBLE}),
        (960, {"doctor.certificate_expired": Mark.TROUBLE, "doctor.authority_expires": Mark.WARNING}),
        (1001, {"doctor.certificate_expired": Mark.TROUBLE, "doctor.authority_expired": Mark.TROUBLE}),
        (-2, {"doctor.certificate_not_yet": Mark.TROUBLE, "doctor.authority_not_yet": Mark.TROUBLE}),
    ],
)
def test_certificates_when_time_passes_then_they_warn_in_time_and_say_which(
    config: Config, me: Account, days: int, found: dict[str, Mark]
) -> None:
    """Two months before the end there is a warning, after it trouble; before the beginning too, by a wrong clock."""
    assert marks(check_certificates(config, me, datetime.now(UTC) + timedelta(days=days))) == found


def test_certificates_when_of_another_authority_then_it_is_named_before_the_broker_refuses(
    config: Config, me: Account, tmp_path: Path
) -> None:
    """A certificate and an authority of two different centres each look right alone."""
    other = make_authority(tmp_path / "other", "another centre")
    mixed = config.model_copy(update={"broker": config.broker.model_copy(update={"authority": other.certificate_file})})

    assert marks(check_certificates(mixed, me)) == {"doctor.certificate_other_authority": Mark.TROUBLE}


def test_certificates_when_tls_is_off_then_it_is_a_warning(config: Config, me: Account) -> None:
    """It can be meant, on a trusted line; it is never passed over."""
    plain = config.model_copy(update={"broker": config.broker.model_copy(update={"plain": True})})

    assert marks(check_certificates(plain, me)) == {"doctor.tls_off": Mark.WARNING}


@pytest.mark.parametrize(
    ("mode", "found"),
    [
        (0o600, {}),
        (0o400, {}),
        (0o640, {"doctor.key_open_to_group": Mark.WARNING}),
        (0o604, {"doctor.key_open": Mark.TROUBLE}),
        (0o000, {"doctor.key_not_readable": Mark.TROUBLE}),
    ],
)
def test_secret_when_its_mode_is_wrong_then_it_says_for_whom(tmp_path: Path, mode: int, found: dict[str, Mark]) -> None:
    """The mode is judged for the service's user, whoever runs the doctor."""
    file = tmp_path / "key"
    file.touch()
    file.chmod(mode)
    service = Account("yaoma", file.stat().st_uid or 54321, frozenset())
    if service.uid == 54321:
        os.chown(file, 54321, 54321)

    assert marks(check_secret(file, service)) == found


def test_keys_when_a_public_file_holds_something_else_then_it_is_named(
    config: Config, me: Account, tmp_path: Path
) -> None:
    """A private key pasted where a public one belongs is named by its file and never quoted."""
    make_signer(tmp_path / "signing.key", "yaoma/v1/S1/b1")
    (tmp_path / "list.vkey").write_text(f"{make_signer(tmp_path / 'list.pem', 'yaoma-list').verifier()}\n")
    (tmp_path / "bridge.vkey").write_text((tmp_path / "signing.key").read_text())

    findings = check_keys(config, me)

    assert [(one.id, one.facts["file"]) for one in findings] == [("doctor.key_wrong", str(tmp_path / "bridge.vkey"))]
    secret = (tmp_path / "signing.key").read_text().splitlines()[1]
    assert secret not in str(findings)


@pytest.mark.parametrize(
    ("pending", "found"),
    [
        (Pending(size=5, stored_upto=5), {"doctor.delivered": Mark.OK}),
        (Pending(size=5, stored_upto=4, oldest_ms=NOW_MS - HOUR_MS // 2), {"doctor.delivered": Mark.OK}),
        (Pending(size=5, stored_upto=4, oldest_ms=NOW_MS - 2 * HOUR_MS), {"doctor.undelivered": Mark.WARNING}),
        (Pending(size=5, stored_upto=4, oldest_ms=NOW_MS - 2 * DAY_MS), {"doctor.undelivered_long": Mark.TROUBLE}),
        (Pending(size=5, stored_upto=4, oldest_ms=NOW_MS + DAY_MS), {"doctor.delivered": Mark.OK}),
        (Pending(is_taken_over=True), {"uplink.taken_over": Mark.TROUBLE}),
        (Pending(is_forked=True), {"uplink.forked": Mark.TROUBLE}),
        (Pending(refused_receipts=2), {"doctor.receipts_refused": Mark.TROUBLE}),
        (Pending(tasks=3), {"doctor.tasks_open": Mark.WARNING}),
    ],
)
def test_delivery_when_something_waits_then_its_age_decides(pending: Pending, found: dict[str, Mark]) -> None:
    """An hour is a bad line, a day is a fault; a clock that went back makes nobody old."""
    assert marks(check_delivery(pending, NOW_MS)) == found


def test_delivery_when_there_are_no_files_then_nothing_waits(tmp_path: Path) -> None:
    """Before the first start there is nothing to deliver."""
    assert pending_on_disk(tmp_path) == Pending()


@pytest.mark.parametrize(
    ("left_ms", "policy", "found"),
    [
        (9 * DAY_MS, PolicyConfig(), {"doctor.list_sound": Mark.OK}),
        (2 * DAY_MS, PolicyConfig(), {"doctor.list_expires": Mark.WARNING}),
        (-DAY_MS, PolicyConfig(), {"doctor.list_expired": Mark.TROUBLE}),
        (-DAY_MS, PolicyConfig(pass_with_stale_list=True), {"doctor.list_expired": Mark.WARNING}),
    ],
)
def test_list_when_it_ends_then_the_policy_decides_how_bad_that_is(
    tmp_path: Path, left_ms: int, policy: PolicyConfig, found: dict[str, Mark]
) -> None:
    """It is trouble where every scan becomes a REVIEW."""
    signer = make_signer(tmp_path / "list.pem", "yaoma-list")
    source = ListSource(site="S1", version=7, issued_ms=NOW_MS - 30 * DAY_MS, expires_ms=NOW_MS + left_ms)
    sign_list(tmp_path / "list", source, signer)

    findings = check_list(tmp_path / "list", [signer.verifier()], "S1", now_ms=NOW_MS, newer_than=6, policy=policy)

    assert marks(findings) == found
    assert findings[0].facts["age_days"] == 30
    older = check_list(tmp_path / "list", [signer.verifier()], "S1", now_ms=NOW_MS, newer_than=7, policy=policy)
    assert marks(older) == {"list_refused.not_newer": Mark.TROUBLE}
    absent = PolicyConfig(pass_without_list=True)
    missing = check_list(tmp_path / "none", [signer.verifier()], "S1", now_ms=NOW_MS, newer_than=0, policy=absent)
    assert marks(missing) == {"list_refused.absent": Mark.WARNING}


def visit(broker: ScriptedBroker) -> Visit:
    """Visit a broker that says what the test wants."""
    endpoint = Endpoint("127.0.0.1", broker.port, connect_timeout_s=3, connack_timeout_s=3)
    health = true_health(Pending(), Stamp(NOW_MS, 1, "0123456789abcdef", ClockState.SYNCED))
    return Visit(endpoint, BoxName("S1", "b1"), health)


def script(*, subscribed: int = 1, published: int = 0, connected: int = 0) -> Callable[[int, bytes], bytes]:
    """Answer each packet with these codes."""

    def answer(first: int, body: bytes) -> bytes:
        match first & 0xF0:
            case 0x10:
                return connack(connected)
            case 0x80:
                return suback(int.from_bytes(body[:2], "big"), subscribed)
            case 0x30:
                at = 2 + int.from_bytes(body[:2], "big")
                if published == 0x8E:
                    return disconnect(0x8E)
                return puback(int.from_bytes(body[at : at + 2], "big"), published)
        return b""

    return answer


@pytest.mark.parametrize(
    ("codes", "found"),
    [
        ({}, {"doctor.broker_sound": Mark.OK}),
        ({"published": 0x10}, {"doctor.broker_sound": Mark.OK}),
        ({"published": 0x87}, {"doctor.broker_denies": Mark.TROUBLE}),
        ({"published": 0x8E}, {"uplink.taken_over": Mark.TROUBLE}),
        ({"subscribed": 0x87}, {"doctor.broker_no_receipts": Mark.TROUBLE}),
        ({"connected": 0x87}, {"link.refused": Mark.TROUBLE}),
    ],
)
def test_broker_when_it_answers_with_a_code_then_the_code_is_read(
    codes: dict[str, int], found: dict[str, Mark]
) -> None:
    """Other brokers refuse where mosquitto filters; 0x10 only says that nobody listens just now."""
    with ScriptedBroker(script(**codes)) as broker:
        assert marks(check_broker(visit(broker))) == found


def test_broker_when_the_resolver_hangs_then_the_doctor_does_not() -> None:
    """A name server that is cut off takes its time; the name is called unknown, with the reason."""
    endpoint = Endpoint("broker.example", 8883)

    findings = check_broker(Visit(endpoint, BoxName("S1", "b1"), b"{}"), resolves=lambda _: "no answer within 6 s")

    assert marks(findings) == {"link.name_unknown": Mark.TROUBLE}
    assert "no answer" in findings[0].detail
    assert resolves("localhost") == ""


@pytest.mark.parametrize(
    ("uplink", "found"),
    [
        ({"is_connected": True, "trouble": None}, {"doctor.broker_in_use": Mark.OK}),
        ({"is_connected": True, "trouble": "uplink.refused"}, {"uplink.refused": Mark.TROUBLE}),
        ({"is_connected": False, "trouble": "uplink.taken_over"}, {"uplink.taken_over": Mark.TROUBLE}),
        ({"is_connected": False, "trouble": "link.refused"}, {"link.refused": Mark.TROUBLE}),
        ({"is_connected": False, "trouble": None}, {"link.connecting": Mark.WARNING}),
    ],
)
def test_uplink_when_the_daemon_has_a_word_for_it_then_that_counts(
    uplink: dict[str, object], found: dict[str, Mark]
) -> None:
    """The way is open up to the broker here, so what stands in the way only the daemon knows."""
    with ScriptedBroker(script()) as broker:
        assert marks(check_running_uplink(Endpoint("127.0.0.1", broker.port), uplink)) == found


def test_service_when_its_state_is_held_and_nobody_answers_then_it_hangs(tmp_path: Path) -> None:
    """A lock without an answer is a daemon that hangs; no lock is none at all. Looking makes no file."""
    assert not is_locked(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with StateLock(tmp_path):
        assert is_locked(tmp_path)
    assert not is_locked(tmp_path)

    assert marks(check_service(None, locked=True)) == {"doctor.service_silent": Mark.TROUBLE}
    assert marks(check_service(None, locked=False)) == {"doctor.service_absent": Mark.TROUBLE}
    told = {"trouble": None, "safe_mode": True, "metrics_trouble": "", "version": __version__}
    assert marks(check_service(told, locked=True)) == {"doctor.safe_mode": Mark.TROUBLE}


def test_service_when_it_was_updated_and_not_restarted_then_both_versions_are_named() -> None:
    """What was mended in the new version is not mended yet."""
    found = check_service({"trouble": None, "version": "0.0.1"}, locked=True)

    assert marks(found) == {"doctor.other_version": Mark.WARNING}
    assert found[0].facts == {"runs": "0.0.1", "installed": __version__}


def test_service_when_it_runs_on_its_last_good_configuration_then_that_is_named() -> None:
    """A file that looks right, and one that was mended without a restart, do not hide that another one is used."""
    told = {"trouble": None, "config_refused": {"zh-CN": "没有密钥", "en": "no key"}, "version": __version__}
    found = check_service(told, locked=True)

    assert marks(found) == {"config.last_good": Mark.TROUBLE}
    assert found[0].facts["why"] == Said("没有密钥", "no key")


def test_policy_when_it_is_refused_then_the_reason_and_what_goes_on_are_named(config: Config, tmp_path: Path) -> None:
    """A stranger's signature is trouble while only a default stands in, and a warning beside the last good one."""
    centre = make_signer(tmp_path / "centre.key", "county/list")
    (tmp_path / "list.vkey").write_text(f"{centre.verifier()}\n")
    text = county_text()
    file, state = tmp_path / "policy.signed", tmp_path / "state"
    state.mkdir()
    policy = PolicyConfig(id="county", institution=InstitutionKind.VILLAGE, file=file)
    placed = config.model_copy(update={"policy": policy, "state": StateConfig(folder=state)})

    assert marks(check_policy(placed)) == {
        "policy_refused.absent": Mark.TROUBLE,
        "doctor.policy_instead": Mark.WARNING,
    }
    file.write_text(centre.sign(text))
    assert marks(check_policy(placed)) == {"doctor.policy_sound": Mark.OK}
    (state / "policy.kept").write_text(centre.sign(text))
    file.write_text(make_signer(tmp_path / "stranger.key", "county/list").sign(text))
    found = check_policy(placed)
    assert marks(found) == {"policy_refused.unsigned": Mark.WARNING, "doctor.policy_instead": Mark.WARNING}
    assert ("county", 5) == (found[1].facts["policy"], found[1].facts["version"])


def test_policy_when_the_place_has_none_of_that_name_then_it_is_trouble(config: Config) -> None:
    """A wrong id would be judged by the default rules without a word."""
    wrong = config.model_copy(update={"policy": PolicyConfig(id="nowhere", institution=InstitutionKind.VILLAGE)})

    assert marks(check_policy(config)) == {"doctor.policy_sound": Mark.OK}
    assert marks(check_policy(wrong)) == {"policy_refused.absent": Mark.TROUBLE, "doctor.policy_instead": Mark.WARNING}


def county_text() -> str:
    """A county's policy, upon its province's."""
    return (
        f'type = "{TYPE}"\nid = "county"\nversion = 5\nbase = "fujian"\n'
        'title = { zh = "县", en = "County" }\n\n[rule.upload_within_hours]\n'
        'value = 12\nrows = ["S4-18"]\nwhy = { zh = "因为", en = "because" }\n'
    )
