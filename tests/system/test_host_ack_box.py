"""A scanner that waits for its answer, on a whole box: good days, a full disk, a disk that hangs."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from fakes import run_with_stalled_disk
from fakes.burst import pack_codes
from fakes.county import BoxProcess, County
from fakes.host_ack_scanner import HostAckScanner
from yaoma_drivers.profile import load_profile
from yaoma_drivers.signal import Signal

pytestmark = [pytest.mark.broker, pytest.mark.xdist_group("system-host-ack")]

EAN = "6901234567892"
ANSWERS = {fact.bytes[0]: signal for signal, fact in load_profile("honeywell").replies.items()}


@pytest.fixture
def offline(new_county: Callable[..., County]) -> County:
    """Give a county whose boxes know some packs; broker and bridge are of no matter here."""
    return new_county(codes=list(islice(pack_codes(), 20)))


def waiting(box: BoxProcess, within_ms: int) -> HostAckScanner:
    """Give the box a scanner that waits for its answer."""
    device = f'device = "{box.folder}/gun"'
    text = box.config.read_text()
    assert device in text
    box.config.write_text(text.replace(device, f'{device}\nprofile = "honeywell"\nanswer_within_ms = {within_ms}'))
    box.scanner.unplug()
    scanner = HostAckScanner()
    box.plug(scanner)
    return scanner


def answered(scanner: HostAckScanner, code: str) -> Signal | None:
    """Scan, and give what the scanner was told."""
    return ANSWERS.get(scanner.scan(code.encode()))


def test_a_waiting_scanner_is_told_that_the_disk_is_full(offline: County) -> None:
    """Without room nothing is recorded, and the scanner says so at once instead of waiting for its time-out."""
    box = offline.add_box()
    scanner = waiting(box, 8000)
    text = box.config.read_text()
    box.config.write_text(
        text.replace("warn_free_mb = 2", "warn_free_mb = 1000000000").replace(
            "min_free_mb = 1\n", "min_free_mb = 900000000\n"
        )
    )
    box.start(wait=False)
    scanner.wait_until_open()
    codes = pack_codes()
    assert [answered(scanner, next(codes)) for _ in range(3)] == [Signal.OUT_OF_SERVICE] * 3
    assert scanner.waited_s < 4
    assert (scanner.error_tones, scanner.unasked) == (0, b"")


def test_a_waiting_scanner_beeps_each_verdict_and_never_waits_in_vain(offline: County) -> None:
    """Known, repeated, foreign and unreadable codes have their signals; while the disk hangs the driver answers.

    When the disk moves again the late verdicts are kept, but not told: they would be taken for those of other packs.
    """
    box = offline.add_box(launcher=Path(run_with_stalled_disk.__file__))
    scanner = waiting(box, 1500)
    box.start()
    codes = pack_codes()
    code = next(codes)
    answers = [answered(scanner, text) for text in (code, code, EAN, "7" * 3000)]
    assert answers == [Signal.PASS, Signal.REPEAT, Signal.FAULT, Signal.FAULT]

    (box.folder / "stalled").touch()
    late = [next(codes), next(codes)]
    assert [answered(scanner, text) for text in late] == [Signal.OUT_OF_SERVICE] * 2
    (box.folder / "stalled").unlink()

    # The late verdicts are a PASS that is shown as REVIEW; this one can only be its own.
    assert answered(scanner, EAN) is Signal.FAULT
    assert answered(scanner, next(codes)) is Signal.PASS
    assert (scanner.error_tones, scanner.unasked) == (0, b"")
    assert box.program.stop() == 0
    kept = [record.fields.get("code") for record in box.records()]
    assert {f"cn20:{text}" for text in late} <= set(kept)
