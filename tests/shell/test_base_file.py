"""Base files beside a plain mapping as oracle, and what damage makes of them."""

import hashlib
import os
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.base_lists import write_base
from fakes.tier import times
from yaoma.core.base_layout import HEADER_BYTES, PAGE_BYTES, Header, ListKind
from yaoma.core.code import Cn20, Gs1, Other, from_key
from yaoma.core.lot_table import UNKNOWN_LOT, BaseAnswer
from yaoma.core.run_list import RunList
from yaoma.shell.base_file import BaseFile, BaseRefusal, BaseRefusedError, PageDamagedError

LOTS = [UNKNOWN_LOT, BaseAnswer("L1", date(2027, 6, 30)), BaseAnswer("批2"), BaseAnswer(None, date(2028, 1, 1))]
KINDS = list(ListKind)


def cn20(product: int, serial: int, check: int) -> str:
    """The key of a code."""
    return f"cn20:{product:07}{serial:09}{check:04}"


@st.composite
def lists(draw: st.DrawFn) -> dict[str, BaseAnswer]:
    """Runs of serials with holes and lots, serials with several check digits, and codes that stand alone."""
    listed: dict[str, BaseAnswer] = {}
    for _ in range(draw(st.integers(1, 5))):
        product = draw(st.sampled_from([8_000_000, 8_000_001, 8_999_999]))
        start = draw(st.one_of(st.integers(0, 40), st.sampled_from([999_990_000, 500])))
        length, step = draw(st.sampled_from([1, 2, 30, 3000])), draw(st.integers(1, 7))
        lot, seed = draw(st.sampled_from(LOTS)), draw(st.integers(0, 9999))
        for number in range(length):
            if start + number * step < 10**9:
                listed.setdefault(cn20(product, start + number * step, (seed + number * 7) % 10_000), lot)
    return listed


def near(key: str) -> Iterator[str]:
    """Codes beside a code: other check digits, serials and products."""
    product, serial, check = int(key[5:12]), int(key[12:21]), int(key[21:])
    for other in ((0, 0, 1), (0, 0, -1), (0, 1, 0), (0, -1, 0), (1, 0, 0), (-1, 0, 0), (0, 1, 7)):
        moved = product + other[0], serial + other[1], (check + other[2]) % 10_000
        if 8_000_000 <= moved[0] < 9_000_000 and 0 <= moved[1] < 10**9:
            yield cn20(*moved)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=times(20, 200), deadline=None)
@given(listed=lists())
def test_base_when_any_code_is_asked_then_it_answers_as_a_mapping_does(
    tmp_path_factory: pytest.TempPathFactory, kind: ListKind, listed: dict[str, BaseAnswer]
) -> None:
    """Every listed code is found with its lot, and no neighbour that is not listed is: neither kind guesses."""
    file = tmp_path_factory.mktemp("base") / "codes"
    with BaseFile.open(file, write_base(file, listed, kind)) as base:
        asked = {other for key in list(listed)[:: max(1, len(listed) // 300)] for other in near(key)} | listed.keys()
        wrong = {key for key in asked if base.look_up(from_key(key)) != listed.get(key)}
        assert not wrong
        assert base.codes == len(listed)
        assert not list(base.scrub())


def test_base_when_it_holds_other_codes_then_forms_never_meet(tmp_path: Path) -> None:
    """GS1 codes and codes of other standards are found by digest; a file of these never answers for 20 digits."""
    listed = {f"gs1:010690123456789221A{number}": LOTS[number % 2] for number in range(1000)}
    listed |= {f"other:std:A{number}": LOTS[2] for number in range(50)}
    file = tmp_path / "codes"
    with BaseFile.open(file, write_base(file, listed, ListKind.KEYS)) as base:
        assert all(base.look_up(from_key(key)) == answer for key, answer in listed.items())
        assert base.look_up(Gs1("06901234567892", "A1000")) is None
        assert base.look_up(Gs1("06901234567892", "a1")) is None
        assert base.look_up(Other("std2", "A1")) is None
        assert not base.covers(Cn20("81234567890123456789"))
        assert base.look_up(Cn20("81234567890123456789")) is None


def test_base_when_twenty_digits_differ_in_the_last_then_they_are_two_codes(tmp_path: Path) -> None:
    """Nothing rounds: the neighbour that a 64-bit or floating number would take for the same is not found."""
    for kind in KINDS:
        file = tmp_path / kind.name
        with BaseFile.open(file, write_base(file, {"cn20:81234567890123456789": UNKNOWN_LOT}, kind)) as base:
            assert base.look_up(Cn20("81234567890123456789")) == UNKNOWN_LOT
            assert base.look_up(Cn20("81234567890123456788")) is None


@pytest.fixture(params=KINDS)
def some(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str, dict[str, BaseAnswer]]:
    """A file of several pages, its digest, and what it holds."""
    chance = random.Random(5)
    listed = {
        cn20(8_000_000 + 7 * (n // 1500), n * 3 % 70_000, chance.randrange(10_000)): LOTS[n % 4] for n in range(4500)
    }
    file = tmp_path / "codes"
    return file, write_base(file, listed, request.param), listed


def test_base_when_any_bit_flips_then_it_is_refused_or_the_page_is_damaged(
    some: tuple[Path, str, dict[str, BaseAnswer]],
) -> None:
    """Three hundred flips, in every area of the file: never a wrong answer, and the scrub names the page."""
    file, digest, listed = some
    whole = file.read_bytes()
    head_bytes = Header.parse(whole).head_bytes
    chance = random.Random(7)
    asked = [from_key(key) for key in chance.sample(sorted(listed), 60)]
    asked += [from_key(other) for code in asked[:10] for other in near(code.key)]
    refused = 0
    damaged: list[int] = []
    for number in range(300):
        # half of them in the head: header, index, lots and page hashes
        place = chance.randrange(head_bytes if number % 2 else len(whole))
        flipped = bytearray(whole)
        flipped[place] ^= 1 << chance.randrange(8)
        file.write_bytes(flipped)
        try:
            base = BaseFile.open(file, digest)
        except BaseRefusedError:
            assert place < head_bytes
            refused += 1
            continue
        with base:
            assert list(base.scrub()) == [(place - head_bytes) // PAGE_BYTES]
            for code in asked:
                try:
                    assert base.look_up(code) == listed.get(code.key)
                except PageDamagedError as error:
                    damaged.append(error.page - (place - head_bytes) // PAGE_BYTES)
    assert refused > 100
    assert len(damaged) > 100
    assert not any(damaged)


def test_base_when_the_page_of_a_listed_code_is_damaged_then_it_is_not_called_absent(
    some: tuple[Path, str, dict[str, BaseAnswer]],
) -> None:
    """A damaged page is an answer of its own for every code that it holds."""
    file, digest, listed = some
    with file.open("r+b") as stream:
        stream.seek(Header.parse(file.read_bytes()).head_bytes)
        stream.write(bytes(file.stat().st_size - stream.tell()))
    with BaseFile.open(file, digest) as base:
        for key in listed:
            with pytest.raises(PageDamagedError):
                base.look_up(from_key(key))


def test_base_when_its_head_is_hostile_then_nothing_but_its_own_errors_come(
    some: tuple[Path, str, dict[str, BaseAnswer]],
) -> None:
    """Even if the signed digest were that of garbage, it ends in a refusal or a damaged page, never otherwise."""
    file, _, listed = some
    whole = file.read_bytes()
    head_bytes = Header.parse(whole).head_bytes
    chance = random.Random(11)
    asked = [from_key(key) for key in chance.sample(sorted(listed), 40)]
    for _ in range(300):
        hostile = bytearray(whole)
        for _ in range(chance.choice([1, 1, 3])):
            place = chance.randrange(head_bytes)
            hostile[place : place + 4] = chance.choice([b"\0\0\0\0", b"\xff\xff\xff\xff", chance.randbytes(4)])
        hostile = hostile[: len(whole)]
        file.write_bytes(hostile)
        try:
            base = BaseFile.open(file, hashlib.sha256(hostile[:head_bytes]).hexdigest())
        except BaseRefusedError:
            continue
        with base:
            for code in asked:
                try:
                    base.look_up(code)
                except PageDamagedError:
                    break


def test_base_when_a_product_names_runs_that_are_not_there_then_it_can_not_say(tmp_path: Path) -> None:
    """An index that contradicts itself is damage, not an absent code."""
    file = tmp_path / "codes"
    key = cn20(8_000_000, 5, 1234)
    with BaseFile.open(file, write_base(file, {key: UNKNOWN_LOT}, ListKind.RUNS)) as base:
        assert isinstance(base.index, RunList)
        for run_at in ([0, 2], [1, 1], [1, 0]):
            with pytest.raises(PageDamagedError):
                replace(base.index, run_at=run_at).look_up(base.page, from_key(key))


@pytest.mark.parametrize("change", [-1, -PAGE_BYTES, -10 * PAGE_BYTES, 1, PAGE_BYTES])
def test_base_when_its_length_is_wrong_then_it_is_refused(
    some: tuple[Path, str, dict[str, BaseAnswer]], change: int
) -> None:
    """Cut off or appended to: the header says how long it is."""
    file, digest, _ = some
    os.truncate(file, max(0, file.stat().st_size + change))
    with pytest.raises(BaseRefusedError) as caught:
        BaseFile.open(file, digest)
    assert caught.value.reason in {BaseRefusal.WRONG_SIZE, BaseRefusal.MALFORMED}


@pytest.mark.parametrize("length", [0, 7, HEADER_BYTES - 1, HEADER_BYTES])
def test_base_when_hardly_anything_is_left_then_it_is_refused(
    some: tuple[Path, str, dict[str, BaseAnswer]], length: int
) -> None:
    """An interrupted copy is no list."""
    file, digest, _ = some
    os.truncate(file, length)
    with pytest.raises(BaseRefusedError):
        BaseFile.open(file, digest)


def test_base_when_two_pages_are_swapped_then_both_are_damaged(some: tuple[Path, str, dict[str, BaseAnswer]]) -> None:
    """Each page has its place: its hash stands there."""
    file, digest, _ = some
    whole = bytearray(file.read_bytes())
    first, second, third = (Header.parse(bytes(whole)).head_bytes + PAGE_BYTES * number for number in range(3))
    whole[first:second], whole[second:third] = whole[second:third], whole[first:second]
    file.write_bytes(whole)
    with BaseFile.open(file, digest) as base:
        assert list(base.scrub()) == [0, 1]


def test_base_when_the_file_shrinks_while_it_is_open_then_pages_are_damaged(
    some: tuple[Path, str, dict[str, BaseAnswer]],
) -> None:
    """A card that loses pages under a running box must not end the process, as a memory map would (SIGBUS)."""
    file, digest, listed = some
    with BaseFile.open(file, digest) as base:
        os.truncate(file, Header.parse(file.read_bytes()).head_bytes)
        with pytest.raises(PageDamagedError):
            base.look_up(from_key(next(iter(listed))))


def test_base_when_it_is_closed_then_it_does_not_answer(some: tuple[Path, str, dict[str, BaseAnswer]]) -> None:
    """A look-up that comes too late says that it can't say, not that the code is absent."""
    file, digest, listed = some
    base = BaseFile.open(file, digest)
    base.close()
    with pytest.raises(PageDamagedError):
        base.look_up(from_key(next(iter(listed))))


def test_base_when_it_is_opened_then_no_page_is_read(
    some: tuple[Path, str, dict[str, BaseAnswer]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening takes milliseconds however long the list is."""
    file, digest, _ = some
    ends: list[int] = []
    read = os.pread

    def noted(descriptor: int, length: int, offset: int) -> bytes:
        ends.append(offset + length)
        return read(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", noted)
    with BaseFile.open(file, digest):
        assert ends
        assert max(ends) <= Header.parse(file.read_bytes()).head_bytes


def test_base_when_another_file_was_signed_then_it_is_refused(
    some: tuple[Path, str, dict[str, BaseAnswer]], tmp_path: Path
) -> None:
    """The digest of the release decides; a folder and a missing file are named."""
    file, digest, _ = some
    for path, wanted, reason in (
        (file, "0" * 64, BaseRefusal.OTHER_DIGEST),
        (tmp_path / "none", digest, BaseRefusal.ABSENT),
        (tmp_path, digest, BaseRefusal.UNREADABLE),
    ):
        with pytest.raises(BaseRefusedError) as caught:
            BaseFile.open(path, wanted)
        assert caught.value.reason is reason
