"""The replay driver: what its file may say, and what comes of it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.listener import Listener
from yaoma_drivers.driver import Driver
from yaoma_drivers.errors import DeviceGone, DeviceReason, DeviceRefused
from yaoma_drivers.replay import BadLineError, ReplayDriver, ReplayOptions, Step, parse
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import ReadFault, Source

CODE = "81234567890123456789"
Listen = Callable[[Driver], Listener]


def replay(file: Path) -> ReplayDriver:
    """Make a driver for a file."""
    return ReplayDriver("demo", ReplayOptions(file=file))


def test_parse_when_a_file_uses_all_it_may_then_each_line_is_a_step() -> None:
    """Comments and blank lines go, pauses come in front, escapes stand for bytes, CRLF is a line end."""
    text = (
        "# a delivery\r\n\r\n"
        f"{CODE}\r\n"
        f"@250 {CODE}\n"
        "@1000\n"
        "]d20106901234567892\\x1d10A\n"
        "\\x23 no comment\n"
        "\\x40250\n"
        "back\\\\slash \n"
        "药\n"
        "last"
    )
    assert parse(text.encode()) == [
        Step(0, CODE.encode()),
        Step(250, CODE.encode()),
        Step(1000, b""),
        Step(0, b"]d20106901234567892\x1d10A"),
        Step(0, b"# no comment"),
        Step(0, b"@250"),
        Step(0, b"back\\slash "),
        Step(0, "药".encode()),
        Step(0, b"last"),
    ]


@pytest.mark.parametrize("line", [r"\x1", r"\xZZ", r"\n", "tail\\", r"\X1D"])
def test_parse_when_an_escape_is_wrong_then_the_line_number_is_told_and_no_text(line: str) -> None:
    """A line that is not understood is named by its number only."""
    with pytest.raises(BadLineError, match="line 3:") as raised:
        parse(f"{CODE}\n# comment\n810{line}\n".encode())
    assert raised.value.number == 3
    assert "810" not in str(raised.value)


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=10))
def test_parse_when_every_byte_is_escaped_then_any_symbol_can_be_written(symbols: list[bytes]) -> None:
    """With escapes alone a file can hold any bytes."""
    lines = ["".join(f"\\x{octet:02x}" for octet in symbol) for symbol in symbols]
    assert [step.data for step in parse("\n".join(lines).encode())] == symbols


@given(st.binary(max_size=200))
def test_parse_when_bytes_are_random_then_steps_or_a_bad_line_come(octets: bytes) -> None:
    """No file makes anything else than steps or the one error."""
    try:
        steps = parse(octets)
    except BadLineError:
        return
    assert sum(len(step.data) for step in steps) <= len(octets)


def test_symbols_when_the_file_ends_then_the_driver_waits_for_stop(listen: Listen, tmp_path: Path) -> None:
    """The symbols come in order as imports, the identifier apart; then nothing, until stop ends it within a second."""
    file = tmp_path / "codes.txt"
    file.write_bytes(f"{CODE}\n@20 ]C1010690123\\x1d10A\n@5\n{'7' * 300}\n".encode())
    listener = listen(replay(file))
    first, second, third = listener.next(), listener.next(), listener.next()
    assert (first.data, first.aim, first.source, first.scanner) == (CODE.encode(), "", Source.IMPORT, "demo")
    assert (second.data, second.aim) == (b"010690123\x1d10A", "]C1")
    assert second.read_mono_ms - first.read_mono_ms >= 19
    assert (third.data, third.fault, third.length) == (b"", ReadFault.OVERLONG, 300)
    assert listener.end() < 1.0
    assert listener.rest() == []


def test_symbols_when_stopped_in_a_pause_then_it_ends_within_a_second(listen: Listen, tmp_path: Path) -> None:
    """A pause of days does not hold up the end."""
    file = tmp_path / "codes.txt"
    file.write_text(f"{CODE}\n@200000000 {CODE}\n")
    listener = listen(replay(file))
    listener.next()
    assert listener.end() < 1.0
    assert listener.rest() == []


def test_symbols_when_the_file_is_missing_or_wrong_then_the_error_says_so(tmp_path: Path) -> None:
    """No file, a folder, a bad line and a giant are told apart."""
    (tmp_path / "bad.txt").write_text("810\\z")
    with (tmp_path / "giant.txt").open("wb") as giant:
        giant.truncate(17 * 1024 * 1024)
    cases = [
        ("none.txt", DeviceGone, DeviceReason.ABSENT),
        ("", DeviceRefused, DeviceReason.WRONG_KIND),
        ("bad.txt", DeviceRefused, DeviceReason.UNREADABLE),
        ("giant.txt", DeviceRefused, DeviceReason.WRONG_KIND),
    ]
    for name, kind, reason in cases:
        with Stop() as stop, pytest.raises(kind) as raised:
            next(replay(tmp_path / name).symbols(stop))
        assert raised.value.reason is reason
        assert "810" not in str(raised.value).replace(str(tmp_path), "")
