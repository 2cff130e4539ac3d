"""The gadget port, on pseudo-terminals and a FIFO that take reports, sleep, wake up and go."""

import fcntl
import os
import select
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.pty_till import PtyTill, typed
from yaoma_drivers.hid_gadget import RELEASED, HidGadgetOptions, HidGadgetPort
from yaoma_drivers.port import PortFailed, PortReason

CODE = b"81000000000000000001"
SECRET = b"134567890123456789"


@pytest.fixture
def till() -> Iterator[PtyTill]:
    """A till."""
    till = PtyTill()
    yield till
    till.unplug()


@pytest.fixture
def port(till: PtyTill) -> Iterator[HidGadgetPort]:
    """A port that types into it."""
    port = gadget(till.path)
    port.open()
    yield port
    port.close()


def gadget(path: str | Path, **options: object) -> HidGadgetPort:
    """A port on a device."""
    fast = {"reports_per_s": 1000, **options}
    return HidGadgetPort("counter", HidGadgetOptions.model_validate({"device": str(path), **fast}))


def test_send_when_the_till_takes_it_then_the_code_and_enter_arrive(port: HidGadgetPort, till: PtyTill) -> None:
    """Each report has eight bytes; one without keys goes first and one goes last."""
    port.send(CODE, 5)
    reports = till.take_all()

    assert RELEASED == reports[:8] == reports[-8:]
    assert f"{CODE.decode()}\n" == typed(reports)


def test_send_when_a_rate_is_set_then_reports_come_no_faster(till: PtyTill) -> None:
    """A till that loses keys is given time: 43 reports at 100 in a second."""
    port = gadget(till.path, reports_per_s=100)
    begun_s = time.monotonic()
    port.send(CODE, 5)
    port.close()

    assert time.monotonic() - begun_s >= 0.40


def test_send_when_the_till_sleeps_then_it_gives_up_and_no_key_was_sent(port: HidGadgetPort, till: PtyTill) -> None:
    """What goes first has no key, so the till that wakes up has nothing to undo."""
    till.fall_asleep()
    with pytest.raises(PortFailed) as failed:
        port.send(CODE, 0.2)

    assert (PortReason.ASLEEP, False) == (failed.value.reason, failed.value.is_partial)
    assert "" == typed(till.take_all())


def test_send_when_the_till_wakes_in_time_then_the_whole_code_arrives(port: HidGadgetPort, till: PtyTill) -> None:
    """Slow is not asleep."""
    till.fall_asleep()
    thread = threading.Thread(target=port.send, args=(CODE, 20))
    thread.start()
    reports = till.take_all(1.0)
    thread.join()

    assert f"{CODE.decode()}\n" == typed(reports)


def test_send_when_the_till_falls_asleep_in_the_middle_then_that_is_told_and_no_key_stays_down(
    tmp_path: Path,
) -> None:
    """A half-typed code is never passed over in silence, and a held key would repeat until somebody comes."""
    path = tmp_path / "hidg"
    os.mkfifo(path)
    # A pipe of one page takes the next report when it is empty, as a gadget does when its report was fetched.
    reading = os.open(path, os.O_RDWR)
    fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, 4096)
    taken = b""

    def fetch(reports: int) -> None:
        nonlocal taken
        for _ in range(reports):
            taken += os.read(reading, 8)

    # One without keys, 8 down, 8 up; then it is asleep with 1 down on its way.
    till = threading.Thread(target=fetch, args=(3,))
    till.start()
    port = gadget(path)
    with pytest.raises(PortFailed) as failed:
        port.send(CODE, 0.3)
    till.join()
    assert (PortReason.ASLEEP, True) == (failed.value.reason, failed.value.is_partial)

    assert port.step() is not None, "it should come again until the key is up"
    fetch(1)
    assert port.step() is None
    fetch(1)
    port.close()
    os.close(reading)
    assert "81" == typed(taken)


def test_send_when_the_till_has_gone_then_it_says_unplugged(port: HidGadgetPort, till: PtyTill) -> None:
    """The cable is out; the next code finds the port usable again."""
    till.unplug()
    for _ in range(2):
        with pytest.raises(PortFailed) as failed:
            port.send(CODE, 0.2)
        assert failed.value.reason in {PortReason.UNPLUGGED, PortReason.ABSENT}
        assert not failed.value.is_partial


def test_send_when_caps_lock_is_on_at_the_till_then_letters_arrive_as_they_were(
    port: HidGadgetPort, till: PtyTill
) -> None:
    """A till tells every keyboard when its lamp changes; the newest word counts."""
    till.say(b"\x00\x02")
    port.send(b"aBc1", 5)
    assert "aBc1\n" == typed(till.take_all(), caps_lock=True)

    till.say(b"\x00")
    port.send(b"aBc1", 5)
    assert "aBc1\n" == typed(till.take_all())


def test_open_when_it_is_no_gadget_or_not_there_then_the_reason_says_so(tmp_path: Path) -> None:
    """The technician learns whether the gadget was never set up."""
    (tmp_path / "file").write_text("")
    for name, reason in (("nowhere", PortReason.ABSENT), ("file", PortReason.WRONG_KIND)):
        with pytest.raises(PortFailed) as failed:
            gadget(tmp_path / name).open()
        assert reason is failed.value.reason
    assert "" == (tmp_path / "file").read_text()


def test_send_when_a_character_has_no_key_then_nothing_is_typed_and_nothing_is_quoted(
    port: HidGadgetPort, till: PtyTill
) -> None:
    """Neither the error nor what it came from names the code."""
    with pytest.raises(PortFailed) as failed:
        port.send(SECRET + b"\x1d", 1)

    assert PortReason.UNTYPABLE is failed.value.reason
    assert "" == typed(till.take_all(0.1))
    error: BaseException | None = failed.value
    while error is not None:
        assert SECRET.decode() not in f"{error} {error!r}"
        error = error.__cause__


def test_send_when_a_fifo_has_no_reader_then_nothing_waits(tmp_path: Path) -> None:
    """A FIFO nobody reads refuses to be opened at once."""
    path = tmp_path / "hidg"
    os.mkfifo(path)
    with pytest.raises(PortFailed) as failed:
        gadget(path).send(CODE, 5)

    assert PortReason.ABSENT is failed.value.reason
    assert not select.select([], [], [], 0)[0]
