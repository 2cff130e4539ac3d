"""The destination `webhook`: each bill as a CloudEvent to a vendor's own system, signed with a shared secret."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, ClassVar, Final

from pydantic import BaseModel, Field

from yaoma.core.canonical import Json
from yaoma_bridge.bill import Bill, BillLine
from yaoma_bridge.destination_options import AbsolutePath
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.platform import Answer, AnswerState, Order, Pace, Parcel, Ruling
from yaoma_bridge.said import shown_sentence
from yaoma_bridge.web_answer import answer_of_error, answer_of_status
from yaoma_bridge.web_call import UnreadableError, WebError, read_json
from yaoma_bridge.web_options import WebOptions

__all__ = ["WebhookDestination", "WebhookOptions", "cloud_event", "signature"]

_MS: Final = 1000
_LEAST_SECRET_BYTES: Final = 16
_CONTENT_TYPE: Final = "application/cloudevents+json; charset=UTF-8"

_ORDERS: Final = {"none": Order.NONE, "code": Order.CODE, "site": Order.SITE}


class WebhookOptions(WebOptions):
    """Options of the destination `webhook`, beside those of its calls.

    Args:
        url: Where to.
        secret: File with the shared secret, at least 16 bytes, absolute; white space around it does not count.
        order: `none`, `code` (a code's receipt before its sale) or `site`.
    """

    url: str
    secret: AbsolutePath
    order: Annotated[str, Field(pattern="^(none|code|site)$")] = "none"


def cloud_event(bill: Bill) -> dict[str, Json]:
    """Give a bill as a CloudEvent in structured JSON; the same bill always gives the same one.

    Of persons it says how many there were, and nothing else.
    """
    return {
        "specversion": "1.0",
        "id": bill.number,
        "source": f"/yaoma/v1/{bill.site}/{bill.box}",
        "type": "yaoma.bill.v1",
        "time": datetime.fromtimestamp(bill.closed_ms / _MS, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "subject": bill.ticket,
        "data": {
            "key": bill.key,
            "site": bill.site,
            "box": bill.box,
            "ticket": bill.ticket,
            "part": bill.part,
            "operation": bill.operation,
            "opened_ms": bill.opened_ms,
            "closed_ms": bill.closed_ms,
            "payer": bill.payer,
            "till_bill": bill.till_bill,
            "owner": bill.owner,
            "operator": bill.operator,
            "opening": bill.is_opening,
            "persons": len(bill.persons),
            "facts": dict(bill.facts),
            "lines": [_line(line) for line in bill.lines],
        },
    }


def signature(secret: bytes, event_id: str, sent_s: int, body: bytes) -> str:
    """Sign a message: HMAC-SHA256 over `id.time.body`, as Standard Webhooks writes it.

    Args:
        secret: The shared secret.
        event_id: The header `webhook-id`.
        sent_s: The header `webhook-timestamp`, seconds since 1970.
        body: The bytes that are sent.
    """
    mac = hmac.new(secret, f"{event_id}.{sent_s}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(mac.digest()).decode()}"


class WebhookDestination:
    """Posts bills to a vendor's system; a 2xx answer means that it has it for good.

    The same bill always has the same id, and its receiver drops repeats by it: so a time-out is simply sent again.

    Args:
        name: Its name in the configuration.
        options: Its options.

    Raises:
        ConfigError: If the secret or a TLS file can't be used.
    """

    Options: ClassVar[type[BaseModel]] = WebhookOptions
    KIND: ClassVar[str] = "webhook"

    def __init__(self, name: str, options: WebhookOptions) -> None:
        self._name = name
        self._url = options.url
        self._order = _ORDERS[options.order]
        self._secret = _secret(options.secret)
        self._caller = options.caller()

    @property
    def name(self) -> str:
        """Its name in the configuration, in receipts and in the store."""
        return self._name

    @property
    def order(self) -> Order:
        """As the vendor wants it."""
        return self._order

    @property
    def pace(self) -> Pace:
        """As fast as the vendor answers."""
        return Pace(first_ask_s=1.0)

    def rule(self, bill: Bill, line: BillLine) -> Ruling:
        """Send everything: the vendor knows what it wants."""
        del bill, line
        return Ruling()

    def parcels(self, bill: Bill) -> Sequence[Parcel]:
        """Send a bill as a whole."""
        return [Parcel(bill.number, "webhook", bill, tuple(range(len(bill.lines))))]

    def send(self, parcel: Parcel, now_ms: int) -> Answer:
        """Post the bill."""
        event = cloud_event(parcel.bill)
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        event_id, sent_s = str(event["id"]), now_ms // _MS
        headers = {
            "Content-Type": _CONTENT_TYPE,
            "webhook-id": event_id,
            "webhook-timestamp": str(sent_s),
            "webhook-signature": signature(self._secret, event_id, sent_s, body),
        }
        try:
            reply = self._caller.post(self._url, body, headers)
        except WebError as error:
            return answer_of_error(error)
        if reply.is_good:
            return Answer(AnswerState.ACCEPTED)
        if (trouble := answer_of_status(reply)) is not None:
            return trouble
        try:
            said = read_json(reply).get("detail")
        except UnreadableError:
            # No answer of a program: something stands in between.
            return Answer(AnswerState.HELD, "address_wrong", is_outage=True)
        return Answer(AnswerState.REFUSED, "webhook_refused", shown_sentence(said))

    def ask(self, parcel: Parcel, now_ms: int) -> Answer:
        """Let it be sent again: the receiver drops repeats by the event's id, so nothing can count twice."""
        del parcel, now_ms
        return Answer(AnswerState.WAITING, "sent_again")

    def close(self) -> None:
        """Give connections back."""
        self._caller.close()


def _line(line: BillLine) -> dict[str, Json]:
    product = line.product
    return {
        "code": line.code,
        "packs": list(line.packs),
        "product": "" if product is None else product.key,
        "name": "" if product is None else product.name,
        "lot": line.lot,
        "expiry": line.expiry,
        "produced": line.produced,
        "units": line.units,
        "verdict": line.verdict,
        "reason": line.reason,
        "at_ms": line.at_ms,
    }


def _secret(path: Path) -> bytes:
    try:
        secret = path.read_bytes().strip()
    except OSError:
        raise ConfigError("secret: the file can't be read", "Write the shared secret into it") from None
    if len(secret) < _LEAST_SECRET_BYTES:
        raise ConfigError(f"secret: has less than {_LEAST_SECRET_BYTES} bytes", "Make a longer one")
    return secret
