"""The delta of a list: one form, checked in every part."""

import random
import tracemalloc
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma.core.code_key import cn20_digits, cn20_key, code_key
from yaoma.core.list_delta import DeltaError, DeltaReader, ListDelta
from yaoma.core.lot_table import UNKNOWN_LOT, BaseAnswer
from yaoma.core.trace_code import Cn20, CodeError, Gs1

CN20_KEYS = st.integers(0, 10**19 - 1).map(lambda number: cn20_key(f"8{number:019}"))
KEYS = st.one_of(CN20_KEYS, st.binary(min_size=16, max_size=16))
LOTS = st.sampled_from(
    [UNKNOWN_LOT, BaseAnswer("A", date(2027, 1, 31)), BaseAnswer("批"), BaseAnswer(None, date(2027, 1, 31))]
)


@given(adds=st.dictionaries(KEYS, LOTS), removes=st.sets(KEYS), first=st.integers(1, 2**40))
def test_delta_when_written_and_read_then_it_is_the_same(
    adds: dict[bytes, BaseAnswer], removes: set[bytes], first: int
) -> None:
    """And written again it has the same bytes, whatever order its parts had."""
    delta = ListDelta(first, first + 1, adds, removes - adds.keys())
    content = delta.encoded()
    assert ListDelta.parse(content) == delta
    assert ListDelta(first, first + 1, dict(reversed(adds.items())), sorted(removes - adds.keys())).encoded() == content


def test_delta_when_any_byte_changes_then_it_is_refused_or_another_delta() -> None:
    """No two texts mean the same, and garbage ends in its own error."""
    adds = {cn20_key(f"8{number:019}"): BaseAnswer(f"L{number % 3}") for number in range(40)}
    adds[code_key(Gs1("06901234567892", "A"))] = UNKNOWN_LOT
    whole = ListDelta(1, 2, adds, [cn20_key("8" * 20), b"x" * 16]).encoded()
    chance = random.Random(3)
    refused = 0
    for _ in range(1000):
        changed = bytearray(whole)
        changed[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        try:
            assert ListDelta.parse(bytes(changed)).encoded() == changed
        except DeltaError:
            refused += 1
    assert refused > 300


@pytest.mark.parametrize("cut", [0, 10, 55, 56, -1])
def test_delta_when_it_is_cut_off_or_longer_then_it_is_refused(cut: int) -> None:
    """The header says how long it is."""
    whole = ListDelta(1, 2, {cn20_key("8" * 20): BaseAnswer("A")}, []).encoded()
    with pytest.raises(DeltaError):
        ListDelta.parse(whole[:cut])
    with pytest.raises(DeltaError):
        ListDelta.parse(whole + b"\0")


def test_delta_when_it_contradicts_itself_then_it_is_refused() -> None:
    """A code both added and removed, a way back in versions, a key of another width."""
    key = cn20_key("8" * 20)
    for delta in (
        ListDelta(1, 2, {key: UNKNOWN_LOT}, [key]),
        ListDelta(2, 2, {}, []),
        ListDelta(0, 2, {}, []),
        ListDelta(1, 2, {b"short": UNKNOWN_LOT}, []),
        ListDelta(1, 2, {}, [b"\xff" * 9]),
        ListDelta(1, 2, {key: BaseAnswer(" ")}, []),
    ):
        with pytest.raises(DeltaError):
            delta.encoded()


def test_delta_when_its_lot_table_holds_more_than_is_named_then_it_is_refused() -> None:
    """Otherwise one delta could be written in many ways."""
    whole = ListDelta(1, 2, {cn20_key("8" * 20): BaseAnswer("A")}, []).encoded()
    with pytest.raises(DeltaError, match="no code names"):
        ListDelta.parse(whole[:-4] + bytes(4))


@given(number=st.integers(0, 10**19 - 1))
def test_key_when_made_of_twenty_digits_then_they_come_back(number: int) -> None:
    """Exactly, and keys sort as the digits do."""
    digits = f"8{number:019}"
    assert cn20_digits(code_key(Cn20(digits))) == digits
    other = f"8{(number * 7 + 1) % 10**19:019}"
    assert (cn20_key(digits) < cn20_key(other)) == (digits < other)


@pytest.mark.parametrize("key", [b"", b"\0" * 9, b"\xff" * 9, b"x" * 16, cn20_key("8" * 20) + b"\0"])
def test_key_when_it_is_none_of_twenty_digits_then_it_is_refused(key: bytes) -> None:
    """Bytes out of range are no code."""
    with pytest.raises(CodeError):
        cn20_digits(key)


def test_delta_when_read_row_by_row_then_it_takes_the_memory_of_a_few_rows() -> None:
    """A delta of two million rows must not need more than the update's unit may have."""
    rows = 40_000
    adds = {cn20_key(f"8{number:019}"): BaseAnswer(f"L{number % 100}") for number in range(0, 2 * rows, 2)}
    data = ListDelta(1, 2, adds, [cn20_key(f"8{number:019}") for number in range(1, rows, 2)]).encoded()
    tracemalloc.start()
    try:
        reader = DeltaReader(lambda at, size: data[at : at + size], len(data))
        seen = sum(1 for _ in reader.rows())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert rows + rows // 2 == seen == reader.count
    assert peak < 500_000


@given(adds=st.dictionaries(KEYS, LOTS), removes=st.sets(KEYS))
def test_delta_when_read_row_by_row_then_rows_of_a_kind_ascend(
    adds: dict[bytes, BaseAnswer], removes: set[bytes]
) -> None:
    """Added and removed keys come merged, so that a key in both could not hide."""
    data = ListDelta(1, 2, adds, removes - adds.keys()).encoded()
    rows = list(DeltaReader(lambda at, size: data[at : at + size], len(data)).rows())

    assert {key: known for key, known in rows if known is not None} == adds
    assert {key for key, known in rows if known is None} == removes - adds.keys()
    assert [key for key, _ in rows] == sorted((key for key, _ in rows), key=lambda key: (len(key), key))


def test_delta_when_its_file_ends_early_while_it_is_read_then_it_is_refused() -> None:
    """A file that shrinks under the reader is no delta any more."""
    data = ListDelta(1, 2, {cn20_key(f"8{number:019}"): UNKNOWN_LOT for number in range(9)}, []).encoded()
    reader = DeltaReader(lambda at, size: data[at : min(at + size, len(data) - 5)], len(data))

    with pytest.raises(DeltaError, match="another length"):
        list(reader.rows())
