"""Erasure: the record of sealed identities that were erased; the records they belonged to stay as they are."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Final

from yaoma.core.canonical import Json
from yaoma.core.record import Entry, Kind
from yaoma.core.spans import Runs

__all__ = ["EraseReason", "Erasure", "erased_entries"]

#: Spans in one record, so that it stays far below the longest body.
_SPANS: Final = 1000


class EraseReason(StrEnum):
    """Why; the ids are stable, records use them."""

    POLICY = "policy"  # they were kept as long as the policy says
    ASKED = "asked"  # a named operator asked


@dataclass(frozen=True, slots=True)
class Erasure:
    """Who wants sealed identities erased, and why.

    Args:
        reason: Why.
        operator: Who, an id without meaning outside the site; empty for the policy.
        before_ms: Everything recorded before this time, milliseconds since 1970; None if single records were named.
    """

    reason: EraseReason
    operator: str = ""
    before_ms: int | None = None


def erased_entries(erasure: Erasure, places: Iterable[tuple[str, int]]) -> list[Entry]:
    """Make the records that say what was erased; nothing of an identity stands in them.

    Args:
        erasure: Who and why.
        places: Log and place of each record whose identity is erased; of copies, those of the original.
    """
    said: dict[str, Json] = {"reason": erasure.reason.value}
    if erasure.operator:
        said["operator"] = erasure.operator
    if erasure.before_ms is not None:
        said["before_ms"] = erasure.before_ms
    by_log: Mapping[str, list[int]] = {
        log: [seq for _, seq in found] for log, found in groupby(sorted(set(places)), key=lambda one: one[0])
    }
    return [Entry(Kind.ERASED, {**said, **part}) for log, seqs in by_log.items() for part in _parts(log, seqs)]


def _parts(log: str, seqs: Iterable[int]) -> Iterator[dict[str, Json]]:
    runs = list(Runs((seq, seq + 1) for seq in seqs))
    for first in range(0, len(runs), _SPANS):
        spans = runs[first : first + _SPANS]
        yield {"of": log, "places": [list(span) for span in spans], "count": sum(end - begin for begin, end in spans)}
