"""The calibration file: what it says reaches the driver, the configuration itself comes first."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.set_scanner import SetScanner
from yaoma.config.calibration_file import CalibrationFile, CalibrationFileError, calibration_text, read_calibration
from yaoma.config.last_good import keep_last_good, last_good
from yaoma.config.load import read
from yaoma.config.toml_text import value_text
from yaoma_drivers.calibration import Advice, Calibration, Profile, Speed, evaluate
from yaoma_drivers.hid import HidOptions
from yaoma_drivers.keymap import KEYMAPS
from yaoma_drivers.serial_line import SerialLineOptions

MADE = datetime(2026, 11, 22, 8, 0, 5, tzinfo=UTC)


def text_of(calibration: Calibration) -> str:
    """Write the file of a scanner."""
    return calibration_text(calibration, scanner="gun", device="port usb-1", made=MADE)


def config(tmp_path: Path, calibration: object, **options: object) -> Path:
    """Write a configuration with one scanner."""
    lines = [
        'site = "H32132200561"',
        'box = "counter-1"',
        f"[state]\nfolder = {value_text(tmp_path / 'state')}",
        '[broker]\nhost = "broker.example.cn"',
        '[[station]]\nname = "counter"\nscanners = ["gun"]',
        f'[[scanner]]\nname = "gun"\ndriver = "hid"\ncalibration = {value_text(calibration)}',
        f"options = {value_text({'port': 'usb-1', **options})}",
    ]
    file = tmp_path / "yaoma.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def options_in(file: Path) -> HidOptions:
    """Read a configuration and give its scanner's options."""
    reading = read(file)
    assert reading.loaded is not None, reading.mistakes
    options = reading.loaded.options["gun"]
    assert isinstance(options, HidOptions)
    return options


profiles = st.builds(
    Profile,
    layout=st.sampled_from(sorted(KEYMAPS)),
    gap_ends_symbol=st.booleans(),
    prefix=st.binary(max_size=16),
    suffix=st.binary(max_size=16),
    case=st.sampled_from(["kept", "swapped", "upper", "lower"]),
    gs_as=st.sampled_from(["", "F8", "~", '"\\#', "<GS>"]),
    terminator=st.sampled_from(["", "ENTER"]),
    sends_aim=st.booleans(),
    sends_gs=st.sampled_from([None, True, False]),
    types_signs=st.sampled_from([None, True, False]),
    took_ms=st.integers(0, 10**6),
    speed=st.sampled_from(Speed),
)
facts = st.dictionaries(
    st.sampled_from(["text", "bytes", "number"]), st.one_of(st.integers(0, 99), st.text(max_size=9))
)


@given(profile=profiles, advice=st.dictionaries(st.sampled_from(Advice), facts, max_size=4))
def test_file_when_it_is_written_and_read_then_nothing_is_changed(
    profile: Profile, advice: dict[Advice, dict[str, str | int]]
) -> None:
    """Every profile and advice comes back, whatever bytes and signs are in it."""
    stored = CalibrationFile.model_validate(tomllib.loads(text_of(Calibration(profile, advice))))
    assert {name: getattr(stored, name) for name in Profile.__dataclass_fields__} == {
        name: getattr(profile, name) for name in Profile.__dataclass_fields__
    }
    assert (stored.advice, stored.made, stored.scanner, stored.device) == (advice, MADE, "gun", "port usb-1")
    options = HidOptions.model_validate({"serial": "S1", **stored.options(HidOptions.model_fields)})
    assert (options.layout, options.prefix, options.gs_as) == (profile.layout, profile.prefix, profile.gs_as)


def test_config_when_it_names_a_calibration_then_the_driver_has_its_options(tmp_path: Path) -> None:
    """What the sheet has shown goes to the driver; what stands in the configuration itself comes first."""
    file = tmp_path / "gun.toml"
    file.write_text(
        text_of(evaluate(SetScanner(layout="de", gs="F8", suffix="\x03", places={"\x03": ("C", "LEFTCTRL")}).sheet()))
    )
    options = options_in(config(tmp_path, file))
    assert (options.layout, options.gs_as, options.suffix, options.port) == ("de", "F8", b"\x03", "usb-1")
    assert options_in(config(tmp_path, file, layout="fr", suffix="")).layout == "fr"
    assert options_in(config(tmp_path, file, suffix="")).suffix == b""


@given(
    profile=st.builds(
        Profile,
        prefix=st.binary(max_size=16),
        case=st.sampled_from(["kept", "swapped"]),
        gs_as=st.sampled_from(["", "~"]),
        terminators=st.sampled_from([(), ("CR", "LF"), ("TAB",), ("ETX",)]),
        idle_ends_symbol=st.booleans(),
        data_bits=st.sampled_from([7, 8]),
        parity=st.sampled_from(["none", "even", "odd", "mark"]),
    )
)
def test_file_when_it_is_that_of_a_scanner_on_a_line_then_the_line_is_set_as_it_was_found(profile: Profile) -> None:
    """What was found goes to the serial driver; what was not leaves the driver's own defaults."""
    stored = CalibrationFile.model_validate(tomllib.loads(text_of(Calibration(profile))))
    names = ("prefix", "case", "gs_as", "idle_ends_symbol", "data_bits", "parity")
    options = SerialLineOptions.model_validate({"device": "/dev/gun", **stored.options(SerialLineOptions.model_fields)})
    assert [getattr(options, name) for name in names] == [getattr(profile, name) for name in names]
    assert options.terminators == (profile.terminators or ("CR", "LF"))


def test_file_when_it_was_made_for_a_keyboard_then_a_line_can_use_it_only_if_nothing_special_is_needed() -> None:
    """Silence that ends a code is an option of keyboards under another name; it is not dropped without a word."""
    plain = CalibrationFile.model_validate(tomllib.loads(text_of(evaluate(SetScanner().sheet()))))
    silent = CalibrationFile.model_validate(tomllib.loads(text_of(evaluate(SetScanner(end="").sheet()))))
    assert "gap_ends_symbol" not in plain.options(SerialLineOptions.model_fields)
    with pytest.raises(CalibrationFileError, match="gap_ends_symbol"):
        silent.options(SerialLineOptions.model_fields)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no file"),
        ("made = ", "no TOML"),
        ("layout = 'us'", "made"),
        ("made = 2026-11-22T08:00:00Z\nlayout = 'cn'\nspeed = 'warp'", "layout, speed"),
        ("made = 2026-11-22T08:00:00Z\ngs_as = 'GS'", "gs_as"),
        ("made = 2026-11-22T08:00:00Z\ncolour = 'red'", "colour"),
    ],
)
def test_config_when_its_calibration_cannot_be_used_then_that_is_a_mistake(
    tmp_path: Path, content: str | None, words: str
) -> None:
    """A file that is missing or wrong is named with what is wrong, at the key that names it; it is never ignored."""
    file = tmp_path / "gun.toml"
    if content is not None:
        file.write_text(content)
    reading = read(config(tmp_path, file))
    assert reading.loaded is None
    (mistake,) = reading.mistakes
    assert (mistake.key, mistake.kind) == ("scanner.0.calibration", "calibration_unusable")
    assert words in mistake.found.en
    assert mistake.line == 13


def test_config_when_the_driver_cannot_do_what_is_needed_then_that_is_a_mistake(tmp_path: Path) -> None:
    """A scanner that needs its layout known can't be read by a driver that knows none; what needs nothing may stay."""
    file = tmp_path / "gun.toml"
    plain = config(tmp_path, file)
    replay = plain.read_text("utf-8").replace('"hid"', '"replay"').replace('{ port = "usb-1" }', '{ file = "/x" }')
    plain.write_text(replay)
    file.write_text(text_of(evaluate(SetScanner().sheet())))
    assert read(plain).loaded is not None
    file.write_text(text_of(evaluate(SetScanner(layout="fr").sheet())))
    (mistake,) = read(plain).mistakes
    assert "layout" in mistake.found.en


def test_last_good_when_the_calibration_is_broken_then_the_kept_one_stands_in(tmp_path: Path) -> None:
    """The copy of a good configuration has its calibration files beside it: the box goes on as it read before."""
    file = tmp_path / "gun.toml"
    file.write_text(text_of(evaluate(SetScanner(gs="~").sheet())))
    path = config(tmp_path, file)
    (tmp_path / "state").mkdir()
    good = read(path)
    assert good.loaded is not None
    keep_last_good(good, good.loaded.config)
    for break_it in (lambda: file.write_text("layout = "), file.unlink):
        break_it()
        bad = read(path)
        assert bad.loaded is None
        kept = last_good(bad)
        assert kept is not None
        assert kept.loaded is not None
        options: Any = kept.loaded.options["gun"]
        assert options.gs_as == "~"


def test_file_when_it_is_a_folder_or_huge_then_it_is_refused(tmp_path: Path) -> None:
    """Whatever is at the path, the reason is said."""
    (tmp_path / "huge").write_bytes(b"#" * 100_000)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path, tmp_path / "huge", tmp_path / "bytes"):
        with pytest.raises(CalibrationFileError):
            read_calibration(path)
