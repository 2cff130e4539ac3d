"""Patterns of other standards: which are safe, which are refused, and what they match."""

import pickle
import re
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from yaoma.core.code import Cn20, Lookalike, LookalikeKind, Other, OtherPattern, PatternError, parse
from yaoma_drivers.symbol import Symbol

ACME = OtherPattern("acme", r"AC[A-F0-9]{4,8}-?\d{2}", "other:acme")
PROBES = [
    "83003850000000131888",
    "360426199101010071",
    "11010519491231002X",
    "810000199001010019",
    "130503670401001",
    "134512345678901234",
    "286412345678901234",
    "301234567890123456789012",
    "6222020200112233445",
    "13812345678",
    "6901234567892",
    "86900001000011",
]


def test_other_when_a_pattern_matches_the_whole_text_then_it_is_the_code() -> None:
    """The first pattern that takes the whole text gives standard, text and product."""
    wider = OtherPattern("wider", r"AC[ \-]?[A-Z0-9]{3,20}", "other:wider")
    found = parse(Symbol(b"AC00FF-12\r", "s", 0), [ACME, wider])
    assert found == Other("acme", "AC00FF-12", "other:acme")
    assert found.key == "other:acme:AC00FF-12"
    assert parse(Symbol(b"AC00FFZZ", "s", 0), [ACME, wider]) == Other("wider", "AC00FFZZ", "other:wider")
    assert parse(Symbol(b"]C0 AC00FF-12", "s", 0), [ACME]) == found


@pytest.mark.parametrize("text", ["AC00FF-1", "XAC00FF-12", "AC00FF-123", "ac00ff-12", "AC00FF--12", "AC00FFFFFFF123"])
def test_other_when_only_a_part_matches_then_unknown(text: str) -> None:
    """A pattern takes the whole text in its own case or nothing."""
    assert parse(Symbol(text.encode(), "s", 0), [ACME]) == Lookalike(LookalikeKind.UNKNOWN, len(text))


def test_other_when_the_text_is_longer_than_256_then_no_match() -> None:
    """A pattern is not tried on a text that no symbol can hold."""
    long = OtherPattern("long", "A{250,300}", "p")
    assert long.matches("A" * 256)
    assert not long.matches("A" * 257)


def test_other_when_a_pattern_describes_a_web_address_then_it_counts() -> None:
    """A web address without trace code may be the code of another standard, but never overrides a trace code."""
    pattern = OtherPattern("ma", r"https://ma\.example/[0-9]{6,30}", "other:ma")
    assert parse(Symbol(b"https://ma.example/123456", "s", 0), [pattern]) == Other(
        "ma", "https://ma.example/123456", "other:ma"
    )
    code = parse(Symbol(b"https://ma.example/83003850000000131888", "s", 0), [pattern])
    assert isinstance(code, Cn20)
    assert code.key == "cn20:83003850000000131888"
    assert parse(Symbol(b"https://ma.example/12345", "s", 0), [pattern]) == Lookalike(
        LookalikeKind.URL_WITHOUT_CODE, 24
    )


@pytest.mark.parametrize(
    ("regex", "hint"),
    [
        (r"\d{20}", "trace code"),
        (r"8\d{10,19}", "trace code"),
        (r"[0-9A-Z]{20}", "trace code"),
        (r"[3-6]\d{16}[0-9X]", "ID number"),
        (r"\d{17}x", "ID number"),
        (r"9\d{5}19\d{9}[0-9X]", "ID number"),  # foreign permanent residents
        (r"110101[0-9]{8}[0-9A-Z]{4}", "ID number"),
        (r"[0-9]{15}", "ID number"),
        (r"13[0-9]{4}5[0-9]{11}", "payment code"),
        (r"28[0-9]{14}", "payment code"),
        (r"301[0-9]{21}", "payment code"),
        (r"62[0-9]{17}", "bank card"),
        (r"1[0-9]{10}", "mobile number"),
        (r"69[0-9]{11}", "commodity barcode"),
        (r"869[0-9]{11}", "commodity barcode"),
        (r"[ -~]{1,200}", "safe subset"),
        (r"[A-Z0-9]{1,64}", "trace code"),
        (r"(AB)+", "safe subset"),
        (r"(?:A|B)C", "safe subset"),
        (r"A|B", "safe subset"),
        (r"A.B", "safe subset"),
        (r"A*", "safe subset"),
        (r"A+", "safe subset"),
        (r"A{2,}", "safe subset"),
        (r"A{2}{3}", "safe subset"),
        (r"A??", "safe subset"),
        (r"^A$", "safe subset"),
        (r"[^A]{3}", "safe subset"),
        (r"\w{3}", "safe subset"),
        (r"\bA", "safe subset"),
        (r"(?i)abc", "safe subset"),
        (r"[]", "safe subset"),
        ("A\nB", "safe subset"),
        ("国药", "safe subset"),
        (r"[Z-A]", "malformed"),
        (r"A{5,3}", "ends below"),
        (r"A{0,256}A{0,256}", "too many ways"),
        (r"A?" * 13, "too many ways"),
        ("", "0 characters"),
        ("A" * 257, "257 characters"),
    ],
)
def test_pattern_when_unsafe_then_refused_with_the_reason(regex: str, hint: str) -> None:
    """A pattern outside the subset, or one that could take an identity or a trace code, can't be made."""
    with pytest.raises(PatternError, match=hint) as caught:
        OtherPattern("acme", regex, "other:acme")
    assert caught.value.standard == "acme"
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.standard, again.hint, str(again)) == ("acme", caught.value.hint, str(caught.value))


@pytest.mark.parametrize(
    "regex",
    [
        r"\d{10}",
        r"995\d{12}",
        r"9[A-Z]\d{18}",
        r"7[0-9]{19}",
        r"\.[A-Z]\-\+",
        r"A[ABC.*+?()$]{3}",
        r"A[\]\-\d]{3}",
        r"A{0}B",
        r"A?" * 12 + "B",
    ],
)
def test_pattern_when_safe_then_made_and_pickled(regex: str) -> None:
    """Fixed prefixes keep patterns of digits apart from identities, so they are allowed."""
    pattern = OtherPattern("acme", regex, "other:acme")
    assert pickle.loads(pickle.dumps(pattern)) == pattern


@pytest.mark.parametrize(
    ("standard", "product_key"),
    [("ACME", "p"), ("", "p"), ("a:b", "p"), ("a" * 33, "p"), ("acme", ""), ("acme", "a b"), ("acme", "p" * 101)],
)
def test_pattern_when_its_names_are_malformed_then_refused(standard: str, product_key: str) -> None:
    """Standard and product key must fit into a key."""
    with pytest.raises(PatternError):
        OtherPattern(standard, "A", product_key)


items = st.tuples(
    st.sampled_from(["[0-9]", r"\d", "[0-9X]", "[0-9A-Z]", "8", "1", "9", "X", "[1-9]", "[0-35]", "A"]),
    st.sampled_from(["", "?", "{2}", "{4}", "{6}", "{7,9}", "{10}", "{0,3}", "{17}", "{19}", "{5,30}"]),
).map("".join)


@given(st.lists(items, min_size=1, max_size=5).map("".join))
def test_pattern_when_accepted_then_it_matches_no_identity(regex: str) -> None:
    """The decision is exact: an accepted pattern takes none of the probes, a refused class is refused for cause."""
    try:
        pattern = OtherPattern("acme", regex, "p")
    except PatternError as error:
        assume("could match" in error.hint or "ways" in error.hint)
        return
    assert not any(pattern.matches(probe) for probe in PROBES)
    assert pattern.matches(" ") is (re.fullmatch(regex, " ") is not None)


def test_pattern_when_it_backtracks_as_much_as_allowed_then_it_still_ends_soon() -> None:
    """The bound on the ways to split a text bounds the time of the worst match."""
    pattern = OtherPattern("acme", "A{0,60}A{0,60}B", "p")
    begun = time.monotonic()
    assert not pattern.matches("A" * 256)
    assert not pattern.matches("A" * 120)
    assert time.monotonic() - begun < 10
