"""The page on drivers says what is so: its options exist, its examples run."""

import re
import socket
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.listener import Listener
from yaoma_drivers.driver import Driver
from yaoma_drivers.errors import DeviceGone
from yaoma_drivers.profile import known_profiles
from yaoma_drivers.registry import load
from yaoma_drivers.replay import parse
from yaoma_drivers.serial_line import SerialLineOptions
from yaoma_drivers.signal import Signal

PAGE = (Path(__file__).parents[2] / "drivers" / "README.md").read_text(encoding="utf-8")
Listen = Callable[[Driver], Listener]


def block(language: str, holding: str) -> str:
    """Return the one example of a language that holds a text."""
    (found,) = [text for text in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) if holding in text]
    return str(found)


@pytest.mark.parametrize("name", ["serial_line", "zebra_ssi", "hid_pos", "hid", "id_card", "camera", "replay"])
def test_page_when_it_lists_options_then_they_are_the_drivers_own(name: str) -> None:
    """Each driver's table has exactly the fields of its Options."""
    section = PAGE.split(f"\n## `{name}`\n")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(load(name).Options.model_fields)


def test_page_when_it_shows_a_driver_then_that_driver_works(listen: Listen) -> None:
    """The example driver reads a code from a real socket and ends in DeviceGone when the other side closes."""
    names: dict[str, Any] = {"__name__": "acme_scanners"}
    exec(block("python", "class AcmeDriver"), names)
    with socket.create_server(("127.0.0.1", 0)) as server:
        options = names["AcmeOptions"].model_validate({"host": "127.0.0.1", "port": server.getsockname()[1]})
        listener = listen(names["AcmeDriver"]("counter-9", options))
        line, _ = server.accept()
        with line:
            line.sendall(b"]C081234567890123456789\r\n")
            symbol = listener.next()
            assert (symbol.data, symbol.aim, symbol.scanner) == (b"81234567890123456789", "]C0", "counter-9")
    assert isinstance(listener.error(), DeviceGone)


def test_page_when_it_shows_a_driver_then_the_package_that_a_box_uses_in_tests_is_that_driver() -> None:
    """What the page tells a vendor to write is what is installed by pip and recorded from, to the letter."""
    package = Path(__file__).parents[1] / "packages/acme_scanners"
    assert (package / "acme_scanners.py").read_text(encoding="utf-8") == block("python", "class AcmeDriver")
    assert block("toml", "acme =").strip() in (package / "pyproject.toml").read_text(encoding="utf-8")


def test_page_when_it_shows_replies_then_every_signal_is_answered() -> None:
    """A scanner in Host ACK mode waits for an answer to each scan, so the example leaves no signal out."""
    options = SerialLineOptions.model_validate(tomllib.loads(block("toml", "replies")))
    assert set(options.replies) == set(Signal)
    assert options.answer_within_ms == 8000


def test_page_when_it_lists_profiles_then_they_are_those_that_come_with_it() -> None:
    """Every vendor's file has its word on the page."""
    section = PAGE.split("\n### Profiles\n")[1].split("\n### ")[0]
    rows = re.findall(r"^\| (\w.*?) \|", section, re.MULTILINE)
    assert sorted(name for row in rows[1:] for name in row.split(", ")) == list(known_profiles())


def test_page_when_it_shows_a_replay_file_then_it_can_be_read() -> None:
    """The example file has three symbols, the second after half a second."""
    steps = parse(block("text", "one symbol a line").encode())
    assert [step.pause_ms for step in steps] == [0, 500, 0]
    assert b"\x1d" in steps[2].data


def test_page_when_it_names_tests_for_a_failure_then_all_23_rows_have_one_and_each_test_exists() -> None:
    """The failure catalogue is complete and in order, and every test that it names is there."""
    section = PAGE.split("\n### Failure catalogue\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \|(.*)\|(.*)\|(.*)\|$", section, re.MULTILINE)
    assert [int(number) for number, *_ in rows] == list(range(1, 24))
    named = {number: re.findall(r"`(test_\w+)`", tests) for number, _, _, tests in rows}
    assert [number for number, tests in named.items() if not tests] == []
    there = set[str]()
    for file in Path(__file__).parents[1].rglob("test_*.py"):
        there |= set(re.findall(r"^ *def (test_\w+)\(", file.read_text(encoding="utf-8"), re.MULTILINE))
    assert {test for tests in named.values() for test in tests} - there == set()
