"""Period: the days at the counter that a report covers."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

__all__ = ["Period", "PeriodError", "clock_text", "day_number"]

#: China has one time zone, 8 hours east, and no summer time.
_CHINA_MS: Final = 8 * 3600 * 1000
_DAY_MS: Final = 24 * 3600 * 1000
_EPOCH: Final = date(1970, 1, 1)

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH: Final = re.compile(r"[0-9]{4}-[0-9]{2}")
_DECEMBER: Final = 12


class PeriodError(ValueError):
    """The text names no day or month, or the last day comes before the first."""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days at the counter.

    Args:
        first: The first day.
        last: The last day, part of the period.

    Raises:
        PeriodError: If the last day comes before the first.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        """Refuse a period that ends before it begins."""
        if self.last < self.first:
            raise PeriodError(f"{self.last} comes before {self.first}")

    @classmethod
    def of_day(cls, text: str) -> "Period":
        """Read a day such as 2026-11-22.

        Raises:
            PeriodError: If it is none.
        """
        day = _date(text)
        return cls(day, day)

    @classmethod
    def of_month(cls, text: str) -> "Period":
        """Read a month such as 2026-11.

        Raises:
            PeriodError: If it is none.
        """
        if _MONTH.fullmatch(text) is None:
            raise PeriodError(f"a month reads like 2026-11, found {text!r}")
        first = _date(f"{text}-01")
        year, month = (first.year + 1, 1) if first.month == _DECEMBER else (first.year, first.month + 1)
        return cls(first, date(year, month, 1) - timedelta(days=1))

    @classmethod
    def between(cls, first: str, last: str) -> "Period":
        """Read two days such as 2026-11-01 and 2026-11-22.

        Raises:
            PeriodError: If one is none, or they are the wrong way round.
        """
        return cls(_date(first), _date(last))

    @property
    def from_ms(self) -> int:
        """The first millisecond of the period, since 1970."""
        return (self.first - _EPOCH).days * _DAY_MS - _CHINA_MS

    @property
    def to_ms(self) -> int:
        """The first millisecond behind the period, since 1970."""
        return ((self.last - _EPOCH).days + 1) * _DAY_MS - _CHINA_MS

    def __str__(self) -> str:
        """Give the period as it stands in a title."""
        return self.first.isoformat() if self.first == self.last else f"{self.first} … {self.last}"


def day_number(at_ms: int) -> int:
    """Give the day at the counter as days since 1970.

    Args:
        at_ms: Milliseconds since 1970.
    """
    return (at_ms + _CHINA_MS) // _DAY_MS


def clock_text(at_ms: int | None) -> str:
    """Write a time at the counter such as 2026-11-22 08:15:00; empty if there is none that a calendar holds.

    Args:
        at_ms: Milliseconds since 1970, or None.
    """
    if at_ms is None:
        return ""
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms + _CHINA_MS)).strftime(
            "%Y-%m-%d %H:%M:%S"
        )
    except OverflowError:
        return ""


def _date(text: str) -> date:
    if _DAY.fullmatch(text) is None:
        raise PeriodError(f"a day reads like 2026-11-22, found {text!r}")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise PeriodError(f"the calendar has no day {text}") from None
