"""Delivery: never twice in flight, never more than the window, everything there in the end."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fakes.tier import times
from yaoma.core.delivery import Delivery, Limits
from yaoma.core.spans import Span

LIMITS = Limits(batches=3, records=40, probe_records=2, receipt_ms=1000, silent_cap_ms=8000, settle_ms=100,
                refused_ms=50, refused_cap_ms=400)  # fmt: skip


def delivery(size: int, *, stored_upto: int = 0, limits: Limits = LIMITS, window: int = 20) -> Delivery:
    """Give a connected delivery without jitter."""
    one = Delivery(stored_upto=stored_upto, size=size, random=lambda: 0.0, limits=limits)
    one.connected(window, 0)
    return one


def hand_all(one: Delivery, now_ms: int, *, first_id: int = 1, max_records: int = 10) -> dict[int, Span]:
    """Hand over whatever may go now."""
    handed: dict[int, Span] = {}
    while (span := one.next_span(now_ms, max_records)) is not None:
        packet_id = first_id + len(handed)
        one.handed(packet_id, span, now_ms)
        handed[packet_id] = span
    return handed


def publish_all(one: Delivery, now_ms: int, *, first_id: int = 1, max_records: int = 10) -> list[Span]:
    """Hand over and have the broker take whatever may go now."""
    spans: list[Span] = []
    while (span := one.next_span(now_ms, max_records)) is not None:
        one.handed(first_id + len(spans), span, now_ms)
        one.acked(first_id + len(spans), is_success=True, now_ms=now_ms)
        spans.append(span)
    return spans


def test_next_span_when_never_connected_gives_nothing() -> None:
    """Nothing is handed over before there is a connection, and nothing needs to be waited for."""
    one = Delivery(stored_upto=0, size=5, random=lambda: 0.0, limits=LIMITS)

    assert one.next_span(0, 10) is None
    assert one.wake_at_ms() is None


def test_next_span_when_one_record_waits_gives_it_at_once() -> None:
    """A batch is never held back until it is full."""
    assert (4, 5) == delivery(5, stored_upto=4).next_span(0, 256)


@pytest.mark.parametrize(("receive_maximum", "batches"), [(1, 1), (2, 2), (20, 3)])
def test_window_is_the_smaller_one_of_ours_and_the_brokers(receive_maximum: int, batches: int) -> None:
    """No more batches are in flight than the broker's Receive Maximum and our limit allow."""
    one = delivery(100, window=receive_maximum)

    assert batches == len(hand_all(one, 0))


def test_records_without_receipt_stop_at_the_limit_and_go_on_with_a_receipt() -> None:
    """A broker that takes everything does not get more than the limit before the bridge has answered."""
    one = delivery(100)

    assert [(0, 10), (10, 20), (20, 30), (30, 40)] == publish_all(one, 0)
    one.receipt(25, (), 1)
    assert [(40, 50), (50, 60), (60, 65)] == publish_all(one, 1, first_id=10)


def test_disconnect_makes_everything_without_receipt_wait_again() -> None:
    """A PUBACK is not delivery: after a reconnect all that has no receipt is sent again, from the lowest place."""
    one = delivery(30)
    publish_all(one, 0)
    one.receipt(5, (), 1)
    one.disconnected(2)

    assert one.next_span(3, 100) is None
    one.connected(20, 3)
    assert (5, 30) == one.next_span(3, 100)


@pytest.mark.parametrize("is_success", [True, False])
def test_answer_of_an_earlier_connection_means_nothing(*, is_success: bool) -> None:
    """A packet id that is not in flight changes nothing, also if it was before the reconnect."""
    one = delivery(5)
    hand_all(one, 0)
    one.disconnected(0)
    one.connected(20, 1000)
    before = one.next_span(1000, 5)

    one.acked(1, is_success=is_success, now_ms=1000)

    assert before is not None
    assert before == one.next_span(1000, 5)


def test_negative_answers_of_a_whole_window_are_followed_by_one_small_probe_after_a_wait() -> None:
    """A broker that refuses is asked again by a single small batch, and more only follows when it takes that."""
    one = delivery(30)
    for packet_id in hand_all(one, 0):
        one.acked(packet_id, is_success=False, now_ms=0)

    assert one.is_refused
    assert one.next_span(0, 10) is None
    assert 25 == one.wake_at_ms()
    assert (0, 2) == one.next_span(25, 10)
    one.handed(9, (0, 2), 25)
    assert one.next_span(25, 10) is None
    one.acked(9, is_success=True, now_ms=25)
    assert not one.is_refused
    assert (2, 12) == one.next_span(25, 10)


def test_waits_after_negative_answers_grow_to_the_cap() -> None:
    """The wait doubles with each refusal and stops growing at its cap."""
    one, now_ms, waits = delivery(1), 0, []
    for packet_id in range(6):
        span = one.next_span(now_ms, 10)
        assert span is not None
        one.handed(packet_id, span, now_ms)
        one.acked(packet_id, is_success=False, now_ms=now_ms)
        until_ms = one.wake_at_ms()
        assert until_ms is not None
        waits.append(until_ms - now_ms)
        now_ms = until_ms

    assert [25, 50, 100, 200, 200, 200] == waits


def test_broker_that_hangs_up_on_a_batch_is_probed_after_a_wait() -> None:
    """A broker that ends the connection instead of answering has refused; the next try waits and is small."""
    one = delivery(30)
    hand_all(one, 0)
    one.disconnected(0)
    one.connected(20, 1)

    assert one.next_span(1, 10) is None
    assert (0, 2) == one.next_span(25, 10)


def test_batch_without_receipt_is_sent_again_after_the_deadline_and_as_a_small_probe() -> None:
    """A lost tail is found without new scans, and a silent bridge costs few bytes, ever more rarely."""
    one, times, now_ms = delivery(30), [], 0
    publish_all(one, 0)
    for packet_id in range(100, 106):
        wake_at_ms = one.wake_at_ms()
        assert wake_at_ms is not None
        now_ms = wake_at_ms
        span = one.next_span(now_ms, 10)
        assert span is not None
        assert 2 >= span[1] - span[0]
        one.handed(packet_id, span, now_ms)
        one.acked(packet_id, is_success=True, now_ms=now_ms)
        assert one.next_span(now_ms, 10) is None
        times.append(now_ms)

    assert one.is_unanswered
    assert [1000, 3000, 7000, 15000, 23000, 31000] == times


def test_new_records_flow_while_the_bridge_is_silent() -> None:
    """Silence holds back what was sent before, not what was never sent."""
    one = delivery(10)
    publish_all(one, 0)
    assert (0, 2) == one.next_span(1000, 10)
    one.handed(50, (0, 2), 1000)
    one.grown(12)

    assert (10, 12) == one.next_span(1000, 10)


def test_receipt_after_silence_sends_all_the_rest_at_full_speed() -> None:
    """As soon as the bridge is heard again, everything that is overdue goes in full batches."""
    one = delivery(30)
    publish_all(one, 0)
    assert one.next_span(1000, 10) is not None
    one.receipt(4, (), 1001)

    assert not one.is_unanswered
    assert [(4, 14), (14, 24), (24, 30)] == publish_all(one, 1001, first_id=50)


def test_missing_run_goes_before_everything_else() -> None:
    """What the bridge names as missing is sent before new records."""
    one = delivery(30)
    publish_all(one, 0)
    one.grown(33)
    one.receipt(3, ((3, 5), (8, 9)), 200)

    assert [(3, 5), (8, 9), (30, 33)] == publish_all(one, 200, first_id=50)


def test_missing_run_that_is_just_on_its_way_waits_until_it_has_settled() -> None:
    """A receipt that crossed the batch on the line does not make it travel twice at once."""
    one = delivery(10)
    publish_all(one, 0)
    one.receipt(0, ((0, 10),), 50)

    assert one.next_span(50, 10) is None
    assert 100 == one.wake_at_ms()
    assert (0, 10) == one.next_span(100, 10)


def test_missing_run_in_flight_is_not_handed_over_again() -> None:
    """What has no PUBACK yet is never in flight a second time, even if a restored bridge lacks it."""
    one = delivery(10, stored_upto=0)
    hand_all(one, 0)
    one.receipt(8, (), 1)
    one.receipt(0, ((0, 8),), 2)

    assert one.next_span(3, 10) is None


def test_restored_bridge_that_lost_records_gets_them_again() -> None:
    """A lower stored_upto makes the places above it wait again."""
    one = delivery(10, stored_upto=10)
    one.receipt(4, (), 0)

    assert 6 == one.pending
    assert (4, 10) == one.next_span(0, 10)


def test_record_that_is_set_aside_is_never_sent() -> None:
    """An unreadable record is left out, whatever the bridge asks for, and its neighbours go."""
    one = delivery(5)
    one.set_aside(2)

    assert [(0, 2), (3, 5)] == publish_all(one, 0)
    one.receipt(2, ((2, 3),), 500)
    one.disconnected(501)
    one.connected(20, 501)
    assert [(3, 5)] == publish_all(one, 501, first_id=50)


def test_receipt_beyond_the_log_is_a_mistake_of_the_caller() -> None:
    """A longer log at the bridge is a fork, which is not decided here."""
    with pytest.raises(ValueError, match="5 records"):
        delivery(5).receipt(6, (), 0)


def test_log_that_shrinks_is_a_mistake_of_the_caller() -> None:
    """A log only grows."""
    with pytest.raises(ValueError, match="never shrinks"):
        delivery(5).grown(4)


def test_handing_over_twice_is_a_mistake_of_the_caller() -> None:
    """A run that is in flight can't be handed over again, nor anything while disconnected."""
    one = delivery(5)
    one.handed(1, (0, 5), 0)
    with pytest.raises(ValueError, match="never twice"):
        one.handed(2, (4, 5), 0)
    one.disconnected(0)
    with pytest.raises(ValueError, match="while connected"):
        one.handed(3, (0, 5), 0)


def test_impossible_beginnings_are_refused() -> None:
    """No delivery begins beyond its log, and no window is empty."""
    with pytest.raises(ValueError, match="stored up to 6"):
        Delivery(stored_upto=6, size=5, random=lambda: 0.0, limits=LIMITS)
    with pytest.raises(ValueError, match="at least one"):
        delivery(5, window=0)


class LinkMachine(RuleBasedStateMachine):
    """A delivery against a broker and a bridge that lose, repeat, reorder, refuse, fall silent and are restored."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 0
        self.size = 0
        self.packet_id = 0
        self.flying: dict[int, Span] = {}
        self.line: list[Span] = []
        self.bridge: set[int] = set()
        self.receipts: list[tuple[int, int, tuple[Span, ...]]] = []
        self.epoch = self.known_epoch = 1
        self.is_online = False
        self.window = 0
        self.delivery = Delivery(stored_upto=0, size=0, random=lambda: 0.0, limits=LIMITS)

    @initialize(size=st.integers(0, 60))
    def begin(self, size: int) -> None:
        self.size = size
        self.delivery = Delivery(stored_upto=0, size=size, random=lambda: 0.5, limits=LIMITS)

    @rule(window=st.integers(1, 5))
    def connect(self, window: int) -> None:
        if not self.is_online:
            self.delivery.connected(window, self.now_ms)
            self.is_online, self.window = True, min(window, LIMITS.batches)

    @precondition(lambda self: self.is_online)
    @rule(arrived=st.booleans())
    def lose_connection(self, *, arrived: bool) -> None:
        if arrived:
            self.line += self.flying.values()
        self.flying.clear()
        self.delivery.disconnected(self.now_ms)
        self.is_online = False

    @rule(more=st.integers(1, 20))
    def scan(self, more: int) -> None:
        self.size += more
        self.delivery.grown(self.size)

    @rule(max_records=st.integers(1, 12), partly=st.booleans())
    def hand_over(self, max_records: int, *, partly: bool) -> None:
        span = self.delivery.next_span(self.now_ms, max_records)
        if span is None:
            return
        assert self.is_online
        assert 0 < span[1] - span[0] <= max_records
        assert self.delivery.stored_upto <= span[0]
        assert span[1] <= self.size
        if partly:
            span = span[0], max(span[0] + 1, (span[0] + span[1]) // 2)
        assert not any(one[0] < span[1] and span[0] < one[1] for one in self.flying.values())
        self.packet_id += 1
        self.delivery.handed(self.packet_id, span, self.now_ms)
        self.flying[self.packet_id] = span

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), answer=st.sampled_from(["taken", "dropped", "refused"]))
    def answer(self, data: st.DataObject, answer: str) -> None:
        packet_id = data.draw(st.sampled_from(sorted(self.flying)))
        span = self.flying.pop(packet_id)
        if answer == "taken":
            self.line.append(span)
        self.delivery.acked(packet_id, is_success=answer != "refused", now_ms=self.now_ms)

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def arrive_before_the_answer(self, data: st.DataObject) -> None:
        self.bridge |= set(range(*self.flying[data.draw(st.sampled_from(sorted(self.flying)))]))
        self.receipts.append(self.receipt())

    @precondition(lambda self: self.line)
    @rule(data=st.data(), twice=st.booleans())
    def arrive(self, data: st.DataObject, *, twice: bool) -> None:
        span = data.draw(st.sampled_from(self.line))
        if not twice:
            self.line.remove(span)
        self.bridge |= set(range(*span))
        self.receipts.append(self.receipt())

    @precondition(lambda self: self.receipts)
    @rule(data=st.data(), is_lost=st.booleans())
    def hear(self, data: st.DataObject, *, is_lost: bool) -> None:
        receipt = data.draw(st.sampled_from(self.receipts))
        self.receipts.remove(receipt)
        if not is_lost:
            self.take(receipt)

    @rule(kept=st.integers(0, 60))
    def restore_bridge(self, kept: int) -> None:
        self.bridge = {place for place in self.bridge if place < kept}
        self.epoch += 1
        self.line.clear()
        self.receipts = [self.receipt()]

    @rule(wait_ms=st.sampled_from([1, 60, 900, 20_000]))
    def wait(self, wait_ms: int) -> None:
        self.now_ms += wait_ms

    def receipt(self) -> tuple[int, int, tuple[Span, ...]]:
        upto = self.stored_upto()
        lacks = [place for place in range(upto, max(self.bridge, default=0)) if place not in self.bridge]
        return self.epoch, upto, tuple((place, place + 1) for place in lacks)

    def stored_upto(self) -> int:
        return next(place for place in range(self.size + 1) if place not in self.bridge)

    def take(self, receipt: tuple[int, int, tuple[Span, ...]]) -> None:
        epoch, upto, missing = receipt
        # as the uploader does: an old receipt never lowers the number, a restored bridge's may
        if epoch > self.known_epoch or (epoch == self.known_epoch and upto >= self.delivery.stored_upto):
            self.known_epoch = epoch
            self.delivery.receipt(upto, missing, self.now_ms)

    @invariant()
    def window_holds(self) -> None:
        assert len(self.flying) == self.delivery.in_flight
        assert self.delivery.in_flight <= self.window or not self.is_online

    @invariant()
    def wish_to_be_woken_lies_ahead_once_asked(self) -> None:
        if self.delivery.next_span(self.now_ms, 1) is None:
            wake_at_ms = self.delivery.wake_at_ms()
            assert wake_at_ms is None or wake_at_ms > self.now_ms

    def teardown(self) -> None:
        """With the link back and nothing lost any more, everything is stored, by waiting only as long as asked."""
        self.connect(window=3)
        self.take(self.receipt())
        for _ in range(400):
            if self.delivery.stored_upto == self.size:
                return
            self.hand_over(max_records=10, partly=False)
            for packet_id in list(self.flying):
                self.bridge |= set(range(*self.flying.pop(packet_id)))
                self.delivery.acked(packet_id, is_success=True, now_ms=self.now_ms)
                self.take(self.receipt())
            if self.delivery.next_span(self.now_ms, 1) is None and self.delivery.stored_upto < self.size:
                wake_at_ms = self.delivery.wake_at_ms()
                assert wake_at_ms is not None, "records wait and nothing will wake the uploader"
                self.now_ms = wake_at_ms
        raise AssertionError("not everything arrived")


TestLink = LinkMachine.TestCase
TestLink.settings = settings(max_examples=times(80, 500), stateful_step_count=40, deadline=None)
