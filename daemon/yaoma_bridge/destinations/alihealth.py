"""The destination `alihealth`: bills to 码上放心, and their fate back (DOMAIN.md 3)."""

import threading
import time
from collections.abc import Sequence
from typing import ClassVar

from pydantic import BaseModel

from yaoma.core.shipment import Shipment
from yaoma_bridge.alihealth.bill_types import Family
from yaoma_bridge.alihealth.gateway import Gateway, NoResultError, Result, china_time, entries
from yaoma_bridge.alihealth.options import AlihealthOptions, OwnSettings, family_of, own_settings
from yaoma_bridge.alihealth.parameters import bill_days, counterpart, needs_counterpart, upload_parameters
from yaoma_bridge.alihealth.plan import divided, ruled
from yaoma_bridge.alihealth.queries import MOST_CODES, contents, despatch, despatch_keys, statuses
from yaoma_bridge.alihealth.verdicts import answer_to_upload, processed
from yaoma_bridge.bill import Bill, BillLine, Institution, InstitutionKind
from yaoma_bridge.inquiring import InquiryFailedError
from yaoma_bridge.platform import Answer, AnswerState, Order, Pace, Parcel, Ruling
from yaoma_bridge.said import shown_sentence
from yaoma_link.state import StatusLine

__all__ = ["AlihealthDestination"]

_MOST_NOTES = 20
_BETWEEN_QUESTIONS_S = 0.5


class AlihealthDestination:
    """Uploads bills with `uploadretail` and `uploadinoutbill`, and asks `billstatus` until they are processed.

    Args:
        name: Its name in the configuration.
        options: Its options.

    Raises:
        ConfigError: If a secret can't be read.
    """

    Options: ClassVar[type[BaseModel]] = AlihealthOptions
    KIND: ClassVar[str] = "alihealth"

    def __init__(self, name: str, options: AlihealthOptions) -> None:
        self._name = name
        self._options = options
        self._gateway = Gateway(options)
        self._partners: dict[tuple[str, str], str] = {}
        self._asking = threading.Lock()

    @property
    def name(self) -> str:
        """Its name in the configuration, in receipts and in the store."""
        return self._name

    @property
    def order(self) -> Order:
        """A pack is received before it is sold, and sold before it comes back."""
        return Order.CODE

    @property
    def pace(self) -> Pace:
        """Three bills a second are too many for one app key; calls are spaced by 400 ms (DOMAIN.md 3.6)."""
        return Pace(calls_per_s=2.5, burst=1, first_ask_s=3.0, longest_ask_s=600.0)

    def rule(self, bill: Bill, line: BillLine) -> Ruling:
        """Say whether the platform wants a line."""
        return ruled(bill, line, self._options)

    def parcels(self, bill: Bill) -> Sequence[Parcel]:
        """Divide a bill by despatch note and number of codes."""
        return divided(bill, self._options)

    def send(self, parcel: Parcel, now_ms: int) -> Answer:
        """Upload a bill."""
        own = own_settings(parcel.bill.institution)
        if own is None:
            return Answer(AnswerState.HELD, "institution_unknown")
        try:
            partner = self._partner(parcel, own, now_ms)
            if needs_counterpart(parcel) and not partner:
                return Answer(AnswerState.HELD, "partner_unknown")
            parameters = upload_parameters(parcel, own, self._options, partner)
            result = self._gateway.call(parcel.call, parameters, own, now_ms)
        except NoResultError as error:
            return error.answer
        return answer_to_upload(result, parcel.keys)

    def ask(self, parcel: Parcel, now_ms: int) -> Answer:
        """Ask the status of a bill.

        A bill that the platform had taken and does not list is still under way. One of which nobody knows whether it
        was taken counts as not there only some time after the send: what was taken may be listed late.
        """
        own = own_settings(parcel.bill.institution)
        if own is None:
            return Answer(AnswerState.UNKNOWN, "institution_unknown")
        try:
            result = self._status(parcel, own, now_ms)
        except NoResultError as error:
            # Nothing of this says anything of the bill itself.
            outage = error.answer.is_outage
            return Answer(AnswerState.UNKNOWN, error.answer.reason, error.answer.said, is_outage=outage)
        if not result.is_good:
            return Answer(AnswerState.UNKNOWN, "query_refused", shown_sentence(result.sentence))
        rows = [
            row
            for row in entries(result.model.get("result_list"))
            if parcel.number in {row.get("bill_code"), row.get("store_inout_seq_no")}
        ]
        return processed(rows[0], parcel.keys) if rows else self._unlisted(parcel, now_ms)

    def _status(self, parcel: Parcel, own: OwnSettings, now_ms: int) -> Result:
        first, last = bill_days(parcel.bill, now_ms)
        parameters = {
            "ref_ent_id": own.ref_ent_id,
            "begin_date": first,
            "end_date": last,
            "bill_type": "A",
            "bill_code": parcel.number,
            "page": "1",
            "page_size": "20",
        }
        method = f"{family_of(parcel.bill).value}.query.billstatus"
        return self._gateway.call(method, parameters, own, now_ms)

    def _unlisted(self, parcel: Parcel, now_ms: int) -> Answer:
        if parcel.facts.get("taken") is True:
            return Answer(AnswerState.PROCESSING, "not_listed_yet")
        if now_ms - parcel.sent_ms < self._options.verify_wait_s * 1000:
            return Answer(AnswerState.UNKNOWN, "not_listed_yet")
        return Answer(AnswerState.WAITING, "not_there")

    @property
    def inquire_every_s(self) -> float:
        """How often despatch notes are asked for, in seconds."""
        return self._options.inquire_every_s

    def despatches(
        self, institution: Institution, known: frozenset[str], now_ms: int
    ) -> Sequence[tuple[str, Shipment]]:
        """Give the despatch notes of the last days that are not known (`listupout`, `listupout.detail`).

        Raises:
            InquiryFailedError: If the platform did not answer.
        """
        own = own_settings(institution)
        if own is None:
            return []
        first = china_time(now_ms - self._options.inquire_days * 86_400_000)[:10]
        asked = {
            "ref_ent_id": own.ref_ent_id,
            "begin_date": first,
            "end_date": china_time(now_ms)[:10],
            "page": "1",
            "page_size": "100",
        }
        result = self._inquired(institution, "listupout", asked, own, now_ms)
        listed = despatch_keys(entries(result.model.get("result_list")), _MOST_NOTES, known)
        found = []
        for bill, sender in listed:
            note = self._detail(institution, own, (bill, sender), now_ms)
            if note is not None:
                found.append((bill, note))
        return found

    def despatch_of(self, institution: Institution, code: str, now_ms: int) -> Shipment | None:
        """Give the despatch note that brought a code (`query.upbillcode`, `listupout.detail`).

        Raises:
            InquiryFailedError: If the platform did not answer.
        """
        own = own_settings(institution)
        if own is None:
            return None
        asked = {"ref_ent_id": own.ref_ent_id, "code": code.partition(":")[2]}
        result = self._inquired(institution, "query.upbillcode", asked, own, now_ms)
        keys = despatch_keys(result.models, 1)
        return self._detail(institution, own, keys[0], now_ms) if keys else None

    def statuses(self, institution: Institution, codes: Sequence[str], now_ms: int) -> Sequence[StatusLine]:
        """Give what the platform says of codes (`query.codedetail`).

        Raises:
            InquiryFailedError: If the platform did not answer.
        """
        own = own_settings(institution)
        if own is None:
            return []
        digits = [code.partition(":")[2] for code in codes if code.startswith("cn20:")][:MOST_CODES]
        asked = {"ref_ent_id": own.ref_ent_id, "codes": ",".join(digits)}
        return statuses(self._inquired(institution, "query.codedetail", asked, own, now_ms).models, now_ms)

    def contents(self, institution: Institution, code: str, now_ms: int) -> Shipment | None:
        """Give what lies in a received container (`query.relation`).

        Raises:
            InquiryFailedError: If the platform did not answer.
        """
        own = own_settings(institution)
        if own is None:
            return None
        asked = {"ref_ent_id": own.ref_ent_id, "des_ref_ent_id": own.ref_ent_id, "code": code.partition(":")[2]}
        return contents(code, self._inquired(institution, "query.relation", asked, own, now_ms).models)

    def _detail(self, institution: Institution, own: OwnSettings, key: tuple[str, str], now_ms: int) -> Shipment | None:
        bill, sender = key
        asked = {
            "ref_ent_id": own.ref_ent_id,
            "bill_code": bill,
            "from_ref_user_id": sender,
            "to_ref_user_id": own.ref_ent_id,
        }
        return despatch(self._inquired(institution, "listupout.detail", asked, own, now_ms).model)

    def _inquired(
        self, institution: Institution, method: str, asked: dict[str, str], own: OwnSettings, now_ms: int
    ) -> Result:
        family = Family.LSYD if institution.kind is InstitutionKind.PHARMACY else Family.YLJG
        with self._asking:
            # Uploads come first: questions are spaced far wider than the platform would take them.
            time.sleep(_BETWEEN_QUESTIONS_S)
            try:
                return self._gateway.call(f"{family.value}.{method}", asked, own, now_ms)
            except NoResultError as error:
                raise InquiryFailedError(error.answer.reason) from None

    def close(self) -> None:
        """Give connections back; safe to call again."""
        self._gateway.close()

    def _partner(self, parcel: Parcel, own: OwnSettings, now_ms: int) -> str:
        """Give the 企业id of the company on the other side: from the institution's file, or by its name."""
        name = counterpart(parcel)
        if name in own.partners:
            return own.partners[name].ent_id
        if not name or not needs_counterpart(parcel):
            return ""
        key = own.ref_ent_id, name
        if key not in self._partners:
            method = f"{family_of(parcel.bill).value}.query.getentinfo"
            try:
                result = self._gateway.call(method, {"ent_name": name}, own, now_ms)
            except NoResultError as error:
                # The bill itself was not sent.
                said, outage = error.answer.said, error.answer.is_outage
                raise NoResultError(Answer(AnswerState.WAITING, error.answer.reason, said, is_outage=outage)) from None
            found = str(result.model.get("ent_id") or "") if result.is_good else ""
            if not found:
                return ""
            self._partners[key] = found
        return self._partners[key]
