"""Promise 5: whatever is scanned, only trace codes and product codes leave `parse` as text."""

import pickle
import random
import re
import traceback

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from yaoma.core.code import (
    PRODUCT_KINDS,
    CodeError,
    Lookalike,
    OtherPattern,
    TraceCode,
    as_pack,
    from_key,
    parse,
)
from yaoma_drivers.symbol import ReadFault, Symbol

PERSONAL = [
    "360426199101010071",
    "11010519491231002X",
    "130503670401001",
    "134512345678901234",
    "286412345678901234",
    "6222020200112233445",
    "ECQR-7f3e9a51c0d84b6e.a1b2c3d4e5f60718293a4b5c6d7e8f90==",
    "1|410105|360426199101010071|C12345678|张三",
    "https://fuwu.example.cn/ec?idNo=360426199101010071&sig=9f8e7d6c5b4a",
    "9781234567897123",
    "4006381333938",  # thirteen and eight digits that pass no check of a product code
    "40123451",
]
AIMS = ["", "]C0", "]C1", "]d1", "]d2", "]Q1", "]Q3", "]E0", "]I0", "]h0", "]Z0"]
PROVING_AIMS = ("]C1", "]d2", "]Q3", "]E0", "]I1")
# Chinese EAN-8, EAN-13 and GTIN-14, 本位码, insurance code, AI 01 with a Chinese GTIN.
UNPROVEN_PRODUCT = re.compile(
    r"69[0-9]{6}|69[0-9]{11}|[0-9]69[0-9]{11}|869[0-9]{11}|[XZ][A-Z0-9]{22}|01([0-9]69[0-9]{11}|00000069[0-9]{6})"
)
PATTERNS = (
    OtherPattern("acme", r"AC[A-F0-9]{4,8}", "other:acme"),
    OtherPattern("digits", r"995[0-9]{4,12}", "other:digits"),
)


def leftovers(found: TraceCode | Lookalike) -> str:
    """Everything that a result could tell anybody: its repr, its string and its pickle."""
    return f"{found!r} {found!s} {pickle.dumps(found).decode('latin-1')}"


@pytest.mark.parametrize("aim", AIMS)
@pytest.mark.parametrize("text", PERSONAL)
@pytest.mark.parametrize("frame", ["%s", "%s\r\n", "\x1d%s", "01%s", "]d2%s", "%s\x00"])
def test_personal_text_when_scanned_then_nothing_of_it_is_left(text: str, frame: str, aim: str) -> None:
    """ID number, payment code, card and insurance QR leave no four characters behind, however they are framed."""
    found = parse(Symbol((frame % text).encode(), "counter", 0, aim=aim), PATTERNS)
    assert isinstance(found, Lookalike)
    left = leftovers(found)
    assert not any(text[i : i + 4] in left for i in range(len(text) - 3))
    assert pickle.loads(pickle.dumps(found)) == found


@pytest.mark.parametrize("text", PERSONAL)
@pytest.mark.parametrize("form", ["%s", "cn20:%s", "gs1:%s", "gs1:01%s21%s", "id:%s", "other:ID:%s"])
def test_personal_text_when_read_as_a_key_then_the_error_chain_is_silent(text: str, form: str) -> None:
    """The whole printed chain of a refused key, without source lines, holds nothing of the text."""
    with pytest.raises(CodeError) as caught:
        from_key(form.replace("%s", text))
    printed = "".join(traceback.TracebackException.from_exception(caught.value).format_exception_only())
    assert text not in printed
    assert text not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def check(symbol: Symbol) -> None:
    """Parse one symbol and hold the result against promise 5."""
    found = as_pack(parse(symbol, PATTERNS), symbol.length)
    if not isinstance(found, Lookalike):
        assert from_key(found.key, PATTERNS).key == found.key
        return
    assert found.length == symbol.length
    if found.text is not None:
        proven = symbol.aim in PROVING_AIMS or symbol.data.strip().startswith(b"]")
        assert found.kind in PRODUCT_KINDS
        assert proven or UNPROVEN_PRODUCT.fullmatch(found.text)
        return
    assert repr(found) == f"Lookalike(kind={found.kind!r}, length={found.length}, text=None)"
    assert str(found) == repr(found)


digits = st.text("0123456789", max_size=45)
GS1_WORDS = [
    *("01", "06901234567892", "10", "21", "17", "270331", "11", "00", "\x1d", "(01)", "(21)", "(17)", "A1", "8"),
    *("4300", "%41%41", "3109", "390", "8003", "7003", "423", "83003850000000131888", "https://a.cn/", "/", "?"),
]
gs1_like = st.lists(st.sampled_from(GS1_WORDS), max_size=14).map("".join)


@given(
    st.one_of(
        st.binary(max_size=256),
        st.text(max_size=60).map(str.encode),
        digits.map(str.encode),
        gs1_like.map(str.encode).filter(lambda raw: len(raw) <= 256),
    ),
    st.sampled_from([*AIMS, "]", "]]]", "]C12", "国"]),
)
@example(b"\x1d", "")
@example(b"4300" + b"%41%41" * 40 + b"\x1d", "]d2")
@example(b"https://a.cn/01/06901234567892/21/S?4300=" + b"%2541" * 40 + b"%1D", "")
@example(b"0106901234567892391n9", "]d2")
@example(b"01069012345678923919999", "]d2")
def test_any_bytes_when_parsed_then_a_code_or_a_silent_lookalike(raw: bytes, aim: str) -> None:
    """Any bytes under any identifier give a trace code or a look-alike, raise nothing and reveal nothing."""
    check(Symbol(raw, "counter", 0, aim=aim))


@given(st.sampled_from([None, *ReadFault]), st.integers(0, 100_000))
def test_any_fault_when_parsed_then_a_lookalike(fault: ReadFault | None, length: int) -> None:
    """A symbol without data is told by its fault and length."""
    check(Symbol(b"", "counter", 0, fault=fault, length=length))


@pytest.mark.parametrize("alphabet", [bytes(range(256)), b"0123456789", b"0123456789\x1d()ABCX%/:?=&"])
def test_ten_megabytes_when_fed_in_random_chunks_then_nothing_raises(alphabet: bytes) -> None:
    """Ten megabytes of noise in chunks of random sizes never raise and never leave text of an unproven kind."""
    dice = random.Random(20260101)
    noise = bytes(dice.choices(alphabet, k=10_000_000 if len(alphabet) == 256 else 1_000_000))
    at = 0
    while at < len(noise):
        size = dice.randrange(257)
        chunk = noise[at : at + size]
        check(Symbol(chunk, "counter", 0, aim=dice.choice(AIMS)))
        at += max(size, 1)
