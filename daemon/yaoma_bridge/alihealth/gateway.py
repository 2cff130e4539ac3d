"""Gateway: one signed call to 淘宝开放平台, and what its two levels of answers mean (DOMAIN.md 3.1, 3.6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from yaoma_bridge.alihealth.options import AlihealthOptions, OwnSettings, read_secret
from yaoma_bridge.alihealth.signing import signature
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.platform import Answer, AnswerState
from yaoma_bridge.said import shown_sentence
from yaoma_bridge.web_call import UnreadableError, WebCaller, WebError, read_json

__all__ = ["Gateway", "NoResultError", "Result", "china_time", "entries"]

_PREFIX: Final = "alibaba.alihealth.drugtrace.top."
_MOST_LISTED: Final = 10_000
#: China has one time zone, 8 hours east, and no summer time.
_CHINA: Final = timedelta(hours=8)

#: Too many calls: user, session, partner, app, frequency. HY waits 30 s (DOMAIN.md 3.6).
_LIMITED: Final = frozenset({"4", "5", "6", "7", "8"})
_LIMITED_WAIT_S: Final = 30.0
#: An upload may ask for its partner first, and both together end within the 60 s of `Platform.send`.
_WHOLE_S: Final = 28.0
#: The app itself may not call: permissions, signature, app key.
_APP_REFUSED: Final = frozenset({"11", "13", "24", "25", "28", "29"})
#: This institution's session is missing or over.
_SESSION_REFUSED: Final = frozenset({"12", "26", "27"})
_CLOCK: Final = frozenset({"30", "31"})
_PARAMETERS: Final = frozenset({"21", "22", "23", "32", "33", "34", "40", "41", "42", "43"})
_AWAY: Final = "10"

#: What the gateway's codes mean: a call that it refuses itself never reached the platform.
_GATEWAY: Final = (
    (_LIMITED, AnswerState.WAITING, "rate_limited", True),
    (_APP_REFUSED, AnswerState.WAITING, "credentials", True),
    (_SESSION_REFUSED, AnswerState.HELD, "credentials", False),
    (_CLOCK, AnswerState.WAITING, "clock", True),
    (_PARAMETERS, AnswerState.REFUSED, "parameters", False),
)


class NoResultError(Exception):
    """A call brought no result.

    Args:
        answer: What it means for the parcel.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Result:
    """A business result.

    Args:
        is_good: The platform says that the call itself succeeded, on both levels.
        code: `msg_code` of the level that speaks of a failure, or of the outer one.
        sentence: `msg_info` likewise; unmasked, so for looking only.
        model: What was asked for: an object, or an empty one.
        models: The same as a list, where one was asked for.
    """

    is_good: bool
    code: str
    sentence: str = field(repr=False)
    model: Mapping[str, object] = field(repr=False)
    models: Sequence[Mapping[str, object]] = field(repr=False)


def china_time(at_ms: int) -> str:
    """Give a time as the platform writes it."""
    try:
        at = datetime.fromtimestamp(at_ms / 1000, UTC) + _CHINA
    except (OverflowError, ValueError, OSError):
        at = datetime(1970, 1, 1, tzinfo=UTC)
    return at.strftime("%Y-%m-%d %H:%M:%S")


class Gateway:
    """Calls the gateway for any institution.

    Args:
        options: The destination's options; its secrets are read now.

    Raises:
        ConfigError: If a secret can't be read.
    """

    def __init__(self, options: AlihealthOptions) -> None:
        self._options = options
        self._secret = read_secret(options.app_secret_file, "app_secret_file")
        self._session = _session(options.session_file)
        self._web = WebCaller(
            authority=options.authority,
            plain_http=options.plain_http,
            read_s=options.answer_s,
            whole_s=_WHOLE_S,
        )

    def close(self) -> None:
        """Close the connections."""
        self._web.close()

    def call(self, method: str, parameters: Mapping[str, str], own: OwnSettings, now_ms: int) -> Result:
        """Call a method.

        Args:
            method: Its name behind the families' common prefix, such as `lsyd.uploadretail`.
            parameters: Its own parameters; empty ones are left out.
            own: The institution's settings.
            now_ms: The time, milliseconds since 1970.

        Raises:
            NoResultError: If there is no business result; it holds what that means.
        """
        body = urlencode(self._signed(method, parameters, own, now_ms)).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}
        try:
            reply = self._web.post(self._options.url, body, headers)
        except WebError as error:
            state = AnswerState.UNKNOWN if error.was_sent else AnswerState.WAITING
            raise NoResultError(Answer(state, error.trouble.value, is_outage=True)) from None
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            wait_s = reply.retry_after_s or _LIMITED_WAIT_S
            raise NoResultError(Answer(AnswerState.WAITING, "rate_limited", retry_after_s=wait_s, is_outage=True))
        if not reply.is_good:
            # What stands between us and the platform may have passed the call on before it failed.
            raise NoResultError(
                Answer(AnswerState.UNKNOWN, "http_error", is_outage=True, retry_after_s=reply.retry_after_s)
            )
        try:
            fields = read_json(reply)
        except UnreadableError as error:
            raise NoResultError(Answer(AnswerState.UNKNOWN, error.reason, is_outage=True)) from None
        refused = fields.get("error_response")
        if isinstance(refused, Mapping):
            raise NoResultError(_refused(refused))
        return _result(fields)

    def _signed(self, method: str, parameters: Mapping[str, str], own: OwnSettings, now_ms: int) -> dict[str, str]:
        secret, key, session = self._secret, self._options.app_key, self._session
        try:
            if own.app_key and own.app_secret_file is not None:
                secret, key = read_secret(own.app_secret_file, "app_secret_file"), own.app_key
            if own.session_file is not None:
                session = _session(own.session_file)
        except ConfigError:
            raise NoResultError(Answer(AnswerState.HELD, "credentials")) from None
        fields = {
            "method": f"{_PREFIX}{method}",
            "app_key": key,
            "timestamp": china_time(now_ms),
            "format": "json",
            "v": "2.0",
            "sign_method": self._options.sign_method.value,
            **{name: value for name, value in parameters.items() if value},
        }
        if session:
            fields["session"] = session
        return {**fields, "sign": signature(fields, secret, self._options.sign_method)}


def entries(value: object) -> list[Mapping[str, object]]:
    """Give the objects of a list; the gateway wraps lists once more in an object with one name."""
    if isinstance(value, Mapping) and len(value) == 1:
        (value,) = value.values()
    several = value if isinstance(value, list) else [value] if isinstance(value, Mapping) else []
    return [one for one in several[:_MOST_LISTED] if isinstance(one, Mapping)]


def _session(path: Path | None) -> str:
    return "" if path is None else read_secret(path, "session_file").decode("ascii", "replace")


def _refused(fields: Mapping[str, object]) -> Answer:
    """Say what an error of the gateway means."""
    code, sub_code = str(fields.get("code", "")), str(fields.get("sub_code", ""))
    said = shown_sentence(fields.get("sub_msg") or fields.get("msg"))
    if code == _AWAY:
        return Answer(AnswerState.UNKNOWN, "platform_away", said, is_outage=True)
    for codes, state, reason, is_outage in _GATEWAY:
        if code in codes:
            wait_s = _LIMITED_WAIT_S if codes is _LIMITED else None
            return Answer(state, reason, said, retry_after_s=wait_s, is_outage=is_outage)
    if sub_code.startswith("isv."):
        return Answer(AnswerState.REFUSED, "parameters", said)
    return Answer(AnswerState.UNKNOWN, "gateway_error", said, is_outage=sub_code.startswith("isp."))


def _result(fields: Mapping[str, object]) -> Result:
    """Read a business result; "success" outside with a failure inside is a failure."""
    named = [value for name, value in fields.items() if name.endswith("_response")]
    outer = named[0] if named and isinstance(named[0], Mapping) else fields
    inner = outer.get("result", outer)
    if not isinstance(inner, Mapping) or not ({"msg_code", "response_success", "success"} & inner.keys()):
        raise NoResultError(Answer(AnswerState.UNKNOWN, "answer_unreadable", is_outage=True))
    model = inner.get("model")
    levels = [inner, model] if isinstance(model, Mapping) and "msg_code" in model else [inner]
    failed = next((level for level in levels if not _is_good(level)), None)
    speaking = failed if failed is not None else inner
    return Result(
        failed is None,
        str(speaking.get("msg_code") or ""),
        str(speaking.get("msg_info") or ""),
        model if isinstance(model, Mapping) else {},
        entries(inner.get("model_list") if "model_list" in inner else model),
    )


def _is_good(level: Mapping[str, object]) -> bool:
    flags = [level[name] for name in ("response_success", "success") if name in level]
    if any(flag in (False, "false", "FALSE") for flag in flags):
        return False
    code = level.get("msg_code")
    return str(code).upper() == "SUCCESS" if code else bool(flags)
