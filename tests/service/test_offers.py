"""Offers: which ended logs are offered in a new epoch, one at a time, and how patiently."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from yaoma.core.delivery import Limits
from yaoma.core.merkle import Frontier
from yaoma.service.offers import Offers
from yaoma.shell.outbox import Outbox, Stored

LOGS = ("log-a", "log-b", "log-c")


@pytest.fixture
def outbox() -> Iterator[Outbox]:
    """Give an outbox in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    yield Outbox(connection, threading.Lock(), Path("site.db"))
    connection.close()


def offers(outbox: Outbox) -> Offers:
    """Give offers that are patient for 100 ms at first and 400 ms at most."""
    return Offers(outbox, Limits(receipt_ms=100, silent_cap_ms=400))


def offered(one: Offers, until_ms: int) -> list[tuple[int, str]]:
    """Offer whatever is due, whenever it is, to a bridge that says nothing."""
    made = []
    now_ms = 0
    while (wake_ms := one.wake_at_ms()) is not None and max(now_ms, wake_ms) < until_ms:
        now_ms = max(now_ms, wake_ms)
        log = one.next(now_ms)
        assert log is not None
        assert one.next(now_ms - 1) is None or now_ms == 0
        one.made(now_ms)
        made.append((now_ms, log))
    return made


def test_before_the_first_receipt_nothing_is_offered(outbox: Outbox) -> None:
    """Without an epoch nothing tells that the bridge has forgotten anything."""
    one = offers(outbox)
    one.begin(0, "log-z", LOGS)

    assert one.wake_at_ms() is None


def test_logs_of_an_older_epoch_or_without_a_receipt_are_offered_and_the_current_one_is_not(outbox: Outbox) -> None:
    """What the bridge has spoken of in this epoch, and what is being written, needs no offer."""
    outbox.keep("log-a", Stored(0, 2, Frontier()))
    outbox.keep("log-b", Stored(0, 1, Frontier()))
    one = offers(outbox)
    one.begin(2, "log-z", [*LOGS, "log-z"])

    assert {"log-b", "log-c"} == {log for _, log in offered(one, 1000)}


def test_silent_bridge_is_offered_one_log_at_a_time_ever_more_rarely(outbox: Outbox) -> None:
    """However many logs there are, an hour of silence costs a few records."""
    one = offers(outbox)
    one.begin(2, "log-z", LOGS)

    assert [0, 100, 300, 700, 1100] == [at_ms for at_ms, _ in offered(one, 1500)]
    one.connected()
    assert one.next(0) is not None


def test_answer_brings_the_next_log_at_once_and_no_log_twice_in_an_epoch(outbox: Outbox) -> None:
    """Each log is offered once, also where its answer could not be proved, until a higher epoch begins."""
    one = offers(outbox)
    one.begin(2, "log-z", LOGS)
    seen = []
    while (log := one.next(0)) is not None:
        seen.append(log)
        one.made(0)
        one.done(log)
    one.begin(2, "log-y", LOGS)

    assert sorted(seen) == list(LOGS)
    assert one.knows(2, "log-y")
    assert one.next(0) is None
    one.begin(3, "log-y", LOGS)
    assert one.next(0) in LOGS
