"""The destination `nhsa`: sales and stock changes to the insurance platform (两定接口 3501-3507, DOMAIN.md 2).

The only place in the bridge where an identity is opened: in memory, for the one request that carries it.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, Final

from pydantic import BaseModel

from yaoma.core.canonical import Json
from yaoma.core.sealed import SealedError, person_context
from yaoma_bridge.bill import Bill, BillLine
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.field_map import FieldTroubleError, fill
from yaoma_bridge.known import CHINA
from yaoma_bridge.nhsa.gateway import CallFailedError, MsgIds, NhsaGateway
from yaoma_bridge.nhsa.institution import NhsaSite, nhsa_site, read_credentials, wrong_key
from yaoma_bridge.nhsa.options import NhsaOptions
from yaoma_bridge.nhsa.plan import parcels_of, reason_of, rows_in, ruling_of, sealed_person, wants_person
from yaoma_bridge.nhsa.profile import Doing, Transaction, read_profile
from yaoma_bridge.nhsa.rows import Row, code_text
from yaoma_bridge.nhsa.signing import make_signing
from yaoma_bridge.nhsa.values import Person, line_values, row_object
from yaoma_bridge.nhsa.verdicts import NO_SESSION, RowFates, arrived, sent
from yaoma_bridge.platform import Answer, AnswerState, Order, Pace, Parcel, Ruling
from yaoma_link.identity import IdentityError
from yaoma_link.key_ring import KeyRing, KeyUnknownError

__all__ = ["NhsaDestination"]

_log = logging.getLogger("yaoma.bridge.nhsa")

_MS: Final = 1000
#: So many rows are asked for at once, since each takes a call.
_ASKED_AT_ONCE: Final = 10
#: A sign-in and a call have to end within a minute together, and so have several questions.
_WHOLE_S: Final = 25.0
_ASKING_S: Final = 25.0


class NhsaDestination:
    """Sends bills to the insurance platform.

    Args:
        name: Its name in the configuration.
        options: Its options.

    Raises:
        ConfigError: If the province's file, a key or a certificate can't be used.
    """

    Options: ClassVar[type[BaseModel]] = NhsaOptions
    KIND: ClassVar[str] = "nhsa"

    def __init__(self, name: str, options: NhsaOptions) -> None:
        self._name = name
        self._options = options
        self._profile = read_profile(options.profile)
        self._caller = options.caller(whole_s=_WHOLE_S)
        self._keys = None if options.sealing_keys is None else _ring(options.sealing_keys)
        self._msg_ids = MsgIds()
        self._told: set[str] = set()
        self._gateways: dict[str, tuple[NhsaSite, NhsaGateway]] = {}

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
        return Pace(calls_per_s=5.0, burst=5, first_ask_s=30.0, longest_ask_s=1800.0)

    def rule(self, bill: Bill, line: BillLine) -> Ruling:
        """Say whether insurance wants a line, and whether everything is known that it wants with it."""
        ruling = ruling_of(bill, line, self._profile)
        if ruling.reason == "institution_incomplete" and bill.institution is not None and bill.site not in self._told:
            self._told.add(bill.site)
            if setting := wrong_key(bill.institution):
                _log.warning("site's table is wrong: destination=%s site=%s setting=%s", self._name, bill.site, setting)
        return ruling

    def parcels(self, bill: Bill) -> Sequence[Parcel]:
        """Make rows, and calls that are not too long for `input`."""
        return parcels_of(bill, self._profile)

    def send(self, parcel: Parcel, now_ms: int) -> Answer:
        """Send the rows of which nothing is settled yet."""
        doing, transaction, rows = self._read(parcel)
        fates = RowFates(parcel.facts)
        fates.absent = set()
        due = fates.open_rows(rows)
        try:
            site, gateway = self._gateway(parcel.bill)
            person = self._person(parcel.bill) if wants_person(transaction) else None
            objects = [row_object(parcel.bill, row, site, doing, transaction=transaction, person=person) for row in due]
        except FieldTroubleError as trouble:
            return Answer(AnswerState.HELD, reason_of(trouble))
        except _CantYetError as error:
            return Answer(AnswerState.HELD, error.reason)
        infno, content = _content(transaction, objects)
        facts: dict[str, Json] = {**fates.facts(), "sent_ms": now_ms}
        try:
            reply = gateway.call(infno, content, now_ms, parcel.bill.facts.get("insured_area", ""))
        except CallFailedError as failed:
            return _with(failed.answer, fates.codes(rows), facts)
        answer = sent(reply, transaction, due, fates, self._profile.answers)
        if answer.reason == NO_SESSION:
            gateway.forget_session()
        if person is not None:
            # The platform knows more of a person than we do, and may say it.
            answer = replace(answer, said="")
        return _with(answer, fates.codes(rows), {**facts, **fates.facts()})

    def ask(self, parcel: Parcel, now_ms: int) -> Answer:
        """Ask for the rows of which nothing is settled, by 3512 or 3513."""
        doing, transaction, rows = self._read(parcel)
        query = transaction.query
        if query is None or transaction.codes is None:
            return Answer(AnswerState.UNKNOWN, "cannot_be_asked")
        fates, since_ms = _doubtful(parcel, now_ms)
        facts: dict[str, Json] = {"asked_ms": since_ms, "asked_of": parcel.sent_ms}
        is_settled = now_ms - since_ms >= query.settle_s * _MS
        undecided = [row for row in fates.open_rows(rows) if row.number not in fates.absent]
        try:
            site, gateway = self._gateway(parcel.bill)
            until_s = time.monotonic() + _ASKING_S
            for row in undecided[:_ASKED_AT_ONCE]:
                if time.monotonic() > until_s:
                    break
                values = line_values(parcel.bill, parcel.bill.lines[row.lines[0]], site, doing)
                reply = gateway.call(
                    query.infno, {query.node: fill(query.fields, values | _days(row, since_ms, now_ms))}, now_ms
                )
                texts = [code_text(key, transaction.codes) for key in row.codes]
                is_there = arrived(reply, row, texts)
                if is_there:
                    fates.there.add(row.number)
                elif is_there is False and is_settled:
                    fates.absent.add(row.number)
                elif not reply.is_taken:
                    return _with(sent(reply, transaction, [], fates, self._profile.answers), {}, facts, in_doubt=True)
        except FieldTroubleError as trouble:
            return Answer(AnswerState.UNKNOWN, reason_of(trouble))
        except _CantYetError as error:
            return Answer(AnswerState.UNKNOWN, error.reason)
        except CallFailedError as failed:
            return _with(failed.answer, fates.codes(rows), {**fates.facts(), **facts}, in_doubt=True)
        return _asked(rows, fates, {**fates.facts(), **facts})

    def revoke(self, parcel: Parcel, now_ms: int) -> Answer:
        """Delete the parcel's rows by 3507; their `fixmedins_bchno` is the handle."""
        _, transaction, rows = self._read(parcel)
        refused = RowFates(parcel.facts).refused
        listed: list[Json] = [
            {"fixmedins_bchno": row.number, "inv_data_type": transaction.deleted_as}
            for row in rows
            if row.number not in refused
        ]
        if not listed:
            return Answer(AnswerState.ACCEPTED)
        content: dict[str, Json] = {"goodDetail": listed} if len(listed) > 1 else {"data": listed[0]}
        try:
            _, gateway = self._gateway(parcel.bill)
            reply = gateway.call("3507A" if len(listed) > 1 else "3507", content, now_ms)
        except _CantYetError as error:
            return Answer(AnswerState.REFUSED, error.reason)
        except CallFailedError as failed:
            return failed.answer
        result = reply.output.get("result")
        whole = result.get("retRslt") if isinstance(result, Mapping) else None
        if reply.is_taken and str(whole) == "1":
            return Answer(AnswerState.ACCEPTED)
        if reply.is_taken and whole is None:
            return Answer(AnswerState.UNKNOWN, "answer_incomplete", reply.said)
        return Answer(AnswerState.REFUSED, "insurance_refused", reply.said)

    def close(self) -> None:
        """Give connections back."""
        self._caller.close()

    def _read(self, parcel: Parcel) -> tuple[Doing, Transaction, tuple[Row, ...]]:
        doing, rows = rows_in(parcel)
        return doing, self._profile.transaction[doing.do], rows

    def _gateway(self, bill: Bill) -> tuple[NhsaSite, NhsaGateway]:
        site = nhsa_site(bill.institution)
        if site is None or bill.institution is None:
            raise _CantYetError("institution_unknown")
        known = self._gateways.get(bill.site)
        if known is not None and known[0] == site:
            return known
        named = site if site.name else site.model_copy(update={"name": bill.institution.name})
        url = site.gateway or self._options.url
        if not url:
            raise _CantYetError("institution_incomplete")
        try:
            credentials = read_credentials(site.credentials)
            signings = tuple(
                make_signing(str(one["kind"]), {key: value for key, value in one.items() if key != "kind"}, credentials)
                for one in self._profile.signing
            )
        except ConfigError:
            raise _CantYetError("credentials") from None
        gateway = NhsaGateway(
            site=named, url=url, profile=self._profile, signings=signings, caller=self._caller, msg_ids=self._msg_ids
        )
        self._gateways[bill.site] = (site, gateway)
        return site, gateway

    def _person(self, bill: Bill) -> Person | None:
        """Open the bill's newest identity; nothing keeps what comes out."""
        sealed = sealed_person(bill)
        if sealed is None:
            return None
        if self._keys is None:
            raise _CantYetError("sealing_key_missing")
        try:
            number = self._keys.open(sealed.blob, person_context(sealed.site, sealed.box, sealed.log))
        except KeyUnknownError:
            raise _CantYetError("sealing_key_missing") from None
        except SealedError:
            raise _CantYetError("identity_damaged") from None
        return Person(str(sealed.facts.get("kind", "")), number.decode("ascii", "replace"))


class _CantYetError(Exception):
    """Something of the centre's own is missing, so nothing was sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _ring(folder: Path) -> KeyRing:
    try:
        return KeyRing.load(folder)
    except IdentityError:
        raise ConfigError("sealing_keys: holds no usable key", "Name the folder with the *.seal files") from None


def _content(transaction: Transaction, objects: Sequence[dict[str, Json]]) -> tuple[str, dict[str, Json]]:
    if len(objects) == 1:
        return transaction.infno, {transaction.node: objects[0]}
    return transaction.batch_infno, {transaction.batch_node: list(objects)}


def _days(row: Row, since_ms: int, now_ms: int) -> dict[str, object]:
    before = datetime.fromtimestamp(since_ms / _MS, CHINA) - timedelta(days=1)
    after = datetime.fromtimestamp(now_ms / _MS, CHINA) + timedelta(days=1)
    return {"row.number": row.number, "day.before": before.date(), "day.after": after.date()}


def _doubtful(parcel: Parcel, now_ms: int) -> tuple[RowFates, int]:
    """Give what is known of the rows since they were sent last, and when that was."""
    fates = RowFates(parcel.facts)
    if _number(parcel.facts.get("asked_of")) != parcel.sent_ms:
        # What was not there before may have come with that send, also if it ended without an answer.
        fates.absent = set()
    since_ms = parcel.sent_ms or _number(parcel.facts.get("sent_ms")) or _number(parcel.facts.get("asked_ms"))
    return fates, since_ms or now_ms


def _number(value: Json) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _with(
    answer: Answer,
    codes: Mapping[str, tuple[AnswerState, str]],
    facts: Mapping[str, Json],
    *,
    in_doubt: bool = False,
) -> Answer:
    """Give an answer with what is remembered; while in doubt, a question that failed settles nothing."""
    state = AnswerState.UNKNOWN if in_doubt else answer.state
    shown = codes if state is not AnswerState.ACCEPTED or answer.codes else {}
    return Answer(state, answer.reason, answer.said, shown, facts, answer.retry_after_s, answer.is_outage)


def _asked(rows: Sequence[Row], fates: RowFates, facts: Mapping[str, Json]) -> Answer:
    codes = fates.codes(rows)
    undecided = fates.open_rows(rows)
    if not undecided:
        refused = list(fates.refused.values())
        if len(refused) == len(rows):
            return Answer(AnswerState.REFUSED, refused[0], codes=codes, facts=facts)
        return Answer(AnswerState.ACCEPTED, codes=codes if refused else {}, facts=facts)
    if all(row.number in fates.absent for row in undecided):
        return Answer(AnswerState.WAITING, "not_there", codes=codes, facts=facts)
    return Answer(AnswerState.UNKNOWN, "not_there_yet", codes=codes, facts=facts)
