"""The record shelf: what a damaged log still held, on the disk instead of in memory."""

import gc
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.report_journal import Shelf
from yaoma.core.record import Record
from yaoma.shell.record_shelf import RecordShelf


def bodies(number: int) -> list[bytes]:
    """Bodies of a log of so many records."""
    shelf = Shelf()
    for count in range(number - 1):
        shelf.scan(f"cn20:8123456{count:09d}0000", "t1")
    return shelf.bodies


BODIES = bodies(40)


@given(st.lists(st.integers(0, 39), max_size=60))
def test_shelf_when_records_come_in_any_order_then_it_is_a_dict_that_keeps_the_first(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    """Places ascend, nothing comes twice, and each body is the one that was put there."""
    shelf = RecordShelf(tmp_path_factory.getbasetemp())
    expected: dict[int, bytes] = {}
    for place in order:
        assert (place not in expected) == shelf.add(Record.read(BODIES[place]))
        expected.setdefault(place, BODIES[place])

    assert sorted(expected.items()) == list(shelf.bodies())
    assert sorted(expected) == list(shelf)
    assert [(place, body) for place, body in sorted(expected.items()) if place >= 7] == list(shelf.bodies(7))
    assert all(shelf[place].body == body for place, body in expected.items())
    assert max(expected, default=-1) + 1 == shelf.end
    assert 99 not in shelf


def test_shelf_when_it_holds_many_records_then_memory_does_not(tmp_path: Path) -> None:
    """A hundred bytes a record, where objects took three thousand."""
    many = bodies(5000)
    tracemalloc.start()
    try:
        shelf = RecordShelf(tmp_path)
        for body in many:
            shelf.add(Record.read(body))
        assert 5000 == sum(1 for _ in shelf.bodies())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 100 * 5000 + 300_000


def test_shelf_when_nobody_needs_it_any_more_then_its_file_is_gone(tmp_path: Path) -> None:
    """Neither a name in the folder nor an open file stays."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    shelf = RecordShelf(tmp_path)
    shelf.add(Record.read(BODIES[0]))

    assert [] == list(tmp_path.iterdir())
    del shelf
    gc.collect()
    assert before == len(list(Path("/proc/self/fd").iterdir()))
