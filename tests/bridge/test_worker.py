"""Workers: real processes, a real broker, one store; killed, doubled, restored."""

import json
import os
import queue
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes import forked, stepped_bridge
from fakes.box import BoxLog, SendingBox, box_signer, receipt_signer
from fakes.bridge_workers import BridgeWorkers
from fakes.broker import Broker
from fakes.stepped_bridge import register
from fakes.tier import times
from yaoma_link.report import Published
from yaoma_link.session import Session
from yaoma_link.topics import BoxName, Channel

pytestmark = pytest.mark.broker

KILLS = times(3, 10)

NAMES = [BoxName("H1", f"counter-{number}") for number in (1, 2)]


@pytest.fixture
def bridge(broker: Broker, tmp_path: Path) -> Iterator[BridgeWorkers]:
    """Give a bridge whose boxes are registered; no worker runs yet."""
    for name in NAMES:
        register(tmp_path / "boxes", name)
    made = BridgeWorkers(
        tmp_path, broker, "" if stepped_bridge.POSTGRES is None else stepped_bridge.POSTGRES.database()
    )
    yield made
    made.stop(signal.SIGKILL)


def _wait(is_so: Callable[[], object], what: str, deadline_s: float = 40.0) -> None:
    end_s = time.monotonic() + deadline_s
    while not is_so():
        assert time.monotonic() < end_s, what
        time.sleep(0.05)


def _expected(*logs: BoxLog) -> list[str]:
    return sorted(f"{log.name}/{log.log}/{seq}" for log in logs for seq in range(log.size))


def _box(broker: Broker, log: BoxLog) -> SendingBox:
    return SendingBox(broker.endpoint(), log, [receipt_signer().verifier()])


def test_two_workers_share_the_load_of_one_log_and_each_record_is_exported_once(
    broker: Broker, bridge: BridgeWorkers
) -> None:
    """Batches of one log go to two processes in any order; stored, verified and delivered once."""
    bridge.start()
    bridge.start()
    logs = [BoxLog(name, f"log-{name.box}") for name in NAMES]
    for log in logs:
        log.scan(600)
    with _box(broker, logs[0]) as one, _box(broker, logs[1]) as two:
        one.wait_stored(600)
        two.wait_stored(600)
        _wait(lambda: len(bridge.ids()) >= 1200, "the export is not complete")
        accepted = one.wait_receipt(["outcomes"])
        assert accepted.outcomes[0].destination == "file"
    assert sorted(bridge.ids()) == _expected(*logs)
    status = bridge.ask("status", "--json")
    assert [box["logs"][0]["verified_upto"] for box in status["boxes"]] == [600, 600]
    assert status["alarms"] == []
    assert bridge.stop() == [0, 0]


def test_workers_killed_in_a_burst_again_and_again_lose_and_double_nothing(
    broker: Broker, bridge: BridgeWorkers
) -> None:
    """A kill -9 of one of two workers while records stream in: export and sent set are equal, without repeats."""
    log = BoxLog(NAMES[0], "log1")
    bridge.start()
    with _box(broker, log) as box:
        for round_number in range(KILLS):
            victim = bridge.start()
            box.grow(150)
            # once the newcomer works, or after a while in the middle of its start
            time.sleep(round_number / KILLS)
            victim.kill()
            victim.wait(10)
            bridge.workers.remove(victim)
            if round_number % 3 == 2:
                first = bridge.workers.pop(0)
                bridge.start()
                first.kill()
                first.wait(10)
        box.wait_stored(log.size, 60)
        _wait(lambda: len(bridge.ids()) >= log.size, "the export is not complete")
    assert sorted(bridge.ids()) == _expected(log)
    status = bridge.ask("status", "--json")
    assert status["boxes"][0]["logs"][0]["conflicts"] == 0
    assert [alarm["kind"] for alarm in status["alarms"]] == []


def test_a_bridge_restored_from_yesterday_gets_the_rest_again_and_doubles_nothing(
    broker: Broker, bridge: BridgeWorkers
) -> None:
    """The copy is put back: a new epoch, a lower `stored_upto`, the box sends again, the export stays exact."""
    log = BoxLog(NAMES[0], "log1")
    log.scan(200)
    bridge.start()
    with _box(broker, log) as box:
        box.wait_stored(200)
        _wait(lambda: len(bridge.ids()) >= 200, "yesterday's export is not complete")
        bridge.stop()
        bridge.back_up()
        bridge.start()
        box.grow(200)
        box.wait_stored(400)
        _wait(lambda: len(bridge.ids()) >= 400, "today's export is not complete")
        _wait(lambda: len(box.receipts) == max(one.rseq for one in box.receipts), "receipts are on their way")
        epoch = box.mark.epoch
        bridge.stop()
        bridge.restore()
        bridge.start()
        box.grow(50)
        _wait(lambda: box.mark.epoch > epoch, "no new epoch")
        box.wait_stored(450, 60)
        _wait(lambda: len(bridge.ids()) >= 450, "the export is not complete")
        restated = [one.stored_upto for one in box.receipts if one.epoch > epoch]
        assert restated[0] < 400
        bridge.stop()
    assert sorted(bridge.ids()) == _expected(log)
    status = bridge.ask("status", "--json")
    assert "restored" in {alarm["kind"] for alarm in status["alarms"]}


def test_garbage_from_the_broker_is_alarmed_and_the_worker_goes_on(broker: Broker, bridge: BridgeWorkers) -> None:
    """Noise on the records topic kills no worker, and nothing of it is quoted in log or alarms."""
    worker = bridge.start()
    log = BoxLog(NAMES[0], "log1")
    log.scan(10)
    with _box(broker, log) as box:
        box.wait_stored(10)
        reports: queue.Queue[Any] = queue.Queue(maxsize=100)
        noise = Session(broker.endpoint(), reports, client_id="noise", session_expiry_s=0)
        noise.start()
        _wait(lambda: noise.is_online, "the noise is not connected")
        for payload in (os.urandom(10 << 20), b"110101199003077758", b"Y\x01" + os.urandom(100), b""):
            noise.publish(NAMES[0].topic(Channel.RECORDS), payload)
            noise.publish(NAMES[0].topic(Channel.STATUS), payload or b"{")
        _wait(lambda: sum(one["times"] for one in bridge.ask("status", "--json")["alarms"]) >= 7, "alarms are missing")
        noise.stop()
        box.grow(10)
        box.wait_stored(20)
    assert worker.poll() is None
    told = bridge.log_text() + json.dumps(bridge.ask("status", "--json"))
    assert "110101199003077758" not in told


def test_a_whole_county_that_comes_back_at_once_is_welcomed_over_one_connection(
    broker: Broker, bridge: BridgeWorkers
) -> None:
    """However many receipts are due, what the broker says of them never floods the worker off its line."""
    reports: queue.Queue[Any] = queue.Queue(maxsize=10_000)
    county = Session(broker.endpoint(), reports, client_id="county", session_expiry_s=0)
    county.start()
    _wait(lambda: county.is_online, "the county is not connected")
    for number in range(900):
        log = BoxLog(BoxName("H1", f"box-{number}"), f"log{number}", signer=box_signer(NAMES[0]))
        birth, name = log.birth(), log.name
        _wait(lambda birth=birth, name=name: county.publish(name.topic(Channel.STATUS), birth, retain=True), "no room")  # type: ignore[misc]  # mypy can't infer a lambda with a default
    _wait(lambda: sum(isinstance(one, Published) for one in tuple(reports.queue)) == 900, "births are on their way")
    county.stop()
    bridge.start()

    def known() -> int:
        done = forked.run("yaoma-bridge", "boxes", "--json", "-c", bridge.config)
        return len(json.loads(done.stdout)) if done.returncode == 0 else 0  # there is no store yet

    _wait(lambda: known() == 902, "boxes are missing")
    assert "broker away" not in bridge.log_text()


def test_boxes_and_export_show_what_is_there(broker: Broker, bridge: BridgeWorkers) -> None:
    """`boxes` lists registered and seen boxes; `export` gives the events behind a number, and the next number."""
    bridge.start()
    log, stranger = BoxLog(NAMES[0], "log1"), BoxLog(BoxName("H9", "counter-1"), "log1")
    log.scan(20)
    stranger.scan(5)
    with _box(broker, log) as one, _box(broker, stranger) as two:
        one.wait_stored(20)
        two.wait_stored(5)
        _wait(lambda: len(bridge.ids()) >= 20, "the export is not complete")
    listed = {(one["site"], one["box"]): (one["key"], one["state"]) for one in bridge.ask("boxes", "--json")}
    assert listed == {
        ("H1", "counter-1"): ("known", "open"),
        ("H1", "counter-2"): ("known", "never seen"),
        ("H9", "counter-1"): ("missing", "open"),
    }
    out = bridge.folder / "out.jsonl"
    assert bridge.ask("export", "--to", str(out)) == 20
    assert out.read_bytes() == (bridge.folder / "events.jsonl").read_bytes()
    assert bridge.ask("export", "--to", str(out), "--after", "15") == 20
    assert len(out.read_bytes().splitlines()) == 5
    assert "H1/counter-1" in forked.run("yaoma-bridge", "status", "-c", bridge.config).stdout
