"""ScriptedPlatform: a platform in memory whose answers a test writes down beforehand."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from pydantic import BaseModel

from yaoma_bridge.bill import Bill, BillLine
from yaoma_bridge.platform import Answer, AnswerState, Order, Pace, Parcel, Ruling

__all__ = ["ScriptedPlatform"]

_ACCEPTED = Answer(AnswerState.ACCEPTED)


class ScriptedPlatform:
    """Takes bills, at most `most` lines in a parcel; counts what was sent."""

    KIND: ClassVar[str] = "scripted"
    Options: ClassVar[type[BaseModel]] = BaseModel

    def __init__(self, *, order: Order = Order.CODE, pace: Pace | None = None, most: int = 100) -> None:
        self.name = "scripted"
        self.order = order
        self.pace = pace or Pace(first_ask_s=1, longest_ask_s=60)
        self.most = most
        self.answers: list[Answer | Exception] = []
        self.asked: list[Answer] = []
        self.sent: list[Parcel] = []
        self.questions: list[str] = []
        self.ruling: Callable[[Bill, BillLine], Ruling] = lambda bill, line: Ruling()
        self.follows = False

    def rule(self, bill: Bill, line: BillLine) -> Ruling:
        return self.ruling(bill, line)

    def parcels(self, bill: Bill) -> Sequence[Parcel]:
        numbers = range(len(bill.lines))
        made: list[Parcel] = []
        for first in range(0, len(bill.lines), self.most):
            number = bill.number if first == 0 else f"{bill.number}_{first // self.most}"
            follows = made[-1].number if self.follows and made else ""
            made.append(Parcel(number, "take", bill, tuple(numbers[first : first + self.most]), follows=follows))
        return made

    def send(self, parcel: Parcel, now_ms: int) -> Answer:
        self.sent.append(parcel)
        said = self.answers.pop(0) if self.answers else _ACCEPTED
        if isinstance(said, Exception):
            raise said
        return said

    def ask(self, parcel: Parcel, now_ms: int) -> Answer:
        self.questions.append(parcel.number)
        return self.asked.pop(0) if self.asked else _ACCEPTED

    def close(self) -> None:
        pass

    @property
    def codes_sent(self) -> list[str]:
        """The codes of everything sent, in order."""
        return [line.code for parcel in self.sent for line in parcel.carried]
