"""Person sealer and key ring: keys are replaced, also while a box is away, and nothing becomes unreadable."""

from pathlib import Path

import pytest

from yaoma.core.sealed import SealedError, SealKeyError, person_context, sealed_to
from yaoma.shell.person_sealer import PersonSealer
from yaoma_link.identity import IdentityError, SealingKey, make_sealing_key
from yaoma_link.key_ring import KeyRing, KeyUnknownError

NUMBER = b"11010519491231002X"
SITE, BOX, LOG = "H32132200561", "counter-1", "abcdefghijkmnpqr"
CONTEXT = person_context(SITE, BOX, LOG)


def _key(folder: Path, name: str) -> SealingKey:
    folder.mkdir(exist_ok=True)
    return make_sealing_key(folder / f"{name}.seal", name)


def _sealer(tmp_path: Path, *keys: SealingKey) -> PersonSealer:
    _publish(tmp_path, *keys)
    return PersonSealer(SITE, BOX, [tmp_path / "seal.pub"], bytes(range(32)))


def _publish(tmp_path: Path, *keys: SealingKey) -> None:
    (tmp_path / "seal.pub.new").write_text("".join(f"{key.public}\n" for key in keys))
    (tmp_path / "seal.pub.new").rename(tmp_path / "seal.pub")


def test_rotation_when_the_box_was_away_then_the_bridge_opens_both(tmp_path: Path) -> None:
    """What was sealed to the old key and what is sealed to the new one both open at the bridge, and for recovery."""
    centre, safe = tmp_path / "centre", tmp_path / "safe"
    recovery, old = _key(safe, "recovery"), _key(centre, "bridge-2026")
    sealer = _sealer(tmp_path, old, recovery)
    before = sealer.seal(NUMBER, LOG)
    new = _key(centre, "bridge-2027")
    meanwhile = sealer.seal(NUMBER, LOG)
    _publish(tmp_path, new, recovery)

    assert sealer.refresh()
    after = sealer.seal(NUMBER, LOG)

    assert [sealed_to(one.blob)[0] for one in (before, meanwhile, after)] == [old.public.id] * 2 + [new.public.id]
    for ring in (KeyRing.load(centre), KeyRing.load(safe)):
        assert {ring.open(one.blob, CONTEXT) for one in (before, meanwhile, after)} == {NUMBER}
    assert before.fields["hash"] == after.fields["hash"], "one person, before and after"


def test_ring_when_a_key_is_missing_then_it_is_named_and_found_later(tmp_path: Path) -> None:
    """A key that the bridge has lost is reported by its id; once it is back the same bytes open."""
    centre = tmp_path / "centre"
    old = _key(tmp_path / "drawer", "bridge-2026")
    _key(centre, "bridge-2027")
    blob = _sealer(tmp_path, old).seal(NUMBER, LOG).blob

    with pytest.raises(KeyUnknownError) as caught:
        KeyRing.load(centre).open(blob, CONTEXT)

    assert caught.value.key_ids == (old.public.id,)
    assert NUMBER.decode() not in str(caught.value)
    (tmp_path / "drawer" / "bridge-2026.seal").rename(centre / "bridge-2026.seal")
    assert KeyRing.load(centre).open(blob, CONTEXT) == NUMBER


def test_ring_when_a_blob_belongs_to_another_log_then_it_is_not_opened(tmp_path: Path) -> None:
    """A blob that was moved to another record is no unknown key: it is refused as what it is."""
    key = _key(tmp_path / "centre", "bridge")
    blob = _sealer(tmp_path, key).seal(NUMBER, LOG).blob

    with pytest.raises(SealedError) as caught:
        KeyRing([key]).open(blob, person_context(SITE, BOX, "another"))

    assert not isinstance(caught.value, KeyUnknownError)


def test_ring_when_the_folder_holds_no_key_then_it_says_so(tmp_path: Path) -> None:
    """A wrong folder is told from a folder whose keys fit nothing."""
    with pytest.raises(IdentityError):
        KeyRing.load(tmp_path)


def test_sealer_when_the_new_file_is_broken_then_it_goes_on_with_the_old_keys(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that was copied halfway stops no sale, is logged, and the whole one counts afterwards."""
    old, new = _key(tmp_path / "centre", "bridge-2026"), _key(tmp_path / "centre", "bridge-2027")
    sealer = _sealer(tmp_path, old)

    assert not sealer.refresh(), "nothing changed"
    (tmp_path / "seal.pub").write_text(str(new.public)[:-9])
    assert not sealer.refresh()
    assert sealer.key_ids == (old.public.id,)
    assert "can't be used" in caplog.text
    (tmp_path / "seal.pub").unlink()
    assert not sealer.refresh(), "away for a moment"
    _publish(tmp_path, new)
    assert sealer.refresh()
    assert sealer.key_ids == (new.public.id,)


def test_sealer_when_it_can_not_begin_then_it_says_why(tmp_path: Path) -> None:
    """At the start a broken file is an error: there are no keys to go on with."""
    (tmp_path / "seal.pub").write_text("bridge\n")

    with pytest.raises(SealKeyError, match="line 1"):
        PersonSealer(SITE, BOX, [tmp_path / "seal.pub"], bytes(32))
    with pytest.raises(OSError, match="away"):
        PersonSealer(SITE, BOX, [tmp_path / "away"], bytes(32))


def test_sealer_when_facts_are_given_then_they_stand_in_the_record(tmp_path: Path) -> None:
    """The kind of the document is known to reports; the number is not."""
    person = _sealer(tmp_path, _key(tmp_path / "centre", "bridge")).seal(NUMBER, LOG, {"kind": "resident"})

    assert set(person.fields) == {"kind", "hash", "sealed", "keys"}
    assert person.fields["kind"] == "resident"
