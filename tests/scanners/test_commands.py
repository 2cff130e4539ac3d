"""`yaoma scanners` at a desk with a configured scanner, a new one and a keyboard; and beside a daemon that answers."""

import errno
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from fakes.desk import PORT, Desk
from fakes.set_scanner import SetScanner
from fakes.typist import Typist
from yaoma.cli.report import CommandError
from yaoma.cli.scanners_read import described, read_lines
from yaoma.config.load import read
from yaoma.shell.control import ControlServer
from yaoma_drivers.calibration_sheet import DIGITS, GS1_TEXT, SIGNS
from yaoma_drivers.hid_options import HidOptions
from yaoma_drivers.key_decoder import KeyState
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import ReadFault, Symbol, Typing
from yaoma_drivers.typed_scan import TypedScan

SECRET = "110101199003074477"


def code(scanner: SetScanner, text: str, aim: str = "]C0") -> Callable[[int], TypedScan]:
    """Give a scan that is typed when its trigger is pulled."""
    return lambda start_us: scanner.scan(text, aim, start_us=start_us)


def sheet(scanner: SetScanner) -> list[Callable[[int], TypedScan]]:
    """Give the scans of the calibration sheet."""
    return [code(scanner, DIGITS), code(scanner, SIGNS), code(scanner, GS1_TEXT, "]d2")]


def by_hand(text: str) -> Callable[[int], TypedScan]:
    """Give what somebody types on a keyboard."""

    def typed(start_us: int) -> TypedScan:
        typist = Typist(start_us)
        typist.text(text)
        typist.tap("ENTER")
        return TypedScan(tuple(typist.events), KeyState(frozenset(), caps_lock=False, mono_us=0))

    return typed


def failure(result: Result) -> str:
    """Give what a command that failed says."""
    assert isinstance(result.exception, CommandError | SystemExit), result.exception
    return f"{result.exception}{result.output}"


@contextmanager
def daemon(desk: Desk, answers: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]]) -> Iterator[list[str]]:
    """Answer on the control socket as a daemon does, and note what was asked."""
    asked: list[str] = []

    def answer(request: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(str(request.get("do")))
        return answers[asked[-1]](request)

    with Stop() as stop:
        server = ControlServer(desk.config.parent / "control", answer, stop)
        server.start()
        try:
            yield asked
        finally:
            stop.set()
            server.join(20)


def test_list_when_asked_then_every_device_is_there_and_none_is_opened(desk: Desk) -> None:
    """The configured one with station and socket, the others as not configured; the keyboard too."""
    found = {row["path"].rpartition("/")[2]: row for row in json.loads(desk.run("list", "--json").output)}
    assert set(found) == {"event0", "event3", "event5"}
    gun = found["event3"]
    assert (gun["scanner"], gun["station"], gun["driver"], gun["serial"]) == ("gun", "counter", "hid", "S1")
    assert (gun["port"], gun["state"], gun["model"]) == (PORT, "plugged in", "USB Scanner")
    assert {found[name]["state"] for name in ("event0", "event5")} == {"not configured"}
    assert desk.opened() == set()
    said = desk.run("list").output
    assert "gun @ counter" in said
    assert "未配置 / not configured" in said


def test_list_when_a_scanner_is_away_or_held_then_that_is_said(desk: Desk) -> None:
    """Unplugged it is listed as absent; a program that has the node open is named."""
    with (desk.tree.places.nodes / "event5").open():
        found = json.loads(desk.run("list", "--json").output)
    assert [row["held_by"] != [] for row in found] == [False, False, True]
    desk.tree.unplug(3)
    assert "没有接上 / not plugged in" in desk.run("list").output


def test_list_when_the_daemon_runs_then_it_says_how_each_scanner_does(desk: Desk) -> None:
    """A state that only the daemon knows, such as a scanner that sleeps, is its answer."""
    status = {"scanners": [{"scanner": "gun", "working": False, "reason": "asleep", "read": 3}]}
    with daemon(desk, {"status": lambda _: status}):
        assert "休眠 / asleep" in desk.run("list").output


def test_pair_when_the_new_scanner_types_the_code_then_its_socket_is_bound(desk: Desk) -> None:
    """Only what was allowed is opened; the table is printed, and can be used as it stands."""
    result = desk.run(
        "pair", "gun-2", "--allow", "event5", then=desk.scan("event5", code(SetScanner(layout="fr"), DIGITS))
    )
    assert result.exit_code == 0, result.output
    assert desk.opened() == {"event5"}
    assert desk.plugs["event5"].closings == 1
    table = tomllib.loads(result.output.partition("[[scanner]]")[1] + result.output.partition("[[scanner]]")[2])
    options = table["scanner"][0]["options"]
    assert options == {"port": "usb-0000:01:00.0-1.3", "vendor": "0c2e", "product": "0b61"}
    assert HidOptions.model_validate(options).vendor == "0c2e"
    assert "gun-2" not in desk.config.read_text("utf-8")


def test_pair_when_two_are_allowed_then_the_one_that_types_the_code_is_taken(desk: Desk) -> None:
    """What else is typed meanwhile is no pairing, and is not shown."""
    pull, type_ = desk.scan("event5", code(SetScanner(), DIGITS)), desk.scan("event0", by_hand(SECRET))

    def both() -> None:
        type_()
        pull()

    result = desk.run("pair", "gun-2", given="1 2\n", then=both)
    assert result.exit_code == 0, result.output
    assert desk.opened() == {"event0", "event5"}
    assert 'port = "usb-0000:01:00.0-1.3"' in result.output
    assert SECRET not in result.output


def test_pair_when_written_then_the_configuration_keeps_its_other_lines_and_is_good(desk: Desk) -> None:
    """The scanner joins its station, comments stay, owner and mode stay, and the box can use the file."""
    desk.config.chmod(0o640)
    before = desk.config.read_text("utf-8").splitlines()
    pull = desk.scan("event5", code(SetScanner(), DIGITS))
    result = desk.run("pair", "gun-2", "--allow", "2", "--station", "counter", "--write", then=pull)
    assert result.exit_code == 0, failure(result)
    after = desk.config.read_text("utf-8").splitlines()
    assert [line for line in before if line not in after] == ['scanners = ["gun"]  # 柜台']
    assert 'scanners = ["gun", "gun-2"]  # 柜台' in after
    reading = read(desk.config)
    assert reading.loaded is not None, reading.mistakes
    assert reading.loaded.config.station_of() == {"gun": "counter", "gun-2": "counter"}
    assert desk.config.stat().st_mode & 0o777 == 0o640


def test_pair_when_the_configured_scanner_is_asked_for_then_it_is_not_among_the_choices(desk: Desk) -> None:
    """What the daemon reads is never opened by pairing, by whatever name it is called."""
    for name in ("event3", "S1", PORT, str(desk.tree.places.nodes / "event3"), "3", "event9"):
        said = failure(desk.run("pair", "gun-2", "--allow", name))
        assert "yaoma scanners list" in said
    assert desk.opened() == set()


def test_pair_when_nothing_or_something_else_comes_then_it_ends_and_gives_the_device_back(desk: Desk) -> None:
    """A wrong code is told, without its text; the time is bounded."""
    result = desk.run("pair", "gun-2", "--allow", "event5", "--wait", "2", then=desk.scan("event5", by_hand(SECRET)))
    assert "did not come" in failure(result)
    assert "something else" in result.output
    assert SECRET not in failure(result)
    assert desk.plugs["event5"].closings == 1


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.EBUSY, "Another program holds"), (errno.EACCES, "may not be opened"), (errno.EINVAL, "failed")],
)
def test_pair_when_the_device_cannot_be_opened_then_it_says_what_to_do(desk: Desk, number: int, words: str) -> None:
    """Another program, a missing permission, and the rest."""
    desk.plugs["event5"].answers = [number]
    assert words in failure(desk.run("pair", "gun-2", "--allow", "event5"))


def test_pair_when_called_wrongly_then_nothing_is_opened(desk: Desk) -> None:
    """A name that no topic could hold, --write without a station, an existing name."""
    assert desk.run("pair", "gun 2", "--allow", "event5").exit_code == 2
    assert desk.run("pair", "gun-2", "--allow", "event5", "--write").exit_code == 2
    assert desk.opened() == set()
    pull = desk.scan("event5", code(SetScanner(), DIGITS))
    text = desk.config.read_text("utf-8")
    result = desk.run("pair", "gun", "--allow", "event5", "--station", "counter", "--write", then=pull)
    assert "used once" in failure(result)
    assert desk.config.read_text("utf-8") == text


def test_pair_when_the_sheet_is_asked_for_then_it_is_drawn(desk: Desk, tmp_path: Path) -> None:
    """As PNG or PDF, before listening begins."""
    desk.run("pair", "gun-2", "--allow", "event9", "--sheet", tmp_path / "sheet.png")
    desk.run("pair", "gun-2", "--allow", "event9", "--sheet", tmp_path / "sheet.pdf")
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "sheet.pdf").read_bytes().startswith(b"%PDF")


def test_calibrate_when_the_sheet_is_scanned_then_the_profile_is_kept_and_counts(desk: Desk) -> None:
    """The file is written, the configuration names it, and the driver's options are those of the scanner."""
    scanner = SetScanner(layout="de", gs="F8", suffix=";", sends_aim=False)
    result = desk.run("calibrate", "gun", then=desk.scan("event3", *sheet(scanner)))
    assert result.exit_code == 0, failure(result)
    assert desk.opened() == {"event3"}
    reading = read(desk.config)
    assert reading.loaded is not None, reading.mistakes
    options = reading.loaded.options["gun"]
    assert isinstance(options, HidOptions)
    assert (options.layout, options.gs_as, options.suffix, options.gap_ms) == ("de", "F8", b";", 2000)
    for words in ("没有发送 AIM 标识", "AIM identifiers are not sent", "GS arrives as F8", "keyboard country is de"):
        assert words in result.output
    assert "# 盒子 1" in desk.config.read_text("utf-8")
    again = desk.run("calibrate", "gun", then=desk.scan("event3", *sheet(SetScanner())))
    assert "all is as it should be" in again.output
    assert 'layout = "us"' in (desk.config.parent / "scanners" / "gun.toml").read_text("utf-8")


def test_calibrate_when_the_third_code_is_left_out_then_gs_stays_unknown(desk: Desk) -> None:
    """A scanner that reads bars only: what was not shown is said, and not assumed."""
    result = desk.run("calibrate", "gun", "--wait", "2", "--json", then=desk.scan("event3", *sheet(SetScanner())[:2]))
    told = json.loads(result.stdout)
    assert told["advice"] == {"not_scanned": {"number": 1}}
    assert "sends_gs" not in Path(told["file"]).read_text("utf-8")


def test_calibrate_when_another_code_is_scanned_then_nothing_is_kept(desk: Desk) -> None:
    """The first code is not that of the sheet: no file, no change, and nothing of what was read is said."""
    before = desk.config.read_text("utf-8")
    result = desk.run("calibrate", "gun", then=desk.scan("event3", by_hand(SECRET)))
    assert result.exit_code == 1
    assert "does not arrive as it is" in result.output
    assert SECRET not in result.output
    assert desk.config.read_text("utf-8") == before
    assert not (desk.config.parent / "scanners").exists()
    assert "nothing was scanned" in failure(desk.run("calibrate", "gun", "--wait", "1"))
    assert "no configured scanner" in failure(desk.run("calibrate", "keyboard"))
    desk.tree.unplug(3)
    said = failure(desk.run("calibrate", "gun"))
    assert "Plug the scanner in" in said
    assert "请" in said


def test_calibrate_when_the_daemon_runs_then_it_lends_the_scanner_and_gets_it_back(desk: Desk) -> None:
    """The loan comes before the opening and ends after the closing, also where nothing is scanned."""
    seen: list[tuple[str, int, int]] = []

    def note(request: Mapping[str, Any]) -> Mapping[str, Any]:
        plug = desk.plugs["event3"]
        seen.append((str(request["do"]), len(plug.openings), plug.closings))
        return {}

    answers: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]]
    answers = {"status": lambda _: {"scanners": []}, "scanner_lend": note, "scanner_take_back": note}
    with daemon(desk, answers):
        desk.run("calibrate", "gun", "--wait", "1")
        assert seen == [("scanner_lend", 0, 0), ("scanner_take_back", 1, 1)]
    refusing: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]]
    refusing = {"status": lambda _: {"scanners": []}, "scanner_lend": lambda _: {"refusal": "scanner_unknown"}}
    with daemon(desk, refusing):
        assert "There is no scanner" in failure(desk.run("calibrate", "gun"))
    assert len(desk.plugs["event3"].openings) == 1


def test_test_when_a_code_is_scanned_then_class_length_and_typing_are_shown(desk: Desk) -> None:
    """Without the daemon the driver itself reads: terminator, speed, identifier, and the text of a trace code."""
    pull = desk.scan("event3", code(SetScanner(end="TAB"), "83003850000000131888"))
    result = desk.run("test", "gun", "--json", then=pull)
    assert json.loads(result.stdout) == {
        "class": "cn20",
        "text": "cn20:83003850000000131888",
        "length": 20,
        "aim": "]C0",
        "fault": "",
        "terminator": "TAB",
        "took_ms": 48,
    }
    said = desk.run("test", "gun", then=desk.scan("event3", code(SetScanner(sends_aim=False), SECRET)))
    assert "id_number" in said.output
    assert SECRET not in said.output
    assert "2.0 毫秒每字符" in said.output
    assert "nothing was scanned" in failure(desk.run("test", "gun", "--wait", "1"))


def test_test_when_the_scanner_cannot_be_opened_then_it_says_why(desk: Desk) -> None:
    """Held by another program, not configured, not plugged in."""
    desk.plugs["event3"].answers = [errno.EBUSY]
    assert "Close the program" in failure(desk.run("test", "gun"))
    assert "There is no scanner" in failure(desk.run("test", "gun-9"))
    desk.tree.unplug(3)
    assert "is not there" in failure(desk.run("watch", "gun"))


def test_watch_when_the_daemon_runs_then_it_looks_on_and_opens_nothing(desk: Desk) -> None:
    """Readings come from the daemon, each with what was recorded of it; one without a record says so."""
    readings = [
        {
            "number": 1,
            "read_mono_ms": 900,
            "length": 20,
            "aim": "]C1",
            "fault": "",
            "took_ms": 40,
            "terminator": "ENTER",
        },
        {
            "number": 2,
            "read_mono_ms": 5000,
            "length": 7,
            "aim": "",
            "fault": "dropped",
            "took_ms": None,
            "terminator": "",
        },
    ]
    record = {"scanner": "gun", "mono_ms": 903, "waited_ms": 3, "code": "cn20:83003850000000131888", "seq": 7}
    record |= {"verdict": "PASS", "reason": "in_list", "burst": True}
    other = {"scanner": "gun-2", "mono_ms": 903, "waited_ms": 3, "lookalike": "unknown", "seq": 6}

    def reads(request: Mapping[str, Any]) -> Mapping[str, Any]:
        after = request.get("after")
        return {"next": 0, "readings": []} if after is None else {"next": 2, "readings": readings[int(after) :]}

    answers: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
        "status": lambda _: {"scanners": []},
        "scanner_readings": reads,
        "scans": lambda request: {
            "log": "a",
            "next": 8,
            "scans": [other, record] if request.get("after") is not None else [],
        },
    }
    with daemon(desk, answers):
        result = desk.run("watch", "gun", "--number", "2")
    assert result.exit_code == 0, failure(result)
    first, second = result.stdout.split("\n\n")[:2]
    for words in ("cn20:83003850000000131888", "]C1 (GS1-128)", "2.0 毫秒每字符", "PASS (in_list)", "burst"):
        assert words in first
    assert "not_recorded" in second
    assert "dropped" in second
    assert desk.opened() == set()


@pytest.mark.parametrize(
    ("symbol", "kind", "text"),
    [
        (Symbol(b"6901234567892", "s", 0, "]E0"), "ean13", "6901234567892"),
        (Symbol(SECRET.encode(), "s", 0), "id_number", None),
        (Symbol(b"134567890123456789", "s", 0), "unknown", None),
        (Symbol(b"\x1b[2J\x07", "s", 0), "control_characters", None),
        (Symbol(b"", "s", 0, fault=ReadFault.OVERLONG, length=4096), "too_long", None),
        (Symbol(b"010690123456789221A1", "s", 0, "]d2", typing=Typing(5, "")), "gs1", "gs1:010690123456789221A1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_described_when_a_symbol_names_no_pack_or_product_then_its_text_is_nowhere(
    symbol: Symbol, kind: str, text: str | None
) -> None:
    """Class and length of anything; text of trace and product codes only (promise 5)."""
    told = described(symbol)
    assert (told["class"], told["text"], told["length"]) == (kind, text, symbol.length)
    said = "\n".join(read_lines(told))
    assert said.isprintable() or "\x1b" not in said
    if text is None and symbol.data:
        assert symbol.data.decode("ascii") not in said
