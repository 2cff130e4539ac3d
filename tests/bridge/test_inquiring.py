"""Inquiring: what 码上放心 says of deliveries, codes and containers reaches the boxes of the site."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fakes.box import BoxLog
from fakes.simulated import Simulated
from fakes.stepped_bridge import register
from fakes.ticketed import Counter, code_of
from fakes.uploading_bridge import UploadingBridge
from yaoma.core.allowlist import CodeStatus
from yaoma.core.canonical import canonical, parse_canonical
from yaoma.core.product import PackLevel, Product
from yaoma.core.product_table import ProductTable
from yaoma.core.shipment import ShipmentKind
from yaoma.core.shipment_text import read_shipment, shipment_fields
from yaoma_bridge.alihealth.options import AlihealthOptions
from yaoma_bridge.alihealth.queries import contents, despatch, despatch_keys, statuses
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.destinations import alihealth as module
from yaoma_bridge.destinations.alihealth import AlihealthDestination
from yaoma_bridge.inquiring import Inquirer
from yaoma_bridge.state import state_after
from yaoma_link.state import StateMessage

A, B, CASE = code_of(1), code_of(2), code_of(90, product=9)


def _digits(key: str) -> str:
    return key.removeprefix("cn20:")


def _note(bill: str, *keys: str) -> dict[str, Any]:
    listed = [{"code": _digits(key), "code_level": "1", "pkg_amount": "1"} for key in keys]
    drug = {
        "prod_name": "阿莫西林胶囊",
        "produce_batch_no": "L1",
        "valid_end_date": "2028-06-30",
        "code_info_list_dto_list": {"code_info_list_dto": listed},
    }
    return {
        "bill_code": bill,
        "ent_send_name": "某某医药有限公司",
        "ent_send_id": "sender-1",
        "store_out_date": "2026-11-18 09:30:00",
        "drug_infos_dto_list": {"drug_infos_dto": [drug]},
    }


@dataclass
class Centre:
    """A bridge with one pharmacy and an inquirer."""

    bridge: UploadingBridge
    inquirer: Inquirer
    platform: Simulated
    log: BoxLog

    def ask(self) -> list[StateMessage]:
        """Ask until nothing more is to be asked; give what the box hears that is new."""
        while self.inquirer.step():
            pass
        with self.bridge.store.writing() as tx:
            sent = state_after(tx, self.log.name, self.bridge.signer, self.bridge.now_ms)
        heard = [StateMessage.opened(one.payload, [self.bridge.signer.verifier()]) for one in sent]
        fresh, self.heard = heard[self.heard :], len(heard)
        return fresh

    heard: int = 0


@pytest.fixture(scope="module")
def platform() -> Iterator[Simulated]:
    """Give a running simulator."""
    with Simulated("alihealth") as running:
        yield running


@pytest.fixture
def centre(tmp_path: Path, platform: Simulated, log: BoxLog, monkeypatch: pytest.MonkeyPatch) -> Iterator[Centre]:
    """Give a centre that asks without pauses."""
    monkeypatch.setattr(module, "_BETWEEN_QUESTIONS_S", 0.0)
    platform.reset()
    register(tmp_path / "boxes", log.name)
    (tmp_path / "secret").write_text("helloworld")
    (tmp_path / "sites").mkdir()
    own = 'kind = "pharmacy"\n[alihealth]\nref_ent_id = "ref-1"\nent_id = "ent-1"\n'
    (tmp_path / "sites" / f"{log.name.site}.toml").write_text(own)
    options = AlihealthOptions(
        url=platform.url, app_key="1", app_secret_file=tmp_path / "secret", plain_http=True, answer_s=2
    )
    destination = AlihealthDestination("alihealth", options)
    facts = CentreFacts(institutions=tmp_path / "sites")
    bridge = UploadingBridge(tmp_path, destination, facts=facts)
    bridge.birth(log)
    inquirer = Inquirer(bridge.upload_store, destination, facts, bridge.signer, lambda: bridge.now_ms)
    yield Centre(bridge, inquirer, platform, log)
    bridge.close()


@pytest.mark.row("S0-18", part="bridge")
@pytest.mark.row("S3-03", part="bridge")
def test_a_suppliers_despatch_note_reaches_the_box_once(centre: Centre) -> None:
    """A new note comes with its codes, lots and sender; asked again it is not told again."""
    centre.platform._tell({"data": {"despatches": {"S-1": _note("S-1", A, B)}}})
    (message,) = centre.ask()
    (note,) = message.shipments
    assert (note.kind, note.supplier, note.bill) == (ShipmentKind.SUPPLIER, "某某医药有限公司", "S-1")
    assert list(note.line_of) == [A, B]
    assert note.lines[0].lot == "L1"
    centre.bridge.now_ms += 1_000_000
    assert centre.ask() == []


def test_a_code_that_the_box_did_not_know_brings_its_note_and_status(centre: Centre) -> None:
    """A doubtful pack of a delivery is asked about at once: its status and the note that brought it."""
    detail = {"code": _digits(A), "code_status_type_d_t_o": {"code_status": "A"}}
    centre.platform._tell(
        {
            "data": {
                "details": {_digits(A): detail},
                "despatch_of": {_digits(A): {"bill_code": "S-2", "ref_user_id": "sender-1"}},
            }
        }
    )
    assert centre.ask() == []
    centre.platform._tell({"data": {"despatches": {"S-2": _note("S-2", A)}}})
    counter = Counter(centre.log)
    counter.open("receive")
    counter.scan(A, verdict="REVIEW")
    centre.bridge.take(centre.log.payload(), name=centre.log.name)
    centre.bridge.follow()
    first, second = centre.ask()
    assert [(one.code, one.status) for one in first.statuses] == [(A, CodeStatus.ACTIVATED)]
    assert list(second.shipments[0].line_of) == [A]


@pytest.mark.row("S2-20", part="bridge")
@pytest.mark.row("S3-02", part="bridge")
def test_a_received_container_is_parsed_once_its_receipt_is_accepted(centre: Centre) -> None:
    """The small codes of a container come as a parsed note after the platform has booked it."""
    inside = {_digits(A): _digits(CASE), _digits(B): _digits(CASE)}
    centre.platform._tell({"data": {"inside": inside, "companies": {}}})
    table = centre.bridge.folder / "products"
    table.write_bytes(ProductTable.of([Product("cn20:8000009", "箱", level=PackLevel.LARGE, packs=2)]).encoded())
    centre.bridge.facts.products = table
    counter = Counter(centre.log)
    counter.open("gift_in")
    counter.scan(CASE)
    counter.close()
    centre.bridge.take(centre.log.payload(), name=centre.log.name)
    centre.bridge.bill()
    centre.bridge.upload()
    assert centre.ask() == []
    centre.bridge.upload(10)
    assert centre.bridge.fates() == {CASE: ("accepted", "")}
    (message,) = centre.ask()
    (note,) = message.shipments
    assert note.kind is ShipmentKind.PARSED
    assert note.smallest_in(CASE) == (A, B)


def test_a_platform_that_does_not_answer_is_asked_again(centre: Centre) -> None:
    """A question without an answer loses nothing."""
    centre.platform._tell({"data": {"despatches": {"S-3": _note("S-3", A)}}})
    centre.platform.fail("http_500")
    assert centre.ask() == []
    centre.bridge.now_ms += 1_000_000
    (message,) = centre.ask()
    assert message.shipments[0].bill == "S-3"


@pytest.mark.parametrize(
    "model",
    [
        {},
        {"bill_code": "S", "drug_infos_dto_list": "x"},
        {"bill_code": "S", "drug_infos_dto_list": [{"code_info_list_dto_list": [{"code": "123"}]}]},
        {"drug_infos_dto_list": [{"code_info_list_dto_list": [{"code": _digits(A)}]}]},
    ],
)
def test_a_note_that_says_nothing_is_none(model: dict[str, Any]) -> None:
    """What names no code, or no bill, is not told to anybody."""
    assert despatch(model) is None


def test_odd_rows_are_left_out() -> None:
    """Rows without number, sender, status or level tell nothing."""
    assert despatch_keys([{"bill_code": "S"}, {"ref_user_id": "x"}, {}], 9) == []
    assert statuses([{"code": _digits(A)}, {"code": "x"}, {"code": _digits(A), "code_status_type_d_t_o": {}}], 1) == []
    assert contents(CASE, [{"code_relation_list": [{"code": _digits(A), "code_pack_level": "2"}]}]) is None


def test_keys_of_notes_are_bounded_in_length_and_number(caplog: pytest.LogCaptureFixture) -> None:
    """A number that no note has is left out and told, never cut to another note's; known ones take no place."""
    rows = [{"bill_code": bill, "ref_user_id": "x"} for bill in ("S" * 129, "S" * 128, "S1", "S2", "S3")]
    with caplog.at_level("WARNING"):
        keys = despatch_keys([*rows, {"bill_code": "S4", "ref_user_id": "x" * 10_000}], 2, {"S1"})
    assert keys == [("S" * 128, "x"), ("S2", "x")]
    assert "count=2" in caplog.text
    assert "SSS" not in caplog.text
    assert despatch(_note("S" * 129, A)) is None
    note, other = despatch(_note("S" * 127 + "1", A)), despatch(_note("S" * 127 + "2", A))
    assert note is not None
    assert other is not None
    assert note.id != other.id
    assert read_shipment(parse_canonical(canonical(shipment_fields(note)))) == note


def test_what_does_not_fit_into_one_round_comes_with_the_next(centre: Centre) -> None:
    """Of fifty new notes twenty are fetched at a time; all of them reach the box in the end."""
    codes = {f"S-{number}": code_of(number) for number in range(50)}
    notes = {bill: _note(bill, code) for bill, code in codes.items()}
    centre.platform._tell({"data": {"despatches": notes}})
    heard = [len(centre.ask())]
    for _ in range(3):
        centre.bridge.now_ms += 1_000_000
        heard.append(len(centre.ask()))
    rows = centre.bridge.rows("SELECT COUNT(*) FROM state")
    assert rows == [(50,)], heard
