"""Mailbox: what other threads have to tell the recorder, kept while the recorder's queue is full."""

import queue
import threading
from collections import deque

from yaoma.service.work import Item

__all__ = ["Mailbox"]


class Mailbox:
    """Hands on without waiting: a recorder that hangs must not hold up delivery, nor the uploader's end at a stop.

    Args:
        items: The recorder's queue.
    """

    def __init__(self, items: "queue.Queue[Item]") -> None:
        self._items = items
        self._waiting: deque[Item] = deque()
        self._lock = threading.Lock()

    def post(self, item: Item) -> None:
        """Tell the recorder, now or as soon as there is a place; returns at once."""
        with self._lock:
            self._waiting.append(item)
        self.hand_on()

    def hand_on(self) -> None:
        """Put what waits onto the queue, in order, as far as there are places; call it every now and then."""
        with self._lock:
            while self._waiting:
                try:
                    self._items.put_nowait(self._waiting[0])
                except queue.Full:
                    return
                self._waiting.popleft()
