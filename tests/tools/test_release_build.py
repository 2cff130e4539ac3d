"""Building releases: what is published under a number stays what it is."""

from pathlib import Path

import pytest

from fakes.released import Centre, ReleasedBox, code
from yaoma.core.code import from_key
from yaoma.core.code_key import code_key
from yaoma.core.list_delta import ListDelta
from yaoma.core.lot_table import BaseAnswer
from yaoma_tools.release_build import ReleaseParts
from yaoma_tools.release_mistake import RepositoryMistakeError


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    """A centre at version 3: a base and two deltas."""
    made = Centre(tmp_path / "centre")
    made.begin()
    made.base(range(100))
    made.delta(adds=[200])
    made.delta(adds=[201])
    return made


def delta(centre: Centre, begin: int, end: int, *numbers: int) -> Path:
    """Write a delta that adds packs."""
    adds = {code_key(from_key(f"cn20:{code(number)}")): BaseAnswer("B2") for number in numbers}
    path = centre.folder / f"again-{begin}-{end}"
    path.write_bytes(ListDelta(begin, end, adds, []).encoded())
    return path


@pytest.mark.parametrize(("begin", "end"), [(2, 3), (1, 3), (1, 2)])
def test_delta_when_its_version_is_published_with_other_content_then_it_is_refused(
    centre: Centre, tmp_path: Path, begin: int, end: int
) -> None:
    """One number is one list: neither the same step nor a shorter way to a version that boxes have may differ."""
    box = ReleasedBox(tmp_path / "box", centre.root)
    before = centre.repository.content("allow/release.json")

    with pytest.raises(RepositoryMistakeError, match=f"version {end} is published already"):
        centre.publish(ReleaseParts(deltas=[delta(centre, begin, end, 999)]))

    assert before == centre.repository.content("allow/release.json")
    assert 3 == box.update(centre.path).version


def test_delta_when_the_same_is_published_again_then_nothing_is_wrong(centre: Centre, tmp_path: Path) -> None:
    """A command that is run twice, after a cut for example, ends as one that was run once."""
    centre.publish(ReleaseParts(deltas=[delta(centre, 2, 3, 201)]))

    done = ReleasedBox(tmp_path / "box", centre.root).update(centre.path)
    assert (3, 2) == (done.version, done.rows)


def test_version_when_it_leaps_then_it_is_refused_before_boxes_refuse_it(centre: Centre) -> None:
    """A slip of the keyboard must not use up the numbers."""
    with pytest.raises(RepositoryMistakeError, match="leaps"):
        centre.base([1], version=1 << 52)
