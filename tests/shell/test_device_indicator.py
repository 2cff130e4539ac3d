"""Device indicators under their worker: opened, shown, lost and found again, and never in anybody's way."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.gpio_chip import GpioChip
from fakes.program import wait_for
from yaoma.shell import device_indicator
from yaoma.shell.device_indicator import DeviceIndicator
from yaoma.shell.indicator import Shown
from yaoma.shell.indicator_worker import IndicatorWorker
from yaoma_drivers.alsa_tone import AlsaToneDriver, AlsaToneOptions
from yaoma_drivers.errors import DeviceBusy, DeviceGone, DeviceReason
from yaoma_drivers.gpio_lamp import GpioLampDriver, GpioLampOptions
from yaoma_drivers.signal import Signal

LINES = {"top": "GPIO17", "middle": "GPIO27", "bottom": "GPIO22", "side": "GPIO23", "buzzer": "GPIO24"}


def shown(signal: Signal = Signal.PASS, station: str = "counter") -> Shown:
    """A scan."""
    return Shown(signal, "in_list", station, "gun")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try lost devices again sooner than at a counter."""
    monkeypatch.setattr(device_indicator, "_AGAIN_S", 0.05)
    monkeypatch.setattr("yaoma.shell.indicator_worker._AGAIN_S", 0.05)


@pytest.fixture
def chip() -> GpioChip:
    """A chip."""
    return GpioChip()


def lamps_on(chip: GpioChip, *stations: str) -> IndicatorWorker:
    """A worker with all lamps."""
    driver = GpioLampDriver("lamps", GpioLampOptions.model_validate(LINES), take=chip.take)
    return IndicatorWorker(DeviceIndicator("lamps", driver, stations))


@pytest.fixture
def worker(chip: GpioChip) -> Iterator[IndicatorWorker]:
    """A worker that runs."""
    worker = lamps_on(chip)
    worker.start()
    yield worker
    chip.broken = None
    assert worker.stop(20)


def test_lamps_when_the_box_starts_then_they_are_taken_and_dark(worker: IndicatorWorker, chip: GpioChip) -> None:
    """Before the first scan, so that a lamp left on by a crash goes out."""
    wait_for(lambda: chip.is_held, "the lines are not taken")

    assert set() == chip.lit
    assert "" == worker.problem


def test_lamps_when_scans_are_shown_then_they_follow_and_flash_by_themselves(
    worker: IndicatorWorker, chip: GpioChip
) -> None:
    """The worker sleeps until the next flash, and wakes for a scan."""
    worker.offer(shown(Signal.REVIEW))
    wait_for(lambda: "middle" in chip.lit, "the amber lamp is dark")
    wait_for(lambda: "middle" not in chip.lit, "the amber lamp does not flash")
    worker.offer(shown(Signal.STOP))
    wait_for(lambda: "bottom" in chip.lit, "the red lamp is dark")
    worker.offer(shown())
    wait_for(lambda: chip.lit - {"buzzer"} == {"top"}, "the green lamp is not alone")


def test_lamps_when_the_box_stops_then_they_are_dark(chip: GpioChip) -> None:
    """And the lines are free for whoever comes next."""
    worker = lamps_on(chip)
    worker.start()
    worker.offer(shown(Signal.STOP))
    wait_for(lambda: "bottom" in chip.lit, "the red lamp is dark")

    assert worker.stop(20)
    assert set() == chip.lit
    assert not chip.is_held


def test_lamps_when_bound_to_a_station_then_other_stations_scans_leave_them_alone(chip: GpioChip) -> None:
    """The neighbour's red light is none of ours."""
    worker = lamps_on(chip, "door")
    worker.start()
    worker.offer(shown(Signal.STOP, "counter"))
    worker.offer(shown(Signal.PASS, "door"))
    wait_for(lambda: "top" in chip.lit, "the door's lamp is dark")

    assert "bottom" not in chip.lit
    assert worker.stop(20)


def test_chip_when_lost_and_back_then_it_is_told_and_used_again(worker: IndicatorWorker, chip: GpioChip) -> None:
    """A broken indicator is a state; nobody has to restart anything."""
    wait_for(lambda: chip.is_held, "the lines are not taken")
    chip.broken = OSError(19, "No such device")
    # What the kernel refuses ends as an error of the driver.
    worker.offer(shown())
    wait_for(lambda: worker.problem == DeviceReason.UNPLUGGED.value, "the loss is not told")

    chip.broken = None
    wait_for(lambda: not worker.problem, "it does not come back")
    worker.offer(shown())
    wait_for(lambda: "top" in chip.lit, "the lamp stays dark")


class Silent:
    """A loudspeaker that takes its time and then fails, as one without a card does."""

    proven_by_opening = False

    def __init__(self) -> None:
        self.card = False
        self.played = 0
        self._since_s: float | None = None

    def open(self) -> None:
        """It opens whatever is there."""

    def show(self, signal: Signal) -> None:
        """Begin."""
        del signal
        self._since_s = time.monotonic()

    def step(self) -> float | None:
        """Fail a little later, or be done."""
        if self._since_s is None:
            return None
        if time.monotonic() - self._since_s < 0.05:
            return 0.01
        self._since_s = None
        if not self.card:
            raise DeviceGone("default", DeviceReason.ABSENT, "no card")
        self.played += 1
        return None

    def close(self) -> None:
        """It closes."""


def test_loudspeaker_when_only_playing_shows_that_there_is_none_then_it_stays_told_until_one_plays() -> None:
    """Opening it again proves nothing, so it is not called well and ill by turns."""
    speaker = Silent()
    worker = IndicatorWorker(DeviceIndicator("speaker", speaker))  # type: ignore[arg-type]  # it is an IndicatorDriver
    worker.start()
    worker.offer(shown())
    wait_for(lambda: worker.problem == "absent", "the missing card is not told")
    time.sleep(0.3)
    assert "absent" == worker.problem

    speaker.card = True
    worker.offer(shown())
    wait_for(lambda: not worker.problem, "a card that plays is still called missing")
    assert worker.stop(20)


def test_indicator_when_it_hangs_then_another_shows_all_the_same(chip: GpioChip) -> None:
    """Each has its own worker; the one that hangs is called stuck."""
    release = threading.Event()

    class Hanging(Silent):
        def show(self, signal: Signal) -> None:
            release.wait(60)

    hanging = IndicatorWorker(DeviceIndicator("speaker", Hanging()), stuck_after_s=0.1)  # type: ignore[arg-type]  # as above
    lamps = lamps_on(chip)
    for worker in (hanging, lamps):
        worker.start()
        worker.offer(shown())
    wait_for(lambda: "top" in chip.lit, "the lamp waits for the loudspeaker")
    wait_for(lambda: hanging.problem == "stuck", "the one that hangs is not told")
    release.set()
    assert hanging.stop(20)
    assert lamps.stop(20)


def test_tones_when_played_by_a_real_child_then_the_newest_signal_is_heard(tmp_path: Path) -> None:
    """Worker, driver and a real process together."""
    player = tmp_path / "aplay"
    player.write_text(f"#!/bin/sh\ncat > {tmp_path}/heard.$$; echo done >> {tmp_path}/done\n")
    player.chmod(0o755)
    driver = AlsaToneDriver("speaker", AlsaToneOptions(player=player))
    worker = IndicatorWorker(DeviceIndicator("speaker", driver))
    worker.start()
    worker.offer(shown(Signal.STOP))
    wait_for((tmp_path / "done").exists, "nothing was played")

    assert worker.stop(20)
    assert "" == worker.problem


def test_driver_when_it_raises_what_it_must_not_then_the_worker_goes_on() -> None:
    """A stranger's driver is contained."""

    class Wild(Silent):
        def show(self, signal: Signal) -> None:
            raise KeyError(signal)

    worker = IndicatorWorker(DeviceIndicator("wild", Wild()))  # type: ignore[arg-type]  # as above
    worker.start()
    for _ in range(3):
        worker.offer(shown())
    wait_for(lambda: worker.problem == "failed", "the defect is not told")
    assert worker.is_alive()
    assert worker.stop(20)


def test_busy_device_when_taken_then_the_reason_is_told(chip: GpioChip) -> None:
    """Another program holds the lines."""
    driver = GpioLampDriver("lamps", GpioLampOptions.model_validate(LINES), take=chip.take)

    def busy(_: object) -> tuple[GpioChip, dict[str, int]]:
        raise DeviceBusy("gpio", DeviceReason.IN_USE, "another program holds a line")

    driver._take = busy
    worker = IndicatorWorker(DeviceIndicator("lamps", driver))
    worker.start()
    wait_for(lambda: worker.problem == "in_use", "the reason is not told")
    assert worker.stop(20)
