"""Centre facts: what the centre adds to a bill, and what is wrong with its files."""

from dataclasses import replace
from pathlib import Path

import pytest

from fakes.bills import bill_of, line_of
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.errors import ConfigError

_HEAD = "key,lot,produced,expiry\n"


@pytest.fixture
def lots(tmp_path: Path) -> Path:
    """Give the place of the file of lots."""
    return tmp_path / "lots.csv"


def test_lot_when_the_centre_knows_its_dates_then_the_line_gets_what_it_lacks(lots: Path) -> None:
    """Production and expiry of a 20-digit code come from product and lot; what the counter read stands."""
    lots.write_text(f"{_HEAD}cn20:8000001,A123,2026-04-02,2028-04-01\n", "utf-8")
    bare = replace(line_of(), produced="", expiry="")
    facts = CentreFacts(lots=lots)
    (line,) = facts.completed(bill_of(lines=[bare])).lines
    assert (line.produced, line.expiry) == ("2026-04-02", "2028-04-01")
    (read,) = facts.completed(bill_of(lines=[line_of()])).lines
    assert (read.produced, read.expiry) == ("2026-04-01", "2028-03-31")
    (other,) = facts.completed(bill_of(lines=[replace(bare, lot="B7")])).lines
    assert (other.produced, other.expiry) == ("", "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("key,lot,produced\n", "no column `expiry`"),
        (f"{_HEAD}cn20:8000001,A123,2026/04/02,\n", "not YYYY-MM-DD"),
        ("", "no column `key`"),
    ],
)
def test_file_of_lots_when_it_is_wrong_then_the_error_names_the_place(lots: Path, text: str, says: str) -> None:
    """A wrong file holds the bills back with a sentence, until somebody mends it."""
    lots.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=says):
        CentreFacts(lots=lots).completed(bill_of())


def test_file_of_lots_when_it_is_mended_then_it_is_read_again(lots: Path) -> None:
    """Nothing has to be restarted."""
    lots.write_text(_HEAD, "utf-8")
    facts, bare = CentreFacts(lots=lots), bill_of(lines=[replace(line_of(), produced="")])
    assert facts.completed(bare).lines[0].produced == ""
    lots.write_text(f"{_HEAD}cn20:8000001,A123,2026-04-02,\n", "utf-8")
    assert facts.completed(bare).lines[0].produced == "2026-04-02"
