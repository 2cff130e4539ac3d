"""List news: state messages are applied once, in order, whole, and the ledger's part waits until it is taken."""

from dataclasses import replace
from pathlib import Path

import pytest

from fakes.news import CASE, PACKS, message, shipment
from yaoma.core.allowlist import CodeStatus
from yaoma.core.code import from_key
from yaoma.core.code_key import code_key
from yaoma.shell.list_db import ListDb
from yaoma.shell.list_news import ListNews, stored_shipment
from yaoma_link.state import StateMark, StatusLine


@pytest.fixture
def db(tmp_path: Path) -> ListDb:
    """An empty list.db."""
    return ListDb.open(tmp_path / "list.db")


def test_message_is_applied_with_its_number(db: ListDb) -> None:
    """Shipment, status, denial and merge lines are there, and the mark has moved."""
    news = ListNews(db)

    assert news.apply(message(1))

    assert StateMark(1, 1) == news.mark()
    assert shipment() == stored_shipment(db.rows("SELECT body FROM shipment")[0][0])
    assert 4 == db.rows("SELECT count(*) FROM shipped")[0][0]
    assert [(code_key(from_key(PACKS[0])), "C")] == db.rows("SELECT code, letter FROM status")
    assert [("cn20:8123457", "A1", "recall", "2026-118")] == db.rows("SELECT * FROM urgent")
    assert [PACKS[1]] == [line.code for _, line in news.merges()]


@pytest.mark.parametrize(("epoch", "number"), [(1, 1), (1, 3), (0, 1), (2, 2)])
def test_message_that_is_not_the_next_changes_nothing(db: ListDb, epoch: int, number: int) -> None:
    """Replays, gaps, older epochs and a new epoch that does not begin at 1 are left alone."""
    news = ListNews(db)
    news.apply(message(1))
    before = [db.rows(f"SELECT * FROM {table}") for table in ("shipment", "heard", "merge")]

    assert not news.apply(message(number, epoch, name="other"))

    assert before == [db.rows(f"SELECT * FROM {table}") for table in ("shipment", "heard", "merge")]


def test_new_epoch_begins_at_one(db: ListDb) -> None:
    """After the bridge was restored its numbers begin again."""
    news = ListNews(db)
    news.apply(message(1))

    assert news.apply(message(1, 2))
    assert StateMark(2, 1) == news.mark()


@pytest.mark.row("S3-02")
def test_shipment_that_is_said_again_replaces_itself(db: ListDb) -> None:
    """A corrected despatch note leaves nothing of the first one."""
    news = ListNews(db)
    news.apply(message(1))
    alone = replace(
        shipment(), parents={PACKS[0]: ""}, line_of={PACKS[0]: 0}, lines=[replace(shipment().lines[0], packs=1)]
    )
    news.apply(replace(message(2), shipments=[alone]))

    assert [(code_key(from_key(PACKS[0])), "asn-1")] == db.rows("SELECT * FROM shipped")
    assert [] == db.rows("SELECT * FROM shipped WHERE code = ?", (code_key(from_key(CASE)),))


def test_older_status_does_not_replace_a_newer_one(db: ListDb) -> None:
    """Two answers may come in any order; the later one holds."""
    news = ListNews(db)
    news.apply(message(1))
    news.apply(replace(message(2), statuses=[StatusLine(PACKS[0], CodeStatus.ACTIVATED, 5)]))

    assert [("C",)] == db.rows("SELECT letter FROM status")


@pytest.mark.row("S0-09")
def test_lifted_denial_is_gone(db: ListDb) -> None:
    """What was denied by mistake can be allowed again."""
    news = ListNews(db)
    news.apply(message(1))
    news.apply(replace(message(2), denials={("cn20:8123457", "A1"): None}))

    assert [] == db.rows("SELECT * FROM urgent")


def test_merge_lines_wait_until_they_are_taken(db: ListDb) -> None:
    """What other boxes did survives a restart until the ledger has it."""
    news = ListNews(db)
    news.apply(message(1))
    news.apply(message(2))
    numbers = [number for number, _ in news.merges()]
    news.forget_merges(numbers[0])

    assert numbers[1:] == [number for number, _ in ListNews(db).merges()]
