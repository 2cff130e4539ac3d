"""List store: swaps whole pictures, never lets a look-up wait, and lets nothing pass when the list can't be read."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from fakes.news import CASE, PACKS, message, shipment
from fakes.released import NOW_MS, SITE, Centre, ReleasedBox, code
from yaoma.core.allowlist import CodeStatus, DenialKind, Source
from yaoma.core.code import from_key
from yaoma.core.shipment import ShipmentKind
from yaoma.core.site_list import ListRefusal
from yaoma.shell.box_list import BoxList
from yaoma.shell.list_db import DAMAGED, ListDb
from yaoma.shell.list_news import ListNews
from yaoma.shell.list_store import ListStore


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    """A centre whose first version holds the packs 0 to 999."""
    made = Centre(tmp_path / "centre")
    made.begin()
    made.base(range(1000))
    made.denials("cn20:8123499")
    return made


@pytest.fixture
def box(centre: Centre, tmp_path: Path) -> ReleasedBox:
    """A box with the first version."""
    made = ReleasedBox(tmp_path / "box", centre.root)
    made.update(centre.path)
    return made


class Rig:
    """A store over a box's list.db, as the daemon has it."""

    def __init__(self, box: ReleasedBox, at_least: int = 0) -> None:
        self.db = ListDb.open(box.folder / "list.db", at_least=at_least)
        self.times: list[int] = []
        self.changes: list[tuple[int | None, int]] = []
        self.store = ListStore(
            self.db,
            box.folder / "list.signed",
            [],
            SITE,
            signed_time=self.times.append,
            changed=lambda old, new: self.changes.append((old.version if old else None, new.version)),
            close_after_s=0,
        )
        self.store.refresh(at_once=True)

    def listing(self, key: str) -> object:
        """What the list says of a code."""
        assert self.store.current is not None
        return self.store.current.listing(from_key(key))

    def close(self) -> None:
        """Close everything."""
        self.store.close()


@pytest.fixture
def rig(box: ReleasedBox) -> Iterator[Rig]:
    """A store that is closed at the end."""
    made = Rig(box)
    yield made
    made.close()


def listing_source(rig: Rig, number: int) -> Source | None:
    """Why a pack may be here."""
    found = rig.listing(f"cn20:{code(number)}")
    return found.source  # type: ignore[attr-defined,no-any-return]  # a Listing


def test_release_in_list_db_is_in_use_and_its_signed_time_is_told(rig: Rig) -> None:
    """The store gives the big list, when it was signed, and no refusal."""
    assert isinstance(rig.store.current, BoxList)
    assert 1 == rig.store.current.version
    assert NOW_MS == rig.store.issued_ms
    assert rig.store.refusal is None
    assert [NOW_MS] == rig.times
    assert [(None, 1)] == rig.changes
    assert Source.LIST is listing_source(rig, 5)


def test_update_by_another_process_is_taken_up(rig: Rig, centre: Centre, box: ReleasedBox) -> None:
    """After `yaoma update` has committed, the next look takes the new version."""
    assert not rig.store.refresh(at_once=True)
    centre.delta(adds=[2000], removes=[5])
    box.update(centre.path)

    assert Source.LIST is listing_source(rig, 5), "the picture in use does not change by itself"
    assert rig.store.refresh(at_once=True)
    assert Source.LIST is listing_source(rig, 2000)
    assert listing_source(rig, 5) is None
    assert [(None, 1), (1, 2)] == rig.changes


def test_picture_stays_whole_across_a_rebase(rig: Rig, centre: Centre, box: ReleasedBox) -> None:
    """Who holds the older list gets its answers to the end, though its files are deleted."""
    centre.delta(removes=[5])
    box.update(centre.path)
    rig.store.refresh(at_once=True)
    old = rig.store.current
    assert old is not None
    centre.base(range(100, 1000))
    box.update(centre.path)

    assert old.listing(from_key(f"cn20:{code(5)}")).source is None
    assert old.listing(from_key(f"cn20:{code(6)}")).source is Source.LIST


def test_news_of_the_bridge_are_in_the_next_picture(rig: Rig) -> None:
    """Shipment, status and urgent denial of a state message count from the next look on."""
    ListNews(ListDb.open(rig.db.path)).apply(message(1))
    rig.store.refresh(at_once=True)
    current = rig.store.current
    assert current is not None
    pack = current.listing(from_key(PACKS[0]))

    assert (Source.SHIPMENT, "A1", date(2027, 5, 31)) == (pack.source, pack.lot, pack.expiry)
    assert (CodeStatus.CANCELLED, "asn-1") == (pack.status, pack.shipment)
    assert ("asn-1", None) == (current.listing(from_key(CASE)).shipment, current.listing(from_key(CASE)).lot)
    assert shipment() == current.shipment("asn-1")
    assert current.shipment("asn-9") is None
    denial = current.denial(from_key(PACKS[0]), "A1")
    assert denial is not None
    assert DenialKind.RECALL is denial.kind
    assert current.denial(from_key(PACKS[0]), "B9") is None
    assert current.denies_lots_of("cn20:8123457")
    assert not current.denies_lots_of("cn20:8123456")


@pytest.mark.row("S2-09")
@pytest.mark.row("S2-20")
@pytest.mark.parametrize(
    ("kind", "source"),
    [
        (ShipmentKind.HEADQUARTERS, Source.HEADQUARTERS),
        (ShipmentKind.PARSED, Source.PARSED),
        (ShipmentKind.TRANSFER, Source.TRANSFER),
    ],
)
def test_each_source_is_marked_as_what_it_is(rig: Rig, kind: ShipmentKind, source: Source) -> None:
    """What headquarters pushed is not taken for a supplier's word."""
    ListNews(rig.db).apply(replace(message(1), shipments=[shipment("x", kind)]))
    rig.store.refresh(at_once=True)

    assert source is rig.listing(PACKS[1]).source  # type: ignore[attr-defined]  # a Listing


def test_newest_shipment_that_names_a_code_counts(rig: Rig) -> None:
    """A pack may be sent twice; the later note is the one that is received against."""
    other = ListDb.open(rig.db.path)
    for number, name in enumerate(("asn-1", "asn-2"), 1):
        ListNews(other).apply(replace(message(number), shipments=[shipment(name)]))
    other.close()
    rig.store.refresh(at_once=True)

    assert "asn-2" == rig.listing(PACKS[2]).shipment  # type: ignore[attr-defined]  # a Listing


def test_own_news_are_seen_too(rig: Rig) -> None:
    """State messages that the daemon itself applies change the list it judges by."""
    ListNews(rig.db).apply(message(1))

    assert rig.store.refresh(at_once=True)
    assert Source.SHIPMENT is rig.listing(PACKS[1]).source  # type: ignore[attr-defined]  # a Listing


def test_damaged_page_is_answered_as_damaged_and_noted(rig: Rig, box: ReleasedBox) -> None:
    """A bit that has rotted in the page that would answer is no accept and no "not listed"."""
    (base,) = box.list_folder.glob("base-*")
    with base.open("r+b") as stream:
        stream.seek(-2000, 2)
        stream.write(bytes(2000))

    found = [rig.listing(f"cn20:{code(number)}") for number in (0, 999, 5000)]
    assert any(one.damaged for one in found)  # type: ignore[attr-defined]  # a Listing
    assert rig.store.has_damage


@pytest.mark.parametrize("fault", ["base gone", "base changed", "denials changed", "list.db damaged", "row damaged"])
def test_list_that_cannot_be_read_lets_nothing_pass(box: ReleasedBox, fault: str) -> None:
    """Whatever is broken, each pack is for review, the refusal says what to do, and a whole release lifts it."""
    target = next(box.list_folder.glob("denials-*" if "denials" in fault else "base-*"))
    if fault == "base gone":
        target.unlink()
    elif "changed" in fault:
        target.write_bytes(target.read_bytes()[:100] + b"\1" + target.read_bytes()[101:])
    elif fault == "row damaged":
        db = ListDb.open(box.folder / "list.db")
        with db.writing() as run:
            run("INSERT INTO urgent VALUES ('k', '', 'whim', '')")
        db.close()
    else:
        (box.folder / "list.db").write_bytes(b"x" * 9000)
    rig = Rig(box, at_least=1)
    try:
        assert all(rig.listing(f"cn20:{code(number)}").damaged for number in (5, 5000))  # type: ignore[attr-defined]  # a Listing
        assert rig.store.refusal is not None
        assert ListRefusal.UNREADABLE is rig.store.refusal.reason
        assert "yaoma update" in rig.store.refusal.hint
        assert 1 == getattr(rig.store.current, "version", None)
    finally:
        rig.close()


def test_whole_release_lifts_the_mark_of_a_damaged_list_db(box: ReleasedBox, centre: Centre) -> None:
    """After list.db was set aside the next update makes packs pass again, in the same daemon."""
    (box.folder / "list.db").write_bytes(b"x" * 9000)
    rig = Rig(box, at_least=1)
    assert DAMAGED in rig.db.floors()
    box.update(centre.path)

    assert rig.store.refresh(at_once=True)
    assert Source.LIST is listing_source(rig, 5)
    assert rig.store.refusal is None
    rig.close()


def test_list_db_that_another_process_had_to_set_aside_is_followed(rig: Rig, box: ReleasedBox, centre: Centre) -> None:
    """When `yaoma update` finds the file damaged and begins another, the daemon goes over to that one."""
    (box.folder / "list.db").rename(box.folder / "gone.db")
    for suffix in ("-wal", "-shm"):
        (box.folder / f"list.db{suffix}").unlink(missing_ok=True)
    box.at_least = 1
    centre.delta(adds=[2000])
    box.update(centre.path)

    assert rig.store.refresh(at_once=True)
    assert Source.LIST is listing_source(rig, 2000)


def test_without_a_release_the_small_list_counts(tmp_path: Path, centre: Centre) -> None:
    """A clinic with a signed file and no repository goes on as before."""
    rig = Rig(ReleasedBox(tmp_path / "small", centre.root))

    assert rig.store.current is None
    assert rig.store.refusal is not None
    assert ListRefusal.ABSENT is rig.store.refusal.reason
    rig.close()


def test_release_of_another_site_in_list_db_lets_nothing_pass(rig: Rig) -> None:
    """A state folder that was copied from the neighbour's box does not serve here."""
    other = ListDb.open(rig.db.path)
    with other.writing() as run:
        run("UPDATE release SET site='H99999999999'")
    other.close()
    rig.store.refresh(at_once=True)

    assert rig.listing(f"cn20:{code(5)}").damaged  # type: ignore[attr-defined]  # a Listing


def test_wal_does_not_grow_with_the_changes(rig: Rig) -> None:
    """Though a picture is always open, the WAL begins anew after each change that was taken up."""
    other = ListDb.open(rig.db.path)
    news, sizes = ListNews(other), []
    for number in range(1, 60):
        news.apply(message(number))
        for _ in range(3):
            rig.store.refresh(at_once=True)
        sizes.append(rig.db.path.with_name("list.db-wal").stat().st_size)
    other.close()

    assert max(sizes[30:]) <= max(sizes[:10])


def test_no_look_up_waits_for_an_update(rig: Rig, centre: Centre, box: ReleasedBox) -> None:
    """Look-ups go on while somebody holds the store's lock, and while 20,000 rows are committed and taken up."""
    centre.delta(adds=range(10_000, 30_000))
    keys = [from_key(f"cn20:{code(number)}") for number in range(0, 1000, 7)]
    took_s: list[float] = []
    stop = threading.Event()

    def recorder() -> None:
        while not stop.is_set():
            for key in keys:
                began_s = time.perf_counter()
                current = rig.store.current
                assert current is not None
                current.listing(key)
                current.denial(key)
                took_s.append(time.perf_counter() - began_s)
            time.sleep(0.0005)

    thread = threading.Thread(target=recorder)
    thread.start()
    try:
        with rig.store._big_lock:  # whoever refreshes holds it for as long as it likes
            time.sleep(0.2)
        before = len(took_s)
        assert before > 10, "look-ups stopped while the lock was held"
        box.update(centre.path)
        rig.store.refresh(at_once=True)
        time.sleep(0.1)
    finally:
        stop.set()
        thread.join()

    assert 2 == getattr(rig.store.current, "version", None)
    assert len(took_s) > before
    assert sorted(took_s)[len(took_s) // 2] < 0.001
