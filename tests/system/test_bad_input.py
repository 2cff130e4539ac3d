"""Bad input: a crafted bar code is a fault and nothing else, by wire and by keys, in a box as users run it."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.county import BoxProcess, County, wait_for
from fakes.tally import shown_verdicts
from fakes.typist import Typist, packed
from yaoma.shell.control import ask
from yaoma_drivers.key_decoder import KeyEvent

pytestmark = [pytest.mark.broker, pytest.mark.xdist_group("system-bad-input")]

_LAUNCHER = Path(__file__).parents[1] / "fakes" / "run_with_keyboard.py"
_TABLES = """
[[station]]
name = "desk"
scanners = ["typed"]
[[scanner]]
name = "typed"
driver = "hid"
options = { serial = "S1" }
"""
#: Each holds a word that would be found again wherever its text went.
_CRAFTED = {
    "control characters": "\x01\x02\x0bEVILCTRL\x7f\x10",
    "escape sequences": "\x1b[2J\x1b[31mEVILESC\x1b]0;EVILTITLE\x07",
    "html": "<script>alert('EVILHTML')</script><img src=x onerror=EVILHTML>",
    "sql": "'; DROP TABLE record; --EVILSQL",
    "shell": "$(touch EVILSHELL)`reboot`;|&",
    "format": "%s%n%(x)s{0.__class__}EVILFORMAT",
    "log line": "81000000000000000001 verdict: PASS EVILLOG",
    "4 kB": "EVILLONG" * 480,
    "json": '","verdict":"PASS","code":"EVILJSON',
}
_GOOD = "81000000000000000001"
_CONTROL_KEYS = {chr(ord(letter) - 64): letter for letter in "ABCDEFGKLNOPQRSTUVWXYZ"} | {"\x1b": "LEFTBRACE"}


def _typed(text: str) -> Typist:
    """Type a text; control characters with Ctrl, as a scanner does with what it finds in a Code 128."""
    typist = Typist(time.monotonic_ns() // 1000)
    for sign in text:
        if sign in _CONTROL_KEYS:
            typist.tap(_CONTROL_KEYS[sign], "LEFTCTRL")
        elif sign == "\x7f":
            typist.alt_number("127")
        else:
            typist.text(sign)
    typist.tap("ENTER")
    return typist


@pytest.fixture
def box(county: County) -> Iterator[BoxProcess]:
    """Give a running box with a scanner on a wire and one that types."""
    made = county.add_box(verbose=True, launcher=_LAUNCHER, settings={"tables": _TABLES})
    os.mkfifo(made.folder / "keys")
    made.start()
    yield made
    made.program.stop()


def _type(box: BoxProcess, typist: Typist) -> None:
    """Let the kernel hand out what was typed."""
    keys = os.open(box.folder / "keys", os.O_WRONLY)
    # A long text takes longer than a test waits: what would be typed later is typed now.
    now_us = time.monotonic_ns() // 1000
    octets = packed(KeyEvent(one.kind, one.code, one.value, min(one.mono_us, now_us)) for one in typist.events)
    for start in range(0, len(octets), 2400):
        os.write(keys, octets[start : start + 2400])
    os.close(keys)


def _everything(box: BoxProcess) -> dict[str, bytes]:
    files = {str(path): path.read_bytes() for path in box.state.rglob("*") if path.is_file()}
    files[str(box.program.log)] = box.program.log.read_bytes()
    for command in (["status", "--json"], ["journal", "export"], ["journal", "show", "--last", "100", "--json"]):
        done = box.command(*command)
        assert done.returncode == 0, done.stderr
        files[" ".join(command)] = f"{done.stdout}{done.stderr}".encode()
    return files


@pytest.mark.parametrize("way", ["wire", "keys"])
def test_crafted_code_when_scanned_then_it_is_a_fault_and_its_text_reaches_nothing(box: BoxProcess, way: str) -> None:
    """Each is FAULT, stands in no record, file or log line, moves no terminal; and the next pack passes.

    Typed keys may come with a gap in a long text when the machine stalls: then it is two faults, and nothing else.
    """
    for count, text in enumerate(_CRAFTED.values(), 1):
        if way == "wire":
            box.scanner.send(text.encode("latin-1") + b"\r\n")
        else:
            _type(box, _typed(text))
        wait_for(lambda wanted=count: len(shown_verdicts(box)) >= wanted, "nothing is shown")  # type: ignore[misc]
    shown = shown_verdicts(box)
    assert {one.verdict for one in shown} == {"FAULT"}
    assert way == "keys" or len(shown) == len(_CRAFTED)
    if way == "wire":
        box.scanner.send(_GOOD.encode() + b"\r\n")
    else:
        _type(box, _typed(_GOOD))
    wait_for(lambda: shown_verdicts(box)[-1].verdict != "FAULT", "the good pack is not shown")

    places = _everything(box)
    assert not [place for place, raw in places.items() if b"EVIL" in raw.upper()]
    log = box.program.log.read_bytes()
    assert not {octet for octet in log if octet < 0x20} - {0x0A}, "a control character reaches the log"
    assert box.command("journal", "verify").returncode == 0
    records = [json.loads(line) for line in places["journal export"].decode().splitlines() if line[:1] == "{"]
    kinds = [one.get("lookalike") for one in _scans(records)]
    assert len(kinds) == len(shown_verdicts(box))
    assert kinds[-1] is None
    gap = {"read_fault"} if way == "keys" else set()
    assert {"control_characters", "too_long", "unknown"} | gap >= set(kinds[:-1])


def _scans(records: list[dict[str, object]]) -> list[dict[str, object]]:
    """Give the bodies of scans, whatever the export wraps them in."""
    bodies = [one.get("body", one) for one in records]
    parsed = [json.loads(one) if isinstance(one, str) else one for one in bodies]
    return [one for one in parsed if isinstance(one, dict) and one.get("kind") == "scan"]


def test_hot_keys_when_a_code_types_them_then_the_box_goes_on(box: BoxProcess) -> None:
    """Ctrl+Alt+Del, Alt+F4, SysRq and Meta+R do nothing; in the middle of a code they make it a fault."""
    hot_keys = (("DELETE", "LEFTCTRL", "LEFTALT"), ("F4", "LEFTALT"), ("B", "LEFTALT", "SYSRQ"), ("R", "LEFTMETA"))
    for hot_key in hot_keys:
        typist = Typist(time.monotonic_ns() // 1000)
        typist.text(_GOOD[:9])
        typist.tap(*hot_key)
        typist.text(_GOOD[9:])
        typist.tap("ENTER")
        _type(box, typist)
    wait_for(lambda: len(shown_verdicts(box)) == len(hot_keys), "nothing is shown")
    assert {one.verdict for one in shown_verdicts(box)} == {"FAULT"}
    _type(box, _typed(_GOOD))
    wait_for(lambda: len(shown_verdicts(box)) == len(hot_keys) + 1, "the pack is not shown")
    assert shown_verdicts(box)[-1].verdict != "FAULT"
    assert box.program.is_running()


def test_scanner_when_the_daemon_runs_then_the_command_looks_on_and_borrows_it(box: BoxProcess) -> None:
    """`yaoma scanners list` and a loan by the control socket, at a real box: while it is lent, nothing is recorded."""
    _type(box, _typed(_GOOD))
    wait_for(lambda: len(shown_verdicts(box)) == 1, "the pack is not shown")
    told = ask(box.folder / "control", {"do": "scanner_readings", "scanner": "typed", "after": 0})
    (reading,) = told["readings"]
    assert (reading["length"], reading["terminator"]) == (20, "ENTER")
    assert _GOOD not in json.dumps(told)
    assert ask(box.folder / "control", {"do": "scanner_lend", "scanner": "typed", "seconds": 60}) == {"lent": "typed"}
    (state,) = [one for one in box.ask()["scanners"] if one["scanner"] == "typed"]
    assert (state["working"], state["reason"]) == (False, "lent")
    assert "lent to a technician" in box.command("status").stdout
    ask(box.folder / "control", {"do": "scanner_take_back", "scanner": "typed"})
    wait_for(lambda: all(one["working"] for one in box.ask()["scanners"]), "the scanner does not come back")
    _type(box, _typed(_GOOD))
    wait_for(lambda: len(shown_verdicts(box)) == 2, "the pack is not shown")
