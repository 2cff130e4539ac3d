"""Outage: says why there is no session, and logs one line when that begins and one when it ends."""

import logging
import time

from yaoma_link.connection import Gone
from yaoma_link.endpoint import Endpoint
from yaoma_link.report import ConnectFault
from yaoma_link.stream import ConnectError
from yaoma_link.tls import explain

__all__ = ["Outage", "refusal"]

_log = logging.getLogger("yaoma.link")

#: By CONNACK reason code (MQTT 5, 3.2.2.2).
_HINTS = {
    0x84: "The broker does not speak MQTT 5: it needs a newer version.",
    0x85: "The broker does not accept this client id: check site and box name.",
    0x86: "The broker does not know this identity: have the centre register it.",
    0x87: "The broker does not allow this identity: have the centre register it.",
    0x8A: "The centre has banned this identity: ask there.",
    0x97: "The broker is at its quota: tell the centre.",
}


def refusal(gone: Gone | None, endpoint: Endpoint) -> ConnectError:
    """Explain why a stream that was opened did not become a session.

    Args:
        gone: What ended it, or None if the broker was silent until the deadline.
        endpoint: Where the broker is.
    """
    if gone is None:
        return ConnectError(
            ConnectFault.NO_ANSWER,
            f"the broker did not answer CONNECT within {endpoint.connack_timeout_s:g} s",
            "Check that the port belongs to an MQTT broker and that the broker is not overloaded.",
        )
    if gone.tls_error is not None:
        fault, hint = explain(gone.tls_error)
        return ConnectError(fault, gone.reason, hint)
    if gone.reason_code is not None:
        return ConnectError(
            ConnectFault.REFUSED,
            f"the broker refused the session: {gone.reason} (0x{gone.reason_code:02X})",
            _HINTS.get(gone.reason_code, "Look into the broker's log."),
        )
    return ConnectError(
        ConnectFault.CLOSED,
        f"no session: {gone.reason}",
        "Look into the broker's log; often it wants a certificate, or does not accept ours.",
    )


class Outage:
    """Remembers whether the broker is away, so that an outage of a week is two lines in the log.

    Args:
        endpoint: Where the broker is.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._since_s: float | None = None
        self._tries = 0

    def failed(self, fault: str, reason: str, hint: str) -> None:
        """Count one failure; log the first of an outage."""
        self._tries += 1
        if self._since_s is not None:
            return
        self._since_s = time.monotonic()
        _log.warning(
            "broker away: host=%s port=%d fault=%s reason=%s hint=%s",
            self._endpoint.host,
            self._endpoint.port,
            fault,
            reason,
            hint,
        )

    def ended(self) -> int:
        """Log the end of an outage, if there was one, and give the number of failures in it."""
        tries, self._tries = self._tries, 0
        if self._since_s is not None:
            # a warning too: whoever saw the line above must see this one at the same log level
            away_s = time.monotonic() - self._since_s
            _log.warning("broker back: host=%s tries=%d away_s=%.0f", self._endpoint.host, tries, away_s)
            self._since_s = None
        return tries
