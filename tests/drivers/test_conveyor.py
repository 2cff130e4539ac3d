"""The conveyor: a scanner is read on while nobody takes its symbols."""

import threading
import time
from collections.abc import Iterator

import pytest

from yaoma_drivers.conveyor import conveyed
from yaoma_drivers.errors import DeviceGone, DeviceReason
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import Symbol


def symbol(number: int) -> Symbol:
    """Read the scan of a number."""
    return Symbol(b"%d" % number, "gun", number)


def until(condition: threading.Event) -> None:
    """Wait for what must come."""
    assert condition.wait(20)


def test_conveyed_when_nobody_takes_symbols_then_reading_goes_on_so_far_and_no_further() -> None:
    """Sixty-four scans wait; then the device is left to its own buffer. All come out, in order."""
    read = []
    stands = threading.Event()

    def scanner(end: Stop) -> Iterator[Symbol]:
        for number in range(100):
            read.append(number)
            if number == 64:
                stands.set()
            yield symbol(number)
        end.wait()

    with Stop() as stop:
        symbols = conveyed(scanner, stop, "gun")
        assert next(symbols).data == b"0"
        until(stands)
        time.sleep(0.05)
        assert len(read) <= 66
        assert [next(symbols).read_mono_ms for _ in range(99)] == list(range(1, 100))
        symbols.close()


def test_conveyed_when_the_device_goes_then_its_symbols_come_first() -> None:
    """What was read before is not lost with the error; afterwards it is over."""

    def scanner(_: Stop) -> Iterator[Symbol]:
        yield symbol(1)
        yield symbol(2)
        raise DeviceGone("gun", DeviceReason.UNPLUGGED, "was unplugged")

    with Stop() as stop:
        symbols = conveyed(scanner, stop, "gun")
        assert [next(symbols).read_mono_ms, next(symbols).read_mono_ms] == [1, 2]
        with pytest.raises(DeviceGone):
            next(symbols)
        assert list(symbols) == []


def test_conveyed_when_reading_ends_by_itself_then_so_do_the_symbols() -> None:
    """A reader that has no more to say is no error."""
    with Stop() as stop:
        assert [one.read_mono_ms for one in conveyed(lambda _: iter([symbol(1), symbol(2)]), stop, "gun")] == [1, 2]


def test_conveyed_when_stopped_or_let_go_then_the_device_is_closed() -> None:
    """Both the stop and the end of the generator end the thread, also if it waits for room."""
    closed = []

    def scanner(end: Stop) -> Iterator[Symbol]:
        try:
            while not end.is_set():
                yield symbol(1)
        finally:
            closed.append(True)

    with Stop() as stop:
        symbols = conveyed(scanner, stop, "gun")
        next(symbols)
        symbols.close()
        assert closed == [True]

        symbols = conveyed(scanner, stop, "gun")
        next(symbols)
        stop.set()
        assert list(symbols) == []
        assert closed == [True, True]
