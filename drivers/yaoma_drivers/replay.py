"""The replay driver: symbols from a text file, for demonstrations and tests."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import BaseModel

from yaoma_drivers.driver import AbsolutePath, DriverOptions
from yaoma_drivers.errors import DeviceGone, DeviceReason, DeviceRefused
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import MAX_SYMBOL_BYTES, ReadFault, Source, Symbol
from yaoma_drivers.symbology import split_aim

__all__ = ["BadLineError", "ReplayDriver", "ReplayOptions", "Step", "parse"]

_MAX_FILE_BYTES = 16 * 1024 * 1024
_PAUSE = re.compile(rb"@([0-9]{1,9}) ?")
_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(\\)|(.?))", re.DOTALL)


class BadLineError(ValueError):
    """A line of the file cannot be understood; its text is not quoted.

    Args:
        number: The line's number, from 1.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"line {number}: a backslash must be followed by x and two hex digits, or by a backslash")
        self.number = number


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the file.

    Args:
        pause_ms: How long to wait before the symbol is read.
        data: The bytes to be read, an AIM identifier in front if the line has one; empty for a pause alone.
    """

    pause_ms: int
    data: bytes = field(repr=False)


def parse(octets: bytes) -> list[Step]:
    r"""Return what a replay file says.

    One symbol a line; `#` begins a comment line; `@500 ` in front waits 500 ms first; `\x1d` stands for a byte and
    `\\` for a backslash (so `\x23` and `\x40` begin a symbol with # or @). Blank lines are skipped.

    Args:
        octets: The file; its text goes into symbols as it is, usually UTF-8.

    Raises:
        BadLineError: A backslash is followed by something else.
    """
    steps = []
    for number, line in enumerate(octets.split(b"\n"), start=1):
        text = line.removesuffix(b"\r")
        if not text.strip() or text.startswith(b"#"):
            continue
        pause = _PAUSE.match(text)
        escaped = text[pause.end() :] if pause else text
        if any(bad.group(3) is not None for bad in _ESCAPE.finditer(escaped)):
            raise BadLineError(number)
        steps.append(Step(int(pause.group(1)) if pause else 0, _ESCAPE.sub(_unescape, escaped)))
    return steps


def _unescape(found: re.Match[bytes]) -> bytes:
    return bytes.fromhex(found.group(1).decode("ascii")) if found.group(1) else b"\\"


class ReplayOptions(DriverOptions):
    """Options of the replay driver.

    Args:
        file: The file of symbols, an absolute path; `parse` says what may stand in it.
    """

    file: AbsolutePath


class ReplayDriver:
    """Reads the file once, line by line; at its end it waits for `stop`, since a replay scanner is never unplugged.

    Args:
        scanner: The configured name of the scanner.
        options: Where the file is.
    """

    Options: ClassVar[type[BaseModel]] = ReplayOptions

    def __init__(self, scanner: str, options: ReplayOptions) -> None:
        self._scanner = scanner
        self._options = options

    def symbols(self, stop: Stop) -> Iterator[Symbol]:
        """Yield the symbols of the file from its beginning, then wait for `stop`.

        Raises:
            DeviceGone: There is no such file.
            DeviceRefused: It may not be read, is no file, is longer than 16 MiB, or has a line that is not understood.
        """
        for step in self._steps():
            if stop.wait(step.pause_ms / 1000):
                return
            if step.data:
                yield self._symbol(step.data)
        stop.wait()

    def _steps(self) -> list[Step]:
        device = str(self._options.file)
        try:
            with self._options.file.open("rb") as file:
                octets = file.read(_MAX_FILE_BYTES + 1)
        except FileNotFoundError as error:
            raise DeviceGone(device, DeviceReason.ABSENT, "there is no such file") from error
        except PermissionError as error:
            raise DeviceRefused(device, DeviceReason.NOT_PERMITTED, "our user may not read this file") from error
        except OSError as error:
            raise DeviceRefused(device, DeviceReason.WRONG_KIND, f"cannot be read ({error.strerror})") from error
        if len(octets) > _MAX_FILE_BYTES:
            raise DeviceRefused(device, DeviceReason.WRONG_KIND, "is longer than 16 MiB")
        try:
            return parse(octets)
        except BadLineError as error:
            raise DeviceRefused(device, DeviceReason.UNREADABLE, str(error)) from error

    def _symbol(self, octets: bytes) -> Symbol:
        read_mono_ms = time.monotonic_ns() // 1_000_000
        aim, data = split_aim(octets)
        if len(data) > MAX_SYMBOL_BYTES:
            return Symbol(b"", self._scanner, read_mono_ms, aim, Source.IMPORT, ReadFault.OVERLONG, length=len(data))
        return Symbol(data, self._scanner, read_mono_ms, aim, Source.IMPORT)
