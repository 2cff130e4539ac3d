"""The destination `file`: each event once, whatever broke in between."""

import json
import os
from pathlib import Path

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from fakes.box import BoxLog
from fakes.stepped_bridge import SteppedBridge
from yaoma.core.record import Entry, Kind, Record
from yaoma_bridge.destinations.destination import Destination
from yaoma_bridge.destinations.file import FileDestination, FileOptions
from yaoma_bridge.destinations.find import make_destination
from yaoma_bridge.errors import ConfigError, DestinationBusyError, DestinationError
from yaoma_bridge.events import Event
from yaoma_link.receipt import OutcomeState
from yaoma_link.topics import BoxName


def _events(count: int, *, pad: str = "") -> list[Event]:
    log = BoxLog(BoxName("H1", "counter-1"), "log1")
    for number in range(count):
        log.add(Entry(Kind.SCAN, {"code": f"cn20:8{number}", "pad": pad}))
    return [Event(number + 1, log.name, log.log, number, record) for number, record in enumerate(log.records)]


def _ids(path: Path) -> list[str]:
    return [json.loads(line)["id"] for line in path.read_bytes().splitlines()]


def _file(path: Path, rotate_mib: int = 0) -> FileDestination:
    return FileDestination("file", FileOptions(path=path, rotate_mib=rotate_mib))


def test_each_line_is_a_cloud_event_of_the_specification(bridge: SteppedBridge, log: BoxLog) -> None:
    """The CloudEvents library reads each line, with id, source, time, subject and our extensions."""
    log.scan(2)
    log.add(Entry(Kind.SCAN, {"lookalike": "ean13"}), wall_ms=2**53 - 1)
    bridge.take(log.payload(), name=log.name)
    bridge.follow()
    lines = bridge.events_path.read_bytes().splitlines()
    events = [JSONFormat().read(CloudEvent, line) for line in lines]
    assert events[1].get_id() == "H1/counter-1/log1/1"
    assert events[1].get_source() == "/yaoma/v1/H1/counter-1/log1"
    assert events[1].get_type() == "yaoma.scan.v1"
    assert events[1].get_subject() == log.records[1].fields["code"]
    assert events[1].get_extension("sequence") == f"{1:016d}"
    assert events[1].get_data() == log.records[1].fields
    assert events[2].get_subject() is None


@pytest.mark.parametrize("garbage", [b'{"id":"H1/cou', b"\x00" * 5000, b"\x00\n\x00\n", b"{}\n", b"\n\n"])
def test_a_half_written_tail_is_cut_off(tmp_path: Path, garbage: bytes) -> None:
    """What a power cut left behind the last whole line goes; the events come again, once."""
    events = _events(9)
    path = tmp_path / "events.jsonl"
    file = _file(path)
    file.resume("")
    file.deliver(events[:3])
    mark = file.mark
    file.deliver(events[3:6])
    file.close()
    with path.open("ab") as out:
        out.write(garbage)
    file.resume(mark)
    assert _ids(path) == [event.id for event in events[:6]]
    file.deliver(events[3:])
    file.close()
    assert _ids(path) == [event.id for event in events]


def test_a_file_cut_at_any_byte_behind_the_mark_ends_with_each_event_once(tmp_path: Path) -> None:
    """Byte by byte: wherever the writing stopped, the next start makes it whole."""
    events = _events(5)
    path = tmp_path / "events.jsonl"
    file = _file(path)
    file.resume("")
    file.deliver(events[:2])
    mark, kept = file.mark, path.stat().st_size
    file.deliver(events[2:4])
    file.close()
    written = path.read_bytes()
    for cut in range(kept, len(written) + 1):
        path.write_bytes(written[:cut])
        file.resume(mark)
        file.deliver(events[2:])
        file.close()
        assert _ids(path) == [event.id for event in events]


def test_segments_are_read_back_as_well(tmp_path: Path) -> None:
    """A new segment begins at the size; what lies in any of them behind the mark is not written again."""
    events = _events(16, pad="x" * 250_000)
    file = _file(tmp_path / "events.jsonl", rotate_mib=1)
    file.resume("")
    file.deliver(events[:1])
    mark = file.mark
    for event in events[1:12]:
        file.deliver([event])
    file.close()
    file.resume(mark)
    file.deliver(events[1:])
    file.close()
    segments = sorted(tmp_path.glob("events*.jsonl"), key=lambda path: (len(path.name), path.name))
    assert [path.name for path in segments] == ["events.jsonl", "events-000001.jsonl", "events-000002.jsonl"]
    assert [line for path in segments for line in _ids(path)] == [event.id for event in events]


def test_a_commit_that_never_came_delivers_nothing_twice(bridge: SteppedBridge, log: BoxLog) -> None:
    """The worker died after the fsync and before the commit: the next one finds the lines and goes on."""
    log.scan(5)
    bridge.take(log.payload(), name=log.name)
    bridge.follow()
    log.scan(5)
    bridge.take(log.payload(5), name=log.name)
    upto, mark = bridge.rows("SELECT upto, mark FROM destination")[0]
    bridge.follow()
    bridge.close()
    bridge.change("UPDATE destination SET upto=?, mark=?", upto, mark)
    again = SteppedBridge(bridge.folder)
    receipts = again.follow()
    assert [outcome.span for receipt in receipts for outcome in receipt.outcomes] == [(5, 10)]
    assert again.ids() == [f"H1/counter-1/log1/{seq}" for seq in range(10)]
    again.close()


def test_a_file_that_has_shrunk_is_alarmed_and_goes_on(bridge: SteppedBridge, log: BoxLog) -> None:
    """Somebody took the file away: the bridge says so and writes what is new."""
    log.scan(5)
    bridge.take(log.payload(), name=log.name)
    bridge.follow()
    bridge.close()
    bridge.events_path.unlink()
    again = SteppedBridge(bridge.folder)
    log.scan(2)
    again.take(log.payload(5), name=log.name)
    again.follow()
    assert again.ids() == ["H1/counter-1/log1/5", "H1/counter-1/log1/6"]
    assert again.alarms() == {"destination_odd"}
    again.close()


def test_a_second_writer_is_kept_out(tmp_path: Path) -> None:
    """The lock beside the file belongs to one process at a time."""
    first, second = _file(tmp_path / "e.jsonl"), _file(tmp_path / "e.jsonl")
    first.resume("")
    with pytest.raises(DestinationBusyError):
        second.resume("")
    first.close()
    second.resume("")
    second.close()


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """Nothing counts as delivered, nothing is half there, and the same events go in later."""
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    events = _events(4)
    file = _file(tmp_path / "e.jsonl")
    file.resume("")
    file.deliver(events[:2])
    real, file._file = file._file, os.open("/dev/full", os.O_WRONLY)
    mark = file.mark
    with pytest.raises(DestinationError):
        file.deliver(events[2:])
    assert file.mark == mark
    if file._file is not None:
        os.close(file._file)
    file._file = real
    file.deliver(events[2:])
    file.close()
    assert _ids(tmp_path / "e.jsonl") == [event.id for event in events]


def test_a_disk_that_was_full_is_tried_again_from_the_committed_mark(bridge: SteppedBridge, log: BoxLog) -> None:
    """The feeder begins anew after a refusal, and each event is in the file once."""
    log.scan(5)
    bridge.take(log.payload(), name=log.name)
    bridge.follow()
    log.scan(5)
    bridge.take(log.payload(5), name=log.name)
    destination = bridge.feeder._destination
    assert isinstance(destination, FileDestination)
    assert destination._file is not None
    os.close(destination._file)
    destination._file = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(DestinationError):
        bridge.follow()
    bridge.follow()
    assert bridge.ids() == [f"H1/counter-1/log1/{seq}" for seq in range(10)]


def test_destinations_are_found_by_entry_point_and_their_keys_are_checked(tmp_path: Path) -> None:
    """An unknown kind or key is named in the error, with what is installed."""
    made = make_destination("file", "one", {"path": str(tmp_path / "e.jsonl")})
    assert isinstance(made, Destination)
    assert made.name == "one"
    with pytest.raises(ConfigError, match=r"no kind 'fax'.*file"):
        make_destination("fax", "one", {})
    for options in ({}, {"path": "relative.jsonl"}, {"path": "/x", "rotate": 1}, {"path": "/x", "rotate_mib": -1}):
        with pytest.raises(ConfigError, match=r"destination one: (path|rotate)"):
            make_destination("file", "one", options)


def test_records_of_practice_are_stored_and_never_sent(bridge: SteppedBridge, log: BoxLog) -> None:
    """S0-07: what was scanned in a training ticket is held for good, and its copies too."""
    log.scan(1)
    log.add(Entry(Kind.TICKET, {"action": "open", "ticket": "t1", "training": True}))
    log.add(Entry(Kind.SCAN, {"code": "cn20:81000000000000000001", "training": True}))
    log.scan(1)
    copy = BoxLog(log.name, "log2")
    copy.add(Record.copied(log.records[2]))
    bridge.take(log.payload(), name=log.name)
    bridge.take(copy.payload(), name=log.name)
    receipts = bridge.follow()
    assert bridge.ids() == ["H1/counter-1/log1/0", "H1/counter-1/log1/3"]
    held = [one for receipt in receipts for one in receipt.outcomes if one.state is OutcomeState.HELD]
    assert {(one.span, one.reason) for one in held} >= {((1, 3), "training")}
