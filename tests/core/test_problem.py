"""Problem reports: what is recorded for ever names a code and a trouble, and never a person."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma.core.problem import (
    MAX_TEXT_CHARACTERS,
    ProblemKind,
    ProblemRefusal,
    ProblemRefusedError,
    problem_entry,
)
from yaoma.core.record import Kind
from yaoma.shell.catalogue import LANGUAGES, load_catalogue

CODE = "83003850000000131888"
IDENTITY = "11010119900307123X"


@pytest.mark.row("S1-26")
@pytest.mark.row("S2-18")
@pytest.mark.row("S3-20")
@pytest.mark.parametrize("kind", list(ProblemKind))
def test_problem_when_reported_then_code_photo_and_text_are_recorded(kind: ProblemKind) -> None:
    """Every kind can be reported with a code, a picture's hash and words."""
    entry = problem_entry(kind, text="盒上二维码破损", code=CODE, photo="ab" * 32, station="counter", operator="u7")

    assert Kind.PROBLEM == entry.kind
    assert {
        "problem": kind.value,
        "severity": "normal",
        "text": "盒上二维码破损",
        "code": f"cn20:{CODE}",
        "photo": "ab" * 32,
        "station": "counter",
        "operator": "u7",
    } == entry.fields


@pytest.mark.parametrize(
    ("reason", "fields"),
    [
        (ProblemRefusal.KIND, {"kind": "else"}),
        (ProblemRefusal.TEXT_MISSING, {"kind": "other", "text": "  "}),
        (ProblemRefusal.TEXT_LONG, {"text": "字" * (MAX_TEXT_CHARACTERS + 1)}),
        (ProblemRefusal.TEXT_CHARACTERS, {"text": "a\x1b[2J"}),
        (ProblemRefusal.TEXT_PERSON, {"text": f"患者{IDENTITY}"}),
        (ProblemRefusal.TEXT_PERSON, {"text": "请回电 138-0013-8000"}),
        (ProblemRefusal.TEXT_PERSON, {"text": "护照 E12345678"}),
        (ProblemRefusal.OPERATOR, {"operator": IDENTITY}),
        (ProblemRefusal.OPERATOR, {"operator": "u" * 65}),
        (ProblemRefusal.CODE, {"code": IDENTITY}),
        (ProblemRefusal.PHOTO, {"photo": "x.jpg"}),
    ],
)
def test_problem_when_it_can_not_be_taken_then_why_and_never_the_words(
    reason: ProblemRefusal, fields: dict[str, str]
) -> None:
    """A report that may name a person is refused, and the error repeats nothing of it."""
    with pytest.raises(ProblemRefusedError) as refused:
        problem_entry(**{"kind": "device", **fields})

    assert reason is refused.value.reason
    assert IDENTITY not in repr(refused.value) + str(refused.getrepr())
    assert reason is pickle.loads(pickle.dumps(refused.value)).reason


@given(st.text(max_size=250), st.text(max_size=80), st.text(max_size=40), st.text(max_size=80))
def test_problem_when_any_texts_then_an_entry_or_a_refusal(text: str, operator: str, code: str, photo: str) -> None:
    """No text makes anything else happen; what is taken can be written down."""
    try:
        entry = problem_entry("device", text=text, operator=operator, code=code, photo=photo)
    except ProblemRefusedError:
        return
    assert len(str(entry.fields["text"])) <= MAX_TEXT_CHARACTERS


def test_problem_when_refused_then_both_languages_say_what_to_do() -> None:
    """Promise 7 holds of reports too, and every kind has a name in reports."""
    for language in LANGUAGES:
        catalogue = load_catalogue(language)
        assert all(catalogue.refusal(reason.value).todo for reason in ProblemRefusal)
        assert all(f"refusal.{reason.value}" in catalogue.templates for reason in ProblemRefusal)
        assert all(f"report.problem_{kind.value}" in catalogue.templates for kind in ProblemKind)
