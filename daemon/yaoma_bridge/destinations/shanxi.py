"""The destination `shanxi`: a provincial receiver (DB14/T 3290: HTTPS, JSON, SM3), or a folder of such data sets."""

import hmac
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final, Self, cast

from pydantic import BaseModel, model_validator

from yaoma.core.canonical import Json
from yaoma_bridge.bill import Bill, BillLine
from yaoma_bridge.data_set import DataSet, event_id_of, message_of, missing_in, read_data_set, sm3_value
from yaoma_bridge.destination_options import AbsolutePath
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.field_map import FieldTroubleError
from yaoma_bridge.platform import Answer, AnswerState, Order, Pace, Parcel, Ruling, RulingKind
from yaoma_bridge.said import shown_sentence
from yaoma_bridge.web_answer import answer_of_error, answer_of_status
from yaoma_bridge.web_call import UnreadableError, WebError, WebReply, read_json
from yaoma_bridge.web_options import WebOptions

__all__ = ["ShanxiDestination", "ShanxiOptions"]

_REASONS: Final[Mapping[str, str]] = {
    "drug": "drug_data_missing",
    "lot": "lot_data_missing",
    "bill": "bill_data_missing",
    "line": "bill_data_missing",
}


class ShanxiOptions(WebOptions):
    """Options of the destination `shanxi`, beside those of its calls.

    Args:
        map: The map of fields, absolute.
        url: The receiver's base address; or
        folder: A folder for messages as files, absolute: for data sets that are exchanged by hand.
        secret: File with the secret of the SM3 value, absolute; None if it has none.

    The standard itself wants HTTPS.
    """

    map: AbsolutePath
    url: str = ""
    folder: AbsolutePath | None = None
    secret: AbsolutePath | None = None

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        if bool(self.url) == (self.folder is not None):
            raise ValueError("either url or folder was expected")
        return self


class ShanxiDestination:
    """Sends messages of a data set whose fields are data.

    The standard's receiver answers at once; no question about a message is public. Its GUID is made from the bill, so
    a message that may be there is held for a person, who may send it again under the same GUID.

    Args:
        name: Its name in the configuration.
        options: Its options.

    Raises:
        ConfigError: If the map, the secret or a TLS file can't be used.
    """

    Options: ClassVar[type[BaseModel]] = ShanxiOptions
    KIND: ClassVar[str] = "shanxi"

    def __init__(self, name: str, options: ShanxiOptions) -> None:
        self._name = name
        self._url = options.url.rstrip("/")
        self._folder = options.folder
        self._data_set: DataSet = read_data_set(options.map)
        self._secret = _secret(options.secret)
        self._caller = options.caller()

    @property
    def name(self) -> str:
        """Its name in the configuration, in receipts and in the store."""
        return self._name

    @property
    def order(self) -> Order:
        """A code's receipt comes before its sale, and that before its return."""
        return Order.CODE

    @property
    def pace(self) -> Pace:
        """No limit is public; a careful one."""
        return Pace(calls_per_s=5.0, burst=5)

    def rule(self, bill: Bill, line: BillLine) -> Ruling:
        """Say whether the data set has a group for the operation, and whether all that it wants is known."""
        if bill.institution is None:
            return Ruling(RulingKind.HELD, "institution_unknown")
        groups = self._data_set.groups_for(bill.operation, bill.institution)
        if not groups:
            return Ruling(RulingKind.NOT_NEEDED, "operation_not_in_data_set")
        number = next(number for number, one in enumerate(bill.lines) if one.code == line.code)
        trouble = missing_in(bill, number, self._data_set, groups)
        return Ruling() if trouble is None else Ruling(RulingKind.HELD, _reason(trouble))

    def parcels(self, bill: Bill) -> Sequence[Parcel]:
        """Make one message per group, and more if a bill is long."""
        assert bill.institution is not None, "lines without an institution are held"
        most = self._data_set.lines_per_message
        return [
            Parcel(
                event_id_of(bill, group, part),
                group,
                bill,
                tuple(range(first, min(first + most, len(bill.lines)))),
                facts={"event": event_id_of(bill, group, part)},
            )
            for group in self._data_set.groups_for(bill.operation, bill.institution)
            for part, first in enumerate(range(0, len(bill.lines), most))
        ]

    def send(self, parcel: Parcel, now_ms: int) -> Answer:
        """Write the message, sign it and send it."""
        del now_ms
        try:
            message = message_of(
                parcel.bill, parcel.lines, self._data_set, parcel.call, event_id=str(parcel.facts["event"])
            )
        except FieldTroubleError as trouble:
            return Answer(AnswerState.HELD, _reason(trouble))
        body, headers = self._signed(message)
        if self._folder is not None:
            return _filed(self._folder, f"{parcel.facts['event']}.json", body)
        try:
            reply = self._caller.post(f"{self._url}{self._data_set.path}", body, headers)
        except WebError as error:
            return answer_of_error(error)
        return self._judged(reply)

    def ask(self, parcel: Parcel, now_ms: int) -> Answer:
        """Say that nothing public says how to ask; a file is simply written again."""
        del parcel, now_ms
        if self._folder is not None:
            return Answer(AnswerState.WAITING, "sent_again")
        return Answer(AnswerState.UNKNOWN, "cannot_be_asked")

    def close(self) -> None:
        """Give connections back."""
        self._caller.close()

    def _signed(self, message: Mapping[str, Json]) -> tuple[bytes, dict[str, str]]:
        headers = {"Content-Type": "application/json; charset=UTF-8"}
        shape = self._data_set.signature
        body = _bytes(message)
        if shape is None:
            return body, headers
        value = sm3_value(shape, self._secret, body, message)
        if shape.place == "header":
            return body, {**headers, shape.name: value}
        return _bytes({**message, shape.name: value}), headers

    def _judged(self, reply: WebReply) -> Answer:
        if (trouble := answer_of_status(reply)) is not None:
            return trouble
        try:
            answer = read_json(reply)
        except UnreadableError as error:
            return Answer(AnswerState.UNKNOWN, error.reason, is_outage=True)
        if not self._is_theirs(reply, answer):
            return Answer(AnswerState.UNKNOWN, "answer_signature_wrong", is_outage=True)
        return self._coded(answer)

    def _coded(self, answer: Mapping[str, object]) -> Answer:
        form = self._data_set.answer
        code, said = answer.get(form.code), shown_sentence(answer.get(form.said))
        if code is None:
            return Answer(AnswerState.UNKNOWN, "answer_incomplete", said)
        if str(code) in form.busy:
            return Answer(AnswerState.WAITING, "rate_limited", said, is_outage=True)
        if str(code) in {*form.good, *form.duplicate}:
            # The GUID is ours alone: what is there already under it is this message.
            return Answer(AnswerState.ACCEPTED)
        return Answer(AnswerState.REFUSED, "data_set_refused", said)

    def _is_theirs(self, reply: WebReply, answer: Mapping[str, object]) -> bool:
        shape = self._data_set.answer.signature
        if shape is None:
            return True
        given = reply.headers.get(shape.name.lower()) if shape.place == "header" else answer.get(shape.name)
        expected = sm3_value(shape, self._secret, reply.body, cast("Mapping[str, Json]", answer))
        return isinstance(given, str) and hmac.compare_digest(given.encode(), expected.encode())


def _reason(trouble: FieldTroubleError) -> str:
    if trouble.problem != "missing":
        return "data_set_field_unfit"
    return _REASONS.get(trouble.source.partition(".")[0], "institution_incomplete")


def _bytes(message: Mapping[str, Json]) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def _filed(folder: Path, name: str, body: bytes) -> Answer:
    """Write a file whole or not at all; the same message written again is the same file."""
    beside = folder / f".{name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(folder / name)
        at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(at)
        finally:
            os.close(at)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        return Answer(AnswerState.WAITING, "disk_refuses", is_outage=True)
    return Answer(AnswerState.ACCEPTED)


def _secret(path: Path | None) -> bytes:
    if path is None:
        return b""
    try:
        return path.read_bytes().strip()
    except OSError:
        raise ConfigError("secret: the file can't be read", "Write the secret into it") from None
