"""EPCIS repository: the capture interface of EPCIS 2.0 (ISO/IEC 19987:2024), and how to find out what was captured."""

import json
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote, urlsplit

from pydantic import Field

from yaoma.core.canonical import Json
from yaoma_bridge.destination_options import AbsolutePath
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.platform import Answer, AnswerState
from yaoma_bridge.said import shown_sentence
from yaoma_bridge.web_answer import answer_of_error, answer_of_status
from yaoma_bridge.web_call import UnreadableError, WebError, WebReply, read_json
from yaoma_bridge.web_options import WebOptions

__all__ = ["EpcisOptions", "EpcisRepository"]

_HEADERS: Final = {"GS1-EPCIS-Version": "2.0.0", "GS1-CBV-Version": "2.0.0", "Accept": "application/json"}
#: A document is taken as a whole or not at all, so one of its events speaks for the others.
_CAPTURE_HEADERS: Final = {"Content-Type": "application/json", "GS1-Capture-Error-Behaviour": "rollback"}


class EpcisOptions(WebOptions):
    """Options of the destinations `epcis` and `epcis_inspections`, beside those of their calls.

    Args:
        url: The repository's base address; `/capture` and `/events` follow it.
        uri_base: Base of our URIs, without a slash at its end; its domain must belong to the operator.
        prefix: Prefix of our own fields.
        namespace: Its URI; `<uri_base>/ns/` if empty.
        token: File with a bearer token, absolute; None if the repository wants none.
        settle_s: A repository captures in the background: before so many seconds "not there" is not believed.
    """

    url: str
    uri_base: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+[^\s?#]*[^\s/?#]$")]
    prefix: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{0,15}$")] = "yaoma"
    namespace: str = ""
    token: AbsolutePath | None = None
    settle_s: Annotated[int, Field(ge=0, le=3600)] = 60


class EpcisRepository:
    """Captures documents at a repository.

    A capture is taken with 202 and an address that tells how it went (`captureID`); that address is followed only below
    the repository's own.

    Args:
        options: Where it is, and how to get in.

    Raises:
        ConfigError: If the token or a TLS file can't be used.
    """

    def __init__(self, options: EpcisOptions) -> None:
        self._url = options.url.rstrip("/")
        self._headers = dict(_HEADERS)
        if options.token is not None:
            self._headers["Authorization"] = f"Bearer {_token(options.token)}"
        self._caller = options.caller()

    def capture(self, document: Mapping[str, Json]) -> Answer:
        """Capture a document; `facts` of the answer hold the path of the `job`, or None."""
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        try:
            reply = self._caller.post(f"{self._url}/capture", body, {**self._headers, **_CAPTURE_HEADERS})
        except WebError as error:
            return answer_of_error(error, {"job": None})
        if reply.status in {HTTPStatus.OK, HTTPStatus.CREATED}:
            return Answer(AnswerState.ACCEPTED)
        if reply.is_good:
            return Answer(AnswerState.PROCESSING, facts={"job": self._job(reply.headers.get("location", "")) or None})
        return _not_taken(reply)

    def job(self, path: str) -> Answer:
        """Ask how a capture went; WAITING if the repository no longer knows it."""
        reply = self._get(path)
        if isinstance(reply, Answer):
            return reply
        try:
            return _job_answer(read_json(reply))
        except UnreadableError as error:
            return Answer(AnswerState.UNKNOWN, error.reason, is_outage=True)

    def event(self, event_id: str) -> Answer:
        """Ask whether an event is there: ACCEPTED, or WAITING if it is not."""
        reply = self._get(f"/events/{quote(event_id, safe='')}")
        if isinstance(reply, Answer):
            return reply
        try:
            read_json(reply)
        except UnreadableError as error:
            return Answer(AnswerState.UNKNOWN, error.reason, is_outage=True)
        return Answer(AnswerState.ACCEPTED)

    def close(self) -> None:
        """Give connections back."""
        self._caller.close()

    def _get(self, path: str) -> WebReply | Answer:
        try:
            reply = self._caller.get(self._url + path, self._headers)
        except WebError as error:
            return Answer(AnswerState.UNKNOWN, error.trouble.value, is_outage=True)
        if reply.status == HTTPStatus.NOT_FOUND:
            return Answer(AnswerState.WAITING, "not_there")
        if reply.is_good:
            return reply
        trouble = answer_of_status(reply) or Answer(AnswerState.UNKNOWN, "answer_unreadable", is_outage=True)
        return replace(trouble, state=AnswerState.UNKNOWN)

    def _job(self, location: str) -> str:
        """Give the job's path below our repository; an address elsewhere is never followed."""
        if location.startswith(f"{self._url}/"):
            return location.removeprefix(self._url)
        base = urlsplit(self._url).path
        if location.startswith("/") and not location.startswith("//"):
            return location.removeprefix(base) if base and location.startswith(f"{base}/") else location
        return ""


def _job_answer(answer: dict[str, object]) -> Answer:
    if answer.get("success") is True and answer.get("running") is not True:
        return Answer(AnswerState.ACCEPTED)
    if answer.get("running") is True or "success" not in answer:
        return Answer(AnswerState.PROCESSING)
    errors = answer.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    return Answer(AnswerState.REFUSED, "epcis_refused", shown_sentence(first.get("detail") or first.get("title")))


def _not_taken(reply: WebReply) -> Answer:
    """Read an error: what the repository says is wrong with the document itself is a refusal."""
    if (trouble := answer_of_status(reply)) is not None:
        return trouble
    if reply.status == HTTPStatus.CONFLICT:
        return Answer(AnswerState.UNKNOWN, "maybe_there")  # an event of this id: ours, or another's
    try:
        problem = read_json(reply)
    except UnreadableError:
        return Answer(AnswerState.HELD, "address_wrong", is_outage=True)
    said = shown_sentence(problem.get("detail") or problem.get("title"))
    return Answer(AnswerState.REFUSED, "epcis_refused", said)


def _token(path: Path) -> str:
    try:
        text = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError("token: the file can't be read", "Write the token into it") from None
    if not text or not text.isprintable():
        raise ConfigError("token: the file holds no token", "Write the token into it")
    return text
