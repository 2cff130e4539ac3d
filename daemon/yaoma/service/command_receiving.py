"""Command receiving: does what the centre has signed for this box, each command at most once, and answers."""

import hashlib
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from yaoma.core.canonical import Json
from yaoma.core.command import Append
from yaoma.core.deed import applied
from yaoma.core.note import Verifier
from yaoma.core.record import ClockState, Stamp
from yaoma_link.command import Command, CommandError, CommandReply, Refusal, ReplyState
from yaoma_link.report import Received
from yaoma_link.topics import ROOT, BoxName, CommandTopic, parse_topic

__all__ = ["Action", "Answered", "CommandReceiving", "FailedError", "Shelf"]

log = logging.getLogger("yaoma.commands")

#: A broker that repeats rubbish must not fill the journal.
_RECORD_EVERY_MS: Final = 60_000
_MOST_WAITING: Final = 20

Action = Callable[[Mapping[str, str]], Mapping[str, Json]]
"""Does a command with its arguments, and gives the facts of the answer."""


class FailedError(Exception):
    """A command was tried and could not be done.

    Args:
        reason: A stable id.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Shelf(Protocol):
    """Keeps the counter; `yaoma.shell.command_shelf.CommandShelf` is one."""

    def last(self) -> CommandReply | None:
        """Give the last answer."""
        ...

    def keep(self, reply: CommandReply) -> None:
        """Keep an answer."""
        ...


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply on its way.

    Args:
        topic: Where the bridge hears it.
        payload: Its bytes.
        received: The command that it answers, to be acknowledged once the reply was handed over.
    """

    topic: str
    payload: bytes
    received: Received


class CommandReceiving:
    """The commands' way into the box; all of it runs on the uploader's thread.

    Args:
        box: Who we are.
        verifiers: The bridge's keys.
        shelf: Keeps the counter.
        actions: What can be done, by name.
        stamp: The time, and how far it can be trusted.
        record: Has an entry recorded.
    """

    def __init__(
        self,
        box: BoxName,
        verifiers: tuple[Verifier, ...],
        shelf: Shelf,
        actions: Mapping[str, Action],
        *,
        stamp: Callable[[], Stamp],
        record: Callable[[Append], None],
    ) -> None:
        self._box, self._verifiers, self._shelf = box, verifiers, shelf
        self._actions, self._stamp, self._record = dict(actions), stamp, record
        self._waiting: deque[Received] = deque()
        self._recorded_ms: int | None = None
        self.refused = 0

    @property
    def topic_filter(self) -> str:
        """What the box subscribes to."""
        return f"{ROOT}/{self._box}/command/+"

    @staticmethod
    def is_command(topic: str) -> bool:
        """Say whether a topic is one of a command."""
        return _name_of(topic) is not None

    def put(self, received: Received) -> None:
        """Take a command from the session; what is too much comes again from the bridge."""
        if len(self._waiting) < _MOST_WAITING:
            self._waiting.append(received)

    def disconnected(self) -> None:
        """Forget what was not acknowledged: the bridge sends it again."""
        self._waiting.clear()

    def work(self) -> list[Answered]:
        """Do what waits, and give the answers."""
        answers = []
        while self._waiting:
            received = self._waiting.popleft()
            name = _name_of(received.topic) or ""
            reply = self._answer(name, received.payload)
            answers.append(Answered(self._box.command_reply(name), reply.payload(), received))
        return answers

    def _answer(self, topic_name: str, payload: bytes) -> CommandReply:
        try:
            command = Command.opened(payload, self._verifiers)
        except CommandError as error:
            return self._refuse(0, error.reason, payload)
        last = self._shelf.last()
        if last is not None and command.number == last.number and command.box == self._box:
            return last
        refusal = self._refusal_of(command, topic_name, 0 if last is None else last.number)
        if refusal is Refusal.CLOCK_UNTRUSTED:
            # Neither done nor counted: it is sent again, and the clock may be right by then.
            return CommandReply(command.number, ReplyState.REFUSED, refusal)
        return self._do(command, payload) if refusal is None else self._refuse(command.number, refusal, payload)

    def _refusal_of(self, command: Command, topic_name: str, last: int) -> Refusal | None:
        now = self._stamp()
        checks = (
            (command.box != self._box, Refusal.OTHER_BOX),
            (command.name != topic_name, Refusal.OTHER_TOPIC),
            (command.number <= last, Refusal.REPLAYED),
            (now.clock is ClockState.UNTRUSTED, Refusal.CLOCK_UNTRUSTED),
            (now.wall_ms >= command.until_ms, Refusal.EXPIRED),
        )
        return next((refusal for is_so, refusal in checks if is_so), None)

    def _do(self, command: Command, payload: bytes) -> CommandReply:
        action = self._actions.get(command.name)
        reply = CommandReply(command.number, ReplyState.REFUSED, Refusal.UNKNOWN)
        try:
            # Its number first: a command that ends the daemon must not come again after the start.
            self._shelf.keep(CommandReply(command.number, ReplyState.DONE))
            if action is not None:
                reply = CommandReply(command.number, ReplyState.DONE, "", action(command.arguments))
        except FailedError as error:
            reply = CommandReply(command.number, ReplyState.REFUSED, error.reason)
        except OSError:
            reply = CommandReply(command.number, ReplyState.REFUSED, Refusal.FAILED)
        if reply.state is ReplyState.DONE:
            log.warning("command done: name=%s", command.name)
            self._record(Append(applied(f"command.{command.name}", command.number, _digest(payload))))
            self._keep(reply)
            return reply
        self._keep(reply)
        return self._refuse(command.number, reply.reason, payload)

    def _keep(self, reply: CommandReply) -> None:
        try:
            self._shelf.keep(reply)
        except OSError as error:
            log.error("the counter of commands can't be kept: problem=%s", error.strerror)  # noqa: TRY400 - no trace

    def _refuse(self, number: int, reason: str, payload: bytes) -> CommandReply:
        """Refuse, count, and have it recorded; of a flood one a minute."""
        self.refused += 1
        now_ms = self._stamp().mono_ms
        if self._recorded_ms is None or now_ms - self._recorded_ms >= _RECORD_EVERY_MS:
            self._recorded_ms = now_ms
            log.error("command refused: reason=%s count=%d", reason, self.refused)
            self._record(Append(applied(f"command_refused.{reason}", number, _digest(payload))))
        return CommandReply(number, ReplyState.REFUSED, reason)


def _digest(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()


def _name_of(topic: str) -> str | None:
    try:
        parsed = parse_topic(topic)
    except ValueError:
        return None
    return parsed.name if isinstance(parsed, CommandTopic) and not parsed.is_reply else None
