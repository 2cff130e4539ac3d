"""What the recorder is fed with, and what it tells: the values that cross its queue."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from yaoma.core.command import Command
from yaoma.core.erasure import Erasure
from yaoma.core.record import Record
from yaoma.core.verdict import Verdict
from yaoma.shell.erasure import EraseOutcome, ErasePlan
from yaoma_drivers.symbol import Symbol

__all__ = ["Answer", "Claim", "CloseLog", "Damage", "Erase", "Item", "Request", "Trouble", "View"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command.

    Args:
        records: Its records, kept; none if there is nothing to record.
        refusal: The reason id of the refusal, or an empty string.
    """

    records: tuple[Record, ...] = ()
    refusal: str = ""

    @property
    def record(self) -> Record | None:
        """The record that says what was done; None if there is none."""
        return self.records[-1] if self.records else None


@dataclass(frozen=True, slots=True)
class Request:
    """A command on its way to the recorder.

    Args:
        command: What is wanted.
        answer: Called once, on the recorder's thread, with what became of it; must return at once.
        is_given_up: Whether whoever asked has been told that nothing came of it; then nothing may come of it.
    """

    command: Command
    answer: Callable[[Answer], None] = field(repr=False)
    is_given_up: Callable[[], bool] = field(default=lambda: False, repr=False)


class Claim:
    """Settles whether a command is carried out, or given up by whoever asked; never both."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_taken = False
        self._is_given_up = False

    def is_given_up(self) -> bool:
        """Say whether nobody waits any more; if somebody does, it is carried out from here on."""
        with self._lock:
            self._is_taken = not self._is_given_up
            return self._is_given_up

    def give_up(self) -> bool:
        """Wait no more, unless it is carried out already; say which."""
        with self._lock:
            self._is_given_up = not self._is_taken
            return self._is_given_up


@dataclass(frozen=True, slots=True)
class CloseLog:
    """The uploader found that the bridge has another history of this log."""

    log: str


@dataclass(frozen=True, slots=True)
class Damage:
    """The uploader read a record whose bytes do not fit its hash."""

    log: str
    seq: int


@dataclass(frozen=True, slots=True)
class Erase:
    """Sealed identities are to be erased.

    Args:
        plan: Which.
        erasure: Who wants it and why.
        answer: Called once, on the recorder's thread, with what was left; None if it can't be done now.
    """

    plan: ErasePlan
    erasure: Erasure
    answer: Callable[[EraseOutcome | None], None] = field(repr=False)


Item = Symbol | Request | CloseLog | Damage | Erase | None
"""None ends the recorder, after everything before it."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the box is out of service.

    Args:
        cause: A stable id: `journal_recovering`, `disk_full`, `disk_error`, `site_behind`.
        problem: What the system said, for the technician.
    """

    cause: str
    problem: str = ""


class View(Protocol):
    """Who is told what was recorded; every call returns at once."""

    def show(self, symbol: Symbol, verdict: Verdict, record: Record) -> None:
        """Show a verdict whose record is kept."""
        ...

    def out_of_service(self, symbol: Symbol, cause: str) -> None:
        """Show that a scan could not be recorded.

        Args:
            symbol: What was scanned.
            cause: The cause of a `Trouble`.
        """
        ...
