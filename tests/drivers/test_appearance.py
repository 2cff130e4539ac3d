"""Appearances: a code in view is one scan, against a model that looks at the whole history."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from yaoma_drivers.appearance import Appearances
from yaoma_drivers.decoding.reading import Reading

GONE_MS = 1000
A, B = b"81234567890123456789", b"81234567890123456790"
PLACES = [A, B, b"C"]


class Seen:
    """Appearances, told of texts, each at a place of its own."""

    def __init__(self, gone_ms: int, confirm_frames: int) -> None:
        self.inner = Appearances(gone_ms, confirm_frames)
        self.still = self.inner.still

    def look(self, texts: Iterable[bytes], now_ms: int, *, moved: bool = True) -> list[bytes]:
        """Show each text where it always stands."""
        readings = [at(text, 300 * PLACES.index(text)) for text in dict.fromkeys(texts)]
        return [reading.data for reading in self.inner.look(readings, now_ms, moved=moved)]


def at(text: bytes, left: int, *, is_sure: bool = True) -> Reading:
    """Read a text somewhere along a line."""
    return Reading(text, "]C0", ((left, 0), (left + 200, 0), (left + 200, 80), (left, 80)), is_sure=is_sure)


looks = st.lists(
    st.tuples(st.sampled_from([0, 33, 200, 999, 1000, 5000]), st.frozensets(st.sampled_from([A, B, b"C"]))), max_size=60
)


@given(history=looks)
def test_look_when_codes_come_and_go_then_each_stay_counts_once(
    history: list[tuple[int, frozenset[bytes]]],
) -> None:
    """A code counts when it was not seen in the last second, and at no other time."""
    appearances, now_ms, seen_ms = Seen(GONE_MS, 1), 0, dict[bytes, int]()
    for pause_ms, texts in history:
        now_ms += pause_ms
        expected = {text for text in texts if text not in seen_ms or now_ms - seen_ms[text] >= GONE_MS}
        appeared = appearances.look(sorted(texts), now_ms)
        assert set(appeared) == expected
        assert len(appeared) == len(expected)
        seen_ms |= dict.fromkeys(texts, now_ms)


@given(history=looks, confirm_frames=st.integers(2, 5))
def test_look_when_reads_must_agree_then_a_code_counts_only_after_so_many_of_five(
    history: list[tuple[int, frozenset[bytes]]], confirm_frames: int
) -> None:
    """Whenever a code counts, it was read in enough of the last five looks; and it counts no more often than before."""
    appearances, plain, now_ms = Seen(GONE_MS, confirm_frames), Seen(GONE_MS, 1), 0
    counts = plain_counts = 0
    for index, (pause_ms, texts) in enumerate(history):
        now_ms += pause_ms
        recent = [shown for _, shown in history[max(0, index - 4) : index + 1]]
        for text in appearances.look(texts, now_ms):
            assert sum(text in shown for shown in recent) >= confirm_frames
            counts += 1
        plain_counts += len(plain.look(texts, now_ms))
    assert counts <= plain_counts
    assert len(appearances.inner._reads) <= 3
    assert len(appearances.inner._seen_ms) <= 3


def test_look_when_a_code_is_read_again_then_it_counts_at_the_second_read() -> None:
    """With two reads wanted, one misread between them counts as nothing."""
    appearances = Seen(GONE_MS, 2)
    assert appearances.look([A], 0) == []
    assert appearances.look([B], 33) == []
    assert appearances.look([A], 66) == [A]
    assert appearances.look([A, A, B], 99) == [B]


def test_look_when_the_reads_lie_far_apart_then_they_do_not_agree() -> None:
    """The same misread again six looks later is still a misread."""
    appearances = Seen(GONE_MS, 2)
    appearances.look([A], 0)
    for look in range(1, 6):
        appearances.look([], look)
    assert appearances.look([A], 6) == []
    assert appearances.look([A], 7) == [A]


def test_still_when_a_scene_stays_unread_then_its_codes_stay_in_view() -> None:
    """A pack that lies for a minute is one scan, though its picture is not decoded all the time."""
    appearances = Seen(GONE_MS, 1)
    assert appearances.look([A, B], 0) == [A, B]
    for now_ms in range(33, 60_000, 33):
        appearances.still(now_ms)
    assert appearances.look([A], 60_000) == []
    assert appearances.look([B], 60_033, moved=True) == []


def test_still_when_a_code_was_only_in_the_scene_before_then_it_goes() -> None:
    """What has moved out of view is not held by the still scene that follows, and counts when it is back."""
    appearances = Seen(GONE_MS, 1)
    appearances.look([A], 0)
    appearances.look([B], 33, moved=True)
    for now_ms in range(66, 2000, 33):
        appearances.still(now_ms)
    assert appearances.look([A, B], 2000) == [A]


def test_look_when_a_still_scene_is_read_worse_the_second_time_then_nothing_is_lost() -> None:
    """A code that one of several tries has seen stays in view as long as the scene is still."""
    appearances = Seen(GONE_MS, 1)
    appearances.look([A], 0)
    appearances.look([], 33, moved=False)
    for now_ms in range(66, 5000, 33):
        appearances.still(now_ms)
    assert appearances.look([A], 5000, moved=False) == []


def test_still_when_the_camera_stalls_over_an_unchanged_scene_then_nothing_counts_twice() -> None:
    """Two seconds without a picture, and the scene is the same after it: the pack has not moved."""
    appearances = Seen(GONE_MS, 1)
    appearances.look([A], 0)
    appearances.still(2000)
    assert appearances.look([A], 4000, moved=False) == []
    assert appearances.look([A], 6000, moved=True) == [A]


def test_look_when_two_packs_bear_one_text_then_each_counts_once() -> None:
    """Equal codes at two places at once are two scans, however often they are looked at; a third makes one more."""
    appearances = Appearances(GONE_MS, 2)
    two = [at(A, 0), at(A, 500)]
    assert appearances.look(two, 0) == []
    assert appearances.look(two, 33) == two
    assert appearances.look(two, 66) == []
    assert appearances.look([*two, at(A, 900)], 99) == []
    assert appearances.look([*two, at(A, 900)], 132) == [at(A, 900)]


def test_look_when_a_second_copy_flashes_by_then_it_does_not_count() -> None:
    """One picture in which a label is seen twice makes no second pack."""
    appearances = Appearances(GONE_MS, 2)
    for now_ms, seen in enumerate([[at(A, 0)], [at(A, 0)], [at(A, 0), at(A, 500)], [at(A, 0)], [at(A, 0)]]):
        assert len(appearances.look(seen, now_ms)) == (now_ms == 1)


def test_look_when_a_reading_is_not_sure_then_it_needs_one_picture_more() -> None:
    """Nothing vouches for it but that it comes again."""
    appearances = Appearances(GONE_MS, 2)
    found = [appearances.look([at(A, 0, is_sure=False)], now_ms) for now_ms in range(3)]
    assert [len(counted) for counted in found] == [0, 0, 1]


def test_look_when_two_texts_are_read_in_turn_at_one_place_then_neither_counts_until_something_moves() -> None:
    """A still label has one text; whoever reads two of it has misread one, and nobody knows which."""
    appearances = Appearances(GONE_MS, 2)
    appearances.look([at(A, 0)], 0)
    assert appearances.look([at(B, 10)], 33, moved=False) == []
    for now_ms in (66, 99, 132):
        assert appearances.look([at(A, 0)], now_ms, moved=False) == []
    assert appearances.look([at(A, 0)], 165) == []
    assert appearances.look([at(A, 0)], 198, moved=False) == [at(A, 0)]
