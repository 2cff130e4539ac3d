"""The identity card driver: readers of resident identity cards on a serial line; only the number is taken."""

import contextlib
import select
import time
from collections.abc import Iterator
from typing import ClassVar, Final

from pydantic import BaseModel, Field

from yaoma_drivers.errors import DeviceReason, DeviceRefused
from yaoma_drivers.sam_frames import Ask, SamAnswer, SamFramer, SamStatus, card_number, request
from yaoma_drivers.serial_port import LineOptions, SerialPort, open_serial_port
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import ReadFault, Symbol

__all__ = ["IdCardDriver", "IdCardOptions"]

#: How often a card that is there and can't be read is tried before the operator hears of it.
_TRIES: Final = 3
#: How often a reader is asked for its state before it is taken for something else.
_STATUS_TRIES: Final = 3
#: A reader answers all but a read at once; base information takes about a second, of it 0.12 s on the line.
_ANSWER_S: Final = 0.7
_READ_S: Final = 3.0


class IdCardOptions(LineOptions):
    """Options of the identity card driver, beside those of the line.

    Args:
        baud_rate: Bits per second; 115200 as the readers come.
        poll_ms: How often the reader is asked for a card, in milliseconds; under 300 some answer wrongly.
        gone_ms: After how long without a card the next one counts, the same one too, in milliseconds.
    """

    baud_rate: int = Field(default=115_200, ge=50, le=4_000_000)
    poll_ms: int = Field(default=400, ge=300, le=2000)
    gone_ms: int = Field(default=900, ge=300, le=10_000)


class IdCardDriver:
    """Reads one reader; each card that is laid on it is one symbol, however long it lies there.

    Args:
        scanner: The configured name of the reader.
        options: Its line, and how often it is asked.
    """

    Options: ClassVar[type[BaseModel]] = IdCardOptions
    looks_every_s: ClassVar[float] = 2.0

    def __init__(self, scanner: str, options: IdCardOptions) -> None:
        self._scanner = scanner
        self._options = options

    def symbols(self, stop: Stop) -> Iterator[Symbol]:
        """Open the line and yield a number for each card until it goes or `stop` is set.

        Raises:
            DeviceGone: It is not plugged in, or was unplugged.
            DeviceBusy: Another program has locked it.
            DeviceRefused: Our user may not open it, or what is there does not answer as a reader.
        """
        if stop.is_set():
            return
        with contextlib.closing(open_serial_port(self._options)) as port:
            reader = _Reader(port, stop)
            if not self._is_reader(reader):
                if stop.is_set():
                    return
                raise DeviceRefused(
                    str(self._options.device),
                    DeviceReason.WRONG_KIND,
                    "does not answer as a reader of identity cards: check baud_rate, and that it is in serial mode",
                )
            yield from self._cards(reader, stop)

    def _is_reader(self, reader: "_Reader") -> bool:
        for _ in range(_STATUS_TRIES):
            answer = reader.ask(Ask.STATUS, _ANSWER_S)
            if answer is not None and answer.status == SamStatus.DONE:
                return True
        return False

    def _cards(self, reader: "_Reader", stop: Stop) -> Iterator[Symbol]:
        """Ask for a card again and again; one that was read, or given up, must go before another counts."""
        tries_left, seen_s = _TRIES, float("-inf")
        while not stop.wait(self._options.poll_ms / 1000):
            answer = reader.ask(Ask.FIND, _ANSWER_S)
            if answer is None or answer.status != SamStatus.FOUND:
                # A card that was read is not found again on most readers: it may lie there still.
                if time.monotonic() - seen_s > self._options.gone_ms / 1000:
                    tries_left = _TRIES
                continue
            seen_s = time.monotonic()
            if not tries_left:
                continue
            tries_left -= 1
            number = self._number(reader)
            if number is not None:
                tries_left = 0
                yield Symbol(number.encode("ascii"), self._scanner, _now_ms())
            elif not tries_left and not stop.is_set():
                yield Symbol(b"", self._scanner, _now_ms(), fault=ReadFault.DROPPED)
            # Nothing here holds on to it until the next card.
            number = None

    def _number(self, reader: "_Reader") -> str | None:
        """Read the number of the card that was found; None if that fails, or it has none of 18 characters."""
        chosen = reader.ask(Ask.SELECT, _ANSWER_S)
        if chosen is None or chosen.status != SamStatus.DONE:
            return None
        read = reader.ask(Ask.READ, _READ_S)
        if read is None or read.status != SamStatus.DONE:
            return None
        return card_number(read.data)


class _Reader:
    """Asks and waits for the answer, and for the end at once.

    Args:
        port: The line.
        stop: The end.
    """

    def __init__(self, port: SerialPort, stop: Stop) -> None:
        self._port = port
        self._stop = stop
        self._framer = SamFramer()

    def ask(self, what: Ask, within_s: float) -> SamAnswer | None:
        """Give the answer to a request, or None if none comes in time or the end was asked for.

        Raises:
            DeviceGone: The line hung up.
        """
        # An answer to a request before this one came too late.
        self._framer.forget()
        self._port.receive()
        unsent = request(what)
        until_s = time.monotonic() + within_s
        while (left_s := until_s - time.monotonic()) > 0 and not self._stop.is_set():
            sending = [self._port] if unsent else []
            readable, writable, _ = select.select(
                [self._port.fileno(), self._stop.fileno()], [each.fileno() for each in sending], [], left_s
            )
            if writable:
                unsent = unsent[self._port.send(unsent) :]
            if self._port.fileno() in readable:
                answers = self._framer.feed(self._port.receive())
                if answers:
                    return answers[0]
        return None


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
