"""Person statement: a reason in words, and no way to put a number of a person into a record for ever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma.core.canonical import canonical
from yaoma.core.person_statement import PersonStatement, StatementProblem, StatementReason, StatementRefusedError


def test_statement_when_it_is_fine_then_its_fields_fit_a_record() -> None:
    """Operator, reason and note are what the record holds."""
    statement = PersonStatement.of(" op-7 ", "other", " 证件过期，已当面核对照片，2 盒 ")

    assert statement.fields == {"stated": "other", "operator": "op-7", "note": "证件过期，已当面核对照片，2 盒"}
    assert canonical(dict(statement.fields))


def test_statement_when_there_is_no_note_then_none_is_recorded() -> None:
    """A reason of the list speaks for itself."""
    assert PersonStatement.of("op-7", "emergency").fields == {"stated": "emergency", "operator": "op-7"}


@pytest.mark.parametrize(
    ("operator", "reason", "note", "problem"),
    [
        ("", "emergency", "", StatementProblem.OPERATOR_MISSING),
        ("360426199101010071", "emergency", "", StatementProblem.OPERATOR_IS_NUMBER),
        ("13800138000", "emergency", "", StatementProblem.OPERATOR_IS_NUMBER),
        ("x" * 65, "emergency", "", StatementProblem.OPERATOR_IS_NUMBER),
        ("op-7", "no_such_reason", "", StatementProblem.REASON_UNKNOWN),
        ("op-7", "other", "  ", StatementProblem.NOTE_MISSING),
        ("op-7", "emergency", "字" * 101, StatementProblem.NOTE_TOO_LONG),
        ("op-7", "emergency", "a\x1b[2J", StatementProblem.NOTE_CHARACTERS),
        ("op-7", "emergency", "身份证360426199101010071", StatementProblem.NOTE_HAS_IDENTITY),
        ("op-7", "emergency", "身份证 360426 19910101 0071", StatementProblem.NOTE_HAS_IDENTITY),
        ("op-7", "emergency", "１１０１０５１９４９１２３１００２ｘ", StatementProblem.NOTE_HAS_IDENTITY),
        ("op-7", "emergency", "三六零四二六一九九一零一零一零零七一", StatementProblem.NOTE_HAS_IDENTITY),
        ("op-7", "emergency", "电话 138:1234:5678", StatementProblem.NOTE_HAS_PHONE),
        ("op-7", "emergency", "138*1234*5678", StatementProblem.NOTE_HAS_PHONE),
        ("op-7", "emergency", "0512：6522：1234", StatementProblem.NOTE_HAS_PHONE),
        ("op-7", "emergency", "1 3 8 | 1 2 3 4 | 5 6 7 8", StatementProblem.NOTE_HAS_PHONE),
        ("op-7", "emergency", "360426＊19910101＊0071", StatementProblem.NOTE_HAS_IDENTITY),
        ("op-7", "emergency", "旧证320311770706001", StatementProblem.NOTE_HAS_IDENTITY),
        ("op-7", "emergency", "护照E12345678", StatementProblem.NOTE_HAS_IDENTITY),
        ("op-7", "emergency", "电话 138-0013-8000", StatementProblem.NOTE_HAS_PHONE),
        ("op-7", "emergency", "电话+86 13800138000", StatementProblem.NOTE_HAS_PHONE),
        ("op-7", "emergency", "家里 0527-85221234", StatementProblem.NOTE_HAS_PHONE),
        ("op-7", "emergency", "家里 85221234", StatementProblem.NOTE_HAS_PHONE),
        ("op-7", "emergency", "卡 99 123 456", StatementProblem.NOTE_HAS_NUMBER),
    ],
)
def test_statement_when_it_must_not_be_kept_then_the_reason_is_named(
    operator: str, reason: str, note: str, problem: StatementProblem
) -> None:
    """Whatever numbers a person is refused before it is recorded, and the refusal quotes nothing."""
    with pytest.raises(StatementRefusedError) as caught:
        PersonStatement.of(operator, reason, note)

    assert caught.value.problem is problem
    assert not note or note not in str(caught.value)


@given(
    st.from_regex(r"[1-9][0-9]{16}[0-9X]", fullmatch=True),
    st.text(alphabet=" -.,", max_size=2),
    st.text(alphabet="未带证件代购", max_size=10),
)
def test_statement_when_an_identity_number_is_spelt_with_gaps_then_it_is_refused(
    number: str, gap: str, words: str
) -> None:
    """Blanks and dashes between the digits hide no number."""
    spelt = gap.join(number[at : at + 3] for at in range(0, 18, 3))

    with pytest.raises(StatementRefusedError):
        PersonStatement("op-7", StatementReason.OTHER, f"{words}{spelt}{words}"[:100])


@pytest.mark.parametrize(
    "note",
    ["2 盒，共 24 片", "2026-11 起长期用药", "批号 A1234", "第 3 次", "三四个人，一二三", "10:30 取药 2*12 片"],
)
def test_statement_when_the_note_counts_something_then_it_is_taken(note: str) -> None:
    """Quantities and months are no numbers of people."""
    assert PersonStatement("op-7", StatementReason.OTHER, note).note == note
