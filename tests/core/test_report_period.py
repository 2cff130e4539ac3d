"""Periods: whole days at the counter, whatever the machine's own time zone is."""

import pytest

from yaoma.core.report_period import Period, PeriodError, clock_text, day_number

#: 2026-11-22 00:00 in China.
_MIDNIGHT_MS = 1_795_276_800_000


def test_period_when_a_day_then_it_is_the_day_in_china() -> None:
    """A day begins at 16:00 UTC of the day before and lasts 24 hours."""
    day = Period.of_day("2026-11-22")

    assert (_MIDNIGHT_MS, _MIDNIGHT_MS + 86_400_000) == (day.from_ms, day.to_ms)
    assert day_number(day.from_ms) == day_number(day.to_ms - 1) == day_number(day.to_ms) - 1
    assert "2026-11-22 00:00:00" == clock_text(day.from_ms)
    assert "2026-11-22 23:59:59" == clock_text(day.to_ms - 1)


@pytest.mark.parametrize(
    ("month", "first", "last"),
    [
        ("2026-11", "2026-11-01", "2026-11-30"),
        ("2026-12", "2026-12-01", "2026-12-31"),
        ("2028-02", "2028-02-01", "2028-02-29"),
    ],
)
def test_period_when_a_month_then_from_its_first_to_its_last_day(month: str, first: str, last: str) -> None:
    """A month has as many days as the calendar says."""
    assert Period.between(first, last) == Period.of_month(month)


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "26-11", "2026-11-01", "", "２０２６-11"])
def test_period_when_no_month_then_refused(text: str) -> None:
    """What is no month is never taken for one."""
    with pytest.raises(PeriodError):
        Period.of_month(text)


@pytest.mark.parametrize("text", ["2026-02-30", "2026-11", "20261122", "2026-11-22T00:00", " 2026-11-22"])
def test_period_when_no_day_then_refused(text: str) -> None:
    """What is no day is never taken for one."""
    with pytest.raises(PeriodError):
        Period.of_day(text)


def test_period_when_the_wrong_way_round_then_refused() -> None:
    """A report can't end before it begins."""
    with pytest.raises(PeriodError):
        Period.between("2026-11-02", "2026-11-01")


def test_clock_text_when_no_calendar_holds_it_then_empty() -> None:
    """A clock that was never set does not stop a report."""
    assert "" == clock_text(2**53) == clock_text(None)
