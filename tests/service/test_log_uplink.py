"""One log's uplink: what is read, cut into batches and proved, without a broker."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.journals import HandClock, Known, folder, scan
from yaoma.core.delivery import Limits
from yaoma.core.entry import CloseReason
from yaoma.core.merkle import Frontier, leaf_hash
from yaoma.service.log_uplink import ForkError, LogReader, LogUplink
from yaoma.service.uplink_state import ForkReason
from yaoma.shell.closed_log import ClosedLog
from yaoma.shell.database import DatabaseDamagedError
from yaoma.shell.journal_folder import KnownElsewhere
from yaoma.shell.outbox import Stored
from yaoma_link.batch import Batch, ReceiptMark
from yaoma_link.receipt import Receipt


class MemoryLog:
    """A log in memory whose records can rot."""

    log = "log-a"

    def __init__(self, bodies: list[bytes]) -> None:
        self.kept = bodies
        self.hashes = [leaf_hash(body) for body in bodies]
        self.unreadable: set[int] = set()
        self.note: str | None = None

    @property
    def size(self) -> int:
        return len(self.kept)

    def bodies(self, first: int, last: int) -> list[bytes]:
        if self.unreadable & set(range(first, last)):
            raise DatabaseDamagedError(Path("journal.db"), "a page is damaged")
        if [leaf_hash(body) for body in self.kept[first:last]] != self.hashes[first:last]:
            raise DatabaseDamagedError(Path("journal.db"), "a record is altered")
        return self.kept[first:last]

    def leaf_hashes(self, first: int, last: int) -> list[bytes]:
        return self.hashes[first:last]

    def sealed(self, first: int, last: int) -> dict[int, bytes]:
        return {}

    def newest_checkpoint(self) -> str | None:
        return self.note


def conforms(log: MemoryLog) -> LogReader:
    """Hold the fake against the protocol by type."""
    return log


def uplink(log: MemoryLog, stored: Stored | None = None, told: Callable[[str, int], None] | None = None) -> LogUplink:
    """Give a connected uplink."""
    one = LogUplink(
        conforms(log),
        stored or Stored(),
        on_damage=told or (lambda _log, _seq: None),
        random=lambda: 0.0,
        limits=Limits(batches=400),
    )
    one.delivery.connected(400, 0)
    return one


def sent(one: LogUplink) -> list[Batch]:
    """Hand over all that may go."""
    batches: list[Batch] = []
    while (parcel := one.next_parcel(0, ReceiptMark())) is not None:
        one.handed(len(batches) + 1, parcel, 0)
        batches.append(Batch.unpacked(parcel.payload))
    return batches


@pytest.mark.parametrize("is_rotten", [True, False])
@pytest.mark.parametrize("damaged", [{0}, {9}, {3, 4, 7}, {4}, set(range(10))])
def test_damaged_records_are_told_once_and_all_others_are_sent(damaged: set[int], *, is_rotten: bool) -> None:
    """Whether a body has changed or its page can't be read: it is left out, named once, and nothing else is lost."""
    log = MemoryLog([b"body %d" % number for number in range(10)])
    told: list[int] = []
    if is_rotten:
        log.kept = [b"rotten" if seq in damaged else body for seq, body in enumerate(log.kept)]
    else:
        log.unreadable = damaged
    one = uplink(log, told=lambda _, seq: told.append(seq))

    places = [seq for batch in sent(one) for seq in range(batch.first, batch.end)]

    assert sorted(damaged) == told
    assert [seq for seq in range(10) if seq not in damaged] == places
    one.disconnected(1)
    one.delivery.connected(400, 1)
    sent(one)
    assert sorted(damaged) == told


@pytest.mark.parametrize(("size", "expected"), [(10, [256, 44]), (1000, [128, 128, 44]), (60_000, [2] * 150)])
def test_batches_hold_256_records_or_128_kb(size: int, expected: list[int]) -> None:
    """A batch is cut by records or by bytes, and one record always fits."""
    log = MemoryLog([bytes(str(number), "ascii").rjust(size, b"x") for number in range(300)])

    assert expected == [len(batch.bodies) for batch in sent(uplink(log))]


def test_checkpoint_travels_once_per_connection_and_with_whatever_goes_again() -> None:
    """A checkpoint is not repeated in each batch, but a batch that may have been lost carries it again."""
    log = MemoryLog([b"body %d" % number for number in range(600)])
    log.note = "checkpoint"
    one = uplink(log)

    assert ["checkpoint", None, None] == [batch.checkpoint for batch in sent(one)]
    one.disconnected(1)
    one.delivery.connected(400, 10_000)
    parcel = one.next_parcel(10_000, ReceiptMark())
    assert parcel is not None
    assert parcel.checkpoint == "checkpoint"


def test_log_that_is_shorter_than_what_is_stored_is_a_fork() -> None:
    """A journal that was put back from an old copy is seen before anything is sent."""
    with pytest.raises(ForkError) as caught:
        uplink(MemoryLog([b"a"]), Stored(2, 1, Frontier(2, (bytes(32),))))

    assert ForkReason.LONGER is caught.value.reason


def test_long_log_is_proved_from_nought_after_a_restore() -> None:
    """A lower stored_upto in a higher epoch is compared with the root that the log itself gives there."""
    log = MemoryLog([b"%d" % number for number in range(9000)])
    full = Frontier().extended(log.hashes)
    lower = Frontier().extended(log.hashes[:5000])
    one = uplink(log, Stored(9000, 1, full))
    receipt = Receipt("s", "b", 2, 1, "log-a", 5000, lower.root())

    assert Stored(5000, 2, lower) == one.believed(receipt)
    assert full.root() == one.head().root()
    with pytest.raises(ForkError):
        one.believed(Receipt("s", "b", 2, 1, "log-a", 5000, full.root()))


@pytest.mark.parametrize(
    ("reason", "confirmed", "place"),
    [
        (CloseReason.GROWN, 4, 4),
        (CloseReason.GROWN, 2, 1),
        (CloseReason.FORKED, 4, 3),
        (CloseReason.SHRUNK, 1, 0),
        (CloseReason.GROWN, 0, None),
    ],
)
def test_offer_of_an_ended_log_is_the_last_record_that_belongs_to_it_alone(
    tmp_path: Path, reason: CloseReason, confirmed: int, place: int | None
) -> None:
    """A log that was confirmed whole offers its end and checkpoint; what was copied or may differ is not offered."""
    known = Known()
    logs = folder(tmp_path, known)
    journal = logs.open()
    clock = HandClock()
    journal.append([scan(number) for number in range(3)], [clock() for _ in range(3)])
    known.logs[journal.log] = KnownElsewhere(confirmed_upto=confirmed)
    logs.close_log(journal, reason).close()
    ended = ClosedLog(logs.closed_files()[0])
    one = LogUplink(ended, Stored(), on_damage=lambda _log, _seq: None, random=lambda: 0.0, limits=Limits())

    parcel = one.offer(ReceiptMark(3, 4))

    offered = None if parcel is None else Batch.unpacked(parcel.payload)
    assert place == (None if offered is None else offered.first)
    if offered is not None:
        assert list(offered.bodies) == ended.bodies(offered.first, offered.first + 1)
        assert offered.receipts == ReceiptMark(3, 4)
        assert (offered.checkpoint is not None) == (place == 4)
    ended.close()
