"""Answers of 码上放心: whatever comes back, it means something, and only the platform's own word means accepted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.ticketed import code_of
from yaoma_bridge.alihealth import gateway
from yaoma_bridge.alihealth.gateway import NoResultError, entries
from yaoma_bridge.alihealth.queries import contents, despatch, despatch_keys, statuses
from yaoma_bridge.alihealth.verdicts import answer_to_upload, processed
from yaoma_bridge.platform import Answer, AnswerState

A = code_of(1)
_WORDS = st.sampled_from(
    ["result", "model", "msg_code", "msg_info", "response_success", "success", "x_response", "model_list", "SUCCESS"]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
_OBJECT = st.dictionaries(_WORDS | st.text(max_size=5), _JSON, max_size=5)


def _uploaded(fields: dict[str, Any]) -> Answer:
    try:
        return answer_to_upload(gateway._result(fields), [A])
    except NoResultError as error:
        return error.answer


@given(_OBJECT)
def test_no_answer_to_an_upload_means_accepted(fields: dict[str, Any]) -> None:
    """An upload is at best under way; an answer that says nothing leaves the bill unknown."""
    answer = _uploaded(fields)
    assert answer.state in {AnswerState.PROCESSING, AnswerState.REFUSED, AnswerState.UNKNOWN}
    assert answer.state is AnswerState.PROCESSING or answer.reason
    assert len(answer.reason) <= 64


@given(_OBJECT)
def test_every_error_of_the_gateway_has_a_reason(fields: dict[str, Any]) -> None:
    """No error means accepted or under way."""
    answer = gateway._refused(fields)
    assert answer.state not in {AnswerState.ACCEPTED, AnswerState.PROCESSING}
    assert answer.reason


@given(_OBJECT)
def test_a_row_means_accepted_only_by_its_three(row: dict[str, Any]) -> None:
    """A status row without `result_type` 3 accepts nothing."""
    assert processed(row, [A]).state is not AnswerState.ACCEPTED
    assert processed({**row, "result_type": "3"}, [A]).state is AnswerState.ACCEPTED
    assert processed({**row, "result_type": "4"}, [A]).state is AnswerState.REFUSED


@given(_JSON, _OBJECT)
def test_queries_read_anything(value: object, fields: dict[str, Any]) -> None:
    """Whatever a query answers, nothing is raised and nothing is invented."""
    rows = [*entries(value), fields]
    assert despatch(fields) is None
    assert contents(A, rows) is None
    assert statuses(rows, 1) == []
    assert all(bill and sender for bill, sender in despatch_keys(rows, 99))


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"x_response": {"result": {"msg_code": "SUCCESS", "response_success": True}}}, AnswerState.PROCESSING),
        ({"result": {"msg_code": "SUCCESS", "response_success": True}}, AnswerState.PROCESSING),
        ({"x_response": {"result": {"msg_code": "SUCCESS", "response_success": False}}}, AnswerState.REFUSED),
        ({"x_response": {"result": {"msg_code": "FAIL", "response_success": True}}}, AnswerState.REFUSED),
        ({"x_response": {"result": {"response_success": "false"}}}, AnswerState.REFUSED),
        (
            {
                "x_response": {
                    "result": {"msg_code": "SUCCESS", "response_success": True, "model": {"msg_code": "FAIL"}}
                }
            },
            AnswerState.REFUSED,
        ),
        ({"x_response": {"result": "SUCCESS"}}, AnswerState.UNKNOWN),
        ({}, AnswerState.UNKNOWN),
    ],
)
def test_both_levels_of_a_result_are_read(fields: dict[str, Any], state: AnswerState) -> None:
    """Success outside with a failure inside is a failure; what names neither is unknown."""
    assert _uploaded(fields).state is state


def test_what_the_platform_says_is_kept_without_codes() -> None:
    """The platform's sentence is shown with its numbers masked."""
    answer = _uploaded({"result": {"msg_code": "FAIL", "msg_info": f"存在已出售的码:{A.removeprefix('cn20:')}"}})
    assert answer.reason == "sold_elsewhere"
    assert A.removeprefix("cn20:") not in answer.said
    assert "***" in answer.said
