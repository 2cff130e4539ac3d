"""Presence: what the box says of itself while it is connected, and when: its birth, what it is, how it fares."""

from yaoma.core.canonical import canonical
from yaoma.service.announcement import OFFLINE, STOPPED, Facts, birth, health
from yaoma.service.line import Line
from yaoma.service.receiving import Receiving
from yaoma.service.sending import Sending
from yaoma.service.state_receiving import StateReceiving
from yaoma_link.report import Connected, Retained
from yaoma_link.topics import BoxName, Channel

__all__ = ["Presence"]


class Presence:
    """Keeps the birth true and says on status, info and health what is due; on the uploader's thread.

    Args:
        box: Who we are.
        facts: What the box knows about itself.
        sending: How the logs stand.
        receiving: How far the receipts were followed.
        news: How far the state messages were followed; None if the box takes none.
        health_ms: Milliseconds between two health publications.
    """

    def __init__(
        self,
        box: BoxName,
        facts: Facts,
        *,
        sending: Sending,
        receiving: Receiving,
        news: StateReceiving | None,
        health_ms: int,
    ) -> None:
        self._box = box
        self._facts = facts
        self._sending = sending
        self._receiving = receiving
        self._news = news
        self._health_ms = health_ms
        self._info = b""
        self._health_at_ms = 0
        # made by our thread, read by the session's
        self._birth: Retained | None = None

    @property
    def has_birth(self) -> bool:
        """Whether there is a log yet that a birth can speak of."""
        return self._birth is not None

    @property
    def last_will(self) -> Retained:
        """What the broker says when we vanish."""
        return Retained(self._box.topic(Channel.STATUS), OFFLINE)

    @property
    def farewell(self) -> Retained:
        """What an orderly stop says."""
        return Retained(self._box.topic(Channel.STATUS), STOPPED)

    def newest_birth(self) -> Retained:
        """Give the birth as it is true now; the session's thread asks too, and never before `has_birth`."""
        assert self._birth is not None
        return self._birth

    def connected(self, now_ms: int) -> None:
        """Begin anew on a new connection: info and health are due at once."""
        self._health_at_ms = now_ms
        self._info = b""

    def wake_at_ms(self) -> int:
        """Say when something is due."""
        return self._health_at_ms

    def renew(self, now_ms: int) -> None:
        """Make the birth true."""
        current = self._sending.current
        if current is None:
            return
        with self._sending.reading(now_ms):
            mark = self._receiving.mark
            # what was said in an older epoch says nothing of what the bridge should have in this one
            stored_upto = current.stored.upto if current.stored.epoch >= mark.epoch else 0
            payload = birth(
                self._facts,
                current.log,
                current.previous(),
                current.head(),
                mark,
                stored_upto=stored_upto,
                state_upto=None if self._news is None else self._news.mark,
            )
            self._birth = Retained(self._box.topic(Channel.STATUS), payload)

    def tell(self, line: Line, online: Connected, now_ms: int) -> None:
        """Say what is due: the birth where receipts are missing or news was followed, info and health by the clock.

        Args:
            line: The session.
            online: Its connection; on another one nothing is said.
            now_ms: Monotonic milliseconds.
        """
        says_mark = self._news is not None and self._news.says_mark(now_ms)
        if self._receiving.asks_for_more(now_ms) or says_mark:
            again = self.newest_birth()
            line.publish(again.topic, again.payload, retain=True, connection=online.connection)
        if now_ms < self._health_at_ms:
            return
        self._health_at_ms = now_ms + self._health_ms
        info = canonical({"version": self._facts.version, **self._facts.info()})
        if info != self._info:
            packet_id = line.publish(self._box.topic(Channel.INFO), info, retain=True, connection=online.connection)
            self._info = info if packet_id is not None else b""
        with self._sending.reading(now_ms):
            oldest, current = self._sending.oldest, self._sending.current
            payload = health(
                self._facts,
                pending=self._sending.pending,
                oldest=None if oldest is None else oldest.oldest(),
                stored_upto=0 if current is None else current.stored.upto,
                size=0 if current is None else current.delivery.size,
                mark=self._receiving.mark,
            )
            line.publish(self._box.topic(Channel.HEALTH), payload, qos=0, connection=online.connection)
