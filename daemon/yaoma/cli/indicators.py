"""`yaoma indicators`: shows each signal on lamps and loudspeakers, or switches all of them off."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer

from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption
from yaoma.cli.report import CommandError, loaded
from yaoma.config.load import Loaded
from yaoma.shell.catalogue import LANGUAGES, load_catalogue
from yaoma_drivers.errors import DeviceError, DriverError
from yaoma_drivers.indicator import IndicatorDriver
from yaoma_drivers.registry import load_indicator
from yaoma_drivers.signal import Signal

__all__ = ["app"]

app = typer.Typer(help="Lamps, buzzers and loudspeakers, while the daemon does not run.", no_args_is_help=True)

#: Long enough for the longest tones and two flashes.
_SHOWN_S: Final = 3.0


@app.command("test")
def show_each(*, config: ConfigOption = DEFAULT_CONFIG, seconds: float = _SHOWN_S) -> None:
    """Show each signal for some seconds, so that lamps, wires and volume can be checked.

    Example: systemctl stop yaoma; sudo -u yaoma yaoma indicators test
    """
    both = [load_catalogue(language) for language in LANGUAGES]
    for name, driver in _drivers(loaded(config)):
        with _opened(name, driver):
            for signal in Signal:
                lamp = " / ".join(one.lamp(signal) for one in both)
                typer.echo(f"{name}: {' / '.join(one.signal(signal).headline for one in both)}  ({lamp})")
                driver.show(signal)
                until_s = time.monotonic() + seconds
                while (left_s := until_s - time.monotonic()) > 0:
                    due_s = driver.step()
                    time.sleep(left_s if due_s is None else min(left_s, due_s))


@app.command()
def dark(*, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Switch all lamps and buzzers off; the unit calls it after a crash, since some kernels leave them as they were.

    Example: yaoma indicators dark
    """
    for name, driver in _drivers(loaded(config)):
        with _opened(name, driver):
            pass


def _drivers(found: Loaded) -> Iterator[tuple[str, IndicatorDriver]]:
    for one in found.config.indicator:
        try:
            yield one.name, load_indicator(one.driver)(one.name, found.indicator_options[one.name])
        except DriverError as error:
            raise CommandError(f"{one.name}: {error}") from error


@contextmanager
def _opened(name: str, driver: IndicatorDriver) -> Iterator[None]:
    try:
        driver.open()
        yield
    except DeviceError as error:
        both = [load_catalogue(language).text("device", error.reason.value) for language in LANGUAGES]
        said = " / ".join(f"{one.line} → {one.todo}" for one in both)
        raise CommandError(f"{name}: {error}\n  {said}") from error
    finally:
        driver.close()
