"""Updates: base, deltas and tables come into force at once, and what a re-base has replaced is gone."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.released import SITE, Centre, ReleasedBox, code
from yaoma.config.model import PolicyConfig
from yaoma.core.allowlist import Source
from yaoma.core.code import from_key
from yaoma.core.product import Product
from yaoma.doctor.site_list import check_list
from yaoma.shell.box_list import BoxList, open_box_list
from yaoma.shell.list_db import TIME_FLOOR
from yaoma.shell.list_release import FileKind
from yaoma.shell.release_source import SourceUnreachableError


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    """A centre whose first version holds the packs 0 to 999."""
    made = Centre(tmp_path / "centre")
    made.begin()
    made.base(range(1000))
    return made


@pytest.fixture
def box(centre: Centre, tmp_path: Path) -> ReleasedBox:
    """A box that was never updated."""
    return ReleasedBox(tmp_path / "box", centre.root)


@pytest.fixture
def shown(box: ReleasedBox) -> Iterator[list[BoxList]]:
    """Lists that were opened; closed at the end."""
    opened: list[BoxList] = []
    yield opened
    for one in opened:
        one.close()


def look(box: ReleasedBox, shown: list[BoxList]) -> BoxList:
    """Open what is in force."""
    db = box.open()
    found = open_box_list(db)
    db.close()
    assert found is not None
    shown.append(found)
    return found


def is_listed(allowlist: BoxList, number: int) -> bool:
    """Say whether a pack may be here."""
    return allowlist.listing(from_key(f"cn20:{code(number)}")).source is Source.LIST


def test_first_update_brings_the_base(centre: Centre, box: ReleasedBox, shown: list[BoxList]) -> None:
    """The base is fetched, every page is read, and packs are found with lot and expiry."""
    outcome = box.update(centre.path)

    assert (1, 0, "base", 0) == (outcome.version, outcome.before, outcome.way, outcome.rows)
    found = look(box, shown)
    assert is_listed(found, 999)
    assert not is_listed(found, 1000)
    assert "A1" == found.listing(from_key(f"cn20:{code(5)}")).lot


def test_second_update_without_news_changes_nothing_but_the_freshness(centre: Centre, box: ReleasedBox) -> None:
    """A renewed timestamp makes the same list last longer."""
    box.update(centre.path)
    db = box.open()
    before = db.release()
    db.close()
    centre.now_ms += 5 * 86_400_000
    box.now_ms = centre.now_ms
    centre.repository.renew(centre.signers)

    assert "none" == box.update(centre.path).way
    db = box.open()
    after = db.release()
    assert before is not None
    assert after is not None
    assert before.version == after.version
    assert after.expires_ms > before.expires_ms
    assert centre.now_ms == db.floors()[TIME_FLOOR]
    db.close()


def test_deltas_lead_on_without_fetching_the_base_again(centre: Centre, box: ReleasedBox, shown: list[BoxList]) -> None:
    """Added packs are found, removed ones are not, also over several versions at once."""
    box.update(centre.path)
    for path in (centre.path / "targets" / "allow").glob("*base-1-0"):
        path.unlink()
    centre.delta(adds=[2000], removes=[7])
    centre.delta(adds=[7, 2001], removes=[2000])

    outcome = box.update(centre.path)

    assert (3, 1, "delta", 5) == (outcome.version, outcome.before, outcome.way, outcome.rows)
    found = look(box, shown)
    assert [is_listed(found, number) for number in (7, 8, 2000, 2001, 2002)] == [True, True, False, True, False]
    assert "B2" == found.listing(from_key(f"cn20:{code(2001)}")).lot


def test_new_base_empties_the_overlay_and_its_predecessor_is_deleted(
    centre: Centre, box: ReleasedBox, shown: list[BoxList]
) -> None:
    """After a re-base one base file lies there and no changed row."""
    box.update(centre.path)
    centre.delta(adds=[2000])
    box.update(centre.path)
    centre.base([1, 2, 3])

    assert "base" == box.update(centre.path).way
    found = look(box, shown)
    assert is_listed(found, 3)
    assert not is_listed(found, 4)
    assert not is_listed(found, 2000)
    db = box.open()
    assert 0 == db.overlay_size()
    assert [file.name for file in db.files()] == [path.name for path in box.list_folder.iterdir()]
    db.close()


def test_box_that_missed_deltas_takes_base_and_the_rest(centre: Centre, box: ReleasedBox, shown: list[BoxList]) -> None:
    """A new box comes to the newest version over the base and every delta since."""
    centre.delta(adds=[2000])
    centre.delta(removes=[1])

    outcome = box.update(centre.path)

    assert (3, "base", 2) == (outcome.version, outcome.way, outcome.rows)
    found = look(box, shown)
    assert is_listed(found, 2000)
    assert not is_listed(found, 1)


def test_products_denials_and_policies_come_with_it(centre: Centre, box: ReleasedBox, shown: list[BoxList]) -> None:
    """All tables of the release are in force, and a policy lies beside list.db as it was signed."""
    centre.products(Product("cn20:8123456", "阿莫西林胶囊"))
    centre.denials(f"cn20:{code(3)}")
    centre.policy("jiangsu", 4, "name = '江苏'\n")
    box.update(centre.path)

    found = look(box, shown)
    assert "阿莫西林胶囊" == getattr(found.product("cn20:8123456"), "name", None)
    assert found.denial(from_key(f"cn20:{code(3)}")) is not None
    assert found.denial(from_key(f"cn20:{code(4)}")) is None
    db = box.open()
    (policy,) = [file for file in db.files() if file.kind is FileKind.POLICY]
    assert ("jiangsu", 4) == (policy.title, policy.version)
    assert "name = '江苏'\n" == (box.list_folder / policy.name).read_text("utf-8")
    db.close()


def test_base_with_a_damaged_page_is_fetched_anew(centre: Centre, box: ReleasedBox, shown: list[BoxList]) -> None:
    """Each update reads the base once more; what has rotted is replaced though nothing is new."""
    box.update(centre.path)
    (base,) = box.list_folder.glob("base-*")
    rotten = bytearray(base.read_bytes())
    rotten[-100] ^= 4
    base.write_bytes(rotten)
    assert look(box, shown).listing(from_key(f"cn20:{code(5)}")).damaged or shown[-1].scrub()

    assert "base" == box.update(centre.path).way
    assert 0 == look(box, shown).scrub()


def test_file_that_is_missing_from_the_source_leaves_the_list_as_it_is(centre: Centre, box: ReleasedBox) -> None:
    """Half a stick is no release."""
    box.update(centre.path)
    centre.base(range(50))
    shutil.rmtree(centre.path / "targets" / "allow")

    with pytest.raises(SourceUnreachableError):
        box.update(centre.path)

    assert 1 == box.version()


def test_leftovers_of_a_cut_are_cleared_by_the_next_update(centre: Centre, box: ReleasedBox) -> None:
    """Half a download never counts and does not stay."""
    box.list_folder.mkdir()
    (box.list_folder / "base-dead.part").write_bytes(b"half")
    (box.list_folder / "tuf").mkdir()
    box.update(centre.path)

    assert ["base"] == [path.name.partition("-")[0] for path in box.list_folder.iterdir()]


def test_release_of_one_site_is_taken_by_that_site(tmp_path: Path) -> None:
    """A list may be made for one institution."""
    centre = Centre(tmp_path / "centre")
    centre.begin()
    from yaoma_tools.release_build import ReleaseParts  # noqa: PLC0415 - only here

    centre.publish(ReleaseParts(version=1, site=SITE, bases=centre.build([1])))
    box = ReleasedBox(tmp_path / "box", centre.root)

    assert 1 == box.update(centre.path).version


def test_full_disk_leaves_the_list_as_it_is(centre: Centre, box: ReleasedBox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Room is asked for before a byte is fetched: the journal comes first."""
    monkeypatch.setattr("yaoma.shell.list_update.shutil.disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 5))

    with pytest.raises(OSError, match="No space left"):
        box.update(centre.path)

    assert 0 == box.version()
    assert [] == [path.name for path in box.list_folder.iterdir()]
    assert sqlite3.connect(box.folder / "list.db").execute("SELECT count(*) FROM file").fetchone() == (0,)


def test_doctor_judges_the_release_in_list_db(centre: Centre, box: ReleasedBox) -> None:
    """With a release in force the doctor tells of it, and names a page that has rotted."""
    box.update(centre.path)

    def look_over() -> list[str]:
        found = check_list(
            box.folder / "list.signed",
            [],
            SITE,
            now_ms=box.now_ms,
            newer_than=0,
            policy=PolicyConfig(),
            big=box.folder / "list.db",
        )
        return [one.id for one in found]

    assert ["doctor.list_sound"] == look_over()
    (base,) = box.list_folder.glob("base-*")
    rotten = bytearray(base.read_bytes())
    rotten[-100] ^= 4
    base.write_bytes(rotten)
    assert ["list_refused.unreadable"] == look_over()
