"""Delivery: which records of one log to hand over to the broker next, and what an answer means.

Each place between what the bridge has stored and the end of the log is in one of four states; `_MOVES` is the whole
machine. Everything that changes a state is in this file, and this file knows neither a socket nor a clock.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from yaoma.core.spans import Runs, Span

__all__ = ["Delivery", "Limits"]


class _State(Enum):
    WAITING = auto()  # to be handed over
    FLYING = auto()  # handed over, no PUBACK yet
    PUBLISHED = auto()  # the broker has it; no receipt yet
    OVERDUE = auto()  # the receipt did not come in time


class _Cause(Enum):
    HANDED = auto()  # given to the MQTT session
    TAKEN = auto()  # a PUBACK that says success
    REFUSED = auto()  # any other PUBACK
    SILENCE = auto()  # the receipt's deadline has passed
    MISSED = auto()  # the bridge names it as missing
    ANSWERED = auto()  # the bridge is heard again
    LOST = auto()  # the connection is gone


# A state and a cause without a line leave the place where it is.
_MOVES = {
    (_State.WAITING, _Cause.HANDED): _State.FLYING,
    (_State.OVERDUE, _Cause.HANDED): _State.FLYING,
    (_State.FLYING, _Cause.TAKEN): _State.PUBLISHED,
    (_State.FLYING, _Cause.REFUSED): _State.WAITING,
    (_State.FLYING, _Cause.LOST): _State.WAITING,
    (_State.PUBLISHED, _Cause.LOST): _State.WAITING,
    (_State.PUBLISHED, _Cause.SILENCE): _State.OVERDUE,
    (_State.PUBLISHED, _Cause.MISSED): _State.WAITING,
    (_State.OVERDUE, _Cause.MISSED): _State.WAITING,
    (_State.OVERDUE, _Cause.ANSWERED): _State.WAITING,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be under way and how long to be patient; times in milliseconds.

    Args:
        batches: Most batches in flight; the broker's Receive Maximum may lower it (MQTT 5, 3.2.2.3.3).
        records: Most records that are under way without a receipt.
        probe_records: Most records of a batch that only asks whether anybody is there.
        receipt_ms: How long to wait for a receipt; up to a quarter is added at random (DESIGN.md 8).
        silent_cap_ms: Longest wait between two probes of a bridge that stays silent.
        settle_ms: For so long after its PUBACK a record may be named as missing and yet be on its way.
        refused_ms: First wait after a negative PUBACK; it doubles with each one.
        refused_cap_ms: Longest wait after a negative PUBACK.
    """

    batches: int = 8
    records: int = 8192
    probe_records: int = 16
    receipt_ms: int = 60_000
    silent_cap_ms: int = 600_000
    settle_ms: int = 5_000
    refused_ms: int = 1_000
    refused_cap_ms: int = 60_000


@dataclass(frozen=True, slots=True)
class _Deadline:
    at_ms: int
    taken_ms: int
    span: Span
    is_missed: bool = False


class Delivery:
    """What is to be sent of one log.

    A record that never got a receipt is sent again: at once after a reconnect or when the bridge names it as missing,
    else after `receipt_ms`. While the bridge stays silent only a small probe is sent again, ever more rarely, because
    bytes cost money on a rural line; records that were never sent go on flowing up to the limit. A broker that
    refuses (no right to publish, nobody subscribed) is probed in the same way.

    Args:
        stored_upto: The bridge has all places below.
        size: Number of records in the log.
        random: Gives a number of 0.0 <= x < 1.0.
        limits: How much may be under way and how long to be patient.
    """

    def __init__(self, *, stored_upto: int, size: int, random: Callable[[], float], limits: Limits) -> None:
        if not 0 <= stored_upto <= size:
            raise ValueError(f"a log of {size} records can't be stored up to {stored_upto}")
        self._stored_upto = stored_upto
        self._size = size
        self._random = random
        self._limits = limits
        self._places = {state: Runs() for state in _State}
        self._places[_State.WAITING].add((stored_upto, size))
        self._set_aside = Runs()
        self._packets: dict[int, Span] = {}
        self._deadlines: list[_Deadline] = []
        self._window = 0
        self._refusals = 0
        self._hold_until_ms = 0
        self._silences = 0
        self._probe_at_ms: int | None = None
        self._has_answer = True

    @property
    def stored_upto(self) -> int:
        """The bridge has all places below, as far as is known here."""
        return self._stored_upto

    @property
    def size(self) -> int:
        """Number of records in the log."""
        return self._size

    @property
    def pending(self) -> int:
        """How many records the bridge has not confirmed."""
        return self._size - self._stored_upto

    @property
    def in_flight(self) -> int:
        """How many batches have no PUBACK yet."""
        return len(self._packets)

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits to be handed over and nothing waits for a PUBACK."""
        return not self._packets and not self._places[_State.WAITING] and not self._places[_State.OVERDUE]

    @property
    def is_refused(self) -> bool:
        """Whether the broker's last answer was negative."""
        return self._refusals > 0

    @property
    def is_unanswered(self) -> bool:
        """Whether the bridge has let a receipt's deadline pass and was not heard since."""
        return self._probe_at_ms is not None

    def connected(self, window: int, now_ms: int) -> None:
        """Begin to hand over.

        Args:
            window: The broker's Receive Maximum.
            now_ms: Milliseconds that never go back.

        Raises:
            ValueError: If the window is no positive number.
        """
        if window < 1:
            raise ValueError("a window holds at least one batch")
        self._window = min(window, self._limits.batches)
        self._has_answer = False
        if self._probe_at_ms is not None:
            self._probe_at_ms = now_ms

    def disconnected(self, now_ms: int) -> None:
        """Take back everything without a receipt: the broker may have dropped it.

        A broker that ends the connection instead of answering (a packet too long, a right that is missing) has
        refused; without the wait the box would connect and be thrown out in circles.
        """
        if self._packets and not self._has_answer:
            self._refuse(now_ms)
        self._window = 0
        self._packets.clear()
        self._move((0, self._size), _Cause.LOST)
        self._places[_State.WAITING].remove((0, self._stored_upto))

    def grown(self, size: int) -> None:
        """Take notice of new records.

        Raises:
            ValueError: If the log has become shorter.
        """
        if size < self._size:
            raise ValueError(f"a log never shrinks: {size} after {self._size}")
        self._wait((self._size, size))
        self._size = size

    def set_aside(self, seq: int) -> None:
        """Never send this record (again): it can't be read, or no packet can hold it."""
        self._set_aside.add((seq, seq + 1))
        self._places[_State.WAITING].remove((seq, seq + 1))
        self._places[_State.OVERDUE].remove((seq, seq + 1))

    def next_span(self, now_ms: int, max_records: int) -> Span | None:
        """Give the run to hand over next, or None if there is none now; the lowest places come first.

        Args:
            now_ms: Milliseconds that never go back.
            max_records: Most records of one batch.
        """
        self._expire(now_ms)
        if self._is_full or now_ms < self._hold_until_ms:
            return None
        overdue, waiting = self._places[_State.OVERDUE].first, self._places[_State.WAITING].first
        if overdue is not None and self._probe_at_ms is not None and self._probe_at_ms <= now_ms:
            return _cut(overdue, min(max_records, self._limits.probe_records))
        if waiting is None:
            return None
        under_way = sum(self._places[one].places for one in (_State.FLYING, _State.PUBLISHED, _State.OVERDUE))
        room = self._limits.records - under_way
        most = min(max_records, self._limits.probe_records) if self._refusals else max_records
        return _cut(waiting, min(most, room)) if room > 0 else None

    def handed(self, packet_id: int, span: Span, now_ms: int) -> None:
        """Note that a run was given to the session under a packet id.

        Raises:
            ValueError: If there is no connection, the packet id is taken, or part of the run is in flight already.
        """
        if not self._window or packet_id in self._packets or self._places[_State.FLYING].within(span):
            raise ValueError("a record is handed over while connected, and never twice at a time")
        if self._places[_State.OVERDUE].within(span):
            self._silences += 1
            self._probe_at_ms = now_ms + self._patience_ms()
        self._packets[packet_id] = span
        self._move(span, _Cause.HANDED)

    def acked(self, packet_id: int, *, is_success: bool, now_ms: int) -> None:
        """Take a PUBACK; anything but success leaves the run waiting (STYLE.md 5, rule 15).

        Args:
            packet_id: As `handed` got it; an unknown one means nothing.
            is_success: True for reason code 0x00 only; 0x10 says that nobody has heard it.
            now_ms: Milliseconds that never go back.
        """
        span = self._packets.pop(packet_id, None)
        if span is None:
            return
        self._has_answer = True
        self._move(span, _Cause.TAKEN if is_success else _Cause.REFUSED)
        if is_success:
            self._refusals = 0
            self._hold_until_ms = 0
            self._places[_State.PUBLISHED].remove((0, self._stored_upto))
            for one in self._places[_State.PUBLISHED].within(span):
                self._deadlines.append(_Deadline(now_ms + self._patience_ms(), now_ms, one))
        else:
            self._places[_State.WAITING].remove((0, self._stored_upto))
            self._refuse(now_ms)

    def receipt(self, stored_upto: int, missing: Sequence[Span], now_ms: int) -> None:
        """Take what the bridge says it has; the caller has checked signature, order, epoch and root.

        Args:
            stored_upto: The bridge has all places below; lower than before only after it was restored.
            missing: Runs that it lacks though it has something behind them.
            now_ms: Milliseconds that never go back.

        Raises:
            ValueError: If the log is shorter than that.
        """
        if not 0 <= stored_upto <= self._size:
            raise ValueError(f"a log of {self._size} records can't be stored up to {stored_upto}")
        self._silences, self._probe_at_ms = 0, None
        for state in (_State.WAITING, _State.PUBLISHED, _State.OVERDUE):
            self._places[state].remove((0, stored_upto))
        fallen_back, self._stored_upto = (stored_upto, self._stored_upto), stored_upto
        self._move((0, self._size), _Cause.ANSWERED)
        if fallen_back[0] < fallen_back[1]:
            self._wait(fallen_back)
        self._trim_deadlines()
        for run in missing:
            self._miss(run, now_ms)

    def wake_at_ms(self) -> int | None:
        """Give the time at which `next_span` must be asked again though nothing has happened, or None."""
        if not self._window:
            return None
        times = [one.at_ms for one in self._deadlines]
        if not self._is_full:
            if self._places[_State.OVERDUE] and self._probe_at_ms is not None:
                times.append(max(self._probe_at_ms, self._hold_until_ms))
            if self._places[_State.WAITING] and self._refusals:
                times.append(self._hold_until_ms)
        return min(times, default=None)

    @property
    def _is_full(self) -> bool:
        return len(self._packets) >= (min(1, self._window) if self._refusals else self._window)

    def _move(self, span: Span, cause: _Cause) -> None:
        moved = [
            (state, target, part)
            for (state, one), target in _MOVES.items()
            if one is cause
            for part in self._places[state].within(span)
        ]
        for state, _, part in moved:
            self._places[state].remove(part)
        for state, target, part in moved:
            if target is _State.WAITING:
                self._wait(part)
            else:
                self._places[target].add(part)
            if state is _State.PUBLISHED:
                self._trim_deadlines()

    def _wait(self, span: Span) -> None:
        waiting = self._places[_State.WAITING]
        waiting.add(span)
        # in flight is never handed over again, whatever the bridge says
        for part in (*self._set_aside.within(span), *self._places[_State.FLYING].within(span)):
            waiting.remove(part)

    def _miss(self, run: Span, now_ms: int) -> None:
        settled_ms = now_ms - self._limits.settle_ms
        for index, one in enumerate(self._deadlines):
            if one.taken_ms > settled_ms and _overlap(one.span, run):
                # it may have been on its way when the receipt was made; the next receipt tells
                at_ms = min(one.at_ms, one.taken_ms + self._limits.settle_ms)
                self._deadlines[index] = replace(one, at_ms=at_ms, is_missed=True)
        for one in tuple(self._deadlines):
            if one.taken_ms <= settled_ms and _overlap(one.span, run):
                self._move((max(one.span[0], run[0]), min(one.span[1], run[1])), _Cause.MISSED)

    def _expire(self, now_ms: int) -> None:
        for one in [one for one in self._deadlines if one.at_ms <= now_ms]:
            self._move(one.span, _Cause.MISSED if one.is_missed else _Cause.SILENCE)
        if self._places[_State.OVERDUE] and self._probe_at_ms is None:
            self._probe_at_ms = now_ms

    def _trim_deadlines(self) -> None:
        published = self._places[_State.PUBLISHED]
        self._deadlines = [replace(one, span=part) for one in self._deadlines for part in published.within(one.span)]

    def _refuse(self, now_ms: int) -> None:
        # a whole window that is refused together counts once
        if now_ms >= self._hold_until_ms:
            self._refusals += 1
            longest_ms = min(self._limits.refused_cap_ms, self._limits.refused_ms << min(self._refusals - 1, 16))
            self._hold_until_ms = now_ms + round(longest_ms * (1 + self._random()) / 2)

    def _patience_ms(self) -> int:
        longest_ms = self._limits.receipt_ms << min(self._silences, 16)
        return round(min(self._limits.silent_cap_ms, longest_ms) * (1 + self._random() / 4))


def _cut(span: Span, records: int) -> Span:
    return span[0], min(span[1], span[0] + records)


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]
