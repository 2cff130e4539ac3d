"""What the journal says of the last start: which list and which signed policy counted, also across logs."""

from pathlib import Path

import pytest

from fakes.journals import HandClock, folder, scan
from yaoma.core.deed import applied
from yaoma.core.record import Entry
from yaoma.shell.last_known import LastKnown, last_known


def known(path: Path, *entries: Entry) -> LastKnown:
    """What a journal with these entries says."""
    journal = folder(path).open()
    clock = HandClock()
    for entry in entries:
        journal.append([entry], [clock()])
    journal.close()
    return last_known(path / "journal.db")


def test_last_known_when_a_signed_policy_counted_then_its_highest_version_is_the_floor(tmp_path: Path) -> None:
    """One that ships has numbers of its own: it is named as what counted last, and is no floor for the centre's."""
    found = known(
        tmp_path,
        applied("fujian", 40),
        applied("county", 7, "ab12", is_signed=True),
        applied("county", 3, "cd34"),
    )
    assert found.applied == {"fujian": 40, "county": 3}
    assert found.signed == {"county": 7}


@pytest.mark.parametrize(("judged", "counted", "version"), [(None, 9, 9), (11, 9, 11), (8, 9, 9), (None, None, 0)])
def test_last_known_when_a_list_counted_then_no_scan_is_needed_to_know_it(
    tmp_path: Path, judged: int | None, counted: int | None, version: int
) -> None:
    """A list that came in at night and is put back before the first customer is put back all the same."""
    entries = [] if counted is None else [applied("list", counted, is_signed=True)]
    if judged is not None:
        told = scan(1)
        entries.append(Entry(told.kind, {**told.fields, "list": judged}))
    assert known(tmp_path, *entries).list_version == version


def test_last_known_when_there_is_no_journal_then_nothing_is_known(tmp_path: Path) -> None:
    """A new box has no floors."""
    assert last_known(tmp_path / "journal.db") == LastKnown()
