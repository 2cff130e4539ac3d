"""The store in PostgreSQL: workers of several machines share it, and none loses or doubles anything."""

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.box import BoxLog, SendingBox, receipt_signer
from fakes.bridge_workers import BridgeWorkers
from fakes.broker import Broker
from fakes.postgres import NO_POSTGRES, Postgres, find_postgres
from fakes.stepped_bridge import register
from yaoma_bridge.claims import take
from yaoma_bridge.errors import StoreDamagedError, StoreUnavailableError
from yaoma_bridge.intake import Intake
from yaoma_bridge.postgres_sql import data_type_sql, statement, values
from yaoma_bridge.store import Store
from yaoma_link.receipt import Receipt
from yaoma_link.report import PublishProperties, Received
from yaoma_link.topics import BoxName, Channel

NAMES = [BoxName("H1", f"counter-{number}") for number in (1, 2)]
NOW_MS = 1_795_100_000_000

pytestmark = pytest.mark.xdist_group("postgres")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """Give a running server; without PostgreSQL's programs there is none."""
    if find_postgres() is None:
        pytest.skip(NO_POSTGRES)
    running = Postgres()
    yield running
    running.stop()


@pytest.fixture
def place(server: Postgres) -> str:
    """Give the address of an empty database."""
    return server.database()


def test_store_when_four_make_it_at_once_then_it_is_made_once(place: str) -> None:
    """Whoever comes first makes the tables and the first epoch; the others wait and find them."""
    made: list[Store] = []
    threads = [threading.Thread(target=lambda: made.append(Store.open(place))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with made[0].reading() as tx:
        assert tx.execute("SELECT COUNT(*) FROM epoch").fetchone() == (1,)
    for store in made:
        store.close()


def test_store_when_its_block_fails_then_nothing_of_it_is_there(place: str) -> None:
    """An error in the block takes everything in it back, and the next writer goes on."""

    def fail(store: Store) -> None:
        with store.writing() as tx:
            tx.execute("INSERT INTO destination (name) VALUES (?)", ("n",))
            tx.execute("INSERT INTO nowhere VALUES (1)")

    with Store.open(place) as store:
        with pytest.raises(StoreUnavailableError):
            fail(store)
        with store.writing() as tx:
            assert tx.execute("SELECT COUNT(*) FROM destination").fetchone() == (0,)


def test_record_when_somebody_changes_it_by_hand_then_the_database_refuses(place: str) -> None:
    """UPDATE and DELETE of a stored record are refused, as in the file."""
    log = BoxLog(NAMES[0], "log-1")
    log.scan()
    with Store.open(place) as store:
        Intake(store, receipt_signer(), lambda: NOW_MS).take([_arrival(log)])
        for change in ("UPDATE record SET leaf=body", "DELETE FROM record"):
            with pytest.raises(StoreUnavailableError, match="never changed"), store.writing() as tx:
                tx.execute(change)


def test_server_when_it_is_not_there_then_the_error_says_so_and_hides_the_password() -> None:
    """The sentence names the server without user and password, and what to check."""
    with pytest.raises(StoreUnavailableError) as error:
        Store.open("postgresql://clerk:secret@127.0.0.1:1/bridge")
    assert "secret" not in str(error.value)
    assert "clerk" not in str(error.value)
    assert "127.0.0.1:1/bridge" in str(error.value)
    assert "Check the server" in error.value.hint


@pytest.mark.parametrize("wrong_s", [-60, 60])
def test_store_when_a_workers_clock_is_wrong_then_it_does_not_work(
    place: str, wrong_s: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a wrong clock another's lease looks dead and its upload lost, so such a worker never begins."""
    Store.open(place).close()
    right_ns = time.time_ns
    monkeypatch.setattr("yaoma_bridge.postgres_store.time.time_ns", lambda: right_ns() + wrong_s * 10**9)
    with pytest.raises(StoreUnavailableError, match=r"differ by (59|60) s") as raised:
        Store.open(place)
    assert "NTP" in raised.value.hint


def test_value_when_the_server_refuses_it_then_the_error_does_not_quote_it(place: str) -> None:
    """What is stored may be a code or a name; a log line never shows it."""
    with Store.open(place) as store, pytest.raises(StoreUnavailableError) as raised, store.writing() as tx:
        tx.execute("INSERT INTO epoch (epoch, began_ms, reason) VALUES (?,?,?)", ("81010010000000110011", 1, "made"))
    assert "8101" not in str(raised.value)
    assert raised.value.__cause__ is None
    with Store.open(place) as store, pytest.raises(StoreUnavailableError, match="22P02"), store.writing() as tx:
        tx.execute("INSERT INTO epoch (epoch, began_ms, reason) VALUES (?,?,?)", ("8101x", 1, "made"))


def test_store_when_a_newer_version_wrote_it_then_it_is_left_alone(server: Postgres, place: str) -> None:
    """A store with steps that this version does not know is refused, for writing and for looking."""
    Store.open(place).close()
    server.tell(place, "INSERT INTO yaoma_bridge_schema (name) VALUES ('m999_later')")
    for opened in (Store.open, Store.look):
        with pytest.raises(StoreDamagedError, match="newer version"):
            opened(place)


def test_looking_when_there_is_no_store_then_none_is_made(server: Postgres, place: str) -> None:
    """A wrong address is an error, not a new store; a store that is looked at refuses to write."""
    with pytest.raises(StoreUnavailableError, match="no store yet"):
        Store.look(place)
    assert server.tell(place, "SELECT COUNT(*) FROM pg_tables WHERE schemaname='public'") == [(0,)]
    Store.open(place).close()
    with Store.look(place) as store, pytest.raises(StoreUnavailableError), store.writing():
        pass


def test_batches_of_one_log_when_many_store_them_at_once_then_each_counts_once(place: str) -> None:
    """Four workers take overlapping batches of the same two logs: no record is lost, receipts have no gaps."""
    logs = [BoxLog(name, f"log-{name.box}") for name in NAMES]
    for log in logs:
        log.scan(300)
    spans = [(first, min(300, first + 30)) for first in range(0, 300, 20)]
    made: list[Receipt] = []
    faults: list[BaseException] = []

    def work(turn: int) -> None:
        try:
            with Store.open(place) as store:
                intake = Intake(store, receipt_signer(), lambda: NOW_MS)
                for first, end in spans[turn:] + spans[:turn]:
                    out = intake.take([_arrival(log, first, end) for log in logs[:: 1 if turn % 2 else -1]])
                    made.extend(Receipt.opened(one.payload, [receipt_signer().verifier()]) for one in out)
        except BaseException as error:
            faults.append(error)
            raise

    threads = [threading.Thread(target=work, args=(turn,)) for turn in (0, 4, 7, 11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not faults
    with Store.look(place) as store, store.reading() as tx:
        assert tx.execute("SELECT stored_upto FROM log ORDER BY box").fetchall() == [(300,), (300,)]
        assert tx.execute("SELECT COUNT(*) FROM record").fetchone() == (600,)
        assert tx.execute("SELECT COUNT(*) FROM alarm").fetchone() == (0,)
    for name in NAMES:
        numbers = sorted(one.rseq for one in made if one.box == name.box)
        assert numbers == list(range(1, len(numbers) + 1))


def test_claim_when_another_transaction_is_at_it_then_nobody_waits(place: str) -> None:
    """A claim that somebody is just taking is passed over at once, and free again when it has run out."""
    with Store.open(place) as one, Store.open(place) as two:
        with one.writing(NAMES[:1]) as tx:
            assert take(tx, "log:1", "one", NOW_MS, 1000)
        with one.writing(NAMES[:1]) as first, two.writing(NAMES[1:]) as second:
            assert take(first, "log:1", "one", NOW_MS, 1000)
            began_s = time.monotonic()
            assert not take(second, "log:1", "two", NOW_MS + 5000, 1000)
            assert time.monotonic() - began_s < 5
        with two.writing(NAMES[1:]) as tx:
            assert take(tx, "log:1", "two", NOW_MS + 5000, 1000)


@pytest.mark.broker
def test_worker_when_it_is_killed_beside_another_then_nothing_is_lost_or_doubled(
    broker: Broker, tmp_path: Path, place: str
) -> None:
    """Two workers on one database, one killed in a burst, another started: each record is exported once."""
    for name in NAMES:
        register(tmp_path / "boxes", name)
    bridge = BridgeWorkers(tmp_path, broker, place)
    logs = [BoxLog(name, f"log-{name.box}") for name in NAMES]
    for log in logs:
        log.scan(400)
    try:
        bridge.start()
        victim = bridge.start()
        boxes = [SendingBox(broker.endpoint(), log, [receipt_signer().verifier()]) for log in logs]
        with boxes[0] as one, boxes[1] as two:
            one.wait_stored(100)
            victim.send_signal(signal.SIGKILL)
            victim.wait(20)
            bridge.workers.remove(victim)
            bridge.start()
            one.wait_stored(400)
            two.wait_stored(400)
            deadline_s = time.monotonic() + 60
            while len(bridge.ids()) < 800:
                assert time.monotonic() < deadline_s, "the export is not complete"
                time.sleep(0.05)
        assert sorted(bridge.ids()) == sorted(f"{log.name}/{log.log}/{seq}" for log in logs for seq in range(400))
        assert bridge.ask("status", "--json")["alarms"] == []
        assert bridge.stop() == [0, 0]
    finally:
        bridge.stop(signal.SIGKILL)


def _arrival(log: BoxLog, first: int = 0, end: int | None = None) -> Received:
    payload = log.payload(first, end)
    return Received(1, log.name.topic(Channel.RECORDS), payload, 1, 1, False, False, PublishProperties())


@given(st.lists(st.one_of(st.integers(), st.booleans(), st.none(), st.binary(max_size=9), st.text(max_size=9))))
def test_values_when_they_stand_for_numbered_marks_then_each_comes_where_it_is_named(
    given_values: list[object],
) -> None:
    """`?2` takes the second value wherever it stands; plain marks take them in order; texts lose their NULs."""
    count = len(given_values)
    numbers = [*range(count, 0, -1), *range(1, count + 1)]
    sql, order = statement(" ".join(f"?{number}" for number in numbers) + " 5 % 2")
    assert sql.count("%s") == 2 * count
    found = values(given_values, order)
    if count:
        assert found[:count] == found[count:][::-1]
    for before, after in zip(given_values, found[count:], strict=False):
        assert after == (before.replace("\0", "\ufffd") if isinstance(before, str) else before)
        assert type(after) is not bool
    assert values(given_values, statement("?, ?")[1]) == found[count:]


def test_table_when_sqlites_words_name_it_then_postgres_words_come_out() -> None:
    """Types, identity, byte order of texts and the table's form are changed, nothing else."""
    told = data_type_sql("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, b BLOB, s TEXT) STRICT, WITHOUT ROWID")
    assert told == (
        'CREATE TABLE t (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, n BIGINT, b BYTEA, s TEXT COLLATE "C")'
    )
