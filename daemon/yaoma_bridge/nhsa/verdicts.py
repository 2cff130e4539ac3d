"""Verdicts: what the insurance platform's answers mean for rows that were sent, or asked for."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from yaoma.core.canonical import Json
from yaoma_bridge.nhsa.gateway import Reply
from yaoma_bridge.nhsa.profile import Transaction, Words
from yaoma_bridge.nhsa.rows import Row
from yaoma_bridge.platform import Answer, AnswerState
from yaoma_bridge.said import shown_sentence

__all__ = ["NO_SESSION", "RowFates", "arrived", "sent"]

#: The reason with which a gateway must forget its session.
NO_SESSION: Final = "sign_in_lost"

_MAX_DEPTH: Final = 12


class RowFates:
    """What is known of each row of a parcel, kept in its facts between two calls.

    Args:
        facts: The parcel's facts.
    """

    def __init__(self, facts: Mapping[str, Json]) -> None:
        self.there = _texts(facts.get("there"))
        self.absent = _texts(facts.get("absent"))
        refused = facts.get("refused")
        self.refused = {
            name: reason
            for name, reason in (refused if isinstance(refused, dict) else {}).items()
            if isinstance(reason, str)
        }

    def open_rows(self, rows: Sequence[Row]) -> list[Row]:
        """Give the rows of which nothing is settled."""
        return [row for row in rows if row.number not in self.there and row.number not in self.refused]

    def facts(self) -> dict[str, Json]:
        """Give what must be remembered."""
        return {"there": sorted(self.there), "absent": sorted(self.absent), "refused": dict(self.refused)}

    def codes(self, rows: Sequence[Row]) -> dict[str, tuple[AnswerState, str]]:
        """Give what is settled, code by code; of a code in several rows a refusal counts."""
        settled: dict[str, tuple[AnswerState, str]] = {}
        for row in rows:
            if row.number in self.there:
                for key in row.codes:
                    settled.setdefault(key, (AnswerState.ACCEPTED, ""))
        for row in rows:
            if reason := self.refused.get(row.number, ""):
                settled |= dict.fromkeys(row.codes, (AnswerState.REFUSED, reason))
        return settled


def sent(reply: Reply, transaction: Transaction, rows: Sequence[Row], fates: RowFates, words: Words) -> Answer:
    """Say what an answer to a sending means: `infcode` first, then `retRslt`, then row by row (DOMAIN.md 2.3).

    Args:
        reply: The answer.
        transaction: What was sent.
        rows: The rows that were sent.
        fates: What was known before; what is learnt now is added.
        words: What the province's sentences mean.
    """
    if not reply.is_taken:
        return _not_taken(reply.text, reply.said, words)
    row_said = _row_by_row(reply, transaction, {row.number for row in rows})
    result = reply.output.get("result")
    whole = result.get("retRslt") if isinstance(result, Mapping) else None
    said = shown_sentence(result.get("msgRslt")) if isinstance(result, Mapping) else ""
    is_whole_good = str(whole) == "1"
    for row in rows:
        if row.number in row_said:
            is_good, text = row_said[row.number]
            if is_good:
                fates.there.add(row.number)
            else:
                fates.refused[row.number] = _refusal(text, words)
        elif is_whole_good:
            fates.there.add(row.number)
        elif whole is not None and not row_said:
            # It speaks of the call as a whole, and says no.
            sentence = str(result.get("msgRslt")) if isinstance(result, Mapping) else ""
            if any(word in sentence for word in words.duplicate):
                return Answer(AnswerState.UNKNOWN, "maybe_there", said)
            fates.refused[row.number] = _refusal(sentence, words)
    return _summed(rows, fates, said, "answer_incomplete")


def arrived(reply: Reply, row: Row, texts: Sequence[str]) -> bool | None:
    """Say whether a query's answer shows a row; its tables are not public, so codes are looked for anywhere in it.

    Args:
        reply: The answer to 3512 or 3513.
        row: The row that was asked for.
        texts: Its codes, as they were written.

    Returns:
        None if the answer settles nothing: it is no answer, or it shows a part of the codes.
    """
    if not reply.is_taken:
        return None
    told = set(_strings(reply.everything, 0))
    if told.issuperset(texts):
        return True
    return False if told.isdisjoint({row.number, *texts}) else None


def _not_taken(text: str, said: str, words: Words) -> Answer:
    if any(word in text for word in words.session_lost):
        return Answer(AnswerState.WAITING, NO_SESSION, said, is_outage=True)
    if any(word in text for word in words.busy):
        return Answer(AnswerState.WAITING, "rate_limited", said, is_outage=True)
    if any(word in text for word in words.credentials):
        return Answer(AnswerState.HELD, "credentials", said, is_outage=True)
    if any(word in text for word in words.duplicate):
        return Answer(AnswerState.UNKNOWN, "maybe_there", said)
    return Answer(AnswerState.REFUSED, _refusal(text, words), said)


def _refusal(text: str, words: Words) -> str:
    return "sold_elsewhere" if any(word in text for word in words.sold_elsewhere) else "insurance_refused"


def _row_by_row(reply: Reply, transaction: Transaction, numbers: set[str]) -> dict[str, tuple[bool, str]]:
    found: dict[str, tuple[bool, str]] = {}
    for node in transaction.error_nodes:
        listed = reply.output.get(node)
        for one in listed if isinstance(listed, list) else ():
            if (
                isinstance(one, Mapping)
                and str(one.get("fixmedins_bchno")) in numbers
                and one.get("retRslt") is not None
            ):
                found[str(one["fixmedins_bchno"])] = str(one["retRslt"]) == "1", str(one.get("msgRslt") or "")
    return found


def _summed(rows: Sequence[Row], fates: RowFates, said: str, unknown: str) -> Answer:
    undecided = fates.open_rows(rows)
    facts = fates.facts()
    if undecided:
        return Answer(AnswerState.UNKNOWN, unknown, said, fates.codes(rows), facts)
    refused = [fates.refused[row.number] for row in rows if row.number in fates.refused]
    if len(refused) == len(rows):
        return Answer(AnswerState.REFUSED, refused[0], said, fates.codes(rows), facts)
    return Answer(AnswerState.ACCEPTED, "", said, fates.codes(rows) if refused else {}, facts)


def _texts(value: Json) -> set[str]:
    return {one for one in value if isinstance(one, str)} if isinstance(value, list) else set()


def _strings(value: Json, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth < _MAX_DEPTH and isinstance(value, list):
        for one in value:
            yield from _strings(one, depth + 1)
    elif depth < _MAX_DEPTH and isinstance(value, Mapping):
        for one in value.values():
            yield from _strings(one, depth + 1)
