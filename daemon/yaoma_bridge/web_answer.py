"""Web answer: what a failed call or an HTTP status says of a parcel, whatever the platform."""

from collections.abc import Mapping
from http import HTTPStatus

from yaoma.core.canonical import Json
from yaoma_bridge.platform import Answer, AnswerState
from yaoma_bridge.web_call import WebError, WebReply

__all__ = ["answer_of_error", "answer_of_status"]

_NO_ENTRY = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


def answer_of_error(error: WebError, facts: Mapping[str, Json] | None = None) -> Answer:
    """Give the answer for a call that brought none: unknown if it may have arrived (DESIGN.md 3, promise 4).

    Args:
        error: What went wrong.
        facts: What must be remembered.
    """
    state = AnswerState.UNKNOWN if error.was_sent else AnswerState.WAITING
    return Answer(state, error.trouble.value, facts=facts or {}, is_outage=True)


def answer_of_status(reply: WebReply) -> Answer | None:
    """Give the answer for a status that speaks of the platform and not of the parcel; None if it does not.

    A 5xx may come from behind the place where the request was taken, so it leaves the outcome unknown.
    """
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Answer(AnswerState.WAITING, "rate_limited", is_outage=True, retry_after_s=reply.retry_after_s)
    if reply.status in _NO_ENTRY:
        return Answer(AnswerState.HELD, "credentials", is_outage=True)
    if reply.is_trouble_there:
        return Answer(AnswerState.UNKNOWN, "http_5xx", is_outage=True, retry_after_s=reply.retry_after_s)
    if HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST or reply.status in _NOT_HERE:
        return Answer(AnswerState.HELD, "address_wrong", is_outage=True)
    return None


_NOT_HERE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE})
