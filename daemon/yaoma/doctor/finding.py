"""Finding: one line of the doctor's report; an id of the message catalogue and the facts that fill it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from yaoma.config.said import Said

__all__ = ["Fact", "Finding", "Group", "Mark", "ok", "trouble", "warning"]

#: A fact that is said in both languages goes into each of them.
Fact = str | int | Said

_NOTHING: Final[Mapping[str, Fact]] = MappingProxyType({})


class Mark(StrEnum):
    """How a line is to be taken."""

    OK = "ok"
    WARNING = "warning"  # the box works, but somebody should see to it
    TROUBLE = "trouble"  # something the box is there for does not work


class Group(StrEnum):
    """What a line is about, in the order in which troubles are put right: the first one often explains the rest."""

    CONFIG = "config"
    STATE = "state"
    KEYS = "keys"
    CLOCK = "clock"
    SCANNER = "scanner"
    INDICATOR = "indicator"
    TILL = "till"
    HOST = "host"
    BROKER = "broker"
    DELIVERY = "delivery"
    LIST = "list"
    JOURNAL = "journal"
    BOARD = "board"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line.

    Args:
        group: What it is about.
        mark: How it is to be taken.
        id: The dotted id of its text and of what to do.
        facts: What the text is filled with; never what a scanner read, never a key.
        detail: What the system said, for the technician.
    """

    group: Group
    mark: Mark
    id: str
    facts: Mapping[str, Fact] = field(default_factory=lambda: _NOTHING)
    detail: str = ""


def ok(group: Group, text: str, /, **facts: Fact) -> Finding:
    """Say that something is as it should be."""
    return Finding(group, Mark.OK, text, facts)


def warning(group: Group, text: str, detail: str = "", /, **facts: Fact) -> Finding:
    """Say that something should be seen to."""
    return Finding(group, Mark.WARNING, text, facts, detail)


def trouble(group: Group, text: str, detail: str = "", /, **facts: Fact) -> Finding:
    """Say that something does not work."""
    return Finding(group, Mark.TROUBLE, text, facts, detail)
