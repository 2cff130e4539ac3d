"""Box words: the newest info and health of each box, kept so that status, metrics and reports can show the fleet."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

from yaoma.core.canonical import MAX_INTEGER, NotCanonicalError, canonical
from yaoma_bridge.boxes import note_seen
from yaoma_bridge.errors import BatchRefusedError
from yaoma_bridge.tx import Tx
from yaoma_link.topics import BoxName, Channel

__all__ = ["KEPT", "Words", "note_words", "read_words", "words_of"]

#: The channels of which the newest payload is kept.
KEPT: Final = frozenset({Channel.INFO, Channel.HEALTH})

_MAX_BYTES: Final = 16 * 1024
_MAX_DEPTH: Final = 3
_MAX_TEXT: Final = 200
_MAX_ENTRIES: Final = 200


@dataclass(frozen=True, slots=True)
class Words:
    """What a box said of itself.

    Args:
        box: Who.
        channel: `info` or `health`.
        said: What, as canonical JSON; empty if it was taken back.
        is_retained: The broker kept it from before: it says nothing of whether the box is there.
    """

    box: BoxName
    channel: Channel
    said: str = field(repr=False)
    is_retained: bool = False


def read_words(box: BoxName, channel: Channel, payload: bytes, *, is_retained: bool) -> Words:
    """Read info or health. Fields that are not known here are kept: a newer box may say more.

    Raises:
        BatchRefusedError: If it is too long, no JSON object, or holds more than a page can show.
    """
    if len(payload) > _MAX_BYTES:
        raise BatchRefusedError("too_long", f"{channel} has at most {_MAX_BYTES} bytes")
    if not payload:
        return Words(box, channel, "", is_retained)
    try:
        fields = json.loads(payload)
    except (ValueError, RecursionError):
        raise BatchRefusedError("malformed", f"{channel} is a JSON object") from None
    if not isinstance(fields, dict) or not _is_plain(fields, 0):
        raise BatchRefusedError("malformed", f"{channel} is a flat JSON object of texts and whole numbers")
    try:
        said = canonical(fields).decode()
    except NotCanonicalError:
        raise BatchRefusedError("malformed", f"{channel} has names in ASCII only") from None
    return Words(box, channel, said, is_retained)


def note_words(tx: Tx, words: Words, now_ms: int) -> None:
    """Keep what a box said; the newest counts."""
    key = (words.box.site, words.box.box, words.channel.value)
    if not words.said:
        tx.execute("DELETE FROM box_said WHERE site=? AND box=? AND channel=?", key)
        return
    if not words.is_retained:
        note_seen(tx, words.box, now_ms)
    tx.execute(
        "INSERT INTO box_said (site, box, channel, said, at_ms) VALUES (?,?,?,?,?) ON CONFLICT (site, box, channel) "
        "DO UPDATE SET at_ms=CASE WHEN box_said.said=excluded.said AND ?=1 THEN box_said.at_ms "
        "ELSE excluded.at_ms END, said=excluded.said",
        (*key, words.said, now_ms, words.is_retained),
    )


def words_of(tx: Tx) -> dict[tuple[BoxName, Channel], tuple[dict[str, Any], int]]:
    """Give what every box said last, with the time at which it was heard, milliseconds since 1970."""
    rows = tx.execute("SELECT site, box, channel, said, at_ms FROM box_said")
    return {
        (BoxName(site, box), Channel(channel)): (json.loads(said), at_ms) for site, box, channel, said, at_ms in rows
    }


def _is_plain(value: object, depth: int) -> bool:
    match value:
        case bool() | None:
            return True
        case int():
            return abs(value) <= MAX_INTEGER
        case str():
            return len(value) <= _MAX_TEXT and value.isprintable()
        case list():
            return depth < _MAX_DEPTH and len(value) <= _MAX_ENTRIES and all(_is_plain(one, depth + 1) for one in value)
        case dict():
            return (
                depth < _MAX_DEPTH
                and len(value) <= _MAX_ENTRIES
                and all(_is_plain(name, depth) and _is_plain(one, depth + 1) for name, one in value.items())
            )
    return False
