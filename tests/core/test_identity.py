"""Identity: right numbers are taken, wrong ones are named, and none is ever shown."""

import pickle
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma.core.identity import (
    Identity,
    IdentityFault,
    IdentityKind,
    IdentityProblem,
    read_identity,
    shown,
    typed_identity,
)

TODAY = date(2026, 11, 22)
#: Public test numbers (DOMAIN.md 6).
VALID = ("360426199101010071", "120103198806018241", "230306196304054513")
CHECK_DIGIT_WRONG = ("360426199101010072", "230307196304054513")


@pytest.mark.parametrize("number", [*VALID, "11010519491231002X"])
def test_identity_when_it_is_a_public_test_number_then_it_is_read(number: str) -> None:
    """A number whose check digit, date and area hold is a resident's."""
    found = read_identity(number.encode(), TODAY)

    assert isinstance(found, Identity)
    assert (found.kind, found.number, found.is_checked) == (IdentityKind.RESIDENT, number.encode(), True)


@pytest.mark.row("S1-18")
@pytest.mark.parametrize("number", CHECK_DIGIT_WRONG)
def test_identity_when_the_check_digit_is_wrong_then_it_says_so(number: str) -> None:
    """One wrong digit is noticed."""
    assert read_identity(number.encode(), TODAY) == IdentityFault(IdentityProblem.CHECK_DIGIT)


@given(st.sampled_from(VALID), st.integers(0, 17), st.integers(1, 9))
def test_identity_when_any_one_digit_is_changed_then_it_is_refused(number: str, place: int, by: int) -> None:
    """ISO 7064 MOD 11-2 finds every single wrong digit, whatever else is found before."""
    changed = f"{number[:place]}{(int(number[place]) + by) % 10}{number[place + 1 :]}"

    assert isinstance(read_identity(changed.encode(), TODAY), IdentityFault)


@pytest.mark.parametrize(
    "raw", [b"11010519491231002x", b" 11010519491231002X\r\n", b"]C011010519491231002X", b"\t]Q1 11010519491231002x "]
)
def test_identity_when_scanned_in_another_way_then_it_is_the_same(raw: bytes) -> None:
    """Blanks, an AIM identifier and a small x make no other number."""
    assert read_identity(raw, TODAY) == Identity(IdentityKind.RESIDENT, b"11010519491231002X")


def test_identity_when_a_card_reader_types_its_line_then_the_number_is_taken_out() -> None:
    """Of a social security card's line only the number is kept."""
    line = f"320500|{VALID[0]}|A12345678|0123456789ABCDEF0123456789ABCDEF|张三|00|3.00|20200101|20300101|1|2".encode()

    assert read_identity(line, TODAY) == Identity(IdentityKind.RESIDENT, VALID[0].encode())


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        ("", IdentityProblem.EMPTY),
        (" \r\n", IdentityProblem.EMPTY),
        ("360426199113010071", IdentityProblem.DATE),
        ("360426199102300071", IdentityProblem.DATE),
        ("360426170001010071", IdentityProblem.DATE),
        ("360426202611230071", IdentityProblem.FUTURE),
        ("990426", IdentityProblem.LENGTH),
        ("170426199101010071", IdentityProblem.AREA),
        ("3604261991010100711", IdentityProblem.LENGTH),
        ("360426910230007", IdentityProblem.DATE),
        ("3601X9hq7TzWm4KpR2", IdentityProblem.OPAQUE),
        ("张三", IdentityProblem.OPAQUE),
    ],
)
def test_identity_when_it_is_none_then_the_reason_is_named(number: str, problem: IdentityProblem) -> None:
    """Wrong dates, days to come, areas that do not exist and opaque tokens are told apart."""
    assert read_identity(number.encode(), TODAY) == IdentityFault(problem)


def test_identity_when_it_has_15_digits_then_it_is_taken_and_said_to_be_unchecked() -> None:
    """The old numbers have no check digit, and it is said that none was checked."""
    found = read_identity(b"320311770706001", TODAY)

    assert isinstance(found, Identity)
    assert (found.kind, found.is_checked) == (IdentityKind.RESIDENT_OLD, False)


@pytest.mark.parametrize(
    ("kind", "text", "number"),
    [
        (IdentityKind.PASSPORT, " e 1234 5678 ", b"E12345678"),
        (IdentityKind.OTHER, "Ｈ１２３４５６７８", b"H12345678"),
        (IdentityKind.RESIDENT, "１１０１０５１９４９１２３１００２ｘ", b"11010519491231002X"),
    ],
)
def test_typed_identity_when_it_is_plausible_then_it_is_normalised(
    kind: IdentityKind, text: str, number: bytes
) -> None:
    """Blanks and the full-width characters of Chinese keyboards do no harm; a passport's number is never judged."""
    assert typed_identity(kind, text, TODAY) == Identity(kind, number)


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        (IdentityKind.PASSPORT, "", IdentityProblem.EMPTY),
        (IdentityKind.PASSPORT, "护照12345", IdentityProblem.CHARACTERS),
        (IdentityKind.PASSPORT, "E1;DROP", IdentityProblem.CHARACTERS),
        (IdentityKind.OTHER, "A" * 33, IdentityProblem.LENGTH),
        (IdentityKind.RESIDENT, "E12345678", IdentityProblem.CHARACTERS),
        (IdentityKind.RESIDENT, CHECK_DIGIT_WRONG[0], IdentityProblem.CHECK_DIGIT),
    ],
)
def test_typed_identity_when_it_can_be_none_then_the_reason_is_named(
    kind: IdentityKind, text: str, problem: IdentityProblem
) -> None:
    """What can't be a number of that document is refused."""
    assert typed_identity(kind, text, TODAY) == IdentityFault(problem)


@given(st.binary(max_size=300))
def test_identity_when_given_any_bytes_then_it_raises_nothing_and_shows_at_most_four(data: bytes) -> None:
    """Whatever is scanned, the answer is an identity or a reason."""
    found = read_identity(data, TODAY)

    if isinstance(found, Identity):
        assert len(shown(found).lstrip("*")) <= 4
        assert found.number.decode() not in f"{found!r}{found}"


@given(st.sampled_from(IdentityKind), st.text(max_size=60))
def test_typed_identity_when_given_any_text_then_it_raises_nothing(kind: IdentityKind, text: str) -> None:
    """Whatever is typed, the answer is an identity or a reason, and the repr quotes nothing."""
    found = typed_identity(kind, text, TODAY)

    if isinstance(found, Identity):
        assert found.number.decode() not in repr(found).removeprefix(f"Identity({kind.value}")


def test_identity_when_shown_then_it_is_stars_and_the_last_four() -> None:
    """A screen tells which card was read and no more; of a short number even less."""
    assert shown(Identity(IdentityKind.RESIDENT, b"11010519491231002X")) == "****002X"
    assert shown(Identity(IdentityKind.OTHER, b"A1234")) == "****4"
    assert repr(Identity(IdentityKind.RESIDENT, b"11010519491231002X")) == "Identity(resident, ***)"
    assert Identity(IdentityKind.PASSPORT, b"E12345678").facts == {"kind": "passport"}


def test_identity_when_an_error_quotes_it_then_the_number_is_not_in_it() -> None:
    """f-strings, containers and tracebacks use the repr."""
    identity = Identity(IdentityKind.RESIDENT, VALID[0].encode())

    assert VALID[0] not in f"{identity} {[identity]} {identity!r} {ValueError(identity)!r}"
    assert pickle.loads(pickle.dumps(identity)) == identity
