"""The fleet: a box joins by a one-time token, another takes its place with its stock, a stolen one is shut out."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from typer.testing import CliRunner, Result

from fakes.box import BoxLog
from fakes.centre_folder import CentreFolder
from fakes.scripted_platform import ScriptedPlatform
from fakes.stepped_bridge import register
from fakes.ticketed import Counter, code_of
from fakes.uploading_bridge import UploadingBridge
from yaoma.cli.main import app as box_app
from yaoma.core.note import Verifier
from yaoma_bridge.registry import Registry
from yaoma_bridge.state import state_after
from yaoma_link.authority import load_authority, make_authority
from yaoma_link.enrolment import EnrolmentAnswer, EnrolmentError, EnrolmentRequest, digest_of, new_token
from yaoma_link.state import MergeLine, StateMessage
from yaoma_link.topics import BoxName

A, B, C = code_of(1), code_of(2), code_of(3)
NEW = "H1/counter-9"


@pytest.fixture
def centre(tmp_path: Path) -> CentreFolder:
    """Give a centre with an authority."""
    make_authority(tmp_path / "ca", "County")
    return CentreFolder(tmp_path, '[fleet]\nauthority = "ca"\n')


@pytest.fixture
def bridge(tmp_path: Path, log: BoxLog) -> Iterator[UploadingBridge]:
    """Give the centre's bridge with one known box."""
    register(tmp_path / "boxes", log.name)
    running = UploadingBridge(tmp_path, ScriptedPlatform())
    yield running
    running.close()


class NewBox:
    """A box's folder and the commands that are run there."""

    def __init__(self, folder: Path, name: str = NEW) -> None:
        self.folder, self.name = folder / "etc", name
        self.request, self.answer = folder / "request", folder / "answer"

    def _run(self, *arguments: str) -> Result:
        return CliRunner().invoke(box_app, ["enroll", *arguments, "--folder", str(self.folder)])

    def ask(self, token: str) -> Result:
        """Make keys and the request."""
        return self._run("request", self.name, str(self.request), "--token", token)

    def finish(self, token: str) -> Result:
        """Take the answer in."""
        return self._run("finish", self.name, str(self.answer), "--token", token)


@pytest.fixture
def box(tmp_path: Path) -> NewBox:
    """Give a box that nobody knows yet."""
    return NewBox(tmp_path)


def _sign(centre: CentreFolder, box: NewBox) -> Result:
    return centre.run("enroll", "sign", str(box.request), str(box.answer))


@pytest.mark.row("S0-16", part="bridge")
def test_a_box_joins_by_files_and_a_token(bridge: UploadingBridge, centre: CentreFolder, box: NewBox) -> None:
    """Keys are made on the box, the certificate by the centre; the registry knows the key, no private key travels."""
    token = centre.ask("enroll", "token", NEW).strip()
    assert box.ask(token).exit_code == 0
    assert _sign(centre, box).exit_code == 0
    assert box.finish(token.lower().replace("-", " ")).exit_code == 0
    certificate = x509.load_pem_x509_certificate((box.folder / "box.crt").read_bytes())
    assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == NEW
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate((box.folder / "ca.crt").read_bytes()))
    registered = Registry(centre.folder / "boxes").verifier(BoxName.parse(NEW))
    assert registered is not None
    assert Verifier.parse((box.folder / "bridge.vkey").read_text()) == bridge.signer.verifier()
    for secret in ("signing.key", "salt", "box.tls.key"):
        assert (box.folder / secret).stat().st_mode & 0o777 == 0o600
    assert b"PRIVATE" not in box.request.read_bytes() + box.answer.read_bytes()
    assert token.encode() not in box.request.read_bytes() + box.answer.read_bytes()


def test_a_token_is_good_once(bridge: UploadingBridge, centre: CentreFolder, box: NewBox, tmp_path: Path) -> None:
    """The same request gets the same answer again; another request with the token is refused."""
    token = centre.ask("enroll", "token", NEW).strip()
    box.ask(token)
    assert _sign(centre, box).exit_code == 0
    first = box.answer.read_bytes()
    assert _sign(centre, box).exit_code == 0
    assert box.answer.read_bytes() == first
    thief = NewBox(tmp_path / "thief")
    thief.ask(token)
    refused = _sign(centre, thief)
    assert refused.exit_code == 1
    assert "was used already" in str(refused.exception)


def test_a_wrong_or_expired_token_gets_nothing(
    bridge: UploadingBridge, centre: CentreFolder, box: NewBox, tmp_path: Path
) -> None:
    """Without the token, with an old one, or for a box that nobody expects, no certificate is made."""
    box.ask("AAAA-BBBB")
    assert "nobody made a token" in str(_sign(centre, box).exception)
    token = centre.ask("enroll", "token", NEW).strip()
    assert "proof" in str(_sign(centre, box).exception)
    late = NewBox(tmp_path / "late")
    late.ask(token)
    bridge.change("UPDATE enrolment SET until_ms=1")
    assert "has expired" in str(_sign(centre, late).exception)
    assert list((centre.folder / "ca" / "issued").glob("*")) == []
    assert Registry(centre.folder / "boxes").verifier(BoxName.parse(NEW)) is None


def test_a_box_believes_only_an_answer_that_knows_its_token(
    bridge: UploadingBridge, centre: CentreFolder, box: NewBox
) -> None:
    """An answer with another authority, or of somebody without the token, is refused and nothing is written."""
    token = centre.ask("enroll", "token", NEW).strip()
    box.ask(token)
    _sign(centre, box)
    good = box.answer.read_bytes()
    forged = json.loads(good)
    forged["bridge"] = forged["bridge"].replace("yaoma-bridge", "other-bridge")
    box.answer.write_text(json.dumps(forged))
    assert box.finish(token).exit_code == 1
    box.answer.write_bytes(good)
    assert box.finish(new_token()).exit_code == 1
    assert not (box.folder / "ca.crt").exists()


def test_keys_are_never_made_twice(centre: CentreFolder, box: NewBox) -> None:
    """A second request on the same box does not overwrite its keys."""
    assert box.ask(new_token()).exit_code == 0
    before = (box.folder / "signing.key").read_bytes()
    assert box.ask(new_token()).exit_code == 1
    assert (box.folder / "signing.key").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"type":"yaoma/enrolment-request/v1"}', b"\xff" * 70_000])
def test_what_is_no_file_of_an_enrolment_is_refused(content: bytes) -> None:
    """Both readers raise their own error."""
    with pytest.raises(EnrolmentError):
        EnrolmentRequest.read(content)
    with pytest.raises(EnrolmentError):
        EnrolmentAnswer.opened(content, digest_of("x"), BoxName.parse(NEW))


def _heard(bridge: UploadingBridge, name: str) -> list[StateMessage]:
    with bridge.store.writing() as tx:
        sent = state_after(tx, BoxName.parse(name), bridge.signer, bridge.now_ms)
    return [StateMessage.opened(one.payload, [bridge.signer.verifier()]) for one in sent]


def test_a_new_box_takes_over_the_stock_of_an_old_one(
    bridge: UploadingBridge, centre: CentreFolder, log: BoxLog, tmp_path: Path
) -> None:
    """It hears of each pack's last deed, whichever box did it, and of the shipments that are on their way."""
    other = BoxLog(BoxName("H1", "counter-2"), "log2")
    register(tmp_path / "boxes", other.name)
    counter = Counter(log)
    counter.sell(A, B, C, operation="receive")
    counter.sell(A)
    bridge.take(log.payload(), name=log.name)
    Counter(other).sell(B)
    bridge.take(other.payload(), name=other.name)
    bridge.bill()
    shipment = tmp_path / "shipment.json"
    line = {"product": "cn20:8000001", "packs": 1, "lot": None, "expiry": None, "name": "x"}
    coded = {"code": code_of(8), "in": "", "line": 0}
    note = {
        "id": "N1",
        "kind": "supplier",
        "supplier": "S",
        "bill": "B",
        "sent_ms": 1,
        "lines": [line],
        "codes": [coded],
    }
    shipment.write_text(json.dumps(note))
    centre.ask("state", "add", str(log.name), str(shipment))
    assert "3 packs, 1 other" in centre.ask("fleet", "replace", str(log.name), NEW)
    heard = _heard(bridge, NEW)
    assert [one.id for message in heard for one in message.shipments] == ["N1"]
    merges: list[MergeLine] = [line for message in heard for line in message.merges]
    assert {line.code: (line.operation, line.box) for line in merges} == {
        C: ("receive", "counter-1"),
        A: ("dispense", "counter-1"),
        B: ("dispense", "counter-2"),
    }
    assert "replaced" in centre.ask("fleet", "retired")
    assert centre.run("fleet", "replace", str(log.name), "H1/counter-10").exit_code == 1


@pytest.mark.parametrize(("old", "new"), [("H1/counter-1", "H2/counter-1"), ("H1/x", "H1/y"), ("H1/x", "H1/x")])
def test_only_a_known_box_of_the_site_is_replaced(
    bridge: UploadingBridge, centre: CentreFolder, old: str, new: str
) -> None:
    """Another site, a box that was never seen, and the box itself are refused."""
    assert centre.run("fleet", "replace", old, new).exit_code == 1


def test_a_stolen_box_is_shut_out(
    bridge: UploadingBridge, centre: CentreFolder, box: NewBox, log: BoxLog, tmp_path: Path
) -> None:
    """Its certificate is on the list that the broker gets, and what comes in its name is kept, alarmed, never sent."""
    token = centre.ask("enroll", "token", str(log.name)).strip()
    box.name = str(log.name)
    box.ask(token)
    _sign(centre, box)
    register(tmp_path / "boxes", log.name)
    log.scan(3)
    bridge.take(log.payload(), name=log.name)
    bridge.follow()
    before = len(bridge.ids())
    assert "1 certificates are revoked" in centre.ask("fleet", "revoke", str(log.name), "--reason", "stolen")
    issued = json.loads(box.answer.read_bytes())["certificate"]
    serial = x509.load_pem_x509_certificate(issued.encode()).serial_number
    listed = x509.load_pem_x509_crl(load_authority(tmp_path / "ca").revocation_file.read_bytes())
    assert listed.get_revoked_certificate_by_serial_number(serial) is not None
    log.scan(5)
    bridge.take(log.payload(3), name=log.name)
    bridge.now_ms += 3_600_000
    bridge.follow()
    assert len(bridge.ids()) == before
    assert len(bridge.bodies(log)) == 8
    assert "box_withdrawn" in bridge.alarms()
    assert centre.run("fleet", "command", "restart", str(log.name)).exit_code == 1


def test_commands_are_queued_for_a_site_and_listed(bridge: UploadingBridge, centre: CentreFolder, log: BoxLog) -> None:
    """One command line reaches every box of a site; the list shows each with its state."""
    bridge.birth(log)
    centre.ask("fleet", "command", "report", "H1/*")
    (listed,) = centre.ask_json("fleet", "commands")
    assert (listed["box"], listed["name"], listed["state"]) == ("counter-1", "report", "waiting")
    assert centre.run("fleet", "command", "policy", "*").exit_code == 1
