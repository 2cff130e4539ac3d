"""`yaoma indicators` as a technician runs it, with a player of the test's own for the loudspeaker."""

import subprocess
from pathlib import Path

import pytest

from fakes import forked
from yaoma.config.questions import values_of
from yaoma.config.reference import render
from yaoma_drivers.signal import Signal

ANSWERS = {"site": "H1", "box": "b1", "host": "b.example", "scanner": "/dev/ttyACM0", "station": "till"}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with a loudspeaker."""
    player = tmp_path / "aplay"
    player.write_text(f"#!/bin/sh\ncat > /dev/null; echo played >> {tmp_path}/played\n")
    player.chmod(0o755)
    path = tmp_path / "yaoma.toml"
    path.write_text(
        f'{render(values_of(ANSWERS))}\n[[indicator]]\nname = "speaker"\ndriver = "alsa_tone"\n'
        f'[indicator.options]\nplayer = "{player}"\n'
    )
    return path


def run(config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return forked.run("yaoma", "indicators", *words, "--config", config)


def test_test_when_run_then_each_signal_is_named_and_shown(config: Path) -> None:
    """Six signals in both languages, six times a sound."""
    done = run(config, "test", "--seconds", "0.4")

    assert (0, "") == (done.returncode, done.stderr)
    assert len(Signal) == len(done.stdout.splitlines())
    assert "暂停服务 / Out of service" in done.stdout
    assert len(Signal) == len((config.parent / "played").read_text().splitlines())


def test_dark_when_run_then_devices_are_opened_and_given_back_in_silence(config: Path) -> None:
    """Nothing sounds; a device that is missing is named with what to do."""
    assert ("", "", 0) == ((done := run(config, "dark")).stdout, done.stderr, done.returncode)
    assert not (config.parent / "played").exists()

    (config.parent / "aplay").unlink()
    done = run(config, "dark")
    assert 1 == done.returncode
    assert "alsa-utils" in done.stderr
