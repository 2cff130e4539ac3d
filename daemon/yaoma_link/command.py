"""Commands: what the centre has a box do, signed, numbered, with an end; and what the box answers (DESIGN.md 8, 10).

A command is a signed note whose text is one line of canonical JSON. Its counter only grows for a box; a box does each
at most once, and answers one that comes again with what it answered before. A reply is not signed: mutual TLS and the
access list say who wrote it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from yaoma.core.canonical import MAX_INTEGER, Json, NotCanonicalError, canonical, parse_canonical
from yaoma.core.note import NoteError, Signer, Verifier, open_note
from yaoma_link.topics import BoxName

__all__ = [
    "MAX_COMMAND_BYTES",
    "TYPE",
    "Command",
    "CommandError",
    "CommandName",
    "CommandReply",
    "Refusal",
    "ReplyState",
]

TYPE: Final = "yaoma/command/v1"

#: A policy is the longest thing that is sent so.
MAX_COMMAND_BYTES: Final = 512 * 1024
_MAX_REPLY_BYTES: Final = 64 * 1024
_MAX_REASON: Final = 64


class CommandName(StrEnum):
    """What a box can be told to do; the names are levels of topics."""

    RESTART = "restart"  # end in order and start anew
    REPORT = "report"  # say how it fares
    UPDATE = "update"  # fetch the newest list now
    POLICY = "policy"  # take up a policy that the centre has signed


class Refusal(StrEnum):
    """Why a box does not do it; stable ids."""

    UNSIGNED = "unsigned"  # not signed by the bridge, altered, or no command
    OTHER_BOX = "other_box"
    OTHER_TOPIC = "other_topic"  # it came on the topic of another command
    REPLAYED = "replayed"  # its number is not above the last one
    EXPIRED = "expired"
    CLOCK_UNTRUSTED = "clock_untrusted"  # the box can't tell whether it has expired
    UNKNOWN = "unknown"  # this version of the box can't do it
    FAILED = "failed"  # it was tried


class ReplyState(StrEnum):
    """What became of a command."""

    DONE = "done"
    REFUSED = "refused"


class CommandError(ValueError):
    """The payload is no command that the bridge has signed, or no reply.

    Args:
        reason: Why.
    """

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Args:
        box: Which box.
        number: Its counter, from 1.
        name: What to do; a version of the box may not know it.
        made_ms: When it was made, by the bridge's clock, milliseconds since 1970.
        until_ms: From here on it must not be done any more.
        arguments: What it needs, by name.
    """

    box: BoxName
    number: int
    name: str
    made_ms: int
    until_ms: int
    arguments: Mapping[str, str] = field(default_factory=dict, repr=False)

    def signed(self, signer: Signer) -> bytes:
        """Give the payload.

        Raises:
            CommandError: If it is too long.
        """
        text = canonical(
            {
                "type": TYPE,
                "site": self.box.site,
                "box": self.box.box,
                "number": self.number,
                "name": self.name,
                "made_ms": self.made_ms,
                "until_ms": self.until_ms,
                "arguments": dict(self.arguments),
            }
        ).decode()
        payload = signer.sign(f"{text}\n").encode()
        if len(payload) > MAX_COMMAND_BYTES:
            raise CommandError(Refusal.UNSIGNED)
        return payload

    @classmethod
    def opened(cls, payload: bytes, verifiers: Iterable[Verifier]) -> "Command":
        """Check the signature and read the command.

        Raises:
            CommandError: If the bridge has not signed it, or its form is wrong.
        """
        if len(payload) > MAX_COMMAND_BYTES:
            raise CommandError(Refusal.UNSIGNED)
        try:
            fields = parse_canonical(open_note(payload.decode(), verifiers)[:-1].encode())
            if fields.get("type") != TYPE:
                raise CommandError(Refusal.UNSIGNED)
            arguments = fields.get("arguments")
            if not isinstance(arguments, dict):
                raise CommandError(Refusal.UNSIGNED)
            found = cls(
                BoxName(_text(fields, "site"), _text(fields, "box")),
                _whole(fields, "number"),
                _text(fields, "name"),
                _whole(fields, "made_ms"),
                _whole(fields, "until_ms"),
                {name: _text(arguments, name) for name in arguments},
            )
        except (UnicodeDecodeError, NoteError, NotCanonicalError):
            raise CommandError(Refusal.UNSIGNED) from None
        except ValueError:
            raise CommandError(Refusal.UNSIGNED) from None
        if found.number < 1:
            raise CommandError(Refusal.UNSIGNED)
        return found


@dataclass(frozen=True, slots=True)
class CommandReply:
    """What a box answers.

    Args:
        number: Of the command; 0 if it could not be read.
        state: What became of it.
        reason: Why it was refused; empty if it was done.
        facts: What was asked for.
    """

    number: int
    state: ReplyState
    reason: str = ""
    facts: Mapping[str, Json] = field(default_factory=dict)

    def payload(self) -> bytes:
        """Give the bytes."""
        return canonical(
            {"number": self.number, "state": self.state.value, "reason": str(self.reason), "facts": dict(self.facts)}
        )

    @classmethod
    def read(cls, payload: bytes) -> "CommandReply":
        """Read a reply.

        Raises:
            CommandError: If it is none.
        """
        try:
            fields = json.loads(payload) if len(payload) <= _MAX_REPLY_BYTES else None
            if not isinstance(fields, dict) or not isinstance(fields.get("facts"), dict):
                raise CommandError(Refusal.UNKNOWN)
            reason = _text(fields, "reason")
            if len(reason) > _MAX_REASON or not reason.isprintable():
                raise CommandError(Refusal.UNKNOWN)
            canonical(fields["facts"])
            return cls(_whole(fields, "number"), ReplyState(_text(fields, "state")), reason, fields["facts"])
        except (ValueError, RecursionError):
            raise CommandError(Refusal.UNKNOWN) from None


def _text(fields: Mapping[str, Json], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise CommandError(Refusal.UNSIGNED)
    return value


def _whole(fields: Mapping[str, Json], name: str) -> int:
    value = fields.get(name)
    if type(value) is not int or not 0 <= value <= MAX_INTEGER:
        raise CommandError(Refusal.UNSIGNED)
    return value
