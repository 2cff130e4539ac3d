"""Identity keeper: what the policy's days have passed for is due, and nothing by a clock that nobody trusts."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.journals import BOX, SITE, HandClock, folder
from yaoma.core.erasure import EraseReason
from yaoma.core.record import ClockState, Entry, Kind, Stamp
from yaoma.core.sealed import SealKey, person_context
from yaoma.shell.erasure import draft_erasure, finish_erasure
from yaoma.shell.identity_keeper import IdentityKeeper
from yaoma.shell.journal import Journal
from yaoma.shell.sealing import Sealer

DAY_MS = 24 * 3600 * 1000
SOLD = HandClock()()
SEALER = Sealer([SealKey("bridge", bytes(range(32)))], bytes(range(32)))


def _after(days: float, clock: ClockState = ClockState.SYNCED) -> Stamp:
    passed_ms = int(days * DAY_MS)
    return replace(SOLD, wall_ms=SOLD.wall_ms + passed_ms, mono_ms=SOLD.mono_ms + passed_ms, clock=clock)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal with one sealed identity at place 1."""
    opened = folder(tmp_path).open()
    sealed = SEALER.seal(b"11010519491231002X", person_context(SITE, BOX, opened.log))
    opened.append([Entry(Kind.SCAN, {"person": sealed.fields}, sealed.blob)], [SOLD])
    yield opened
    opened.close()


def test_keeper_when_the_days_have_passed_then_it_is_due_once(tmp_path: Path, journal: Journal) -> None:
    """A day before it is not, a day after it is; once erased it is not again."""
    keeper = IdentityKeeper(tmp_path, lambda: 30, lambda: {journal.log: journal.size})

    assert keeper.due(_after(29)) is None
    found = keeper.due(_after(31))
    assert found is not None
    chosen, erasure = found
    assert ([one.seq for one in chosen.chosen], erasure.reason) == ([1], EraseReason.POLICY)
    draft = journal.draft()
    draft_erasure(chosen, erasure, draft, lambda: _after(31))
    journal.commit(draft)
    finish_erasure(chosen, tmp_path, journal)
    assert journal.sealed(0, 9) == {}
    assert keeper.due(_after(32)) is None


def test_keeper_when_it_has_just_looked_then_it_does_not_look_again(tmp_path: Path, journal: Journal) -> None:
    """The recorder may ask every quarter of a second; the files are read a few times a day, and after a boot."""
    keeper = IdentityKeeper(tmp_path, lambda: 30, lambda: {journal.log: journal.size})

    assert keeper.due(_after(31)) is not None
    assert keeper.due(_after(31.1)) is None
    assert keeper.due(replace(_after(31.1), boot="f" * 16)) is not None
    assert keeper.due(_after(32)) is not None


@pytest.mark.parametrize(
    ("days", "stored", "clock"),
    [(0, 99, ClockState.SYNCED), (30, 0, ClockState.SYNCED), (30, 99, ClockState.UNTRUSTED)],
)
def test_keeper_when_it_must_stay_then_nothing_is_due(
    tmp_path: Path, journal: Journal, days: int, stored: int, clock: ClockState
) -> None:
    """Kept for ever by policy, not delivered yet, or a clock that says anything: it stays."""
    keeper = IdentityKeeper(tmp_path, lambda: days, lambda: {journal.log: stored})

    assert keeper.due(_after(9000, clock)) is None
