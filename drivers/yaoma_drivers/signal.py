"""Signal: the word a driver is told when the operator must hear or see something."""

from enum import StrEnum

__all__ = ["Signal"]


class Signal(StrEnum):
    """What the indicator shows; the first five are verdict classes (DESIGN.md 2), the last is the box's own trouble."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    REPEAT = "REPEAT"
    REVIEW = "REVIEW"
    STOP = "STOP"
    FAULT = "FAULT"
    OUT_OF_SERVICE = "OUT_OF_SERVICE"
