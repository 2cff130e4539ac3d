"""Told list: a small signed list and what the bridge told this box are one list."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from fakes.news import PACKS, message, shipment
from fakes.released import NOW_MS, SITE, Centre, ReleasedBox, code, key_of
from yaoma.config.model import PolicyConfig
from yaoma.core.allowlist import NOT_LISTED, Allowlist, CodeStatus, Denial, DenialKind, MemoryAllowlist, Source
from yaoma.core.canonical import Json
from yaoma.core.code import from_key
from yaoma.core.site_list import list_text
from yaoma.doctor.site_list import check_list
from yaoma.shell.list_db import DAMAGED, ListDb
from yaoma.shell.list_news import ListNews
from yaoma.shell.list_store import SET_ASIDE_HINT, ListStore


class Clinic:
    """A store over a small signed list and a list.db that has no release."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "list.signed"
        self.db = ListDb.open(folder / "list.db")
        self.changes: list[tuple[int | None, int]] = []
        self.sign(1)
        self.store = ListStore(
            self.db,
            self.file,
            [key_of("county").verifier()],
            SITE,
            changed=lambda old, new: self.changes.append((old.version if old else None, new.version)),
            close_after_s=0,
        )
        self.store.refresh(at_once=True)

    def sign(self, version: int, *codes: int) -> None:
        """Put a small list in place."""
        said: dict[str, Json] = {
            "site": SITE,
            "version": version,
            "issued_ms": NOW_MS,
            "expires_ms": NOW_MS + 1,
            "products": [{"key": "cn20:8123457", "name": "阿莫西林胶囊"}],
            "codes": [f"cn20:{code(number)}" for number in codes or (1, 2)],
            "denials": [{"key": "cn20:8123456", "kind": "warning", "note": "7", "lot": "B9"}],
            "patterns": [],
        }
        self.file.write_text(key_of("county").sign(list_text(said)))

    @property
    def list(self) -> Allowlist:
        """The list that counts now."""
        assert self.store.current is not None
        return self.store.current


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    """A clinic without a repository."""
    (tmp_path / "clinic").mkdir()
    made = Clinic(tmp_path / "clinic")
    yield made
    made.store.close()


def test_small_list_when_nothing_was_told_then_it_answers_for_itself(clinic: Clinic) -> None:
    """Without news there is no connection to keep open."""
    assert isinstance(clinic.list, MemoryAllowlist)
    assert [(None, 1)] == clinic.changes
    assert not clinic.store.refresh(at_once=True)


@pytest.mark.row("S3-02")
def test_small_list_when_the_bridge_told_something_then_both_count(clinic: Clinic) -> None:
    """Shipment, status and urgent denial stand beside codes, products and denials of the signed file."""
    ListNews(clinic.db).apply(message(1))

    assert clinic.store.refresh(at_once=True)
    assert [(None, 1), (1, 1)] == clinic.changes
    pack = clinic.list.listing(from_key(PACKS[0]))
    assert (Source.SHIPMENT, "A1", date(2027, 5, 31)) == (pack.source, pack.lot, pack.expiry)
    assert (CodeStatus.CANCELLED, "asn-1") == (pack.status, pack.shipment)
    assert shipment() == clinic.list.shipment("asn-1")
    denial = clinic.list.denial(from_key(PACKS[0]), "A1")
    assert denial is not None
    assert DenialKind.RECALL is denial.kind
    assert clinic.list.denies_lots_of("cn20:8123457")

    listed = from_key(f"cn20:{code(1)}")
    assert Source.LIST is clinic.list.listing(listed).source
    assert clinic.list.listing(from_key(f"cn20:{code(3)}")) == NOT_LISTED
    assert Denial(DenialKind.WARNING, "7") == clinic.list.denial(listed, "B9")
    assert clinic.list.denial(listed, "B8") is None
    product = clinic.list.product("cn20:8123457")
    assert product is not None
    assert "阿莫西林胶囊" == product.name
    assert (1, NOW_MS + 1, NOW_MS) == (clinic.list.version, clinic.list.expires_ms, clinic.store.issued_ms)
    assert clinic.store.refusal is None


def test_small_list_when_another_is_signed_or_more_is_told_then_the_next_look_has_both(clinic: Clinic) -> None:
    """Neither what was told nor what was signed is lost by the other."""
    ListNews(clinic.db).apply(message(1))
    clinic.store.refresh(at_once=True)
    before = clinic.list
    clinic.sign(2, 5)
    assert clinic.store.refresh(at_once=True)
    ListNews(clinic.db).apply(message(2, name="asn-2"))
    assert clinic.store.refresh(at_once=True)

    assert Source.LIST is clinic.list.listing(from_key(f"cn20:{code(5)}")).source
    assert clinic.list.listing(from_key(f"cn20:{code(1)}")).source is None
    assert "asn-2" == clinic.list.listing(from_key(PACKS[2])).shipment
    assert before is not clinic.list
    assert 2 == clinic.list.version


def test_small_list_when_a_row_of_the_news_is_damaged_then_nothing_passes(clinic: Clinic) -> None:
    """Nobody can say what was denied: each pack is for review until it can be read."""
    ListNews(clinic.db).apply(message(1))
    with clinic.db.writing() as run:
        run("INSERT INTO urgent VALUES ('k', '', 'whim', '')")
    clinic.store.refresh(at_once=True)
    assert clinic.list.listing(from_key(f"cn20:{code(1)}")).damaged
    with clinic.db.writing() as run:
        run("DELETE FROM urgent WHERE key = 'k'")
    clinic.store.refresh(at_once=True)

    assert Source.LIST is clinic.list.listing(from_key(f"cn20:{code(1)}")).source
    assert clinic.store.refusal is None


def test_small_list_when_a_release_comes_then_that_counts(tmp_path: Path) -> None:
    """Who goes over to the repository keeps the news, and the file is looked at no more."""
    centre = Centre(tmp_path / "centre")
    centre.begin()
    centre.base(range(1000))
    box = ReleasedBox(tmp_path / "grown", centre.root)
    clinic = Clinic(box.folder)
    ListNews(clinic.db).apply(message(1))
    clinic.store.refresh(at_once=True)
    box.update(centre.path)
    clinic.store.refresh(at_once=True)

    assert Source.LIST is clinic.list.listing(from_key(f"cn20:{code(999)}")).source
    assert Source.SHIPMENT is clinic.list.listing(from_key(PACKS[1])).source
    clinic.store.close()


def test_small_list_when_it_is_told_much_then_the_wal_does_not_grow(clinic: Clinic) -> None:
    """The picture that look-ups use holds no older state of the file for long."""
    other = ListDb.open(clinic.db.path)
    news, sizes = ListNews(other), []
    for number in range(1, 60):
        news.apply(message(number))
        for _ in range(3):
            clinic.store.refresh(at_once=True)
        sizes.append(clinic.db.path.with_name("list.db-wal").stat().st_size)
    other.close()

    assert max(sizes[30:]) <= max(sizes[:10])


@pytest.fixture
def broken(clinic: Clinic) -> Iterator[Clinic]:
    """A clinic whose list.db was damaged and set aside while the box was off; version 1 was in force."""
    clinic.store.close()
    for path in clinic.file.parent.glob("list.db-*"):
        path.unlink()
    (clinic.file.parent / "list.db").write_bytes(b"x" * 9000)
    clinic.db = ListDb.open(clinic.file.parent / "list.db", at_least=1)
    clinic.store = ListStore(clinic.db, clinic.file, [key_of("county").verifier()], SITE, at_least=1, close_after_s=0)
    clinic.store.refresh(at_once=True)
    yield clinic
    clinic.store.close()


def is_for_review(clinic: Clinic) -> bool:
    """Say whether a listed pack is for review."""
    return clinic.list.listing(from_key(f"cn20:{code(1)}")).damaged


def test_small_list_when_list_db_was_set_aside_then_packs_are_for_review_and_it_says_what_ends_that(
    broken: Clinic,
) -> None:
    """An urgent denial may be lost; the same small list does not know it."""
    assert is_for_review(broken)
    assert broken.store.refusal is not None
    assert "small list" in broken.store.refusal.hint
    (found,) = check_list(
        broken.file, [key_of("county").verifier()], SITE, now_ms=NOW_MS, newer_than=0, policy=PolicyConfig(),
        big=broken.db.path,
    )  # fmt: skip
    assert ("list_refused.unreadable", SET_ASIDE_HINT) == (found.id, found.detail)


def test_small_list_when_the_bridge_tells_again_then_it_counts_again_also_after_a_restart(broken: Clinic) -> None:
    """With its news the list is as whole as before."""
    ListNews(broken.db).apply(message(1))

    assert broken.store.refresh(at_once=True)
    assert not is_for_review(broken)
    assert broken.list.denial(from_key(PACKS[0]), "A1") is not None
    assert broken.store.refusal is None
    assert DAMAGED not in broken.db.floors()


def test_small_list_when_the_centre_signs_a_newer_one_then_it_counts_again(broken: Clinic) -> None:
    """What the centre has signed since names what is denied; a touched old one does not."""
    broken.sign(1, 1)
    broken.store._looked_s = float("-inf")
    assert not broken.store.refresh(at_once=True)
    assert is_for_review(broken)
    broken.sign(2, 1)
    broken.store._looked_s = float("-inf")

    assert broken.store.refresh(at_once=True)
    assert not is_for_review(broken)
    assert DAMAGED not in broken.db.floors()


def test_small_list_when_a_release_was_in_force_then_it_does_not_take_its_place(broken: Clinic) -> None:
    """Where a base lies a release is missing, which only an update brings back."""
    (broken.db.folder / "base-1").write_bytes(b"")
    ListNews(broken.db).apply(message(1))
    broken.store.refresh(at_once=True)

    assert is_for_review(broken)
