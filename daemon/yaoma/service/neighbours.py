"""Neighbours: has the recorder take in what other boxes of the site did, so that the ledgers agree (DESIGN.md 6)."""

import queue
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from yaoma.core.command import Merge
from yaoma.core.deed import PACKS_AT_ONCE
from yaoma.service.work import Answer, Item, Request
from yaoma_link.state import MergeLine

__all__ = ["Neighbours"]

#: The uploader waits so long for the recorder; a longer commit is offered again.
_ANSWER_S: Final = 5.0


class Neighbours:
    """Hands on what the bridge tells of other boxes.

    Args:
        items: The recorder's queue.
    """

    def __init__(self, items: "queue.Queue[Item]") -> None:
        self._items = items

    def take(self, lines: Sequence[MergeLine]) -> bool:
        """Have lines recorded.

        Args:
            lines: What other boxes did, in order.

        Returns:
            Whether all of it is kept; if not, the same lines must be offered again. Taking one twice changes nothing.
        """
        answers: queue.Queue[Answer] = queue.Queue()
        merges = _merges(lines)
        try:
            # All at once, so that the recorder commits them together.
            for merge in merges:
                self._items.put_nowait(Request(merge, answers.put))
            return not any(answers.get(timeout=_ANSWER_S).refusal for _ in merges)
        except (queue.Full, queue.Empty):
            return False


def _merges(lines: Sequence[MergeLine]) -> list[Merge]:
    """Join neighbouring lines of one deed; a record names at most so many packs."""
    merges = []
    for (box, operation, at_ms), same in groupby(lines, key=lambda line: (line.box, line.operation, line.at_ms)):
        codes = [line.code for line in same]
        merges += [
            Merge(box, operation, at_ms, codes[first : first + PACKS_AT_ONCE])
            for first in range(0, len(codes), PACKS_AT_ONCE)
        ]
    return merges
