"""The policy that counts: a good newer one at once, a bad or older one never, the last good one across a restart."""

import logging
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yaoma.core.note import Signer
from yaoma.core.policy import InstitutionKind
from yaoma.core.policy_text import TYPE
from yaoma.core.site_list import list_text
from yaoma.shell.policy_file import (
    MAX_POLICY_BYTES,
    PolicyRefusal,
    PolicyRefusedError,
    load_shipped,
    load_signed,
    load_text,
)
from yaoma.shell.policy_holder import PolicyHolder

CENTRE = Signer("county/list", Ed25519PrivateKey.from_private_bytes(b"c" * 32))
STRANGER = Signer("county/list", Ed25519PrivateKey.from_private_bytes(b"s" * 32))
TRUSTED = [CENTRE.verifier()]


def county(version: int = 5, hours: int = 12, *, name: str = "county", base: str = "fujian") -> str:
    """A county's policy, upon its province's."""
    return (
        f'type = "{TYPE}"\nid = "{name}"\nversion = {version}\nbase = "{base}"\n'
        'title = { zh = "县", en = "County" }\n\n[rule.upload_within_hours]\n'
        f'value = {hours}\nrows = ["S4-18"]\nwhy = {{ zh = "因为", en = "because" }}\n'
    )


def write(path: Path, text: str, signer: Signer = CENTRE) -> Path:
    """Sign a policy and put it in place, as a new file."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(signer.sign(text))
    beside.replace(path)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A good county policy of version 5."""
    return write(tmp_path / "policy.signed", county())


def holder(file: Path | None, **changed: object) -> PolicyHolder:
    """The holder of a hospital's box."""
    return PolicyHolder("county", InstitutionKind.HOSPITAL, file=file, verifiers=TRUSTED, **changed)  # type: ignore[arg-type]  # the test's own keys


def refused(path: Path) -> PolicyRefusal:
    """Why a file is refused."""
    with pytest.raises(PolicyRefusedError) as caught:
        load_signed(path, TRUSTED, "county")
    assert caught.value.hint
    return caught.value.reason


@pytest.mark.row("S4-27")
def test_policy_when_signed_then_it_stands_on_the_province_and_the_default(file: Path) -> None:
    """A county changes one rule; its province's and the default's stay."""
    found = holder(file)

    assert found.refusal is None
    assert (found.current.id, found.current.version) == ("county", 5)
    assert (found.current.upload_within_hours, found.current.emergency_hours) == (12, 48)
    assert {origin.policy for origin in found.loaded.origins} == {"default", "fujian", "county"}
    assert found.loaded.signed


def test_policy_when_any_byte_is_altered_or_cut_then_it_is_refused(file: Path) -> None:
    """Nothing of an altered note is used."""
    sound = file.read_bytes()
    for place in range(0, sound.index(b"\n\n\xe2\x80\x94"), 9):
        file.write_bytes(sound[:place] + bytes([sound[place] ^ 1]) + sound[place + 1 :])
        assert refused(file) in {PolicyRefusal.UNSIGNED, PolicyRefusal.UNREADABLE}
    for length in range(0, len(sound), 11):
        file.write_bytes(sound[:length])
        assert refused(file) in {PolicyRefusal.UNSIGNED, PolicyRefusal.UNREADABLE}


def test_policy_when_a_stranger_or_nobody_signed_then_it_is_refused(tmp_path: Path) -> None:
    """A stranger's key under the same name is a stranger's key."""
    assert refused(write(tmp_path / "p", county(), STRANGER)) is PolicyRefusal.UNSIGNED
    (tmp_path / "p").write_text(county())
    assert refused(tmp_path / "p") is PolicyRefusal.UNSIGNED


def test_policy_when_the_same_key_signed_something_else_then_it_is_refused(tmp_path: Path) -> None:
    """A signed list is no policy, and a policy of another name is another policy."""
    assert refused(write(tmp_path / "p", list_text({"version": 9}))) is PolicyRefusal.MALFORMED
    assert refused(write(tmp_path / "p", county(name="other"))) is PolicyRefusal.OTHER_POLICY


def test_policy_when_absent_unreadable_huge_or_no_text_then_it_is_refused(tmp_path: Path) -> None:
    """Each has a reason of its own."""
    assert refused(tmp_path / "none") is PolicyRefusal.ABSENT
    assert refused(tmp_path) is PolicyRefusal.UNREADABLE
    (tmp_path / "p").write_bytes(b"\xff\xfe")
    assert refused(tmp_path / "p") is PolicyRefusal.UNREADABLE
    (tmp_path / "p").write_bytes(b"x" * (MAX_POLICY_BYTES + 1))
    assert refused(tmp_path / "p") is PolicyRefusal.TOO_LARGE


@pytest.mark.parametrize("base", ["nowhere", "county", "..", "default/../default"])
def test_policy_when_there_is_nothing_to_stand_on_then_it_is_refused(tmp_path: Path, base: str) -> None:
    """A base that does not ship, the policy itself, and what is no id at all."""
    assert refused(write(tmp_path / "p", county(base=base))) in {PolicyRefusal.ABSENT, PolicyRefusal.MALFORMED}


def test_policy_when_it_goes_by_the_name_of_its_base_then_there_is_no_endless_chain() -> None:
    """A `default` that stands on a province that stands on the default."""
    with pytest.raises(PolicyRefusedError) as caught:
        load_text(county(name="default", base="fujian"))

    assert caught.value.reason is PolicyRefusal.MALFORMED
    assert pickle.loads(pickle.dumps(caught.value)).hint == caught.value.hint


def test_holder_when_a_newer_one_comes_then_it_counts(file: Path) -> None:
    """No restart is needed."""
    found = holder(file)
    write(file, county(6, 3))

    assert found.refresh(at_once=True)
    assert (found.current.version, found.current.upload_within_hours) == (6, 3)
    assert not found.refresh(at_once=True)


def test_holder_when_a_bad_one_comes_then_the_last_good_one_stays(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Unsigned, older, of the same version with other rules, with a mistake, or gone: each is said, none counts."""
    found = holder(file)
    caplog.set_level(logging.WARNING)
    bad: dict[PolicyRefusal, Callable[[], object]] = {
        PolicyRefusal.UNSIGNED: lambda: write(file, county(9), STRANGER),
        PolicyRefusal.MALFORMED: lambda: write(file, county(9).replace("12", '"12"')),
        PolicyRefusal.NOT_NEWER: lambda: write(file, county(4)),
        PolicyRefusal.OTHER_POLICY: lambda: write(file, county(9, name="other")),
        PolicyRefusal.ABSENT: file.unlink,
    }
    for reason, happens in bad.items():
        happens()
        assert not found.refresh(at_once=True)
        assert found.refusal is not None
        assert found.refusal.reason is reason
        assert (found.current.version, found.current.upload_within_hours) == (5, 12)
        assert f"policy refused: reason={reason.value}" in caplog.text
    write(file, county(5, 1))
    assert not found.refresh(at_once=True)
    assert str(found.refusal) == "policy refused (not_newer): version 5 is in use with another content"

    write(file, county())
    assert not found.refresh(at_once=True)
    assert found.refusal is None


def test_holder_when_restarted_beside_a_bad_file_then_the_kept_one_counts(file: Path, tmp_path: Path) -> None:
    """A box does not fall back to other rules because somebody put a bad file there before a restart."""
    kept = tmp_path / "state" / "policy.kept"
    holder(file, kept=kept)
    write(file, county(4, 99))
    again = holder(file, kept=kept)

    assert (again.current.version, again.current.upload_within_hours) == (5, 12)
    assert again.refusal is not None
    assert again.refusal.reason is PolicyRefusal.NOT_NEWER

    kept.write_text(kept.read_text().replace("12", "13"))
    assert holder(file, kept=kept, at_least=5).current.id == "default"


def test_holder_when_the_journal_knows_a_newer_one_then_an_older_file_is_refused(file: Path) -> None:
    """A state folder that was wiped does not bring old rules back."""
    assert holder(file, at_least=6).current.id == "default"
    assert holder(file, at_least=5).current.id == "county"


def test_holder_when_it_only_looks_then_nothing_is_written(file: Path, tmp_path: Path) -> None:
    """A command that shows the policy leaves the state folder alone."""
    kept = tmp_path / "policy.kept"
    assert holder(file, kept=kept, is_keeper=False).current.id == "county"
    assert not kept.exists()


def test_holder_when_what_is_kept_can_not_be_written_then_the_policy_counts_all_the_same(
    file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said in the log."""
    (tmp_path / "no folder").touch()
    found = holder(file, kept=tmp_path / "no folder" / "policy.kept")

    assert found.current.id == "county"
    assert "policy not kept" in caplog.text


def test_holder_when_no_file_is_named_then_the_one_that_ships_counts() -> None:
    """With what the box's configuration sets in place of the policy's values."""
    found = PolicyHolder("fujian", InstitutionKind.PHARMACY, local={"hold_off_ms": 500})

    assert (found.current.id, found.current.hold_off_ms, found.refusal) == ("fujian", 500, None)
    assert found.loaded.policy == load_shipped("fujian", InstitutionKind.PHARMACY).policy
    assert not found.refresh(at_once=True)


def test_holder_when_nothing_ships_by_the_name_then_the_default_counts_and_it_is_said() -> None:
    """A slip in the name is not silent."""
    found = PolicyHolder("fujan", InstitutionKind.PHARMACY)

    assert found.current.id == "default"
    assert found.refusal is not None
    assert found.refusal.reason is PolicyRefusal.ABSENT
