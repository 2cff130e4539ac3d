"""The serial port out, on pseudo-terminals."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.pty_till import PtyTill
from yaoma_drivers.port import PortFailed, PortReason
from yaoma_drivers.serial_out import SerialOutOptions, SerialOutPort

CODE = b"81000000000000000001"


@pytest.fixture
def till() -> Iterator[PtyTill]:
    """A till."""
    till = PtyTill()
    yield till
    till.unplug()


def line(till: PtyTill, **options: object) -> SerialOutPort:
    """A port that sends to it."""
    return SerialOutPort("counter", SerialOutOptions.model_validate({"device": till.path, **options}))


@pytest.mark.parametrize(
    ("options", "sent", "arrives"),
    [
        ({}, CODE, CODE + b"\r"),
        ({"terminator": "CRLF", "prefix": "*"}, CODE, b"*" + CODE + b"\r\n"),
        ({"terminator": "NONE"}, b"", b""),
        ({"terminator": "TAB"}, b"]x\xff\x00", b"]x\xff\x00\t"),
        ({}, b"21A\x1d10L", b"21A\x1d10L\r"),
        ({"gs_as": "~"}, b"21A\x1d10L", b"21A~10L\r"),
        ({"gs_as": "NONE"}, b"21A\x1d10L", b"21A10L\r"),
    ],
)
def test_send_when_the_till_takes_it_then_every_byte_arrives(
    till: PtyTill, options: dict[str, object], sent: bytes, arrives: bytes
) -> None:
    """Unchanged, in the frame that is configured."""
    port = line(till, **options)
    port.send(sent, 5)
    assert arrives == till.take_all(0.1)
    port.close()


def test_send_when_the_till_sleeps_then_it_gives_up(till: PtyTill) -> None:
    """Nothing of the code went out, and the next one is tried anew."""
    port = line(till)
    port.open()
    for _ in range(2):
        till.fall_asleep()
        with pytest.raises(PortFailed) as failed:
            port.send(CODE, 0.2)
        assert (PortReason.ASLEEP, False) == (failed.value.reason, failed.value.is_partial)
    assert CODE not in till.take_all(0.1), "what it gave up came after all"
    port.send(CODE, 5)
    assert CODE + b"\r" == till.take_all(0.1)
    port.close()


def test_send_when_the_till_wakes_in_time_then_the_whole_code_arrives(till: PtyTill) -> None:
    """Behind everything that waited."""
    port = line(till)
    port.open()
    till.fall_asleep()
    thread = threading.Thread(target=port.send, args=(CODE, 20))
    thread.start()
    taken = till.take_all(1.0)
    thread.join()
    port.close()

    assert CODE + b"\r" == taken.lstrip(b"\x00")


def test_send_when_unplugged_then_the_error_says_so_and_a_new_cable_works(till: PtyTill, tmp_path: Path) -> None:
    """The port opens the line again by itself."""
    link = tmp_path / "till"
    link.symlink_to(till.path)
    port = SerialOutPort("counter", SerialOutOptions(device=link))
    port.open()
    till.unplug()
    with pytest.raises(PortFailed) as failed:
        port.send(CODE, 0.2)
    assert failed.value.reason in {PortReason.UNPLUGGED, PortReason.ABSENT}

    link.unlink()
    other = PtyTill()
    link.symlink_to(other.path)
    port.send(CODE, 5)
    assert CODE + b"\r" == other.take(len(CODE) + 1)
    port.close()
    other.unplug()


def test_open_when_it_is_no_line_or_taken_then_the_reason_says_so(till: PtyTill, tmp_path: Path) -> None:
    """A file is no line; a line has one owner; a missing one is missing."""
    (tmp_path / "file").write_text("")
    for name, reason in (("nowhere", PortReason.ABSENT), ("file", PortReason.WRONG_KIND)):
        with pytest.raises(PortFailed) as failed:
            SerialOutPort("counter", SerialOutOptions(device=tmp_path / name)).open()
        assert reason is failed.value.reason
    first, second = line(till), line(till)
    first.open()
    with pytest.raises(PortFailed) as failed:
        second.open()
    assert PortReason.IN_USE is failed.value.reason
    first.close()


def test_send_when_a_separator_is_refused_then_nothing_is_sent(till: PtyTill) -> None:
    """For a till that would take it for the end of the code."""
    port = line(till, gs_as="REFUSE")
    with pytest.raises(PortFailed) as failed:
        port.send(b"21A\x1d10L", 1)
    assert PortReason.UNTYPABLE is failed.value.reason
    assert b"" == till.take_all(0.1)
    port.close()
