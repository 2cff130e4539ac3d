"""Profiles: data files that fit their drivers, and what a configuration makes of them."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from yaoma_drivers.profile import known_profiles, load_profile
from yaoma_drivers.registry import load
from yaoma_drivers.serial_line import SerialLineOptions
from yaoma_drivers.signal import Signal
from yaoma_drivers.zebra_ssi import ZebraSsiOptions

WANTED = {"honeywell", "zebra_ssi", "zebra_plain", "datalogic", "newland", "newland_old", "plain"}


def test_known_when_installed_then_every_vendor_has_its_file() -> None:
    """The profiles that the page names are there, and each is for one driver."""
    assert set(known_profiles()) >= WANTED
    assert set(known_profiles("zebra_ssi")) == {"zebra_ssi"}
    assert not set(known_profiles("serial_line")) & {"zebra_ssi"}


@pytest.mark.parametrize("name", known_profiles())
def test_profile_when_it_is_used_then_its_driver_takes_it(name: str) -> None:
    """Options made of a profile alone are valid, and nobody claims to have run it on hardware."""
    profile = load_profile(name)
    options = load(profile.driver).Options.model_validate({"device": "/dev/ttyACM0", "profile": name})
    assert getattr(options, "replies").keys() == profile.replies.keys()  # noqa: B009 - a field of both drivers
    assert not profile.ran_on_hardware


def test_profile_when_a_scanner_waits_for_answers_then_it_leaves_time_for_ours() -> None:
    """With Host ACK every signal has an answer, and ours comes well before the scanner gives up."""
    profile = load_profile("honeywell")
    assert profile.host_ack is not None
    assert profile.host_ack.answer_within_ms + 1000 <= profile.host_ack.limit_ms == 10_000
    assert set(profile.replies) == set(Signal)
    assert profile.replies[Signal.PASS].bytes == (b"\x1b7,",)
    assert profile.replies[Signal.STOP].bytes == (b"\x1b8,\x1b8,",)
    options = SerialLineOptions.model_validate({"device": "/dev/x", "profile": "honeywell"})
    assert options.answer_within_ms == profile.host_ack.answer_within_ms


def test_options_when_they_are_given_beside_a_profile_then_they_win() -> None:
    """A reply, a limit and a line setting of the configuration go before those of the profile; the rest stays."""
    options = SerialLineOptions.model_validate(
        {
            "device": "/dev/x",
            "profile": "honeywell",
            "replies": {"PASS": "07"},
            "answer_within_ms": 4000,
            "terminators": ["ETX"],
        }
    )
    assert options.replies[Signal.PASS] == b"\x07"
    assert options.replies[Signal.STOP] == b"\x1b8,\x1b8,"
    assert (options.answer_within_ms, options.terminators) == (4000, ("ETX",))

    zebra = ZebraSsiOptions.model_validate({"device": "/dev/x", "replies": {"PASS": ["E7 01", "E6 00"]}})
    assert zebra.replies[Signal.PASS] == (b"\xe7\x01", b"\xe6\x00")
    assert zebra.replies[Signal.STOP] == (b"\xe6\x11",)
    assert ZebraSsiOptions.model_validate({"device": "/dev/x", "profile": None}).replies == {}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"profile": "honeywel"}, "profile\n.*'honeywell', .*'plain'"),
        ({"profile": "../profiles/plain"}, "profile\n.*'honeywell'"),
        ({"profile": "zebra_ssi"}, "profile\n.*'honeywell'"),
        ({"profile": "plain", "answer_within_ms": 5000}, "replies lacks"),
        ({"answer_within_ms": 5000, "replies": {"PASS": "07"}}, "replies lacks"),
        ({"profile": 7}, "profile"),
        ({"profile": "honeywell", "replies": "07"}, "replies"),
    ],
)
def test_options_when_the_profile_does_not_fit_then_the_sentence_says_why(
    options: dict[str, object], words: str
) -> None:
    """A profile that is not there, or of another driver, or a Host ACK that would leave the scanner waiting."""
    with pytest.raises(ValidationError, match=words):
        SerialLineOptions.model_validate({"device": "/dev/x", **options})


def test_profiles_when_the_wheel_is_built_then_they_are_in_it(tmp_path: Path) -> None:
    """The data files lie in the package, not beside it."""
    folder = Path(load.__code__.co_filename).parent / "profiles"
    assert {file.stem for file in folder.glob("*.toml")} == set(known_profiles())
    program = "from yaoma_drivers.profile import known_profiles; print(len(known_profiles()))"
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert int(ran.stdout) == len(known_profiles())
