"""GPIO lamps: what goes on and off when; a chip that anybody may look at stands for the kernel's (see tests/hil)."""

import errno
from pathlib import Path
from typing import Self

import gpiod
import pytest
from pydantic import ValidationError

from fakes.gpio_chip import GpioChip
from yaoma_drivers.errors import DeviceBusy, DeviceGone, DeviceReason, DeviceRefused
from yaoma_drivers.gpio_lamp import GpioLampDriver, GpioLampOptions, chips, take_lines
from yaoma_drivers.signal import Signal

LINES = {"top": "GPIO17", "middle": "GPIO27", "bottom": "GPIO22", "side": "GPIO23", "buzzer": "GPIO24"}


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now_ms = 0

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def chip() -> GpioChip:
    """A chip."""
    return GpioChip()


@pytest.fixture
def clock() -> Clock:
    """A clock."""
    return Clock()


@pytest.fixture
def lamps(chip: GpioChip, clock: Clock) -> GpioLampDriver:
    """An open indicator with all lamps and a buzzer."""
    driver = GpioLampDriver("lamps", GpioLampOptions.model_validate(LINES), take=chip.take, monotonic_ms=clock)
    driver.open()
    return driver


def test_open_when_lines_are_taken_then_all_are_off(lamps: GpioLampDriver, chip: GpioChip) -> None:
    """A box that starts shows nothing."""
    assert chip.is_held
    assert set() == chip.lit
    assert lamps.step() is None


def test_show_when_pass_then_green_and_one_short_tone(lamps: GpioLampDriver, chip: GpioChip, clock: Clock) -> None:
    """The buzzer falls silent by itself, the lamp after the glance."""
    lamps.show(Signal.PASS)
    assert {"top", "buzzer"} == chip.lit

    clock.now_ms = 100
    assert lamps.step() == pytest.approx(4.9)
    assert {"top"} == chip.lit

    clock.now_ms = 5000
    assert lamps.step() is None
    assert set() == chip.lit


def test_show_when_a_newer_signal_comes_then_the_older_ends_at_once(
    lamps: GpioLampDriver, chip: GpioChip, clock: Clock
) -> None:
    """A red lamp does not stay beside the green one, nor does its third tone sound into it."""
    lamps.show(Signal.STOP)
    clock.now_ms = 700
    lamps.step()
    assert {"bottom", "buzzer"} == chip.lit

    clock.now_ms = 800
    lamps.show(Signal.PASS)
    assert {"top", "buzzer"} == chip.lit
    clock.now_ms = 900
    lamps.step()
    assert {"top"} == chip.lit


def test_step_when_nothing_changes_then_nothing_is_written(lamps: GpioLampDriver, chip: GpioChip, clock: Clock) -> None:
    """A lamp that is lit stays so without the kernel being asked again."""
    lamps.show(Signal.REVIEW)
    before = chip.written
    clock.now_ms = 50
    lamps.step()

    assert before == chip.written


def test_close_when_lit_then_all_is_off_before_the_lines_are_given_back(lamps: GpioLampDriver, chip: GpioChip) -> None:
    """Kernels of the Raspberry Pi leave a line as it was when it is given back."""
    lamps.show(Signal.STOP)
    lamps.close()
    lamps.close()

    assert set() == chip.lit
    assert not chip.is_held


def test_indicator_when_it_has_only_a_buzzer_then_only_that_is_used(chip: GpioChip) -> None:
    """The cheapest box."""
    driver = GpioLampDriver("b", GpioLampOptions(buzzer="GPIO24"), take=chip.take)
    driver.open()
    driver.show(Signal.FAULT)

    assert {"buzzer"} == chip.lit
    assert {"buzzer"} == set(chip.levels)


def test_show_when_the_chip_has_gone_then_the_error_says_so(lamps: GpioLampDriver, chip: GpioChip) -> None:
    """A USB expander that is pulled out."""
    chip.broken = OSError(errno.ENODEV, "No such device")
    with pytest.raises(DeviceGone) as gone:
        lamps.show(Signal.PASS)
    assert gone.value.reason is DeviceReason.UNPLUGGED
    lamps.close()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"top": "GPIO17", "bottom": "GPIO17"},
        {"top": 17},
        {"top": "17"},
        {"top": -1, "chip": "pinctrl-rp1"},
        {"top": True, "chip": "pinctrl-rp1"},
        {"top": "GPIO17", "active_low": ["left"]},
        {"top": "GPIO17", "bias": "up"},
        {"top": "GPIO17", "colour": "green"},
    ],
)
def test_options_when_they_make_no_sense_then_they_are_refused(options: dict[str, object]) -> None:
    """No line at all, one line twice, an offset without its chip, unknown words."""
    with pytest.raises(ValidationError):
        GpioLampOptions.model_validate(options)


def test_options_when_a_chip_is_named_then_lines_go_by_offset_too() -> None:
    """On boards whose lines have no names."""
    options = GpioLampOptions.model_validate({"chip": "gpio-sim.0", "top": 3, "buzzer": "4", "active_low": ["top"]})

    assert {"top": 3, "buzzer": "4"} == options.lines()


class Board:
    """Chips in the way gpiod shows them: by path, with label, number and names of lines."""

    def __init__(self, *chips: tuple[str, dict[str, int]]) -> None:
        self.chips = {f"/dev/gpiochip{number}": one for number, one in enumerate(chips)}
        self.requested: list[tuple[str, dict[object, gpiod.LineSettings], str]] = []
        self.error: OSError | None = None

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put it in the place of the kernel."""
        board = self

        class Chip:
            def __init__(self, path: str) -> None:
                if board.error is not None:
                    raise board.error
                self.label, self.names = board.chips[path]

            def __enter__(self) -> Self:
                return self

            def __exit__(self, *_: object) -> None:
                pass

            def get_info(self) -> object:
                return type("Info", (), {"label": self.label, "num_lines": 28})

            def line_offset_from_id(self, line: str | int) -> int:
                if isinstance(line, str) and line not in self.names:
                    raise FileNotFoundError(errno.ENOENT, "No such file or directory")
                return self.names[line] if isinstance(line, str) else line

        def request(path: str, *, config: dict[object, gpiod.LineSettings], consumer: str) -> GpioChip:
            board.requested.append((path, config, consumer))
            return GpioChip()

        monkeypatch.setattr("yaoma_drivers.gpio_lamp.chips", lambda: iter(map(Path, self.chips)))
        monkeypatch.setattr(gpiod, "Chip", Chip)
        monkeypatch.setattr(gpiod, "request_lines", request)


PI = {"GPIO17": 17, "GPIO24": 24}


def test_take_when_the_chip_has_another_number_then_it_is_found_by_its_label(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a Pi 5 the pins were gpiochip4 and are gpiochip0 since a kernel update (SCANNERS.md 7)."""
    options = GpioLampOptions(chip="pinctrl-rp1", top="GPIO17", buzzer="GPIO24", active_low=("buzzer",))
    for place, chips_there in ((0, [("pinctrl-rp1", PI)]), (1, [("gpio-brcmstb", {}), ("pinctrl-rp1", PI)])):
        board = Board(*chips_there)
        board.install(monkeypatch)
        take_lines(options)
        ((path, config, consumer),) = board.requested
        assert (f"/dev/gpiochip{place}", {17, 24}, "yaoma") == (path, set(config), consumer)
        assert {17: False, 24: True} == {offset: setting.active_low for offset, setting in config.items()}
        assert {gpiod.line.Direction.OUTPUT} == {setting.direction for setting in config.values()}
        assert {gpiod.line.Value.INACTIVE} == {setting.output_value for setting in config.values()}


def test_take_when_no_chip_is_named_then_the_one_with_such_lines_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """One configuration for a Pi 4 and a Pi 5."""
    board = Board(("raspberrypi-exp-gpio", {"BT_ON": 0}), ("pinctrl-bcm2711", PI))
    board.install(monkeypatch)
    _, offsets = take_lines(GpioLampOptions(top="GPIO17"))

    assert ("/dev/gpiochip1", {"top": 17}) == (board.requested[0][0], offsets)


@pytest.mark.parametrize(
    ("chips_there", "options", "expected"),
    [
        ([], {"chip": "pinctrl-rp1", "top": "GPIO17"}, (DeviceGone, DeviceReason.ABSENT)),
        ([("a", PI)], {"chip": "pinctrl-rp1", "top": "GPIO17"}, (DeviceGone, DeviceReason.ABSENT)),
        ([("a", PI), ("b", PI)], {"top": "GPIO17"}, (DeviceRefused, DeviceReason.AMBIGUOUS)),
        ([("a", PI)], {"chip": "a", "top": "GPIO99"}, (DeviceRefused, DeviceReason.WRONG_KIND)),
        ([("a", PI)], {"chip": "a", "top": 28}, (DeviceRefused, DeviceReason.WRONG_KIND)),
    ],
)
def test_take_when_chip_or_line_are_not_there_then_the_error_names_it(
    chips_there: list[tuple[str, dict[str, int]]],
    options: dict[str, object],
    expected: tuple[type[Exception], DeviceReason],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is guessed: two chips that fit are as bad as none."""
    Board(*chips_there).install(monkeypatch)
    kind, reason = expected
    with pytest.raises(kind) as failed:
        take_lines(GpioLampOptions.model_validate(options))
    assert reason is failed.value.reason  # type: ignore[attr-defined]  # each of them is a DeviceError


@pytest.mark.parametrize(
    ("number", "kind", "reason"),
    [
        (errno.EBUSY, DeviceBusy, DeviceReason.IN_USE),
        (errno.EACCES, DeviceRefused, DeviceReason.NOT_PERMITTED),
        (errno.EINVAL, DeviceRefused, DeviceReason.UNFIT_SETTINGS),
    ],
)
def test_take_when_the_kernel_refuses_then_the_error_says_what_to_do(
    number: int, kind: type[Exception], reason: DeviceReason, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has its own reason."""
    board = Board(("a", PI))
    board.install(monkeypatch)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr(gpiod, "request_lines", refuse)
    with pytest.raises(kind) as failed:
        take_lines(GpioLampOptions(chip="a", top="GPIO17"))
    assert reason is failed.value.reason  # type: ignore[attr-defined]  # as above


def test_take_when_our_user_may_not_open_the_chip_then_it_is_not_called_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the group gpio nobody can even read a label."""
    board = Board(("pinctrl-rp1", PI))
    board.error = PermissionError(errno.EACCES, "Permission denied")
    board.install(monkeypatch)
    with pytest.raises(DeviceRefused) as refused:
        take_lines(GpioLampOptions(chip="pinctrl-rp1", top="GPIO17"))
    assert refused.value.reason is DeviceReason.NOT_PERMITTED


def test_chips_when_a_folder_has_other_files_then_they_are_passed_over(tmp_path: Path) -> None:
    """Only what the kernel calls a GPIO chip is opened."""
    (tmp_path / "gpiochip0").write_text("")

    assert [] == list(chips(tmp_path))
