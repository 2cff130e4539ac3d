"""The answer book: every scan gets exactly one answer."""

from hypothesis import given
from hypothesis import strategies as st

from yaoma_drivers.answer_book import AnswerBook
from yaoma_drivers.symbol import Symbol

WITHIN_MS = 100


def symbol(at_ms: int, text: bytes = b"8123") -> Symbol:
    """Read something at a time."""
    return Symbol(text, "gun", at_ms)


def test_answered_when_in_time_then_only_once() -> None:
    """An answer counts for the scan that it belongs to, and no second one does."""
    book = AnswerBook(WITHIN_MS)
    book.scanned(symbol(0))
    book.scanned(symbol(5))
    assert book.due_ms == 100
    assert not book.is_overdue(99)
    assert book.answered(symbol(5))
    assert not book.answered(symbol(5))
    assert not book.answered(symbol(7))
    assert book.is_overdue(100)
    assert not book.is_overdue(1000)
    assert not book.answered(symbol(0))
    assert book.due_ms is None


def test_scanned_when_more_wait_than_it_follows_then_the_oldest_is_answered_at_once() -> None:
    """A scanner that does not wait cannot fill the memory, and none of its scans goes without an answer."""
    book = AnswerBook(WITHIN_MS)
    for at_ms in range(70):
        book.scanned(symbol(at_ms))
    assert book.due_ms == 0
    assert [book.is_overdue(70) for _ in range(7)] == [True] * 6 + [False]
    assert book.answered(symbol(6))


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("scan"), st.integers(0, 50)),
            st.tuples(st.just("answer"), st.integers(0, 40)),
            st.tuples(st.just("look"), st.integers(0, 200)),
        ),
        max_size=60,
    )
)
def test_book_when_anything_happens_then_answers_and_scans_are_equal_in_number(
    steps: list[tuple[str, int]],
) -> None:
    """Whatever the order, each scan is answered once: by the box, or by the driver when its time is over."""
    book, now_ms, answers = AnswerBook(WITHIN_MS), 0, 0
    scans: list[Symbol] = []
    for what, figure in steps:
        if what == "scan":
            now_ms += figure
            scans.append(symbol(now_ms, b"8" * (len(scans) + 1)))
            book.scanned(scans[-1])
        elif what == "answer" and figure < len(scans):
            answers += book.answered(scans[figure])
        elif what == "look":
            now_ms += figure
            answers += book.is_overdue(now_ms)
        assert answers <= len(scans)
    while book.is_overdue(now_ms + WITHIN_MS):
        answers += 1
    assert answers == len(scans)
    assert book.due_ms is None
