"""Symbol: what it holds, what it refuses, what it shows."""

import pytest

from yaoma_drivers.symbol import ReadFault, Symbol


def test_repr_when_printed_then_no_bytes_show() -> None:
    """A symbol may be an identity card: repr and str have scanner, time and length, and no text."""
    symbol = Symbol(b"110101199003070011", "counter-1", 5, aim="]C0")
    for shown in (repr(symbol), str(symbol), f"{symbol}", repr([symbol])):
        assert "110101" not in shown
        assert "counter-1" in shown
        assert "length=18" in shown


def test_symbol_when_too_long_then_the_error_quotes_no_text() -> None:
    """Over 256 bytes are refused, without quoting them; 256 are taken."""
    assert Symbol(b"7" * 256, "s", 0).length == 256
    with pytest.raises(ValueError, match="found 257") as raised:
        Symbol(b"7" * 257, "s", 0)
    assert "777" not in str(raised.value)


def test_symbol_when_a_fault_is_given_then_the_length_read_is_kept() -> None:
    """A fault has no text and the number of bytes that were thrown away."""
    symbol = Symbol(b"", "s", 0, fault=ReadFault.OVERLONG, length=3000)
    assert (symbol.data, symbol.length) == (b"", 3000)
