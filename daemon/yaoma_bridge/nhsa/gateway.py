"""Gateway: one call to the insurance platform, from the envelope to what its answer says."""

import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, cast

from yaoma.core.canonical import Json
from yaoma_bridge.field_map import FieldTroubleError, fill
from yaoma_bridge.known import CHINA
from yaoma_bridge.nhsa.institution import NhsaSite
from yaoma_bridge.nhsa.profile import Profile
from yaoma_bridge.nhsa.signing import GatewaySigning, SigningMoment
from yaoma_bridge.platform import Answer, AnswerState
from yaoma_bridge.said import shown_sentence
from yaoma_bridge.web_answer import answer_of_error, answer_of_status
from yaoma_bridge.web_call import UnreadableError, WebCaller, WebError, WebReply, read_json

__all__ = ["CallFailedError", "MsgIds", "NhsaGateway", "Reply"]

_MS: Final = 1000
_SEQUENCES: Final = 10_000
_CODE_LETTERS: Final = 12


class CallFailedError(Exception):
    """A call brought no usable answer; what that means for the parcel stands in `answer`.

    Args:
        answer: UNKNOWN if the request left, WAITING if it certainly did not.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Reply:
    """What the platform answered, read.

    Args:
        code: `infcode`; 0 is the first of two levels of success (DOMAIN.md 2.3).
        text: `err_msg`, as it came: for comparing only.
        output: The object `output`; empty if there is none.
        everything: `output`, whatever it is.
    """

    code: str
    text: str = field(repr=False)
    output: Mapping[str, Json] = field(repr=False)
    everything: Json = field(default=None, repr=False)

    @property
    def is_taken(self) -> bool:
        """The first level of success."""
        return self.code == "0"

    @property
    def said(self) -> str:
        """`err_msg`, as it may be shown."""
        return shown_sentence(self.text)


class MsgIds:
    """Makes `msgid`: institution (12) + yyyyMMddHHmmss + four digits, unique per institution (DOMAIN.md 2.2).

    The four digits begin anywhere, so that two workers in one second rarely meet, and go round; a second in which they
    would meet themselves is left out.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = secrets.randbelow(_SEQUENCES)
        self._second = 0
        self._used = 0

    def make(self, code: str, now_ms: int) -> str:
        """Make the next one.

        Args:
            code: The institution's code; a shorter one is filled with zeros.
            now_ms: The time, milliseconds since 1970.
        """
        with self._lock:
            second = max(now_ms // _MS, self._second)
            if second == self._second and self._used == _SEQUENCES:
                second += 1
            if second != self._second:
                self._second, self._used = second, 0
            self._used += 1
            self._next = (self._next + 1) % _SEQUENCES
            at = datetime.fromtimestamp(second, CHINA)
            return f"{code[:_CODE_LETTERS].ljust(_CODE_LETTERS, '0')}{at:%Y%m%d%H%M%S}{self._next:04d}"


class NhsaGateway:
    """Calls the gateway of one institution.

    Args:
        site: The institution.
        url: Its gateway's base address.
        profile: The province's file.
        signings: The signatures, made with the institution's credentials.
        caller: Makes the web calls.
        msg_ids: Makes message ids.
    """

    def __init__(
        self,
        *,
        site: NhsaSite,
        url: str,
        profile: Profile,
        signings: tuple[GatewaySigning, ...],
        caller: WebCaller,
        msg_ids: MsgIds,
    ) -> None:
        self._site = site
        self._url = url.rstrip("/")
        self._profile = profile
        self._signings = signings
        self._caller = caller
        self._msg_ids = msg_ids
        self._sign_in = threading.Lock()
        self._sign_no = ""
        self._signed_on = ""

    def call(self, infno: str, content: Mapping[str, Json], now_ms: int, insured_area: str = "") -> Reply:
        """Sign in if need be, call, and read the answer.

        Args:
            infno: The transaction's number.
            content: The object `input`.
            now_ms: The time, milliseconds since 1970.
            insured_area: 参保地医保区划, if the bill says one.

        Raises:
            CallFailedError: If there is no usable answer.
        """
        sign_no = self._session(now_ms) if self._profile.gateway.sign_in else ""
        return self._exchange(infno, content, now_ms, sign_no, insured_area or self._site.insured_area or "")

    def forget_session(self) -> None:
        """Sign in anew before the next call: the platform no longer knows us."""
        with self._sign_in:
            self._sign_no = ""

    def _session(self, now_ms: int) -> str:
        """Give the number of today's sign-in (9001, DOMAIN.md 2.5)."""
        today = f"{datetime.fromtimestamp(now_ms / _MS, CHINA):%Y%m%d}"
        with self._sign_in:
            if self._sign_no and self._signed_on == today:
                return self._sign_no
            content: dict[str, Json] = {
                "signIn": {"opter_no": self._site.opter, "mac": self._site.mac, "ip": self._site.ip}
            }
            try:
                reply = self._exchange("9001", content, now_ms, "", "")
            except CallFailedError as failed:
                # Whatever became of the sign-in: the parcel itself did not leave.
                raise CallFailedError(_not_signed_in(failed.answer.reason, failed.answer.said)) from None
            inner = reply.output.get("signinoutb")
            found = (inner if isinstance(inner, Mapping) else reply.output).get("sign_no")
            if not reply.is_taken or not isinstance(found, str) or not found:
                raise CallFailedError(_not_signed_in("sign_in_refused", reply.said))
            self._sign_no, self._signed_on = found, today
            return found

    def _exchange(self, infno: str, content: Mapping[str, Json], now_ms: int, sign_no: str, insured_area: str) -> Reply:
        gateway, site = self._profile.gateway, self._site
        moment = SigningMoment(now_ms, secrets.token_hex(16))
        values: dict[str, object] = {
            "infno": infno,
            "msgid": self._msg_ids.make(site.code, now_ms),
            "area": site.area,
            "insured_area": insured_area,
            "receiver": site.receiver,
            "dev_no": site.dev_no,
            "opter_type": site.opter_type,
            "opter": site.opter,
            "opter_name": site.opter_name,
            "now": datetime.fromtimestamp(now_ms / _MS, CHINA).replace(tzinfo=None),
            "code": site.code,
            "name": site.name,
            "sign_no": sign_no,
        }
        try:
            envelope: Mapping[str, Json] = fill(gateway.envelope, values)
        except FieldTroubleError:
            raise CallFailedError(Answer(AnswerState.HELD, "institution_incomplete")) from None
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        envelope = {**envelope, "input": text if gateway.input_form == "text" else dict(content)}
        headers = {"Content-Type": gateway.content_type}
        for signing in self._signings:
            envelope = signing.seal(envelope)
            headers |= signing.headers(infno, moment)
        body = json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
        try:
            return _read(self._caller.post(f"{self._url}{gateway.path.replace('{infno}', infno)}", body, headers))
        except WebError as error:
            raise CallFailedError(answer_of_error(error)) from None
        except UnreadableError as error:
            raise CallFailedError(Answer(AnswerState.UNKNOWN, error.reason, is_outage=True)) from None


def _not_signed_in(reason: str, said: str) -> Answer:
    return Answer(AnswerState.WAITING, reason, said, is_outage=True)


def _read(web: WebReply) -> Reply:
    """Read an answer; a status of trouble says nothing of what became of the request, unless it is 429."""
    if not web.is_good:
        trouble = answer_of_status(web) or Answer(AnswerState.UNKNOWN, "answer_unreadable", is_outage=True)
        raise CallFailedError(trouble)
    answer = read_json(web)
    code = answer.get("infcode")
    if isinstance(code, bool) or not isinstance(code, str | int) or str(code) == "":
        raise UnreadableError("answer_incomplete")
    output = answer.get("output")
    if isinstance(output, str) and output.strip():
        output = read_json(WebReply(web.status, web.headers, output.encode("utf-8", "replace")))
    said = answer.get("err_msg")
    inner = cast("Mapping[str, Json]", output) if isinstance(output, dict) else {}
    return Reply(str(code), said if isinstance(said, str) else "", inner, cast("Json", output))
