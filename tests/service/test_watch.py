"""The watch: systemd hears WATCHDOG=1 only while every worker makes progress."""

import math
import queue
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import BaseModel

from fakes.counter import LISTED, CounterBench
from fakes.notified import Notified
from fakes.program import wait_for
from yaoma.service.reader import Reader
from yaoma.service.recorder import Recorder
from yaoma.service.status_line import status_line
from yaoma.service.watch import HEALTHY_AFTER_S, Heart, Watch
from yaoma.service.work import Item, Trouble
from yaoma.shell.catalogue import load_catalogue
from yaoma.shell.control import ControlServer, ask
from yaoma_drivers.driver import Driver, DriverOptions
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import Symbol
from yaoma_link.notify import Notify

pytest.importorskip("systemd.daemon", reason="needs systemd-python: pip install 'yaoma[systemd]'")


class Hands:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notified]:
    """Stand where systemd would listen."""
    with Notified(tmp_path / "notify") as listener:
        monkeypatch.setenv("NOTIFY_SOCKET", str(listener.path))
        monkeypatch.setenv("WATCHDOG_USEC", "400000")
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        yield listener


def looked(watch: Watch, systemd: Notified, for_s: float, until: str = "") -> list[str]:
    """Look as the supervisor does, for a while or until a line is heard; give everything that was heard."""
    heard: list[str] = []
    for _ in range(int(for_s / 0.05)):
        watch.look("s")
        heard += systemd.lines(0.05)
        if until and until in heard:
            break
    return heard


def test_heart_is_late_only_when_a_step_takes_too_long() -> None:
    """A beat gives the time of one step, a known long step gives more, rest gives all the time there is."""
    clock = Hands()
    heart = Heart("recorder", 20, clock)

    clock.now_s += 21
    assert 1 == heart.late_s()
    heart.beat(within_s=900)
    clock.now_s += 900
    assert 0 == heart.late_s()
    heart.beat()
    clock.now_s += 20.5
    assert 0.5 == heart.late_s()
    heart.rest()
    clock.now_s += 1e9
    assert 0 == heart.late_s()


def test_watchdog_is_told_while_the_recorder_is_idle_and_not_while_its_commit_hangs(
    tmp_path: Path, systemd: Notified
) -> None:
    """An idle recorder keeps the watchdog fed; one that is stuck in a commit does not; afterwards it is fed again."""
    hanging, free = threading.Event(), threading.Event()

    class Hanging(sqlite3.Connection):
        """A real connection whose next write waits as on a card that does not answer its flush."""

        def execute(self, sql: str, parameters: object = (), /) -> sqlite3.Cursor:
            if hanging.is_set() and sql.startswith("INSERT INTO record"):
                free.wait(60)
            return super().execute(sql, parameters)  # type: ignore[arg-type]  # handed through

    bench = CounterBench(
        tmp_path / "state",
        opener=lambda path: sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Hanging),
    )
    bench.recorder._items.put(None)
    bench.recorder.join(20)
    bench.recorder.close()
    watch = Watch(Notify())
    bench.recorder = Recorder(replace(bench.parts, heart=watch.heart("recorder", 1.5)), bench.items)
    bench.recorder.start()
    try:
        bench.scan(LISTED)
        bench.wait(1)
        watch.ready("ready")
        idle = looked(watch, systemd, 3)
        hanging.set()
        bench.scan("83003850000000000001")
        wait_for(lambda: looked(watch, systemd, 0.1) is not None and watch.late, "nobody misses the recorder", 20)
        systemd.lines()
        stuck = looked(watch, systemd, 2)
        missed = watch.late
        free.set()
        again = looked(watch, systemd, 20, until="WATCHDOG=1")
    finally:
        free.set()
        bench.stop()

    assert frozenset({"recorder"}) == missed
    assert idle.count("WATCHDOG=1") >= 5
    assert "READY=1" in idle
    assert "WATCHDOG=1" not in stuck
    assert "WATCHDOG=1" in again


def test_long_start_asks_for_more_time_until_it_is_ready(systemd: Notified) -> None:
    """Before READY the same heartbeats extend the start's time limit; a start that is stuck asks for nothing."""
    clock = Hands()
    watch = Watch(Notify(), now_s=clock)
    heart = watch.heart("recorder", 20)

    watch.look("recovering")
    assert ["STATUS=recovering", "EXTEND_TIMEOUT_USEC=60000000"] == systemd.lines(0.1)
    clock.now_s += 21
    watch.look("recovering")
    assert [] == systemd.lines(0.1)
    heart.beat()
    watch.ready("in service")
    watch.look("in service")
    assert ["READY=1", "STATUS=in service", "WATCHDOG=1"] == systemd.lines(0.1)


def test_status_is_sent_once_per_change(systemd: Notified) -> None:
    """`systemctl status` changes when the line changes, and is not written to twice a second."""
    watch = Watch(Notify())
    watch.ready("a")
    for line in ("a", "a", "b", "b", "a"):
        watch.look(line)

    assert ["STATUS=a", "STATUS=b", "STATUS=a"] == [one for one in systemd.lines(0.1) if one.startswith("STATUS")]


def test_run_is_healthy_once_every_heart_was_fresh_for_a_minute_without_a_gap() -> None:
    """A heart that is late in between starts the minute anew; it is told once."""
    clock, told = Hands(), list[float]()
    watch = Watch(Notify(), on_healthy=lambda: told.append(clock.now_s), now_s=clock)
    heart = watch.heart("recorder", 5)
    late_at_s = clock.now_s + 30
    for _ in range(200):
        clock.now_s += 1
        if not late_at_s <= clock.now_s < late_at_s + 10:
            heart.beat()
        watch.look("")

    assert [late_at_s + 10 + HEALTHY_AFTER_S] == told


def test_reader_rests_in_its_driver_and_is_late_when_nobody_takes_its_symbol() -> None:
    """A scanner that nobody uses for hours is fresh; a symbol that can't be handed over is not."""
    clock = Hands()
    scan = threading.Event()

    class Quiet:
        """A driver that is quiet until somebody scans."""

        Options: ClassVar[type[BaseModel]] = DriverOptions

        def __init__(self, scanner: str, options: BaseModel) -> None:
            pass

        def symbols(self, stop: Stop) -> Iterator[Symbol]:
            scan.wait(20)
            yield Symbol(b"8" * 20, "gun", 0)
            stop.wait()

    driver: Driver = Quiet("gun", DriverOptions())
    symbols: queue.Queue[Item] = queue.Queue(1)
    symbols.put(None)
    heart = Heart("reader-gun", 30, clock)
    with Stop() as stop:
        reader = Reader("gun", driver, symbols, stop, heart)
        reader.start()
        wait_for(lambda: heart._due_s == math.inf, "the heart does not rest")
        clock.now_s += 10_000
        quiet = heart.late_s()
        scan.set()
        wait_for(lambda: heart._due_s != math.inf, "the heart does not beat")
        clock.now_s += 31
        blocked = heart.late_s()
        symbols.get()
        symbols.get(timeout=20)
        wait_for(lambda: heart._due_s == math.inf, "the heart does not rest again")
        stop.set()
        reader.join(20)

    assert 0 == quiet
    assert blocked > 0
    assert 0 == heart.late_s()


def test_control_socket_beats_while_nobody_asks(tmp_path: Path) -> None:
    """Its thread gives a sign on every look, with and without clients."""
    beats: queue.Queue[None] = queue.Queue()
    with Stop() as stop:
        server = ControlServer(tmp_path / "control", lambda _: {}, stop, lambda: beats.put(None))
        server.start()
        for _ in range(3):
            beats.get(timeout=20)
        assert {} == ask(tmp_path / "control", {})
        stop.set()
        server.join(20)


def test_status_line_says_in_both_languages_what_is_the_matter() -> None:
    """Chinese first, English second; only what is not as it should be is named."""
    chinese, english = load_catalogue("zh-CN"), load_catalogue("en")

    assert "正常，在线 / in service, online" == status_line(chinese, english, trouble=None, is_connected=True)
    line = status_line(
        chinese,
        english,
        trouble=Trouble("disk_full"),
        is_connected=False,
        lost=["gun"],
        late={"recorder"},
        safe_mode=True,
        last_good=True,
    )
    left, _, right = line.partition(" / ")
    for wanted in ("暂停服务", "离线", "扫码枪断开：gun", "安全模式", "仍按上一份可用的配置运行", "部件停滞：recorder"):
        assert wanted in left
    for wanted in (
        "OUT OF SERVICE",
        "offline",
        "scanner lost: gun",
        "safe mode",
        "the last good one is",
        "no progress: recorder",
    ):
        assert wanted in right
