"""The destination `epcis`: each bill as EPCIS 2.0 events to a repository's capture interface (SCANNERS.md 3)."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, ClassVar, Final
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from yaoma_bridge.bill import Bill, BillLine
from yaoma_bridge.epcis_events import EpcisNames, capture_document, event_id, events_of, is_observed
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.platform import Answer, AnswerState, Order, Pace, Parcel, Ruling, RulingKind
from yaoma_bridge.said import shown_sentence
from yaoma_bridge.web_answer import answer_of_error, answer_of_status
from yaoma_bridge.web_call import UnreadableError, WebCaller, WebError, WebReply, read_json

__all__ = ["EpcisDestination", "EpcisOptions"]

_HEADERS: Final = {"GS1-EPCIS-Version": "2.0.0", "GS1-CBV-Version": "2.0.0", "Accept": "application/json"}
#: A document is taken as a whole or not at all, so one of its events speaks for the others.
_CAPTURE_HEADERS: Final = {"Content-Type": "application/json", "GS1-Capture-Error-Behaviour": "rollback"}
#: A repository captures in the background: before so many milliseconds "not there" is not believed.
_SETTLE_MS: Final = 60_000


class EpcisOptions(BaseModel):
    """Options of the destination `epcis`.

    Args:
        url: The repository's base address; `/capture` and `/events` follow it.
        uri_base: Base of our URIs, without a slash at its end; its domain must belong to the operator.
        prefix: Prefix of our own fields.
        namespace: Its URI; `<uri_base>/ns/` if empty.
        token: File with a bearer token, absolute; None if the repository wants none.
        authority, certificate, key: TLS files, absolute.
        plain_http: Allow `http:`.
        connect_s: How long connecting may take, seconds.
        read_s: How long the other side may be silent, seconds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str
    uri_base: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+[^\s?#]*[^\s/?#]$")]
    prefix: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{0,15}$")] = "yaoma"
    namespace: str = ""
    token: Path | None = None
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    plain_http: bool = False
    connect_s: Annotated[float, Field(gt=0, le=20)] = 5.0
    read_s: Annotated[float, Field(gt=0, le=40)] = 20.0

    @field_validator("token", "authority", "certificate", "key")
    @classmethod
    def _is_absolute(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_absolute():
            raise ValueError("an absolute path was expected")
        return path


class EpcisDestination:
    """Captures bills at an EPCIS 2.0 repository.

    A capture is taken with 202 and an address that tells how it went (`captureID`); an event's id is made from its
    bill, so that after an unknown outcome the repository can be asked for just that event.

    Args:
        name: Its name in the configuration.
        options: Its options.

    Raises:
        ConfigError: If the token or a TLS file can't be used.
    """

    Options: ClassVar[type[BaseModel]] = EpcisOptions
    KIND: ClassVar[str] = "epcis"

    def __init__(self, name: str, options: EpcisOptions) -> None:
        self._name = name
        self._url = options.url.rstrip("/")
        self._names = EpcisNames(options.uri_base, options.prefix, options.namespace)
        self._headers = dict(_HEADERS)
        if options.token is not None:
            self._headers["Authorization"] = f"Bearer {_token(options.token)}"
        self._caller = WebCaller(
            authority=options.authority,
            certificate=options.certificate,
            key=options.key,
            plain_http=options.plain_http,
            connect_s=options.connect_s,
            read_s=options.read_s,
        )

    @property
    def name(self) -> str:
        """Its name in the configuration, in receipts and in the store."""
        return self._name

    @property
    def order(self) -> Order:
        """Events carry their time, so any order will do."""
        return Order.NONE

    @property
    def pace(self) -> Pace:
        """As fast as the repository answers."""
        return Pace(at_once=2, first_ask_s=1.0)

    def rule(self, bill: Bill, line: BillLine) -> Ruling:
        """Say whether the operation has words in the vocabulary."""
        del line
        if is_observed(bill.operation):
            return Ruling()
        return Ruling(RulingKind.NOT_NEEDED, "operation_not_in_vocabulary")

    def parcels(self, bill: Bill) -> Sequence[Parcel]:
        """Send a bill as a whole: its events hang together."""
        lines = tuple(range(len(bill.lines)))
        return [Parcel(bill.number, "capture", bill, lines)]

    def send(self, parcel: Parcel, now_ms: int) -> Answer:
        """Capture the events."""
        events = events_of(parcel.bill, self._names)
        document = capture_document(events, self._names, now_ms)
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        try:
            reply = self._caller.post(f"{self._url}/capture", body, {**self._headers, **_CAPTURE_HEADERS})
        except WebError as error:
            return answer_of_error(error, {"sent_ms": now_ms, "job": None})
        if reply.status in {HTTPStatus.OK, HTTPStatus.CREATED}:
            return Answer(AnswerState.ACCEPTED)
        if reply.is_good:
            job = self._job(reply.headers.get("location", ""))
            return Answer(AnswerState.PROCESSING, facts={"sent_ms": now_ms, "job": job or None})
        return _not_taken(reply)

    def ask(self, parcel: Parcel, now_ms: int) -> Answer:
        """Ask for the capture job, or for the events themselves if its address never came."""
        job = parcel.facts.get("job")
        path = job if isinstance(job, str) else f"/events/{quote(self._first_event(parcel), safe='')}"
        try:
            reply = self._caller.get(self._url + path, self._headers)
        except WebError as error:
            return Answer(AnswerState.UNKNOWN, error.trouble.value, is_outage=True)
        if reply.status == HTTPStatus.NOT_FOUND:
            return _not_there(parcel, now_ms)
        if not reply.is_good:
            return Answer(AnswerState.UNKNOWN, f"http_{reply.status // 100}xx", is_outage=True)
        try:
            answer = read_json(reply)
        except UnreadableError as error:
            return Answer(AnswerState.UNKNOWN, error.reason, is_outage=True)
        return _job_answer(answer) if job else Answer(AnswerState.ACCEPTED)

    def close(self) -> None:
        """Give connections back."""
        self._caller.close()

    def _first_event(self, parcel: Parcel) -> str:
        return event_id(parcel.bill, 0)

    def _job(self, location: str) -> str:
        """Give the job's path below our repository; an address elsewhere is never followed."""
        if location.startswith(self._url + "/"):
            return location.removeprefix(self._url)
        base = urlsplit(self._url).path
        if location.startswith("/") and not location.startswith("//"):
            return location.removeprefix(base) if base and location.startswith(f"{base}/") else location
        return ""


def _not_there(parcel: Parcel, now_ms: int) -> Answer:
    """Say what 404 means: a job may be forgotten, an event may still come for a while."""
    since = parcel.facts.get("sent_ms") or parcel.facts.get("asked_ms")
    since_ms = since if isinstance(since, int) else now_ms
    is_settled = now_ms - since_ms >= _SETTLE_MS and not parcel.facts.get("job")
    state = AnswerState.WAITING if is_settled else AnswerState.UNKNOWN
    return Answer(state, "not_there" if is_settled else "not_there_yet", facts={"asked_ms": since_ms, "job": None})


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
