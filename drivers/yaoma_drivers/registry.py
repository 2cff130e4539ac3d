"""Find drivers by the entry-point group `yaoma.drivers`, without importing any that is not asked for."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from pydantic import BaseModel

from yaoma_drivers.driver import Driver
from yaoma_drivers.errors import DriverUnusable, UnknownDriver

__all__ = ["GROUP", "OWN", "check", "distribution", "is_own", "known", "load"]

GROUP = "yaoma.drivers"

#: The distribution that brings this package and the drivers in it.
OWN = "yaoma"


def known() -> tuple[str, ...]:
    """Return the names of all installed drivers, ours and others', in order."""
    return tuple(sorted({found.name for found in entry_points(group=GROUP)}))


def distribution(name: str) -> str:
    """Return what was installed to bring a driver, such as `yaoma` for ours.

    Raises:
        UnknownDriver: None has this name.
        DriverUnusable: Several distributions bring one of this name.
    """
    return _distribution(_find(name))


def is_own(name: str) -> bool:
    """Tell whether a driver of this name comes with this package; nothing is imported."""
    return any(_distribution(found) == OWN for found in entry_points(group=GROUP, name=name))


def load(name: str, *, own_only: bool = False) -> type[Driver]:
    """Import one driver and return its class.

    Args:
        name: The name of its entry point, as the configuration has it.
        own_only: Find only drivers that come with this package, also where another distribution has one of this name.

    Raises:
        UnknownDriver: None has this name.
        DriverUnusable: It cannot be imported, is no driver, or two distributions bring one of this name.
    """
    found = _find(name, own_only=own_only)
    try:
        loaded: object = found.load()
    except Exception as error:  # a stranger's module may raise anything, and must be named by it
        raise DriverUnusable(name, _distribution(found), f"{type(error).__name__}: {error}") from error
    if not isinstance(loaded, type) or not callable(getattr(loaded, "symbols", None)):
        raise DriverUnusable(name, _distribution(found), f"{found.value} is no class with a method `symbols`")
    options = getattr(loaded, "Options", None)
    if not isinstance(options, type) or not issubclass(options, BaseModel):
        raise DriverUnusable(name, _distribution(found), f"{found.value} has no pydantic model `Options`")
    return loaded


def check(name: str, options: Mapping[str, object], *, own_only: bool = False) -> BaseModel:
    """Return the options of one scanner as an object of its driver's own `Options`.

    Args:
        name: The driver's name.
        options: Keys and values as the configuration file has them.
        own_only: As for `load`.

    Raises:
        UnknownDriver: None has this name.
        DriverUnusable: It cannot be loaded.
        pydantic.ValidationError: A key is unknown or missing, or a value does not fit.
    """
    return load(name, own_only=own_only).Options.model_validate(dict(options))


def _find(name: str, *, own_only: bool = False) -> EntryPoint:
    found = tuple(one for one in entry_points(group=GROUP, name=name) if not own_only or _distribution(one) == OWN)
    if not found:
        raise UnknownDriver(name, known())
    if len(found) > 1:
        owners = ", ".join(sorted(_distribution(each) for each in found))
        raise DriverUnusable(name, owners, "several distributions bring a driver of this name")
    return found[0]


def _distribution(found: EntryPoint) -> str:
    return found.dist.name if found.dist else "unknown"
