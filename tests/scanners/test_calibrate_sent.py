"""`yaoma scanners calibrate` with scanners that type nothing: on a real pseudo-terminal, in SSI, in HID POS mode."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fakes.pos_scanner import HidrawTree, PosScanner
from fakes.pty_scanner import PtyScanner
from fakes.sent_scanner import SentScanner
from fakes.ssi_scanner import SsiScanner
from yaoma.cli import calibration_options
from yaoma.cli.report import CommandError
from yaoma.cli.scanners import app
from yaoma.config.load import read
from yaoma.config.toml_text import value_text
from yaoma_drivers import hid_pos, hidraw_device, serial_line
from yaoma_drivers.calibration_sheet import DIGITS, GS1_TEXT, SIGNS
from yaoma_drivers.serial_line import SerialLineOptions

SECRET = b"110101199003074477"
SHEET = [(DIGITS, "]C0"), (SIGNS, "]C0"), (GS1_TEXT, "]d2")]


@pytest.fixture(autouse=True)
def soon_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause between two codes need not be as long as a technician's."""
    monkeypatch.setattr(serial_line, "_QUIET_MS", 150)


@pytest.fixture
def line() -> Iterator[PtyScanner]:
    """Give a serial scanner."""
    scanner = PtyScanner()
    yield scanner
    scanner.unplug()


def config(folder: Path, driver: str, **options: object) -> Path:
    """Write a configuration with one scanner."""
    file = folder / "yaoma.toml"
    lines = [
        "# 盒子 1",
        'site = "H32132200561"\nbox = "counter-1"',
        f"control_socket = {value_text(folder / 'control')}",
        '[broker]\nhost = "broker.example.cn"',
        '[[station]]\nname = "counter"\nscanners = ["gun"]',
        f'[[scanner]]\nname = "gun"\ndriver = "{driver}"\n[scanner.options]',
        *(f"{name} = {value_text(value)}" for name, value in options.items()),
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def calibrate(file: Path, *arguments: object, meanwhile: Callable[[], object]) -> Result:
    """Run the command while somebody scans."""
    thread = threading.Thread(target=meanwhile)
    thread.start()
    try:
        return CliRunner().invoke(app, ["calibrate", "gun", *map(str, arguments), "--config", str(file)])
    finally:
        thread.join(30)


def over_the_line(line: PtyScanner, bursts: list[bytes]) -> Callable[[], None]:
    """Send one code after the other, each when the one before was answered."""

    def scan() -> None:
        line.wait_until_open()
        for burst in bursts:
            line.send(burst)
            assert line.receive(1) == b"\x06"

    return scan


def options_in(file: Path) -> SerialLineOptions:
    """Read the configuration as the daemon does."""
    reading = read(file)
    assert reading.loaded is not None, reading.mistakes
    options = reading.loaded.options["gun"]
    assert isinstance(options, SerialLineOptions)
    return options


def test_calibrate_when_a_scanner_is_on_a_line_then_its_profile_is_kept_and_counts(
    tmp_path: Path, line: PtyScanner
) -> None:
    """STX, a suffix, Tab at the end, a stand-in for GS, no identifier, seven bits: found, kept, said, and in force."""
    file = config(tmp_path, "serial_line", device=line.path, replies={"PASS": "06"})
    scanner = SentScanner(prefix="\x02N", suffix=";1", sends_aim=False, gs="~", end="\t", parity="odd")
    result = calibrate(file, meanwhile=over_the_line(line, scanner.sheet()))
    assert result.exit_code == 0, f"{result.exception}{result.output}"
    options = options_in(file)
    assert (options.prefix, options.suffix, options.gs_as, options.terminators) == (b"\x02N", b";1", "~", ("TAB",))
    assert (options.data_bits, options.parity) == (7, "odd")
    for words in ("没有发送 AIM 标识", "AIM identifiers are not sent", "7 位数据、odd 校验", "GS arrives as ~"):
        assert words in result.output
    assert "# 盒子 1" in file.read_text("utf-8")

    # Behind a line of seven bits nothing shows them any more; they stay, and the wrapping is found anew.
    masked = [bytes(one & 0x7F for one in burst) for burst in SentScanner(end="\r\n").sheet()]
    again = calibrate(file, meanwhile=over_the_line(line, masked))
    assert again.exit_code == 0, again.output
    options = options_in(file)
    assert (options.prefix, options.terminators) == (b"", ("CR", "LF"))
    assert (options.data_bits, options.parity) == (7, "odd")


def test_calibrate_when_the_configuration_says_otherwise_or_a_makers_profile_fits_then_both_are_said(
    tmp_path: Path, line: PtyScanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Options that stand in the configuration go first, so what contradicts them would change nothing."""
    monkeypatch.setattr(calibration_options, "usb_vendor_of", lambda _: "05f9")
    written = {"prefix": "02", "terminators": ["ETX"], "idle_ends_symbol": False, "baud_rate": 115200}
    file = config(tmp_path, "serial_line", device=line.path, replies={"PASS": "06"}, **written)
    result = calibrate(file, "--json", "--no-write", meanwhile=over_the_line(line, SentScanner().sheet()))
    told = json.loads(result.stdout)["advice"]
    assert told == {
        "profile_fits": {"profiles": "datalogic, datalogic_esc"},
        "options_first": {"options": "prefix, terminators"},
    }
    silent = SentScanner(prefix="\x02", end="").sheet()
    told = json.loads(calibrate(file, "--json", "--no-write", meanwhile=over_the_line(line, silent)).stdout)["advice"]
    assert told["options_first"] == {"options": "idle_ends_symbol"}


@pytest.mark.parametrize(
    ("burst", "words"),
    [
        (SECRET + b"\r", "does not arrive as it is"),
        (bytes(range(0x80, 0xA0)), "串口参数不一致"),
        (bytes.fromhex("19F3000003") + DIGITS.encode() + b"\0\0", "SSI"),
    ],
)
def test_calibrate_when_what_comes_is_not_the_sheet_then_nothing_is_kept(
    tmp_path: Path, line: PtyScanner, burst: bytes, words: str
) -> None:
    """Another code, another speed, another mode: said after the first code, without its text."""
    if words == "SSI":
        burst = burst[:-2] + (-sum(burst[:-2]) & 0xFFFF).to_bytes(2, "big")
    file = config(tmp_path, "serial_line", device=line.path, replies={"PASS": "06"})
    before = file.read_text("utf-8")
    result = calibrate(file, meanwhile=over_the_line(line, [burst]))
    assert result.exit_code == 1
    assert words in result.output
    assert SECRET.decode() not in result.output
    assert file.read_text("utf-8") == before
    assert not (tmp_path / "scanners").exists()


def test_calibrate_when_nothing_comes_or_the_line_is_away_then_it_says_so(tmp_path: Path, line: PtyScanner) -> None:
    """Bounded waiting; a scanner that is not plugged in; a driver that has nothing to find out."""
    file = config(tmp_path, "serial_line", device=line.path)
    result = calibrate(file, "--wait", "1", meanwhile=line.wait_until_open)
    assert isinstance(result.exception, CommandError)
    assert "nothing was scanned" in str(result.exception)
    gone = config(tmp_path, "serial_line", device=tmp_path / "gun")
    assert "Plug the scanner in" in str(calibrate(gone, meanwhile=list).exception)
    replay = config(tmp_path, "replay", file=tmp_path / "scans")
    assert "no configured scanner" in str(calibrate(replay, meanwhile=list).exception)


def test_calibrate_when_a_scanner_sends_ssi_then_each_packet_is_acknowledged_and_its_text_is_judged(
    tmp_path: Path,
) -> None:
    """The driver acknowledges as ever; the code type is the identifier; the suffix is found."""
    scanner = SsiScanner()
    file = config(tmp_path, "zebra_ssi", device=scanner.path)

    def scan() -> None:
        scanner.wait_until_open()
        for (_, aim), text in zip(SHEET, SentScanner(suffix="#", sends_aim=False, end="").sheet(), strict=True):
            scanner.scan(text, 0xC1 if aim == "]d2" else 3)
            scanner.answer(0xE6)

    try:
        result = calibrate(file, "--json", meanwhile=scan)
    finally:
        scanner.unplug()
    assert result.exit_code == 0, f"{result.exception}{result.output}"
    assert json.loads(result.stdout)["advice"] == {"suffix": {"bytes": "23"}}
    reading = read(file)
    assert reading.loaded is not None
    assert vars(reading.loaded.options["gun"])["suffix"] == b"#"


def test_calibrate_when_a_scanner_is_in_hid_pos_mode_then_identifier_gs_and_prefix_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reports say where a text ends; what stands in them is judged as from any other scanner, and kept."""
    tree, scanner = HidrawTree(tmp_path / "machine"), PosScanner()
    tree.plug(1, phys="usb-0000:01:00.0-1.2/input0")
    monkeypatch.setattr(hidraw_device, "open_hidraw", scanner.open)
    monkeypatch.setattr(hid_pos, "HidrawPlaces", lambda: tree.places)
    file = config(tmp_path, "hid_pos", port="usb-0000:01:00.0-1.2")
    sent = SentScanner(prefix="N", sends_aim=False, gs="<GS>", end="\r")

    def scan() -> None:
        scanner.wait_until_open()
        for (_, aim), text in zip(SHEET, sent.sheet(), strict=True):
            scanner.scan(text, aim=aim.encode())
            assert scanner.receive() == b"\x04\x02"

    try:
        result = calibrate(file, meanwhile=scan)
    finally:
        scanner.unplug()
    assert result.exit_code == 0, f"{result.exception}{result.output}"
    for words in ("码前有前缀 4E", "There is a prefix 4E", "GS arrives as <GS>"):
        assert words in result.output
    assert "AIM" not in result.output
    kept = (tmp_path / "scanners" / "gun.toml").read_text("utf-8")
    assert 'device = "port usb-0000:01:00.0-1.2"' in kept
    reading = read(file)
    assert reading.loaded is not None
    assert vars(reading.loaded.options["gun"])["gs_as"] == "<GS>"
