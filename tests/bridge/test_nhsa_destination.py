"""The destination `nhsa` with its simulator: signatures, sessions, identities, deleting, certificates."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.bills import NOON_MS, ROOT, bill_of, institution, line_of, sealed
from fakes.destinations import destination, simulator
from fakes.simulated import Simulated
from fakes.sm2_key import SM2_KEY, write_public
from yaoma.core.sealed import person_context, seal_to
from yaoma_bridge.bill import Bill
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.nhsa.values import Person
from yaoma_bridge.platform import Answer, AnswerState, Platform, Revocable
from yaoma_link.authority import issue, make_authority
from yaoma_link.identity import make_sealing_key

NUMBER = "110105194912310026"


@pytest.fixture(scope="module")
def plain() -> Iterator[Simulated]:
    """Give a platform without signatures."""
    with simulator("nhsa") as running:
        yield running


def _send(platform: Platform, bill: Bill, now_ms: int = NOON_MS) -> list[Answer]:
    return [platform.send(parcel, now_ms) for parcel in platform.parcels(bill)]


@pytest.mark.row("S0-11", part="bridge")
@pytest.mark.row("S2-12", part="bridge")
def test_sale_when_it_is_sent_then_the_platform_has_row_codes_and_numbers(plain: Simulated, tmp_path: Path) -> None:
    """One call signs in, the next brings the rows; two drugs go together by 3505A."""
    plain.reset()
    bill = bill_of(lines=[line_of(1), line_of(2), line_of(3, 2)])
    (answer,) = _send(destination("nhsa", tmp_path, plain.url), bill)
    assert AnswerState.ACCEPTED is answer.state
    first, second = plain.received()
    assert ("3505A", "3505A") == (first["infno"], second["infno"])
    assert [line.text for line in bill.lines] == first["codes"] + second["codes"]
    assert ("李药师", "王店员", "XS-7") == tuple(
        first["row"][name] for name in ("phar_name", "sel_retn_opter_name", "rtal_docno")
    )


@pytest.mark.row("S1-03", part="bridge")
@pytest.mark.row("S2-02", part="bridge")
@pytest.mark.parametrize(
    "operation", ["count", "receive", "return_supplier", "dispense", "return_customer", "transfer_in", "destroy"]
)
def test_every_transaction_when_it_is_sent_then_the_platforms_table_is_met(
    plain: Simulated, tmp_path: Path, operation: str
) -> None:
    """3501 to 3506 carry every field that the published tables require, in their lengths."""
    plain.reset()
    bill = bill_of(
        operation,
        institution=institution(nhsa={"purchases": True}),
        supplier="批发公司",
        supplier_bill="FH-1",
        facts={"invoice": "INV1"},
    )
    answers = _send(destination("nhsa", tmp_path, plain.url), bill)
    assert {AnswerState.ACCEPTED} == {answer.state for answer in answers}
    assert len(answers) == len(plain.received())


@pytest.mark.parametrize(
    ("kind", "credentials", "options"),
    [
        ("csb", 'access_key = "a"\nsecret_key = "s3cret"\n', ["--secret", "s3cret"]),
        ("tif", 'paas_id = "a"\npaas_token = "s3cret"\n', ["--secret", "s3cret"]),
        ("sm2", f'sm2_private_key = "{SM2_KEY}"\n', []),
    ],
)
def test_gateway_when_a_province_wants_a_signature_then_it_verifies_there(
    tmp_path: Path, kind: str, credentials: str, options: list[str]
) -> None:
    """Each signature is verified by the other side's own arithmetic; a wrong secret is held as credentials."""
    if kind == "sm2":
        options = ["--sm2-public", str(write_public(tmp_path / "sm2.pem"))]
    (tmp_path / "national.toml").write_text((ROOT / "config/nhsa/national.toml").read_text("utf-8"), "utf-8")
    profile = tmp_path / "province.toml"
    profile.write_text(
        f'name = "p"\nextends = "national.toml"\nsigning = [{{ kind = "{kind}" }}]\n'
        '[gateway]\ninput_form = "text"\nsign_in = false\n',
        "utf-8",
    )
    (tmp_path / "good.toml").write_text(credentials, "utf-8")
    wrong = credentials.replace("s3cret", "guessed").replace('= "3945', '= "4945')
    (tmp_path / "bad.toml").write_text(wrong, "utf-8")
    with simulator("nhsa", "--signing", kind, "--text-input", "--no-sign-in", *options) as running:
        platform = destination("nhsa", tmp_path, running.url, profile=profile)
        good = institution(nhsa={"credentials": str(tmp_path / "good.toml")})
        bad = institution(nhsa={"credentials": str(tmp_path / "bad.toml")})
        assert [AnswerState.ACCEPTED] == [one.state for one in _send(platform, bill_of(institution=good))]
        (refused,) = _send(platform, bill_of(institution=bad))
        assert (AnswerState.HELD, "credentials") == (refused.state, refused.reason)
        (missing,) = _send(platform, bill_of(institution=institution()))
        assert (AnswerState.HELD, "credentials") == (missing.state, missing.reason)
        assert 1 == len(running.received())


def test_session_when_the_day_changes_then_it_signs_in_again_and_otherwise_not(
    plain: Simulated, tmp_path: Path
) -> None:
    """9001 is called once a day for an institution, and its number stands in every envelope."""
    plain.reset()
    platform = destination("nhsa", tmp_path, plain.url)
    for ticket, now_ms in (("t1", NOON_MS), ("t2", NOON_MS + 60_000), ("t3", NOON_MS + 86_400_000)):
        (answer,) = _send(platform, bill_of(ticket=ticket), now_ms)
        assert AnswerState.ACCEPTED is answer.state
    plain.fail("html", only="9001")
    (late,) = _send(platform, bill_of(ticket="t4"), NOON_MS + 2 * 86_400_000)
    assert (AnswerState.WAITING, "answer_html", True) == (late.state, late.reason, late.is_outage)
    assert 3 == len(plain.received())


def test_ask_when_a_part_of_a_batch_is_there_then_only_the_rest_is_sent_again(plain: Simulated, tmp_path: Path) -> None:
    """After an unknown outcome 3513 is asked row by row; what arrived is never sent twice."""
    plain.reset()
    platform = destination("nhsa", tmp_path, plain.url)
    bill = bill_of(lines=[line_of(1), line_of(2, 2)])
    (parcel,) = platform.parcels(bill)
    plain.fail("refuse_row", only="selinfo")
    answer = platform.send(parcel, NOON_MS)
    assert AnswerState.ACCEPTED is answer.state
    assert {AnswerState.REFUSED, AnswerState.ACCEPTED} == {state for state, _ in answer.codes.values()}
    facts = {**parcel.facts, "sent_ms": NOON_MS}
    asked = platform.ask(replace(parcel, facts=facts), NOON_MS + 1000)
    assert (AnswerState.UNKNOWN, "not_there_yet") == (asked.state, asked.reason)
    asked = platform.ask(replace(parcel, facts=facts), NOON_MS + 400_000)
    assert (AnswerState.WAITING, "not_there") == (asked.state, asked.reason)
    again = platform.send(replace(parcel, facts={**facts, **asked.facts}), NOON_MS + 500_000)
    assert AnswerState.ACCEPTED is again.state
    numbers = [one["number"] for one in plain.received()]
    assert sorted(set(numbers)) == sorted(numbers), "each row was taken once"
    assert 2 == len(numbers)


def test_ask_when_the_second_send_ended_without_a_word_then_the_platform_is_asked_again(
    plain: Simulated, tmp_path: Path
) -> None:
    """What was not there before a send says nothing of after it: rows that came with it are not sent a third time."""
    plain.reset()
    platform = destination("nhsa", tmp_path, plain.url)
    (parcel,) = platform.parcels(bill_of(lines=[line_of(1), line_of(2, 2)]))
    sent = replace(parcel, sent_ms=NOON_MS)
    asked = platform.ask(sent, NOON_MS + 400_000)
    assert (AnswerState.WAITING, "not_there") == (asked.state, asked.reason)
    again = replace(sent, facts={**sent.facts, **asked.facts}, sent_ms=NOON_MS + 500_000)
    assert AnswerState.ACCEPTED is platform.send(again, NOON_MS + 500_000).state  # and killed before it was written
    assert AnswerState.ACCEPTED is platform.ask(again, NOON_MS + 600_000).state
    plain.reset()
    early = platform.ask(again, NOON_MS + 600_000)
    assert (AnswerState.UNKNOWN, "not_there_yet") == (early.state, early.reason)


@pytest.mark.row("S1-29", part="bridge")
def test_revoke_when_an_operator_asks_then_the_rows_are_deleted_by_their_numbers(
    plain: Simulated, tmp_path: Path
) -> None:
    """3507 and 3507A delete by fixmedins_bchno and kind of data; what is gone can't be deleted again."""
    plain.reset()
    platform = destination("nhsa", tmp_path, plain.url)
    assert isinstance(platform, Revocable)
    for lines in ([line_of(1)], [line_of(1), line_of(2, 2)]):
        (parcel,) = platform.parcels(bill_of(lines=lines, ticket=f"t{len(lines)}"))
        platform.send(parcel, NOON_MS)
        assert AnswerState.ACCEPTED is platform.revoke(parcel, NOON_MS).state
        assert AnswerState.REFUSED is platform.revoke(parcel, NOON_MS).state


@pytest.mark.row("S1-23", part="bridge")
@pytest.mark.row("S3-04", part="bridge")
@pytest.mark.row("S3-21", part="bridge")
def test_identity_when_a_sale_carries_one_then_it_goes_to_the_platform_and_nowhere_else(
    plain: Simulated, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The sealed number is opened for the request alone: no log line, no parcel, no answer, no repr holds it."""
    caplog.set_level(logging.DEBUG)
    plain.reset()
    keys = tmp_path / "keys"
    keys.mkdir()
    key = make_sealing_key(keys / "bridge.seal", "bridge")
    blob = seal_to([key.public], NUMBER.encode(), person_context("H1", "counter-1", "log1"))
    bill = bill_of(persons=[sealed(blob)])
    platform = destination("nhsa", tmp_path, plain.url, sealing_keys=keys)
    (parcel,) = platform.parcels(bill)
    plain.fail("sold_elsewhere", only="selinfo")
    refused = platform.send(parcel, NOON_MS)
    assert ("sold_elsewhere", "") == (refused.reason, refused.said), "the platform's words may name the person"
    accepted = platform.send(parcel, NOON_MS)
    row = plain.received()[0]["row"]
    assert (NUMBER, "01") == (row["certno"], row["psn_cert_type"])
    shown = [repr(one) for one in (bill, parcel, refused, accepted, platform, Person("resident", NUMBER))]
    kept = json.dumps([dict(parcel.facts), dict(accepted.facts), refused.said])
    written = "".join(
        file.read_text("utf-8", "replace")
        for file in tmp_path.rglob("*")
        if file.is_file() and "keys" not in file.parts
    )
    for text in (*shown, kept, caplog.text, written):
        assert NUMBER not in text


@pytest.mark.parametrize("trouble", ["no_keys", "other_key", "other_box"])
def test_identity_when_it_cant_be_opened_then_the_sale_is_held(plain: Simulated, tmp_path: Path, trouble: str) -> None:
    """Without the right key nothing is sent without its identity behind the operator's back."""
    plain.reset()
    keys = tmp_path / "keys"
    keys.mkdir()
    key = make_sealing_key(keys / "bridge.seal", "bridge")
    other = make_sealing_key(tmp_path / "other.seal", "other")
    sealed_to = other if trouble == "other_key" else key
    box = "counter-2" if trouble == "other_box" else "counter-1"
    blob = seal_to([sealed_to.public], NUMBER.encode(), person_context("H1", box, "log1"))
    more = {} if trouble == "no_keys" else {"sealing_keys": keys}
    (answer,) = _send(destination("nhsa", tmp_path, plain.url, **more), bill_of(persons=[sealed(blob)]))
    reason = "identity_damaged" if trouble == "other_box" else "sealing_key_missing"
    assert (AnswerState.HELD, reason, []) == (answer.state, answer.reason, plain.received())


def _pem(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}.pem", folder / f"{name}.key"


@pytest.mark.parametrize(
    "kind", ["nhsa", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("epcis", "webhook", "shanxi"))]
)
def test_certificates_when_they_do_not_fit_then_nothing_is_sent(tmp_path: Path, kind: str) -> None:
    """A server of another CA is never talked to; one that wants our certificate takes nothing without it."""
    ours, theirs = (make_authority(tmp_path / name, name) for name in ("ours", "theirs"))
    server, client = _pem(tmp_path, "server"), _pem(tmp_path, "client")
    issue(theirs, "localhost", server_names=["localhost"], client=False).write(*server)
    issue(theirs, "bridge", client=True).write(*client)
    trusted, other = (tmp_path / name / "authority.pem" for name in ("theirs", "ours"))
    tls = ["--certificate", str(server[0]), "--key", str(server[1]), "--client-authority", str(trusted)]
    assert ours != theirs
    with simulator(kind, *tls) as running:
        stranger = destination(kind, tmp_path, running.tls_url, authority=other)
        answer = _send(stranger, bill_of())[0]
        assert (AnswerState.WAITING, "certificate") == (answer.state, answer.reason)
        nobody = destination(kind, tmp_path, running.tls_url, authority=trusted)
        assert AnswerState.ACCEPTED is not _send(nobody, bill_of())[0].state
        assert [] == running.received()
        known = destination(kind, tmp_path, running.tls_url, authority=trusted, certificate=client[0], key=client[1])
        assert _send(known, bill_of())[0].state in {AnswerState.ACCEPTED, AnswerState.PROCESSING}
        assert 1 == len(running.received())


def test_plain_http_when_nobody_allowed_it_then_nothing_is_sent(plain: Simulated, tmp_path: Path) -> None:
    """An address without TLS needs leave, word for word."""
    plain.reset()
    platform = destination("nhsa", tmp_path, plain.url, plain_http=False)
    (answer,) = _send(platform, bill_of())
    assert (AnswerState.WAITING, []) == (answer.state, plain.received())


def test_rule_when_a_sites_table_is_wrong_then_its_key_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The technician reads which key is wrong, and not once a sale."""
    platform = destination("nhsa", tmp_path, "https://gateway.example")
    bill = bill_of(institution=institution(nhsa={"area": "somewhere"}))
    for _ in range(2):
        assert "institution_incomplete" == platform.rule(bill, bill.lines[0]).reason
    assert ["site's table is wrong: destination=nhsa site=H1 setting=area"] == caplog.messages


def test_options_when_a_key_folder_is_empty_then_the_bridge_does_not_start(tmp_path: Path) -> None:
    """A bridge that could not open an identity says so at once."""
    with pytest.raises(ConfigError, match="sealing_keys"):
        destination("nhsa", tmp_path, "https://gateway.example", sealing_keys=tmp_path)
