"""What the uploader tells the recorder: it never waits for a place, and nothing is lost."""

import queue

from yaoma.service.mailbox import Mailbox
from yaoma.service.work import CloseLog, Damage, Item


def test_mailbox_when_there_is_a_place_then_the_recorder_is_told_at_once() -> None:
    """Nothing waits while the recorder works."""
    items = queue.Queue[Item](2)
    Mailbox(items).post(CloseLog("log"))

    assert items.get_nowait() == CloseLog("log")


def test_mailbox_when_the_queue_is_full_then_nobody_waits_and_all_arrives_in_order() -> None:
    """A recorder that hangs holds up no delivery; when it takes items again it is told everything, once."""
    items = queue.Queue[Item](1)
    items.put(None)
    mailbox = Mailbox(items)
    told: list[CloseLog | Damage] = [Damage("log", 7), Damage("log", 9), CloseLog("log")]
    for one in told:
        mailbox.post(one)
    mailbox.hand_on()

    assert items.get_nowait() is None
    arrived = []
    for _ in told:
        mailbox.hand_on()
        arrived.append(items.get_nowait())
    mailbox.hand_on()
    assert arrived == told
    assert items.empty()
