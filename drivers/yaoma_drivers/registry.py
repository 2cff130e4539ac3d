"""Find drivers by their entry-point groups, without importing any that is not asked for."""

from collections.abc import Mapping
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points
from typing import Final, cast

from pydantic import BaseModel

from yaoma_drivers.driver import Driver
from yaoma_drivers.errors import DriverUnusable, UnknownDriver
from yaoma_drivers.indicator import IndicatorDriver
from yaoma_drivers.port import PortDriver

__all__ = [
    "GROUP",
    "OWN",
    "Group",
    "check",
    "distribution",
    "is_own",
    "known",
    "load",
    "load_indicator",
    "load_port",
    "options_of",
]


class Group(StrEnum):
    """What a driver is for; the groups of entry points."""

    SCANNERS = "yaoma.drivers"
    INDICATORS = "yaoma.indicators"
    PORTS = "yaoma.ports"


GROUP: Final = Group.SCANNERS

#: The distribution that brings this package and the drivers in it.
OWN = "yaoma"

#: The method by which a class of each group is known.
_METHOD: Final = {Group.SCANNERS: "symbols", Group.INDICATORS: "show", Group.PORTS: "send"}


def known(group: Group = GROUP) -> tuple[str, ...]:
    """Return the names of all installed drivers of a group, ours and others', in order."""
    return tuple(sorted({found.name for found in entry_points(group=group)}))


def distribution(name: str, group: Group = GROUP) -> str:
    """Return what was installed to bring a driver, such as `yaoma` for ours.

    Raises:
        UnknownDriver: None has this name.
        DriverUnusable: Several distributions bring one of this name.
    """
    return _distribution(_find(name, group))


def is_own(name: str, group: Group = GROUP) -> bool:
    """Tell whether a driver of this name comes with this package; nothing is imported."""
    return any(_distribution(found) == OWN for found in entry_points(group=group, name=name))


def load(name: str, *, own_only: bool = False) -> type[Driver]:
    """Import one driver of a scanner and return its class.

    Args:
        name: The name of its entry point, as the configuration has it.
        own_only: Find only drivers that come with this package, also where another distribution has one of this name.

    Raises:
        UnknownDriver: None has this name.
        DriverUnusable: It cannot be imported, is no driver, or two distributions bring one of this name.
    """
    return cast("type[Driver]", _load(name, Group.SCANNERS, own_only=own_only))


def load_indicator(name: str, *, own_only: bool = False) -> type[IndicatorDriver]:
    """Import one driver of an indicator and return its class; arguments and errors as for `load`."""
    return cast("type[IndicatorDriver]", _load(name, Group.INDICATORS, own_only=own_only))


def load_port(name: str, *, own_only: bool = False) -> type[PortDriver]:
    """Import one driver of a pass-through port and return its class; arguments and errors as for `load`."""
    return cast("type[PortDriver]", _load(name, Group.PORTS, own_only=own_only))


def options_of(name: str, group: Group = GROUP, *, own_only: bool = False) -> type[BaseModel]:
    """Import a driver and return the model of its options; arguments and errors as for `load`."""
    options: type[BaseModel] = _load(name, group, own_only=own_only).Options  # type: ignore[attr-defined]  # looked for
    return options


def check(name: str, options: Mapping[str, object], *, own_only: bool = False, group: Group = GROUP) -> BaseModel:
    """Return the options of one device as an object of its driver's own `Options`.

    Args:
        name: The driver's name.
        options: Keys and values as the configuration file has them.
        own_only: As for `load`.
        group: What the driver is for.

    Raises:
        UnknownDriver: None has this name.
        DriverUnusable: It cannot be loaded.
        pydantic.ValidationError: A key is unknown or missing, or a value does not fit.
    """
    return options_of(name, group, own_only=own_only).model_validate(dict(options))


def _load(name: str, group: Group, *, own_only: bool) -> type:
    found = _find(name, group, own_only=own_only)
    try:
        loaded: object = found.load()
    except Exception as error:  # a stranger's module may raise anything, and must be named by it
        raise DriverUnusable(name, _distribution(found), f"{type(error).__name__}: {error}") from error
    method = _METHOD[group]
    if not isinstance(loaded, type) or not callable(getattr(loaded, method, None)):
        raise DriverUnusable(name, _distribution(found), f"{found.value} is no class with a method `{method}`")
    options = getattr(loaded, "Options", None)
    if not isinstance(options, type) or not issubclass(options, BaseModel):
        raise DriverUnusable(name, _distribution(found), f"{found.value} has no pydantic model `Options`")
    return loaded


def _find(name: str, group: Group, *, own_only: bool = False) -> EntryPoint:
    found = tuple(one for one in entry_points(group=group, name=name) if not own_only or _distribution(one) == OWN)
    if not found:
        raise UnknownDriver(name, known(group))
    if len(found) > 1:
        owners = ", ".join(sorted(_distribution(each) for each in found))
        raise DriverUnusable(name, owners, "several distributions bring a driver of this name")
    return found[0]


def _distribution(found: EntryPoint) -> str:
    return found.dist.name if found.dist else "unknown"
