"""Fleet commands: signed, numbered per box, sent until the box has answered or their time is over (DESIGN.md 8)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from yaoma.core.canonical import canonical
from yaoma.core.note import Signer
from yaoma_bridge.boxes import note_seen
from yaoma_bridge.errors import BatchRefusedError, BridgeError
from yaoma_bridge.receipts import Outgoing
from yaoma_bridge.tx import Tx
from yaoma_link.command import Command, CommandError, CommandReply, Refusal
from yaoma_link.topics import BoxName

__all__ = ["Reply", "due_commands", "has_due_command", "matching_boxes", "note_reply", "queue_command", "read_reply"]

#: A box answers within seconds; after this it is told again, then after twice as long, and so on.
_AGAIN_MS = 30_000
_MAX_TRIES = 7
_MAX_AT_ONCE = 100
_KEPT_PER_BOX = 200

#: Of these the box says that it could not tell yet: it is asked again.
_NOT_FINAL = frozenset({Refusal.CLOCK_UNTRUSTED.value})


@dataclass(frozen=True, slots=True)
class Reply:
    """What a box answered.

    Args:
        box: Who.
        reply: What.
    """

    box: BoxName
    reply: CommandReply = field(repr=False)


def queue_command(
    tx: Tx, name: BoxName, command: str, arguments: Mapping[str, str], signer: Signer, *, now_ms: int, valid_ms: int
) -> int:
    """Keep a command for a box; a worker sends it within a second if the box is there.

    Its number is the time, or the one after the last: so it grows though the store came back from a backup.

    Args:
        tx: The transaction.
        name: The box.
        command: What to do.
        arguments: What it needs.
        signer: The bridge's key.
        now_ms: The time, milliseconds since 1970.
        valid_ms: How long it may be done.

    Returns:
        Its number.

    Raises:
        BridgeError: If it is too long.
    """
    (last,) = tx.execute("SELECT MAX(n) FROM command WHERE site=? AND box=?", (name.site, name.box)).fetchone()
    number = max(now_ms, (last or 0) + 1)
    try:
        payload = Command(name, number, command, now_ms, now_ms + valid_ms, arguments).signed(signer)
    except CommandError:
        raise BridgeError(f"{command}: its arguments are too long", "") from None
    tx.execute(
        "INSERT INTO command (site, box, n, name, payload, made_ms, until_ms) VALUES (?,?,?,?,?,?,?)",
        (name.site, name.box, number, command, payload, now_ms, now_ms + valid_ms),
    )
    tx.execute(
        "DELETE FROM command WHERE site=? AND box=? AND state<>'waiting' AND n<=(SELECT n FROM command WHERE site=? "
        "AND box=? ORDER BY n DESC LIMIT 1 OFFSET ?)",
        (name.site, name.box, name.site, name.box, _KEPT_PER_BOX),
    )
    return number


def has_due_command(tx: Tx, now_ms: int) -> bool:
    """Say whether `due_commands` would change anything."""
    found = tx.execute(
        "SELECT 1 FROM command JOIN box USING (site, box) WHERE command.state='waiting' AND "
        "(command.until_ms<=? OR (command.due_ms<=? AND box.online=1)) LIMIT 1",
        (now_ms, now_ms),
    )
    return found.fetchone() is not None


def due_commands(tx: Tx, now_ms: int) -> list[Outgoing]:
    """Give the commands that are to be sent now, the oldest of each box; end those whose time is over."""
    tx.execute("UPDATE command SET state='expired' WHERE state='waiting' AND until_ms<=?", (now_ms,))
    rows = tx.execute(
        "SELECT command.site, command.box, command.n, command.name, command.payload, command.tries FROM command "
        "JOIN box USING (site, box) WHERE command.state='waiting' AND command.due_ms<=? AND box.online=1 "
        "AND NOT EXISTS (SELECT 1 FROM command AS earlier WHERE earlier.site=command.site "
        "AND earlier.box=command.box AND earlier.state='waiting' AND earlier.n<command.n) LIMIT ?",
        (now_ms, _MAX_AT_ONCE),
    ).fetchall()
    made = []
    for site, box, number, name, payload, tries in rows:
        tx.execute(
            "UPDATE command SET tries=?, due_ms=? WHERE site=? AND box=? AND n=?",
            (min(tries + 1, _MAX_TRIES), now_ms + (_AGAIN_MS << tries), site, box, number),
        )
        made.append(Outgoing(BoxName(site, box), number, payload, command=name))
    return made


def read_reply(box: BoxName, payload: bytes) -> Reply:
    """Read what a box answered.

    Raises:
        BatchRefusedError: If it is no reply.
    """
    try:
        return Reply(box, CommandReply.read(payload))
    except CommandError:
        raise BatchRefusedError("malformed", "a reply names number, state, reason and facts") from None


def note_reply(tx: Tx, answered: Reply, now_ms: int) -> None:
    """Note an answer; a number that nobody waits for changes nothing."""
    name, reply = answered.box, answered.reply
    note_seen(tx, name, now_ms)
    if reply.reason in _NOT_FINAL:
        # Told to whoever looks why it takes so long.
        tx.execute(
            "UPDATE command SET reason=? WHERE site=? AND box=? AND n=? AND state='waiting'",
            (reply.reason, name.site, name.box, reply.number),
        )
        return
    tx.execute(
        "UPDATE command SET state=?, reason=?, answer=?, answered_ms=? WHERE site=? AND box=? AND n=? "
        "AND state IN ('waiting', 'expired')",
        (
            reply.state.value,
            reply.reason,
            canonical(dict(reply.facts)).decode(),
            now_ms,
            name.site,
            name.box,
            reply.number,
        ),
    )


def matching_boxes(tx: Tx, wanted: str) -> Sequence[BoxName]:
    """Give the boxes in service that `SITE/BOX`, `SITE/*` or `*` names, in order.

    Raises:
        BridgeError: If there is none.
    """
    site, _, box = wanted.partition("/")
    rows = tx.execute(
        "SELECT site, box FROM box WHERE NOT EXISTS (SELECT 1 FROM retired WHERE retired.site=box.site "
        "AND retired.box=box.box) ORDER BY site, box"
    ).fetchall()
    found = [BoxName(*one) for one in rows if site in {"*", one[0]} and box in {"", "*", one[1]}]
    if not found:
        raise BridgeError(f"no box in service is called {wanted[:80]}", "Name SITE/BOX, SITE/* or *")
    return found
