"""Late senders: an emergency receipt that names nobody goes on once a despatch note says who sent it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from fakes.box import BoxLog
from fakes.simulated import Simulated
from fakes.stepped_bridge import register
from fakes.ticketed import Counter, code_of
from fakes.uploading_bridge import UploadingBridge
from yaoma.core.receiving import compare, difference_entry
from yaoma.core.shipment import Shipment, ShipmentKind, ShipmentLine
from yaoma_bridge.alihealth.options import AlihealthOptions
from yaoma_bridge.bundling import Bundler
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.destinations.alihealth import AlihealthDestination
from yaoma_bridge.late_senders import follow_senders
from yaoma_bridge.neighbour_news import NOTHING_NEW
from yaoma_bridge.note_senders import sender_of
from yaoma_bridge.state import queue_news
from yaoma_link.topics import BoxName

A, B, C, CASE = code_of(1), code_of(2), code_of(3), code_of(90, product=9)
OK, UNKNOWN, BEHIND = ("accepted", ""), ("held", "partner_unknown"), ("bundled", "")
_SITE = 'kind = "pharmacy"\n[alihealth]\nref_ent_id = "ref-1"\nent_id = "ent-1"\n'


def _note(*codes: str, supplier: str = "甲公司", kind: ShipmentKind = ShipmentKind.SUPPLIER) -> Shipment:
    line = ShipmentLine("cn20:8000001", len(codes), "L1")
    return Shipment(
        f"n-{codes[0]}", kind, supplier, f"S-{codes[0][-8:]}", [line], dict.fromkeys(codes, ""), dict.fromkeys(codes, 0)
    )


@dataclass
class Shop:
    """A pharmacy with one box at a platform that wants to know every sender."""

    bridge: UploadingBridge
    platform: Simulated
    counter: Counter

    def use_unannounced(self, *codes: str) -> None:
        """Receive what nobody announced, let it through by name, and sell it."""
        counter = self.counter
        counter.open("receive")
        assert counter.ticket is not None
        for code in codes:
            counter.scan(code, verdict="REVIEW")
            counter.override(code)
        counter.log.add(difference_entry(counter.ticket, compare(None, dict.fromkeys(codes, "no_shipment"))))
        counter.close()
        for code in codes:
            counter.sell(code)
        self.bridge.take(counter.log.payload(), name=counter.log.name)
        self.bridge.bill()

    def tell(self, *notes: Shipment) -> None:
        """Queue notes for the box."""
        with self.bridge.store.writing() as tx:
            for note in notes:
                news = replace(NOTHING_NEW, shipments=(note,))
                queue_news(tx, self.counter.log.name, news, self.bridge.signer, self.bridge.now_ms)

    def follow(self) -> None:
        """Let the stage do what there is to do."""
        while follow_senders(self.bridge.upload_store, self.bridge.signer, self.bridge.now_ms) is not None:
            pass

    def upload(self) -> None:
        """Let minutes pass, with uploads and the stage taking turns."""
        for _ in range(9):
            self.follow()
            self.bridge.upload(40)

    def stands(self, operation: str) -> dict[str, tuple[str, str]]:
        """Give fate and reason of each code's record of an operation."""
        rows = self.bridge.rows(
            "SELECT bill_code.code, upload.fate, upload.reason FROM upload JOIN bill ON bill.id=upload.bill_id "
            "JOIN bill_code ON bill_code.bill_id=bill.id AND bill_code.line=upload.line WHERE bill.operation=?",
            operation,
        )
        return {code: (fate, reason) for code, fate, reason in rows}

    def taken(self) -> list[tuple[str, list[str], str]]:
        """Give type, codes and sender of what the platform took, in order."""
        return [
            (one["type"], [f"cn20:{code}" for code in one["codes"]], one["fields"].get("from_user_id", ""))
            for one in self.platform.received()
        ]


@pytest.fixture(scope="module")
def platform() -> Iterator[Simulated]:
    """Give a running simulator."""
    with Simulated("alihealth") as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path, platform: Simulated, log: BoxLog) -> Iterator[Shop]:
    """Give a shop; the platform knows two companies."""
    platform.reset()
    platform._tell({"data": {"companies": {"甲公司": {"ent_id": "ent-a"}, "乙公司": {"ent_id": "ent-b"}}}})
    register(tmp_path / "boxes", log.name)
    (tmp_path / "secret").write_text("helloworld")
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / f"{log.name.site}.toml").write_text(_SITE)
    options = AlihealthOptions(
        url=platform.url, app_key="1", app_secret_file=tmp_path / "secret", plain_http=True, answer_s=2
    )
    destination = AlihealthDestination("alihealth", options)
    bridge = UploadingBridge(tmp_path, destination, facts=CentreFacts(institutions=tmp_path / "sites"))
    yield Shop(bridge, platform, Counter(log))
    bridge.close()


def test_a_late_note_frees_the_receipt_and_the_sale_behind_it(shop: Shop) -> None:
    """Held until somebody says who sent it; the note says it: received from that company, then sold, each once."""
    shop.use_unannounced(A)
    shop.upload()
    assert shop.stands("receive") == {A: UNKNOWN}
    assert shop.stands("dispense") == {A: BEHIND}
    assert shop.taken() == []
    shop.tell(_note(A))
    shop.upload()
    assert (shop.stands("receive"), shop.stands("dispense")) == ({A: OK}, {A: OK})
    assert shop.taken() == [("102", [A], "ent-a"), ("321", [A], "")]


def test_a_note_that_waited_for_a_box_without_network_frees_its_receipt_at_once(shop: Shop) -> None:
    """The note was there before the receipt; the box had not heard of it when it closed its ticket."""
    shop.tell(_note(A))
    shop.use_unannounced(A)
    shop.upload()
    assert shop.taken() == [("102", [A], "ent-a"), ("321", [A], "")]


def test_of_a_delivery_from_two_companies_each_part_goes_with_its_sender(shop: Shop) -> None:
    """What one note names goes on; what none names stays held with its sale, until its own note comes."""
    shop.use_unannounced(A, B, C)
    shop.upload()
    shop.tell(_note(A))
    shop.upload()
    assert shop.stands("receive") == {A: OK, B: UNKNOWN, C: UNKNOWN}
    assert shop.stands("dispense") == {A: OK, B: BEHIND, C: BEHIND}
    shop.tell(_note(C, supplier="乙公司"), _note(B))
    shop.upload()
    assert set(shop.stands("receive").values()) == set(shop.stands("dispense").values()) == {OK}
    receipts = {codes[0]: sender for kind, codes, sender in shop.taken() if kind == "102"}
    assert receipts == {A: "ent-a", B: "ent-a", C: "ent-b"}
    order = [(kind, codes[0]) for kind, codes, _ in shop.taken()]
    assert sorted(order) == sorted({*order}), "each once"
    for code in (A, B, C):
        assert order.index(("102", code)) < order.index(("321", code))


def test_no_sale_slips_through_while_its_receipt_changes_parcels(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the note and the new parcel the old one still stands in the sale's way."""
    shop.use_unannounced(A)
    shop.upload()
    shop.tell(_note(A))
    shop.follow()
    with monkeypatch.context() as patch:
        patch.setattr(Bundler, "bundle", lambda self, now_ms: None)
        for _ in range(3):
            shop.bridge.upload(60)
            shop.follow()
    assert shop.taken() == []
    shop.upload()
    assert [kind for kind, _, _ in shop.taken()] == ["102", "321"]


def test_the_box_hears_no_refusal_of_what_only_changed_parcels(shop: Shop) -> None:
    """Held, waiting, accepted: the dropped parcel is no refusal to anybody."""
    shop.use_unannounced(A)
    shop.upload()
    shop.tell(_note(A))
    shop.upload()
    assert shop.bridge.rows("SELECT COUNT(*) FROM outcome WHERE state='refused'") == [(0,)]
    assert shop.bridge.parcels().count(("refused", "divided_anew")) == 1
    assert shop.bridge.rows("SELECT * FROM superseded") == []


def test_a_company_that_the_platform_does_not_know_stays_held_and_is_not_tried_for_ever(shop: Shop) -> None:
    """The name is known now; its number at the platform is somebody's to enter."""
    shop.use_unannounced(A)
    shop.upload()
    shop.tell(_note(A, supplier="丙公司"))
    shop.upload()
    assert shop.stands("receive") == {A: UNKNOWN}
    parcels = len(shop.bridge.parcels())
    shop.tell(_note(A, supplier="丙公司"))
    shop.upload()
    assert len(shop.bridge.parcels()) == parcels
    assert shop.taken() == []


@pytest.mark.parametrize(
    "note",
    [
        _note(A, supplier=""),
        _note(A, kind=ShipmentKind.PARSED),
        _note(B),
    ],
    ids=["no_sender", "contents_only", "other_pack"],
)
def test_what_says_nothing_of_the_sender_frees_nothing(shop: Shop, note: Shipment) -> None:
    """A note without a sender, one that only tells what a container holds, and one of other packs name nobody."""
    shop.use_unannounced(A)
    shop.upload()
    shop.tell(note)
    shop.upload()
    assert shop.stands("receive") == {A: UNKNOWN}


def test_a_note_for_another_site_frees_nothing(shop: Shop) -> None:
    """Who sent a pack to one site did not send it to another."""
    shop.use_unannounced(A)
    shop.upload()
    with shop.bridge.store.writing() as tx:
        news = replace(NOTHING_NEW, shipments=(_note(A),))
        queue_news(tx, BoxName("H9", "counter-1"), news, shop.bridge.signer, shop.bridge.now_ms)
    shop.upload()
    assert shop.stands("receive") == {A: UNKNOWN}


def test_a_sender_is_never_taken_for_a_receiver(shop: Shop) -> None:
    """Whoever sent us the packs does not get what we sell to a company that the platform does not know."""
    shop.counter.send(A, partner="丙公司", operation="wholesale")
    shop.bridge.take(shop.counter.log.payload(), name=shop.counter.log.name)
    shop.bridge.bill()
    shop.upload()
    shop.tell(_note(A))
    shop.upload()
    assert shop.stands("wholesale") == {A: UNKNOWN}


def test_what_goes_back_without_a_name_goes_to_who_sent_it(shop: Shop) -> None:
    """A return of a pack that came in an emergency finds its company by the late note as well."""
    shop.use_unannounced(A)
    shop.counter.open("return_supplier")
    shop.counter.scan(B)
    shop.counter.close()
    shop.bridge.take(shop.counter.log.payload(), name=shop.counter.log.name)
    shop.bridge.bill()
    shop.upload()
    shop.tell(_note(A), _note(B, supplier="乙公司"))
    shop.upload()
    assert shop.stands("return_supplier") == {B: OK}


def test_two_notes_that_contradict_each_other_name_nobody(shop: Shop) -> None:
    """A case of which one note says the one company and another note the other."""
    shop.tell(_note(A), _note(B, supplier="乙公司"))
    with shop.bridge.store.reading() as tx:
        site = shop.counter.log.name.site
        found = sender_of(tx, site, [CASE, A])
        assert found is not None
        assert found.supplier == "甲公司"
        assert sender_of(tx, site, [CASE, A, B]) is None
        assert sender_of(tx, site, [C]) is None


def test_notes_are_forgotten_after_400_days_and_corrected_ones_replace_older_ones(shop: Shop) -> None:
    """The store does not grow for ever, and the newest word on a pack counts."""
    shop.tell(_note(A))
    shop.bridge.now_ms += 300 * 86_400_000
    shop.tell(_note(B), replace(_note(B), supplier="乙公司"))
    site = shop.counter.log.name.site
    with shop.bridge.store.reading() as tx:
        found = sender_of(tx, site, [B])
        assert found is not None
        assert found.supplier == "乙公司"
    shop.bridge.now_ms += 200 * 86_400_000
    shop.tell(_note(C))
    assert shop.bridge.rows("SELECT code FROM note_code ORDER BY code") == [(B,), (C,)]
    assert shop.bridge.rows("SELECT COUNT(*) FROM note_sender") == [(2,)]
