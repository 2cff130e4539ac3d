"""The keys that choose a policy: a place's rules need to know what kind of institution the box stands in."""

from pathlib import Path

import pytest

from yaoma.config.files import missing_files
from yaoma.config.load import Reading, read
from yaoma.config.reference import EXAMPLE, render
from yaoma.core.policy import InstitutionKind


def written(folder: Path, **policy: object) -> Reading:
    """A good file with these keys in its section policy."""
    path = folder / "yaoma.toml"
    path.write_text(render({**EXAMPLE, "policy": policy}))
    return read(path)


@pytest.mark.parametrize("policy", [{"id": "fujian"}, {"file": "/var/lib/yaoma/policy.signed"}])
def test_policy_of_a_place_needs_the_kind_of_institution(tmp_path: Path, policy: dict[str, object]) -> None:
    """Dates and rules differ by it; nothing is guessed."""
    assert [one.key for one in written(tmp_path, **policy).mistakes] == ["policy.institution"]
    found = written(tmp_path, **policy, institution="village").loaded

    assert found is not None
    assert found.config.policy.institution is InstitutionKind.VILLAGE


def test_default_policy_needs_no_kind_of_institution(tmp_path: Path) -> None:
    """A box that was set up before there were policies goes on as it is."""
    found = written(tmp_path, hold_off_ms=7000).loaded

    assert found is not None
    assert found.config.policy.id == "default"
    assert found.config.policy.local() == {"hold_off_ms": 7000}


@pytest.mark.parametrize(
    ("policy", "key"),
    [
        ({"id": "Fujian", "institution": "village"}, "policy.id"),
        ({"id": "../x", "institution": "village"}, "policy.id"),
        ({"institution": "clinic"}, "policy.institution"),
        ({"file": "policy.signed", "institution": "village"}, "policy.file"),
    ],
)
def test_mistake_in_a_key_of_the_policy_is_explained(tmp_path: Path, policy: dict[str, object], key: str) -> None:
    """In both languages."""
    (found,) = written(tmp_path, **policy).mistakes

    assert found.key == key
    assert not found.expected.zh.isascii()
    assert found.expected.en.isascii()


@pytest.mark.parametrize(
    ("file", "url", "is_noted"),
    [
        ("/etc/yaoma/policy.signed", "https://centre.example/list/", True),
        ("/var/lib/yaoma/policy.signed", "https://centre.example/list/", False),
        ("/etc/yaoma/policy.signed", None, False),
    ],
)
def test_place_that_the_sandboxed_update_can_not_write_is_noted(
    tmp_path: Path, file: str, url: str | None, *, is_noted: bool
) -> None:
    """The note says where to; who puts the file there by other means, without an address, hears nothing."""
    path = tmp_path / "yaoma.toml"
    values = {**EXAMPLE, "policy": {"id": "fujian", "institution": "village", "file": file}}
    path.write_text(render({**values, "allowlist": {"url": url}} if url else values))
    reading = read(path)
    assert reading.loaded is not None

    notes = [one for one in missing_files(reading.loaded.config, reading.places) if one.key == "policy.file"]

    assert is_noted == bool(notes)
    for note in notes:
        assert "/var/lib/yaoma/policy.signed" in note.said.zh
        assert "/var/lib/yaoma/policy.signed" in note.said.en
        assert note.line
