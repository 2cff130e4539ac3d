"""The order of all logs on a box, also where damage has broken the chain between them."""

from pathlib import Path

from fakes.journals import Known, folder, scan
from yaoma.core.entry import CloseReason
from yaoma.shell.journal_folder import KnownElsewhere
from yaoma.shell.rebuild import logs_in_order


def test_logs_when_two_in_a_row_were_damaged_then_those_before_them_are_given_too(tmp_path: Path) -> None:
    """A damaged log's readable opening record leads on to the log before it; where it is unreadable, time does."""
    known = Known()
    logs = folder(tmp_path, known)
    journal = logs.open()
    names = []
    for number, end in enumerate(("closed", "opening damaged", "damaged", "")):
        names.append(journal.log)
        draft = journal.draft()
        for place in range(3):
            draft.add(scan(number * 10 + place), logs._stamp())
        journal.commit(draft)
        known.logs[journal.log] = KnownElsewhere(confirmed_upto=journal.size, size=journal.size)
        if end == "closed":
            journal = logs.close_log(journal, CloseReason.FORKED)
        elif end:
            first, last = journal.bodies(0, 1)[0], journal.bodies(3, 4)[0]
            journal.close()
            path = tmp_path / "journal.db"
            raw = path.read_bytes()
            # Every copy of it, in whatever file and page.
            victim = first if end == "opening damaged" else last
            path.write_bytes(raw.replace(victim, victim.replace(b'"kind"', b'"KIND"')))
            journal = logs.replace_damaged("a test")

    found = [(name, [record.seq for record in records]) for name, records in logs_in_order(tmp_path)]
    journal.close()

    assert [name for name, _ in found] == names
    assert [places[-1] for _, places in found] == [4, 3, 2, 3]
