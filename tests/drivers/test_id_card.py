"""The identity card driver on a pseudo-terminal, with a reader behind it that behaves as public programs expect."""

import logging
import queue
import time
from collections.abc import Callable, Iterator

import pytest

from fakes.card_reader import CARD_NUMBER, CardReader, base_information
from fakes.listener import Listener
from yaoma_drivers.driver import Driver
from yaoma_drivers.errors import DeviceGone, DeviceReason, DeviceRefused
from yaoma_drivers.id_card import IdCardDriver, IdCardOptions
from yaoma_drivers.symbol import ReadFault, Source

Listen = Callable[[Driver], Listener]


@pytest.fixture
def reader() -> Iterator[CardReader]:
    """Plug a reader in."""
    with CardReader() as plugged:
        yield plugged


def driver(reader: CardReader) -> IdCardDriver:
    """Make a driver that asks as often as it may."""
    options = IdCardOptions.model_validate({"device": reader.path, "poll_ms": 300, "gone_ms": 400})
    return IdCardDriver("desk", options)


def nothing_comes(listener: Listener, within_s: float = 1.5) -> bool:
    """Tell whether no symbol comes for a while."""
    try:
        listener._symbols.get(timeout=within_s)
    except queue.Empty:
        return True
    return False


def test_card_when_it_is_laid_on_the_reader_then_its_number_is_one_symbol(listen: Listen, reader: CardReader) -> None:
    """Find, select, read: 18 characters, nothing of the rest, and it counts once however long the card lies there."""
    listener = listen(driver(reader))
    reader.lay(base_information())
    symbol = listener.next()
    assert (CARD_NUMBER.encode(), "desk", "", Source.SCANNER) == (
        symbol.data,
        symbol.scanner,
        symbol.aim,
        symbol.source,
    )
    assert CARD_NUMBER not in repr(symbol)
    assert nothing_comes(listener)
    assert {0x11FF, 0x2001, 0x2002, 0x3001} == set(reader.asked)


@pytest.mark.parametrize("finds_again", [False, True])
def test_card_when_it_is_lifted_and_laid_down_again_then_it_counts_again(listen: Listen, *, finds_again: bool) -> None:
    """Also on a reader that finds a card it has read again and again the same card is one symbol per laying down."""
    with CardReader(finds_again=finds_again) as reader:
        listener = listen(driver(reader))
        for _ in range(2):
            reader.lay(base_information())
            assert CARD_NUMBER.encode() == listener.next().data
            assert nothing_comes(listener, 0.8)
            reader.lift()
            time.sleep(1.2)


def test_answer_when_it_is_broken_then_the_card_is_read_again(listen: Listen, reader: CardReader) -> None:
    """One wrong byte costs a second, not the card."""
    reader.mangles = 1
    listener = listen(driver(reader))
    reader.lay(base_information())
    assert CARD_NUMBER.encode() == listener.next().data


@pytest.mark.parametrize("card", [base_information("BRA123456789012"), b"", base_information()[:100]])
def test_card_when_it_has_no_number_that_checks_then_the_operator_hears_of_one_fault(
    listen: Listen, reader: CardReader, card: bytes
) -> None:
    """A card that can't be read, or of another kind, is one fault after three tries, and not silence."""
    listener = listen(driver(reader))
    reader._finds_again = True
    reader.lay(card)
    symbol = listener.next()
    assert (b"", ReadFault.DROPPED) == (symbol.data, symbol.fault)
    assert nothing_comes(listener, 1.0)


def test_card_when_it_can_not_be_chosen_then_the_next_one_is_read_all_the_same(
    listen: Listen, reader: CardReader
) -> None:
    """Two cards at once fail to be chosen; one of them taken away, the other is read."""
    listener = listen(driver(reader))
    reader.fails_to_select = True
    reader.lay(base_information())
    assert ReadFault.DROPPED is listener.next().fault
    reader.lift()
    time.sleep(1.2)
    reader.fails_to_select = False
    reader.lay(base_information())
    assert CARD_NUMBER.encode() == listener.next().data


def test_device_when_it_does_not_answer_as_a_reader_then_it_is_refused(listen: Listen, reader: CardReader) -> None:
    """A scanner, or the wrong speed, is said to be no reader instead of being asked for cards for ever."""
    reader.is_deaf = True
    error = listen(driver(reader)).error()
    assert isinstance(error, DeviceRefused)
    assert (DeviceReason.WRONG_KIND, reader.path) == (error.reason, error.device)
    assert "baud_rate" in error.sentence


def test_reader_when_it_is_unplugged_then_it_is_gone(listen: Listen, reader: CardReader) -> None:
    """A pulled cable is a lost device, and an absent one too."""
    listener = listen(driver(reader))
    while 0x2001 not in reader.asked:
        time.sleep(0.01)
    reader.unplug()
    error = listener.error()
    assert isinstance(error, DeviceGone)
    assert DeviceReason.UNPLUGGED is error.reason


@pytest.mark.parametrize("is_deaf", [False, True])
def test_stop_when_the_driver_waits_for_a_card_or_an_answer_then_it_ends_within_a_second(
    listen: Listen, reader: CardReader, *, is_deaf: bool
) -> None:
    """Whatever it waits for, it waits for the end as well."""
    listener = listen(driver(reader))
    while not reader.asked:
        time.sleep(0.01)
    reader.is_deaf = is_deaf
    time.sleep(0.4)
    assert listener.end() < 1


def test_driver_when_it_reads_cards_then_it_writes_no_log_line(
    listen: Listen, reader: CardReader, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of a card is anywhere but in the symbol."""
    with caplog.at_level(logging.DEBUG):
        listener = listen(driver(reader))
        reader.lay(base_information())
        listener.next()
        listener.end()
    assert not caplog.records
