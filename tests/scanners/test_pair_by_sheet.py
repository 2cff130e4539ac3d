"""`yaoma scanners pair` with the technician's signed sheet: the sheet names the station, and nothing unsigned does."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner, Result

from fakes.desk import Desk
from fakes.pos_scanner import HidrawTree, PosScanner
from fakes.pty_scanner import PtyScanner
from fakes.set_scanner import SetScanner
from yaoma.cli.report import CommandError
from yaoma.cli.scanners import app
from yaoma.config import inventory, new_devices
from yaoma.config.devices import Device
from yaoma.config.load import read
from yaoma.config.toml_text import value_text
from yaoma.core.control_code import ControlAction, ControlCode, Sheet
from yaoma.core.control_sheet import sign
from yaoma.core.note import Signer
from yaoma_drivers import hid_pos, hidraw_device
from yaoma_drivers.key_decoder import KeyState
from yaoma_drivers.typed_scan import TypedScan

SIGNER = Signer("sheets", Ed25519PrivateKey.from_private_bytes(b"\x05" * 32))
STRANGER = Signer("sheets", Ed25519PrivateKey.from_private_bytes(b"\x06" * 32))
#: A day is a day at the counter, eight hours ahead of UTC.
TODAY = (datetime.now(UTC) + timedelta(hours=8)).date()
SITE = "H32132200561"


def signed(
    station: str = "BACK-ROOM",
    *,
    site: str = SITE,
    box: str = "COUNTER-1",
    sheet: str = "T-7",
    expires: date = TODAY + timedelta(days=9),
    signer: Signer = SIGNER,
    action: ControlAction = ControlAction.PAIR,
) -> str:
    """A code of a technician's sheet."""
    argument = station if action is ControlAction.PAIR else ""
    return sign(action, argument, Sheet(site, box, sheet, expires), signer).text


@pytest.fixture
def box(desk: Desk) -> Desk:
    """A desk with the technicians' public key and a state folder."""
    folder = desk.config.parent
    (folder / "state").mkdir()
    (folder / "sheet.vkey").write_text(f"{SIGNER.verifier()}\n")
    text = desk.config.read_text("utf-8").replace(
        "[broker]",
        f"[keys]\nsheet = {value_text(folder / 'sheet.vkey')}\nrevoked_sheets = ['t-0666']\n"
        f"[state]\nfolder = {value_text(folder / 'state')}\n[broker]",
    )
    desk.config.write_text(text, encoding="utf-8")
    return desk


def pair(box: Desk, text: str, *arguments: object, scanner: SetScanner | None = None) -> Result:
    """Scan a code with the new scanner while the command listens."""
    kind = scanner or SetScanner()

    def typed(start_us: int) -> TypedScan:
        return kind.scan(text, "]Q1", start_us=start_us)

    return box.run("pair", "gun-2", "--allow", "event5", "--wait", "5", *arguments, then=box.scan("event5", typed))


def said(result: Result) -> str:
    """What a command that failed says."""
    assert isinstance(result.exception, CommandError), result.output
    return f"{result.exception}"


def notes(box: Desk) -> list[dict[str, object]]:
    """What was left to be recorded."""
    return [json.loads(file.read_text("utf-8")) for file in (box.config.parent / "state").glob("pairing-*.json")]


@pytest.mark.parametrize(
    "scanner",
    [SetScanner(), SetScanner(layout="de"), SetScanner(layout="fr", prefix="A", suffix="Z"), SetScanner(case="lower")],
    ids=["us", "de", "wrapped", "lower"],
)
def test_pair_when_the_sheet_is_signed_then_scanner_and_station_are_written_and_noted(
    box: Desk, scanner: SetScanner
) -> None:
    """One scan binds the socket to the station that the sheet names, however the scanner is set; no option is given."""
    result = pair(box, signed(), scanner=scanner)
    assert result.exit_code == 0, f"{result.exception}{result.output}"
    reading = read(box.config)
    assert reading.loaded is not None, reading.mistakes
    assert reading.loaded.config.station_of() == {"gun": "counter", "gun-2": "back-room"}
    (note,) = notes(box)
    assert note.pop("paired_ms")
    assert note == {
        "scanner": "gun-2",
        "station": "back-room",
        "driver": "hid",
        "device": "port usb-0000:01:00.0-1.3",
        "sheet": "T-7",
    }
    assert "gun-2 → 工位 / station back-room (控制单 / sheet T-7)" in result.output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (signed(signer=STRANGER), "The signature is not by a key"),
        (signed(site="H00000000001"), "Sheet of another site"),
        (signed(box="COUNTER-2"), "Sheet of another box"),
        (signed(sheet="T-0666"), "Sheet revoked"),
        (signed(expires=TODAY - timedelta(days=1)), "Sheet expired"),
        (signed("ATTIC", box=""), "this box has no station ATTIC"),
    ],
    ids=["stranger", "site", "box", "revoked", "expired", "station"],
)
def test_pair_when_the_sheet_does_not_count_here_then_nothing_is_bound(box: Desk, text: str, words: str) -> None:
    """Another key, site or box, a lost sheet, an old one: refused in both languages, and the file stays as it was."""
    before = box.config.read_text("utf-8")
    refused = said(pair(box, text))
    assert words in refused
    assert len(refused.splitlines()) == 2
    assert box.config.read_text("utf-8") == before
    assert notes(box) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (signed()[:-3] + "000", "not signed"),
        (signed().replace("BACK-ROOM", "COUNTER"), "not signed"),
        ("YAOMA1.PAIR.BACK-ROOM." + "0" * 10, "not signed"),
        (ControlCode(ControlAction.UNDO).text, "something else"),
        (signed(action=ControlAction.CANCEL), "something else"),
    ],
    ids=["check digits", "station altered", "unsigned", "undo", "cancel"],
)
def test_pair_when_the_code_is_altered_unsigned_or_another_then_it_goes_on_listening(
    box: Desk, text: str, words: str
) -> None:
    """What only looks like a pairing code commands nothing."""
    result = pair(box, text, "--wait", "1.5")
    assert words in result.output
    assert "did not come" in said(result)
    assert notes(box) == []


@pytest.mark.parametrize(
    ("station", "option", "bound"), [("COUNTER", "", "counter"), ("BACK-ROOM", "back_room", "back_room")]
)
def test_pair_when_the_sheet_is_for_every_box_then_a_new_station_must_be_named_by_the_technician_too(
    box: Desk, station: str, option: str, bound: str
) -> None:
    """Such a sheet does not say which box has which station; one that is there is found by its folded name."""
    result = pair(box, signed(station, box=""), *(["--station", option] if option else []))
    assert result.exit_code == 0, f"{result.exception}{result.output}"
    reading = read(box.config)
    assert reading.loaded is not None
    assert reading.loaded.config.station_of()["gun-2"] == bound


def test_pair_when_the_box_knows_no_key_or_the_option_differs_then_it_is_refused(box: Desk) -> None:
    """Without a public key no sheet counts; a station that the sheet does not name is a mistake of one of the two."""
    assert "the sheet names counter, not back" in said(pair(box, signed("COUNTER"), "--station", "back"))
    (box.config.parent / "sheet.vkey").unlink()
    assert "no public key of sheets" in said(pair(box, signed()))
    assert notes(box) == []


def test_pair_when_the_command_names_the_station_then_that_is_noted_too(box: Desk) -> None:
    """A pairing without a sheet is told from one with a sheet."""
    result = pair(box, "01234567890123456789", "--station", "counter", "--write")
    assert result.exit_code == 0, f"{result.exception}{result.output}"
    (note,) = notes(box)
    assert (note["station"], note["sheet"]) == ("counter", "")


def test_pair_when_the_new_scanner_is_on_a_line_or_in_hid_pos_mode_then_its_own_driver_is_bound(
    box: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keyboards are not the only scanners: a line by its lasting link, a HID POS scanner by its socket."""
    line, tree, pos = PtyScanner(), HidrawTree(tmp_path / "machine"), PosScanner()
    tree.plug(1, phys="usb-0000:01:00.0-1.4/input0")
    link = tmp_path / "by-path-gun"
    link.symlink_to(line.path)
    monkeypatch.setattr(inventory, "plugged_in", lambda _: [Device(link, "serial_line")])
    monkeypatch.setattr(inventory, "HidrawPlaces", lambda: tree.places)
    monkeypatch.setattr(hid_pos, "HidrawPlaces", lambda: tree.places)
    monkeypatch.setattr(hidraw_device, "open_hidraw", pos.open)

    def scan_line() -> None:
        line.wait_until_open()
        line.send(b"\x02" + signed().encode() + b"\x03\r\n")

    def scan_pos() -> None:
        pos.wait_until_open()
        pos.scan(signed().encode(), aim=b"]Q1")

    meanwhile: list[tuple[str, str, Callable[[], None]]]
    meanwhile = [("gun-3", str(link), scan_line), ("gun-4", "usb-0000:01:00.0-1.4", scan_pos)]
    try:
        for name, device, scan in meanwhile:
            result = box.run("pair", name, "--allow", device, "--wait", "10", then=scan)
            assert result.exit_code == 0, f"{result.exception}{result.output}"
        reading = read(box.config)
        assert reading.loaded is not None, reading.mistakes
        assert [one.driver for one in new_devices.new_devices(reading.loaded) if one.driver != "hid"] == []
    finally:
        line.unplug()
        pos.unplug()
    named = {one.name: (one.driver, one.options) for one in reading.loaded.config.scanner}
    assert named["gun-3"] == ("serial_line", {"device": str(link)})
    assert named["gun-4"][0] == "hid_pos"
    assert named["gun-4"][1]["port"] == "usb-0000:01:00.0-1.4"
    assert {note["driver"] for note in notes(box)} == {"serial_line", "hid_pos"}
    listed = json.loads(CliRunner().invoke(app, ["list", "--json", "--config", str(box.config)]).output)
    assert {row["scanner"] for row in listed} >= {"gun-3", "gun-4"}


def test_pair_when_a_hid_pos_scanner_has_no_name_that_lasts_then_it_is_not_even_opened(
    box: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a socket and a serial number nothing could be written that finds it again."""
    tree = HidrawTree(tmp_path / "machine")
    tree.plug(1)
    monkeypatch.setattr(inventory, "HidrawPlaces", lambda: tree.places)
    assert "nor a serial number" in said(box.run("pair", "gun-2", "--allow", "hidraw1", "--wait", "1"))


def test_scan_when_a_signed_code_is_typed_as_alt_and_numbers_then_it_is_captured_whole() -> None:
    """The longest way to type the longest code of a sheet fits what is captured of one scan."""
    longest = signed("A" * 32, site="S" * 31, box="B" * 31, sheet="T" * 16)
    scan = SetScanner(by_alt=True).scan(longest, "]Q1")
    assert len(scan.events) < 8192
    assert scan.state == KeyState(frozenset(), caps_lock=False, mono_us=0)
