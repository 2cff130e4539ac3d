"""Despatching: what one site sends reaches the boxes of the other, and what was found there comes back."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from fakes.box import BoxLog
from fakes.scripted_platform import ScriptedPlatform
from fakes.stepped_bridge import register
from fakes.ticketed import Counter, code_of
from fakes.uploading_bridge import UploadingBridge
from yaoma.core import receiving
from yaoma.core.canonical import Json
from yaoma.core.deed import settled, task_id
from yaoma.core.record import Entry, Kind
from yaoma.core.shipment import Shipment
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.cli import app
from yaoma_bridge.config import read_config
from yaoma_bridge.despatch_rows import DespatchState, despatches
from yaoma_bridge.despatching import Despatcher
from yaoma_bridge.errors import BridgeError, ConfigError
from yaoma_bridge.registry import Registry
from yaoma_bridge.state import state_after
from yaoma_bridge.store import Store
from yaoma_link.receipt import Receipt
from yaoma_link.state import StateMessage
from yaoma_link.topics import BoxName

A, B, C, CASE = code_of(1), code_of(2), code_of(3), code_of(90, product=9)
STORE = BoxName("H2", "counter-1")
_BOXES = (STORE, BoxName("H2", "counter-2"), BoxName("H9", "counter-1"))


@dataclass
class Chain:
    """A bridge, a site H1 that sends, and a site H2 with two boxes, of which one was never heard."""

    bridge: UploadingBridge
    facts: CentreFacts
    sender: Counter
    store: Counter
    told: list[Receipt] = field(default_factory=list)

    def follow(self, bridge: UploadingBridge | None = None) -> list[Receipt]:
        """Bring what the counters have done to the bridge, and let it do all there is to do; give the receipts."""
        running = bridge or self.bridge
        for counter in (self.sender, self.store):
            if counter.log.size:
                running.take(counter.log.payload(), name=counter.log.name)
        running.bill()
        made: list[Receipt] = []
        despatcher = Despatcher(self.facts, running.signer)
        while (more := despatcher.follow(running.upload_store, running.now_ms)) is not None:
            made += running.opened(more)
        return made

    def heard(self, name: BoxName = STORE, bridge: UploadingBridge | None = None) -> list[Shipment]:
        """Give the notes that a box is told."""
        running = bridge or self.bridge
        with running.store.writing() as tx:
            sent = state_after(tx, name, running.signer, running.now_ms)
        messages = [StateMessage.opened(one.payload, [running.signer.verifier()]) for one in sent]
        return [note for message in messages for note in message.shipments]

    def outcomes(self) -> dict[str, tuple[str, str]]:
        """Give what the sender's records have become at `despatch`, by their code; of the closing one by its kind."""
        rows = self.bridge.rows(
            "SELECT record.body, fate, reason FROM upload JOIN event ON event.n=upload.n "
            "JOIN record USING (log_id, seq) WHERE destination='despatch'"
        )
        return {(said := json.loads(body)).get("code", said["kind"]): (fate, why) for body, fate, why in rows}

    def states(self) -> list[tuple[str, int, int, int]]:
        """Give the state of each note with what lacks, is too much, is doubted."""
        with self.bridge.store.reading() as tx:
            return [(one.state.value, one.missing, one.extra, one.doubtful) for one in despatches(tx)]


def _bridge(folder: Path) -> UploadingBridge:
    for name in (BoxName("H1", "counter-1"), *_BOXES):
        register(folder / "boxes", name)
    return UploadingBridge(folder, ScriptedPlatform())


@pytest.fixture
def chain(tmp_path: Path, log: BoxLog) -> Iterator[Chain]:
    """Give a chain; H2 has a box that was seen and one that is only registered."""
    bridge = _bridge(tmp_path)
    facts = CentreFacts(registry=Registry(tmp_path / "boxes"))
    yield Chain(bridge, facts, Counter(log), Counter(BoxLog(STORE, "log-store")))
    bridge.close()


OK = ("accepted", "")


@pytest.mark.row("S2-04", part="bridge")
@pytest.mark.row("S2-16", part="bridge")
def test_what_a_site_sends_is_known_to_every_box_of_the_receiver(chain: Chain) -> None:
    """Both boxes of the store are told, the one that was never heard too; another site and the sender are not."""
    ticket = chain.sender.send(A, B, partner="H2")
    receipts = chain.follow()
    (note,) = chain.heard()
    assert (note.supplier, note.bill, list(note.line_of)) == ("H1", ticket, [A, B])
    assert chain.heard(BoxName("H2", "counter-2")) == [note]
    assert chain.heard(BoxName("H9", "counter-1")) == chain.heard(chain.sender.log.name) == []
    said = {(one.destination, one.state.value) for receipt in receipts for one in receipt.outcomes}
    assert said == {("despatch", "processing")}
    assert chain.states() == [("told", 0, 0, 0)]


@pytest.mark.row("S4-04", part="bridge")
def test_a_wholesale_reaches_the_company_that_it_names_by_its_registered_name(chain: Chain, tmp_path: Path) -> None:
    """The name of the site's file, or its credit code, names the site; a name that two have names none."""
    sites = tmp_path / "sites"
    sites.mkdir()
    (sites / "H2.toml").write_text('kind = "pharmacy"\nname = "某某大药房"\ncredit_code = "91140400MA0000000X"\n')
    chain.facts = CentreFacts(institutions=sites, registry=chain.facts.registry)
    chain.sender.send(A, partner="某某大药房", operation="wholesale")
    chain.sender.send(B, partner="91140400MA0000000X", operation="wholesale")
    chain.follow()
    assert [list(note.line_of) for note in chain.heard()] == [[A], [B]]
    (sites / "H9.toml").write_text('kind = "pharmacy"\nname = "某某大药房"\n')
    chain.sender.send(C, partner="某某大药房", operation="wholesale")
    chain.follow()
    assert len(chain.heard()) == 2
    assert chain.states()[-1][0] == "outside"


def test_a_note_is_sent_once_whatever_comes_again(chain: Chain) -> None:
    """Records that come again, further rounds, and two workers at once queue nothing more."""
    chain.sender.send(A, partner="H2")
    chain.bridge.take(chain.sender.log.payload(), name=chain.sender.log.name)
    chain.bridge.bill()

    def work() -> None:
        with Store.open(chain.bridge.place) as store:
            Despatcher(chain.facts, chain.bridge.signer).follow(store, chain.bridge.now_ms)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    chain.follow()
    assert chain.bridge.rows("SELECT box, COUNT(*) FROM state GROUP BY box ORDER BY box") == [
        ("counter-1", 1),
        ("counter-2", 1),
    ]


def test_a_store_from_a_backup_makes_the_same_note_again(chain: Chain, tmp_path: Path) -> None:
    """A bridge that forgot the ticket tells the same note under the same id: a box has it once."""
    chain.sender.send(A, B, partner="H2")
    chain.follow()
    (tmp_path / "empty").mkdir()
    restored = _bridge(tmp_path / "empty")
    chain.follow(restored)
    assert chain.heard(bridge=restored) == chain.heard()
    restored.close()


def test_an_answer_that_comes_before_its_note_is_kept_for_it(chain: Chain, tmp_path: Path) -> None:
    """After a restore the receiver's records may come first; nothing of them is lost."""
    chain.sender.send(A, B, partner="H2")
    chain.follow()
    (note,) = chain.heard()
    chain.store.receive(note, A)
    (tmp_path / "empty").mkdir()
    restored = _bridge(tmp_path / "empty")
    restored.take(chain.store.log.payload(), name=STORE)
    restored.bill()
    assert Despatcher(chain.facts, restored.signer).follow(restored.upload_store, restored.now_ms) is not None
    chain.bridge.close()
    chain.bridge = restored
    assert chain.states() == []
    chain.follow()
    assert chain.states() == [("differs", 1, 0, 0)]
    restored.close()


@pytest.mark.row("S2-04", part="bridge")
@pytest.mark.row("S1-11", part="bridge")
def test_what_the_receiver_found_comes_back_to_the_sender(chain: Chain) -> None:
    """What lacks and what has another lot is a task at the sender, pack by pack; what is too much, of the ticket."""
    chain.sender.send(A, B, C, partner="H2")
    chain.follow()
    (note,) = chain.heard()
    chain.store.receive(note, A, B, code_of(7), doubtful={B: "lot_mismatch"})
    receipts = chain.follow()
    assert chain.outcomes() == {
        A: OK,
        B: ("refused", "despatch_lot"),
        C: ("refused", "despatch_missing"),
        "ticket": ("refused", "despatch_extra"),
    }
    assert chain.states() == [("differs", 1, 1, 1)]
    told = {one.reason for receipt in receipts for one in receipt.outcomes if one.state.value == "refused"}
    assert told == {"despatch_lot", "despatch_missing", "despatch_extra"}
    assert {receipt.log for receipt in receipts} == {chain.sender.log.log}
    alarms = chain.bridge.rows("SELECT kind, site, log, facts FROM alarm WHERE kind='despatch_differs'")
    facts = {"receiver": "H2", "missing": 1, "extra": 1, "doubtful": 1}
    assert [(*row[:3], json.loads(row[3])) for row in alarms] == [("despatch_differs", "H1", note.id, facts)]


def test_what_comes_after_all_lifts_task_and_alarm(chain: Chain) -> None:
    """A second delivery brings what the first lacked: the note is received, and nothing is left to do."""
    chain.sender.send(A, B, partner="H2")
    chain.follow()
    (note,) = chain.heard()
    chain.store.receive(note, A)
    chain.follow()
    assert chain.outcomes()[B] == ("refused", "despatch_missing")
    chain.store.receive(note, B)
    chain.follow()
    assert chain.outcomes() == {A: OK, B: OK, "ticket": OK}
    assert chain.states() == [("received", 0, 0, 0)]
    assert chain.bridge.alarms() == set()


@pytest.mark.row("S2-04", part="bridge")
def test_what_the_sender_found_out_closes_the_difference(chain: Chain) -> None:
    """Settled at the sender with a word for each task, it is no alarm any more; the centre reads what was found out."""
    chain.sender.send(A, B, C, code_of(4), partner="H2")
    chain.follow()
    (note,) = chain.heard()
    chain.store.receive(note, B, doubtful={B: "lot_mismatch"})
    chain.follow()
    log = chain.sender.log
    places = {record.fields.get("code"): record.seq for record in log.records}
    ids = {code: task_id("despatch", log.log, places[code]) for code in (A, B, C)}
    assert (places[code_of(4)], chain.states()[0][0]) == (places[C] + 1, "differs"), "one task for two records"
    log.add(settled([ids[A], f"hold:{A}"], "少装一盒，已补发", "op-li"))
    chain.follow()
    assert (chain.states()[0][0], chain.bridge.alarms()) == ("differs", {"despatch_differs"})
    log.add(settled([ids[B], ids[C]], "发错批号，已通知", "op-li"))
    chain.follow()
    assert (chain.states()[0][0], chain.bridge.alarms()) == ("cleared", set())
    shown = json.loads(_command(chain, "despatch", "show", note.id))
    assert [(one["record"], one["how"]) for one in shown["cleared"]] == [
        (f"{log.log}/{places[A]}", "少装一盒，已补发"),
        (f"{log.log}/{places[B]}", "发错批号，已通知"),
        (f"{log.log}/{places[C]}", "发错批号，已通知"),
    ]
    assert "已查明" in _command(chain, "despatch", "list", "--state", "cleared")
    chain.store.receive(note, A, C, code_of(4))
    chain.follow()
    assert chain.states()[0][0] == "cleared"


@pytest.mark.parametrize(
    "duty",
    [
        "refused:despatch:",
        "refused:despatch:x",
        "refused:despatch:log1/x",
        "refused:despatch:log1/99999999999999999",
        7,
    ],
)
def test_a_settlement_of_nothing_closes_nothing(chain: Chain, duty: Json) -> None:
    """Whatever a box writes as the id of a task, no other difference is closed by it."""
    chain.sender.send(A, partner="H2")
    chain.follow()
    (note,) = chain.heard()
    chain.store.receive(note)
    chain.follow()
    fields: dict[str, Json] = {"duties": [duty, "refused:despatch:log1/77", "refused:despatch:/1"], "how": "已查"}
    chain.sender.log.add(Entry(Kind.SETTLE, fields))
    chain.store.log.add(settled([task_id("despatch", chain.sender.log.log, 1)], "别家的"))
    chain.follow()
    assert chain.states()[0][0] == "differs"


def test_a_delivery_that_was_as_said_is_received(chain: Chain) -> None:
    """A case that arrived whole: its record is accepted, and nobody has anything to do."""
    chain.sender.open("transfer_out", facts=(("partner", "H2"),))
    chain.sender.scan(CASE, packs=[A, B], packs_more=2)
    chain.sender.close()
    chain.follow()
    (note,) = chain.heard()
    assert dict(note.parents) == {CASE: "", A: CASE, B: CASE}
    chain.store.receive(note, A, B)
    chain.follow()
    assert chain.outcomes() == {CASE: OK, "ticket": OK}
    assert chain.states() == [("received", 0, 0, 0)]


def test_a_delivery_of_which_nothing_came_lacks_all(chain: Chain) -> None:
    """The receiver closes a ticket without a scan, of which there is no bill: the sender hears of it all the same."""
    chain.sender.send(A, B, partner="H2")
    chain.follow()
    (note,) = chain.heard()
    chain.store.receive(note)
    chain.follow()
    missing = ("refused", "despatch_missing")
    assert chain.outcomes() == {A: missing, B: missing, "ticket": OK}


def test_more_than_a_record_names_is_told_of_the_ticket(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of packs that the answer only counts nothing is said one by one: neither that they lack nor that they came."""
    chain.sender.send(A, B, C, partner="H2")
    chain.follow()
    (note,) = chain.heard()
    monkeypatch.setattr(receiving, "_NAMED", 1)
    chain.store.receive(note, A)
    chain.follow()
    assert chain.outcomes() == {
        A: ("processing", ""),
        B: ("refused", "despatch_missing"),
        C: ("processing", ""),
        "ticket": ("refused", "despatch_missing"),
    }
    assert chain.states() == [("differs", 2, 0, 0)]


@pytest.mark.parametrize("note", ["yaoma:H1:", "yaoma:H1:AAAAAAAAAAAAAAAAAAAA", "yaoma:" + "x" * 5000, "yaoma:\x00"])
def test_an_answer_to_a_note_that_was_never_made_does_nothing(chain: Chain, note: str) -> None:
    """Whatever a box writes as the id of a note, nobody is blamed for it."""
    chain.sender.send(A, partner="H2")
    chain.follow()
    (real,) = chain.heard()
    chain.store.receive(Shipment(note, real.kind, "", "", real.lines, real.parents, real.line_of))
    chain.follow()
    assert chain.states() == [("told", 0, 0, 0)]


def test_only_the_receiver_can_answer(chain: Chain) -> None:
    """Another site that names the note changes nothing for its sender."""
    chain.sender.send(A, partner="H2")
    chain.follow()
    (note,) = chain.heard()
    chain.store = Counter(BoxLog(BoxName("H9", "counter-1"), "log-other"))
    chain.store.receive(note)
    chain.follow()
    assert chain.states() == [("told", 0, 0, 0)]


def test_who_is_not_named_can_be_named_at_the_centre(chain: Chain) -> None:
    """A transfer without a receiver waits in the list; the centre sends its note, and the answer counts."""
    chain.sender.send(A)
    chain.follow()
    assert chain.states() == [("unnamed", 0, 0, 0)]
    despatcher = Despatcher(chain.facts, chain.bridge.signer)
    with chain.bridge.store.writing() as tx:
        (one,) = despatches(tx, "H1", [DespatchState.UNNAMED])
        for wrong in ("H1", "H77", ""):
            with pytest.raises(BridgeError, match="no other site"):
                despatcher.send_to(tx, one.note, wrong, chain.bridge.now_ms)
        with pytest.raises(BridgeError, match="no such note"):
            despatcher.send_to(tx, "yaoma:x", "H2", chain.bridge.now_ms)
        assert despatcher.send_to(tx, one.note, "H2", chain.bridge.now_ms) == 2
    (note,) = chain.heard()
    chain.store.receive(note, A)
    chain.follow()
    assert chain.states() == [("received", 0, 0, 0)]
    with chain.bridge.store.reading() as tx:
        assert [one.note for one in despatches(tx, "H2")] == [note.id]
        assert despatches(tx, "H9") == []


def test_a_site_that_names_itself_is_told_nothing(chain: Chain) -> None:
    """Goods that go from one counter of a site to another leave for nobody."""
    chain.sender.send(A, partner="H1")
    chain.follow()
    assert chain.states() == []
    assert chain.bridge.rows("SELECT * FROM state") == []


def test_a_retired_box_is_told_nothing(chain: Chain) -> None:
    """A stolen box does not learn what is under way."""
    chain.bridge.change("INSERT INTO retired (site, box, reason, at_ms) VALUES ('H2', 'counter-2', 'stolen', 1)")
    chain.sender.send(A, partner="H2")
    chain.follow()
    assert chain.bridge.rows("SELECT DISTINCT box FROM state") == [("counter-1",)]


def test_a_file_that_cant_be_used_holds_up_no_note(chain: Chain, tmp_path: Path) -> None:
    """A broken product table costs the names in the note, not the note."""
    (tmp_path / "products").write_text("no table")
    chain.facts = CentreFacts(products=tmp_path / "products", registry=chain.facts.registry)
    chain.sender.send(A, partner="H2")
    chain.follow()
    (note,) = chain.heard()
    assert list(note.line_of) == [A]


def test_nothing_of_a_person_is_in_a_note(chain: Chain) -> None:
    """Who worked at the sender, and what the till said besides, stays at the centre."""
    chain.sender.open(
        "wholesale", operator="op-li", facts=(("partner", "H2"), ("prescriber", "dr-wang"), ("visit", "V-77"))
    )
    chain.sender.scan(A)
    chain.sender.close()
    chain.follow()
    ((news,),) = chain.bridge.rows("SELECT news FROM state WHERE box='counter-1'")
    for word in (b"op-li", b"dr-wang", b"V-77"):
        assert word not in bytes(news)


def _command(chain: Chain, *words: str, exit_code: int = 0) -> str:
    folder = chain.bridge.folder
    key = Ed25519PrivateKey.from_private_bytes(bytes([77]) * 32)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "receipts.pem").write_bytes(pem)
    name = "url" if isinstance(chain.bridge.place, str) else "path"
    text = f'[broker]\nhost = "localhost"\n[store]\n{name} = "{chain.bridge.place}"\n'
    text += '[keys]\nsigning_key = "receipts.pem"\n[registry]\nfolder = "boxes"\n'
    (folder / "bridge.toml").write_text(text)
    done = CliRunner().invoke(app, [*words, "--config", str(folder / "bridge.toml")])
    assert done.exit_code == exit_code, done.output
    return done.output


def test_the_centre_sees_what_was_sent_and_what_was_found(chain: Chain) -> None:
    """`despatch` lists notes with their state, shows codes, and sends what names nobody; `explain` tells of both."""
    chain.sender.send(A, B, partner="H2")
    chain.sender.send(C)
    chain.follow()
    (note,) = chain.heard()
    chain.store.receive(note, A)
    chain.follow()
    listed = json.loads(_command(chain, "despatch", "list", "--json"))
    assert [(one["site"], one["receiver"], one["state"], one["missing"]) for one in listed] == [
        ("H1", "H2", "differs", 1),
        ("H1", "", "unnamed", 0),
    ]
    assert "有差异" in _command(chain, "despatch", "list", "--state", "differs")
    shown = json.loads(_command(chain, "despatch", "show", note.id))
    assert (shown["missing_codes"], shown["extra_codes"], shown["doubtful_codes"]) == ([B], [], {})
    assert "2" in _command(chain, "despatch", "send", listed[1]["note"], "H2")
    assert list(chain.heard()[-1].line_of) == [C]
    _command(chain, "despatch", "show", "yaoma:x", exit_code=1)
    explained = _command(chain, "explain", B.removeprefix("cn20:"))
    assert "despatch: refused" in explained
    assert "收货方说没有收到" in explained
    assert "not configured" not in explained


def test_a_destination_may_not_be_called_as_the_answers_are(tmp_path: Path) -> None:
    """What a platform and what a receiver say would be mixed up."""
    text = '[broker]\nhost = "x"\n[store]\npath = "b.db"\n[keys]\nsigning_key = "k"\n[registry]\nfolder = "boxes"\n'
    (tmp_path / "bridge.toml").write_text(f'{text}[[destination]]\nname = "despatch"\nkind = "file"\npath = "/x"\n')
    with pytest.raises(ConfigError, match="despatch notes"):
        read_config(tmp_path / "bridge.toml")
