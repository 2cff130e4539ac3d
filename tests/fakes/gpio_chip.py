"""GpioLines: what a driver holds when it holds lines of a chip; the kernel's own half is exercised in tests/hil."""

from collections.abc import Mapping

from gpiod.line import Value

from yaoma_drivers.gpio_lamp import GpioLampOptions

__all__ = ["GpioChip"]


class GpioChip:
    """A chip whose lines anybody may look at; give `take` to the driver."""

    def __init__(self) -> None:
        self.levels: dict[str, bool] = {}
        self.is_held = False
        self.written = 0
        self.broken: OSError | None = None
        self._names: dict[int, str] = {}

    def take(self, options: GpioLampOptions) -> tuple["GpioChip", Mapping[str, int]]:
        """Hand the lines over, all of them off, as `take_lines` does."""
        if self.broken is not None:
            raise self.broken
        self.is_held = True
        self._names = dict(enumerate(options.lines()))
        self.levels = dict.fromkeys(options.lines(), False)
        return self, {name: offset for offset, name in self._names.items()}

    def set_values(self, values: dict[int | str, Value]) -> None:
        """Set lines."""
        assert self.is_held
        if self.broken is not None:
            raise self.broken
        self.written += 1
        self.levels |= {self._names[int(offset)]: value is Value.ACTIVE for offset, value in values.items()}

    def release(self) -> None:
        """Give the lines back."""
        self.is_held = False

    @property
    def lit(self) -> set[str]:
        """What is on."""
        return {name for name, level in self.levels.items() if level}
