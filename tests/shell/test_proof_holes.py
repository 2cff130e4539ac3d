"""Holes in a log, as `yaoma journal verify` tells of them."""

import sqlite3
from pathlib import Path

import pytest

from fakes.journals import folder, identity, scan
from yaoma.shell.proof import verify_log


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (5000 + 3, "records 3 to 5002 are missing"),
        (1 << 60, f"records 3 to {(1 << 60) - 1} are missing"),
        (5, "records 3 to 4 are missing"),
        (4, "record 3 is missing"),
    ],
)
def test_verify_when_the_number_of_the_last_record_is_damaged_then_the_hole_is_told_at_once(
    tmp_path: Path, number: int, sentence: str
) -> None:
    """However far away the next record claims to be, verify ends, and says in one sentence what is missing."""
    logs = folder(tmp_path)
    journal = logs.open()
    draft = journal.draft()
    for place in range(3):
        draft.add(scan(place), logs._stamp())
    journal.commit(draft)
    journal.close()
    forger = sqlite3.connect(tmp_path / "journal.db")
    forger.execute("DROP TRIGGER record_no_update")
    forger.execute("UPDATE record SET seq=? WHERE seq=3", (number,))
    forger.commit()
    forger.close()

    report = verify_log(tmp_path / "journal.db", [identity().signer.verifier()], {})

    assert sentence in report.problems
    assert len(report.problems) < 6
