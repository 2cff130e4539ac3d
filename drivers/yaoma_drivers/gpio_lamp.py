"""The GPIO indicator: lamps and a buzzer on the pins of a board, through gpiod 2.x."""

import contextlib
import errno
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, Protocol, Self

import gpiod
from gpiod.line import Bias, Direction, Drive, Value
from pydantic import BaseModel, Field, model_validator

from yaoma_drivers.driver import DriverOptions
from yaoma_drivers.errors import DeviceBusy, DeviceError, DeviceGone, DeviceReason, DeviceRefused
from yaoma_drivers.pattern_time import is_sounding, lit, next_change_ms
from yaoma_drivers.signal import Signal
from yaoma_drivers.signal_pattern import PATTERNS, Pattern, Place

__all__ = ["CONSUMER", "GpioLampDriver", "GpioLampOptions", "Lines", "chips", "take_lines"]

#: Shown by `gpioinfo` beside each line that we hold.
CONSUMER: Final = "yaoma"

_BUZZER: Final = "buzzer"
_OUTPUTS: Final = (*(place.value for place in Place), _BUZZER)

_BIAS: Final = {
    "as_is": Bias.AS_IS,
    "disabled": Bias.DISABLED,
    "pull_up": Bias.PULL_UP,
    "pull_down": Bias.PULL_DOWN,
}
_DRIVE: Final = {
    "push_pull": Drive.PUSH_PULL,
    "open_drain": Drive.OPEN_DRAIN,
    "open_source": Drive.OPEN_SOURCE,
}

#: A line by its name, such as GPIO17, or by its offset on the chip.
Line = Annotated[str, Field(min_length=1, max_length=64)] | Annotated[int, Field(ge=0, le=1023, strict=True)]
Output = Literal["top", "middle", "bottom", "side", "buzzer"]


class GpioLampOptions(DriverOptions):
    """Options of the GPIO indicator.

    Args:
        chip: Label of the chip, such as pinctrl-bcm2711 or pinctrl-rp1, never its number, which changes with the
            kernel; empty for the one chip that has the named lines.
        top: The line of the lamp at the top (green), by name or offset.
        middle: Of the one in the middle (amber).
        bottom: Of the one at the bottom (red).
        side: Of the one at the side (white).
        buzzer: Of a buzzer that makes its own tone; its rhythm is that of the signal.
        active_low: Which of them are on while the line is low.
        bias: The pin's own resistor: as_is, disabled, pull_up or pull_down.
        drive: push_pull, open_drain or open_source.
        glance_ms: After how long the lamp of a PASS or REPEAT goes dark, in milliseconds; 0 with the next signal only.
    """

    chip: Annotated[str, Field(max_length=64)] = ""
    top: Line | None = None
    middle: Line | None = None
    bottom: Line | None = None
    side: Line | None = None
    buzzer: Line | None = None
    active_low: tuple[Output, ...] = ()
    bias: Literal["as_is", "disabled", "pull_up", "pull_down"] = "as_is"
    drive: Literal["push_pull", "open_drain", "open_source"] = "push_pull"
    glance_ms: int = Field(default=5000, ge=0, le=600_000)

    @model_validator(mode="after")
    def _lines_fit_together(self) -> Self:
        lines = list(self.lines().values())
        if not lines:
            raise ValueError("at least one of top, middle, bottom, side and buzzer must be named")
        if len({str(line) for line in lines}) < len(lines):
            raise ValueError("each lamp and the buzzer need a line of their own")
        if not self.chip and any(isinstance(line, int) or line.isdecimal() for line in lines):
            raise ValueError("a line by its offset needs the label of its chip")
        return self

    def lines(self) -> dict[str, str | int]:
        """Give the configured lines by output."""
        return {name: line for name in _OUTPUTS if (line := getattr(self, name)) is not None}


class Lines(Protocol):
    """The lines that we hold; `gpiod.LineRequest` is one."""

    def set_values(self, values: dict[int | str, Value]) -> None:
        """Set lines by offset."""
        ...

    def release(self) -> None:
        """Give the lines back."""
        ...


@dataclass(frozen=True, slots=True)
class _Held:
    """The lines in our hands.

    Args:
        lines: The request.
        offsets: Offset by output.
    """

    lines: Lines
    offsets: Mapping[str, int]


class GpioLampDriver:
    """Lamps and buzzer of one station.

    Args:
        name: The configured name of the indicator.
        options: Which line is what.
        take: Takes lines off a chip; the seam where tests without a kernel that simulates GPIO put theirs.
        monotonic_ms: Milliseconds that never go back.
    """

    Options: ClassVar[type[BaseModel]] = GpioLampOptions

    def __init__(
        self,
        name: str,
        options: GpioLampOptions,
        *,
        take: "Callable[[GpioLampOptions], tuple[Lines, Mapping[str, int]]] | None" = None,
        monotonic_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000,
    ) -> None:
        self._name = name
        self._options = options
        self._take = take or take_lines
        self._monotonic_ms = monotonic_ms
        self._held: _Held | None = None
        self._shown: Mapping[str, bool] = {}
        self._pattern: Pattern | None = None
        self._begun_ms = 0

    def open(self) -> None:
        """Take the lines, all of them off.

        Raises:
            DeviceGone: No such chip.
            DeviceBusy: Another program has one of the lines.
            DeviceRefused: Our user may not, no such line, or the chip does not take the settings.
        """
        self.close()
        self._held = _Held(*self._take(self._options))
        self._shown = dict.fromkeys(self._held.offsets, False)
        self._pattern = None

    def show(self, signal: Signal) -> None:
        """Begin the pattern of a signal.

        Raises:
            DeviceGone: The chip has gone.
        """
        self._pattern, self._begun_ms = PATTERNS[signal], self._monotonic_ms()
        self.step()

    def step(self) -> float | None:
        """Light what has to be lit by now, and tell when that changes.

        Raises:
            DeviceGone: The chip has gone.
        """
        if self._pattern is None:
            return None
        at_ms = self._monotonic_ms() - self._begun_ms
        places = lit(self._pattern, at_ms, self._options.glance_ms)
        self._set({name: _is_on(name, places, sounding=is_sounding(self._pattern, at_ms)) for name in self._shown})
        change_ms = next_change_ms(self._pattern, at_ms, self._options.glance_ms)
        return None if change_ms is None else (change_ms - at_ms) / 1000

    def close(self) -> None:
        """Switch all off, then give the lines back: some kernels leave a line as it was (drivers/README.md)."""
        held, self._held, self._pattern = self._held, None, None
        if held is None:
            return
        with contextlib.suppress(OSError):
            held.lines.set_values(dict.fromkeys(held.offsets.values(), Value.INACTIVE))
        with contextlib.suppress(OSError):
            held.lines.release()

    def _set(self, wanted: Mapping[str, bool]) -> None:
        changed = {name: is_on for name, is_on in wanted.items() if is_on != self._shown[name]}
        if not changed or self._held is None:
            return
        offsets = self._held.offsets
        try:
            self._held.lines.set_values(
                {offsets[name]: Value.ACTIVE if is_on else Value.INACTIVE for name, is_on in changed.items()}
            )
        except OSError as error:
            raise _failed(self._options.chip or "gpio", error) from error
        self._shown = {**self._shown, **changed}


def take_lines(options: GpioLampOptions) -> tuple[Lines, Mapping[str, int]]:
    """Find chip and lines and take them as outputs that are off.

    Args:
        options: Which lines.

    Raises:
        DeviceGone: No such chip.
        DeviceBusy: Another program has one of the lines.
        DeviceRefused: Our user may not, no such line, or the chip does not take the settings.
    """
    device = options.chip or "gpio"
    try:
        path, offsets = _found(options)
        config: dict[Iterable[int | str] | int | str, gpiod.LineSettings | None] = {
            offset: gpiod.LineSettings(
                direction=Direction.OUTPUT,
                output_value=Value.INACTIVE,
                active_low=name in options.active_low,
                bias=_BIAS[options.bias],
                drive=_DRIVE[options.drive],
            )
            for name, offset in offsets.items()
        }
        return gpiod.request_lines(path, config=config, consumer=CONSUMER), offsets
    except OSError as error:
        raise _failed(device, error) from error


def chips(folder: Path = Path("/dev")) -> Iterator[Path]:
    """Give the GPIO chips of the board.

    Args:
        folder: Where devices are.
    """
    yield from (path for path in sorted(folder.glob("gpiochip*")) if gpiod.is_gpiochip_device(str(path)))


def _found(options: GpioLampOptions) -> tuple[str, dict[str, int]]:
    """Give the chip's path and the offset of each line; the chip is known by its label or by its lines' names."""
    fitting: list[tuple[str, str, dict[str, int]]] = []
    labels, barred = [], None
    for path in chips():
        try:
            with gpiod.Chip(str(path)) as chip:
                label = chip.get_info().label
                labels.append(label)
                if options.chip in {"", label} and (offsets := _offsets(chip, options.lines())) is not None:
                    fitting.append((str(path), label, offsets))
        except PermissionError as error:
            barred = error
    if len(fitting) == 1:
        return fitting[0][0], fitting[0][2]
    device = options.chip or "gpio"
    if fitting:
        among = ", ".join(f"{label} ({path})" for path, label, _ in fitting)
        raise DeviceRefused(device, DeviceReason.AMBIGUOUS, f"several chips fit: {among}")
    if barred is not None:
        raise _failed(device, barred)
    if options.chip and options.chip in labels:
        named = ", ".join(str(line) for line in options.lines().values())
        raise DeviceRefused(device, DeviceReason.WRONG_KIND, f"has not all of the lines {named}")
    raise DeviceGone(device, DeviceReason.ABSENT, f"no such GPIO chip; there are: {', '.join(labels) or 'none'}")


def _offsets(chip: gpiod.Chip, lines: Mapping[str, str | int]) -> dict[str, int] | None:
    count = chip.get_info().num_lines
    offsets = {}
    for name, line in lines.items():
        try:
            offset = chip.line_offset_from_id(line)
        except (OSError, ValueError):
            # A name that the chip does not know; gpiod says so by an OSError.
            return None
        if not 0 <= offset < count:
            return None
        offsets[name] = offset
    return offsets


def _is_on(name: str, places: frozenset[Place], *, sounding: bool) -> bool:
    return sounding if name == _BUZZER else Place(name) in places


def _failed(device: str, error: OSError) -> DeviceError:
    words = error.strerror or "I/O error"
    if error.errno == errno.EBUSY:
        return DeviceBusy(device, DeviceReason.IN_USE, f"another program holds a line ({words}; see `gpioinfo`)")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return DeviceRefused(
            device, DeviceReason.NOT_PERMITTED, f"may not be opened ({words}); put the user into the group gpio"
        )
    if error.errno in {errno.ENOENT, errno.ENODEV, errno.ENXIO}:
        return DeviceGone(device, DeviceReason.UNPLUGGED, f"is not there any more ({words})")
    if error.errno in {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP}:
        return DeviceRefused(device, DeviceReason.UNFIT_SETTINGS, f"does not take bias, drive or active_low ({words})")
    return DeviceRefused(device, DeviceReason.FAILED, f"failed ({words})")
