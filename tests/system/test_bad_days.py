"""Bad days: brokers that refuse or keep silent, damaged files, a full disk, a scanner that goes, floods."""

import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random

import numpy as np
import psutil
import pytest

from fakes.acl import without_records
from fakes.broker import SilentBroker
from fakes.burst import Burst, pack_codes
from fakes.county import BoxProcess, County, wait_for
from fakes.ext4 import Ext4
from fakes.pty_scanner import PtyScanner
from fakes.tally import (
    assert_delivered_once,
    assert_shown_is_kept,
    delivered,
    event_of,
    held,
    out_of_service_causes,
    shown_packs,
    shown_verdicts,
)
from yaoma.core.record import Kind, Record
from yaoma.shell.database import DatabaseDamagedError

pytestmark = [pytest.mark.broker, pytest.mark.xdist_group("system-bad-days")]

_MB = 1_000_000


@pytest.fixture
def codes() -> Iterator[str]:
    """Give packs that are scanned once each."""
    return pack_codes()


@pytest.fixture
def box(county: County) -> BoxProcess:
    """Give a box that runs and logs every verdict."""
    box = county.add_box(verbose=True)
    box.start()
    return box


def _scan(box: BoxProcess, codes: Iterator[str], packs: int = 5) -> None:
    """Scan packs and wait until the last one is shown."""
    scanned = list(islice(codes, packs))
    box.scan(*scanned)
    wait_for(
        lambda: scanned[-1] in {one.code for one in shown_packs(box)}, f"nothing is shown: {box.program.said()[-800:]}"
    )


def _trouble(box: BoxProcess) -> object:
    return box.ask()["uplink"]["trouble"]


# The way to the bridge


def test_a_stopped_box_leaves_nothing_for_its_next_start(county: County, box: BoxProcess, codes: Iterator[str]) -> None:
    """What is scanned right before a clean stop is verified and delivered without the box."""
    assert_delivered_once(county, [box])
    _scan(box, codes)
    assert box.program.stop() == 0
    assert_delivered_once(county, [box])


def test_a_broker_that_refuses_records_is_named_and_loses_nothing(
    county: County, box: BoxProcess, codes: Iterator[str]
) -> None:
    """An access list that forgot the box's records shows in the status; when it is mended everything arrives."""
    with without_records(county):
        _scan(box, codes)
        wait_for(lambda: _trouble(box) == "uplink.refused", f"the trouble is {_trouble(box)}")
        shown = box.command("status")
        assert shown.returncode == 0
        assert box.ask()["uplink"]["pending"] >= 5
    assert_delivered_once(county, [box], 120)
    assert _trouble(box) is None


@pytest.mark.row("S0-03")
@pytest.mark.row("S1-32")
@pytest.mark.row("S3-12")
def test_a_broker_that_never_answers_is_shown_as_offline_and_loses_nothing(
    county: County, box: BoxProcess, codes: Iterator[str]
) -> None:
    """A dead broker behind a port that still accepts does not hold up the counter, and is left for a living one."""
    county.broker.kill()
    with SilentBroker(county.port) as silent:
        wait_for(lambda: silent.accepted, "nobody came")
        _scan(box, codes)
        assert not box.ask()["uplink"]["is_connected"]
        wait_for(lambda: str(_trouble(box)).startswith("link."), f"the trouble is {_trouble(box)}")
        _scan(box, codes)
    county.broker.start()
    assert_delivered_once(county, [box], 120)
    assert_shown_is_kept(box)


# Damaged files


def _damage(path: Path, dice: Random) -> None:
    """Change some bytes of a file, alone or in a run, as a bad card does."""
    raw = bytearray(path.read_bytes())
    for _ in range(dice.randint(1, 4)):
        at, length = dice.randrange(len(raw)), dice.choice((1, 1, 16, 512))
        raw[at : at + length] = dice.randbytes(len(raw[at : at + length]))
    path.write_bytes(raw)


def _intact(records: list[Record], state: Path) -> list[Record]:
    """Give the records whose bytes and hash still lie in the journal's files, one behind the other."""
    raw = b"".join(path.read_bytes() for path in state.glob("journal.db*") if path.suffix != ".db-shm")
    return [record for record in records if record.body + record.leaf in raw]


def _gap(opening: Record) -> set[int]:
    """Give the places of the log before that its successor says are gone."""
    previous = opening.fields["previous"]
    gap = previous["gap"] if isinstance(previous, dict) else None
    runs = gap if isinstance(gap, list) else []
    return {seq for run in runs if isinstance(run, list) for seq in range(*(int(str(edge)) for edge in run))}


def _break_file(county: County, codes: Iterator[str], name: str, rounds: int, dice: Random) -> None:
    """Damage one file of a stopped box, again and again; what is intact and unconfirmed arrives each time."""
    box = county.add_box(verbose=True)
    box.start()
    for number in range(rounds):
        # No reload of the access list: Debian 12's mosquitto (2.0.11) sometimes dies after a few.
        county.broker.kill()
        _scan(box, codes, 3)
        (box.program.kill if dice.random() < 0.5 else box.program.stop)()
        county.broker.start()
        before = box.entries()
        _damage(box.state / name, dice)
        open_log = before[-1].log
        intact = _intact([record for record in before if record.log == open_log], box.state)
        box.start()
        wait_for(lambda: box.ask()["uplink"]["pending"] == 0, f"round {number}: {box.ask().get('uplink')}")
        # A log's own beginning and end stay with its file.
        expected = {event_of(record) for record in intact if record.kind not in {Kind.OPEN, Kind.CLOSE}}
        wait_for(
            lambda expected=expected: expected <= held(county),  # type: ignore[misc]  # mypy can't infer a lambda with a default
            f"round {number}: intact and not at the bridge",
            10,
        )
        verified = box.command("journal", "verify")
        try:
            entries = box.entries()
        except DatabaseDamagedError:
            # What was confirmed is not read again by the box; whoever verifies hears of it.
            named = any(words in verified.stdout for words in ("was altered", "can't be read"))
            assert (verified.returncode, named) == (1, True), verified.stdout
            sys.stdout.write(f"round {number}: the log goes on with an altered record\n")
            box.program.stop()
            shutil.rmtree(box.state)
            box.start()
            continue
        here = {event_of(record) for record in entries}
        lost = {record.seq for record in before if event_of(record) not in here}
        opening = next(record for record in reversed(entries) if record.kind == Kind.OPEN)
        sys.stdout.write(f"round {number}: {opening.fields['reason']}, {len(lost)} lost of {len(before)}\n")
        if opening.log == open_log:
            assert not lost, f"round {number}: {lost} are gone from a log that goes on"
        elif opening.fields["reason"] == "damaged":
            assert lost <= _gap(opening), f"round {number}: {lost - _gap(opening)} are gone and not in the gap"
            aside = b"".join(path.read_bytes() for path in (box.state / "aside").iterdir())
            gone = [record.seq for record in intact if record.body + record.leaf not in aside]
            assert not gone, f"round {number}: {gone} were intact and are not in the file that was set aside"
        else:
            assert verified.returncode == 1, f"round {number}: nobody says that {lost} are gone"
    assert len(delivered(county)) == len(set(delivered(county)))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["journal.db", "site.db"])
def test_a_damaged_file_costs_nothing_that_is_intact_in_two_rounds(
    county: County, codes: Iterator[str], dice: Random, name: str
) -> None:
    """The box starts on damaged files, keeps them, delivers everything intact and names what is gone."""
    _break_file(county, codes, name, 2, dice)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", ["journal.db", "site.db"])
def test_a_damaged_file_costs_nothing_that_is_intact_in_a_hundred_rounds(
    county: County, codes: Iterator[str], dice: Random, name: str
) -> None:
    """The box starts on damaged files, keeps them, delivers everything intact and names what is gone."""
    _break_file(county, codes, name, 100, dice)


# The disk and the scanner


def _free_bytes(folder: Path) -> int:
    answer = os.statvfs(folder)
    return answer.f_bavail * answer.f_frsize


@pytest.mark.root
def test_a_full_disk_is_out_of_service_until_there_is_room_and_loses_nothing(
    county: County, disk: Ext4, codes: Iterator[str]
) -> None:
    """Without room the box shows OUT OF SERVICE and why, never a verdict; with room it goes on by itself."""
    box = county.add_box(state=disk.path / "state", verbose=True)
    box.start()
    _scan(box, codes)
    ballast = disk.path / "ballast"
    with ballast.open("wb") as filler:
        while _free_bytes(disk.path) > 700_000:
            filler.write(bytes(65536))
            filler.flush()

    def refused() -> bool:
        box.scan(next(codes))
        time.sleep(0.2)
        return "disk_full" in out_of_service_causes(box)

    wait_for(refused, f"nothing was refused: {box.program.said()[-800:]}")
    assert box.ask()["trouble"]["cause"] == "disk_full"
    shown, size = len(shown_verdicts(box)), box.ask()["journal"]["size"]
    box.scan(*islice(codes, 3))
    wait_for(lambda: len(out_of_service_causes(box)) >= 4, "a scan got no answer")
    assert (len(shown_verdicts(box)), box.ask()["journal"]["size"]) == (shown, size)

    ballast.unlink()
    wait_for(lambda: box.ask()["trouble"] is None, "the box did not come back")
    _scan(box, codes)
    assert_delivered_once(county, [box])
    assert_shown_is_kept(box)
    assert box.program.stop() == 0


@pytest.mark.row("S0-17")
def test_a_scanner_that_is_unplugged_is_shown_and_comes_back_by_itself(
    county: County, box: BoxProcess, codes: Iterator[str]
) -> None:
    """The status names the scanner that is gone; plugged in again, maybe under another number, it works."""

    def works() -> bool:
        return next(bool(one["working"]) for one in box.ask()["scanners"] if one["scanner"] == "gun")

    _scan(box, codes)
    box.unplug()
    wait_for(lambda: not works(), "nobody noticed")
    assert "gun" in box.command("status").stdout
    box.plug(PtyScanner())
    wait_for(works, "the scanner did not come back")
    box.scanner.wait_until_open()
    _scan(box, codes)
    assert_delivered_once(county, [box])


# Floods


@pytest.mark.slow
def test_ten_thousand_scans_a_second_do_not_grow_the_box_and_show_nothing_that_is_not_kept(
    county: County, box: BoxProcess, codes: Iterator[str]
) -> None:
    """For ten seconds, offline, more comes than can be kept: memory stays bounded, every verdict has its record."""
    county.broker.kill()
    assert box.program.process is not None
    process = psutil.Process(box.program.process.pid)
    sizes = []
    with Burst(box, codes, 10_000) as burst:
        for _ in range(20):
            time.sleep(0.5)
            sizes.append(process.memory_info().rss)
    kept = box.ask()["journal"]["size"]
    assert burst.offered > 50_000, f"only {burst.offered} were offered"
    assert kept > 1000, f"only {kept} were kept"
    assert max(sizes) < 200 * _MB, f"{max(sizes) // _MB} MB"
    grown = sizes[-1] - sizes[len(sizes) // 2]
    assert grown < 10 * _MB, f"{grown // _MB} MB more in the second half"
    box.program.stop()
    assert assert_shown_is_kept(box) > 10


def _leaks(noise: bytes, raw: bytes) -> list[int]:
    """Find where 12 bytes from the beginning of a symbol of the noise stand."""
    begins = {one[:12] for one in re.split(rb"[\r\n]+", noise) if len(one) >= 12}
    table = np.zeros(1 << 24, dtype=bool)
    table[[int.from_bytes(one[:3], "little") for one in begins]] = True
    octets = np.frombuffer(raw, dtype=np.uint8).astype(np.uint32)
    places = np.flatnonzero(table[octets[:-2] | octets[1:-1] << 8 | octets[2:] << 16])
    return [int(at) for at in places if raw[at : at + 12] in begins]


def _make_noise(box: BoxProcess, noise: bytes, deadline_s: float) -> None:
    sent, until_s = 0, time.monotonic() + deadline_s
    while sent < len(noise):
        assert time.monotonic() < until_s, f"the box took only {sent} bytes"
        taken = box.scanner.offer(noise[sent : sent + 65536])
        sent += taken
        if not taken:
            time.sleep(0.001)
    box.scan("", "")


def _noise(dice: Random, octets: int) -> bytes:
    """Half of it any bytes, half of it letters as a person would type them into a wrong window, in short lines."""
    letters = bytes(byte for byte in range(33, 127) if not 48 <= byte < 58)
    typed = (bytes(dice.choices(letters, k=49)) + b"\r" for _ in range(octets // 100))
    return dice.randbytes(octets // 2) + b"\r" + b"".join(typed)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("size_mb", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_noise_on_the_line_leaves_no_text_anywhere_and_does_not_stop_the_box(
    county: County, box: BoxProcess, codes: Iterator[str], dice: Random, size_mb: int
) -> None:
    """After megabytes of noise the next pack passes, and no text of the noise stands in a file or log line."""
    noise = _noise(dice, size_mb * _MB)
    _make_noise(box, noise, 60 * size_mb)
    _scan(box, codes)
    box.program.stop()
    written = [path for path in (*box.state.rglob("*"), box.program.log) if path.is_file()]
    assert _leaks(noise, noise), "the search finds nothing, so it proves nothing"
    for path in written:
        leaks = _leaks(noise, path.read_bytes())
        assert not leaks, f"{path.name} holds text of the noise at {leaks[:3]}"
