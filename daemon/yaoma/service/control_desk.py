"""Control desk: what the control barcodes of our printed sheets command at the station that read them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from yaoma.core.command import Command, Override, SignOn, Undo
from yaoma.core.control_code import ControlAction, ControlCode, folded
from yaoma.core.control_sheet import verify
from yaoma.core.note import Verifier
from yaoma.core.ticket import Action, CommandRefusedError, Ticket, TicketCommand
from yaoma.service.post import Post

__all__ = ["ControlDesk"]

#: What is recorded as the reason of an override that was scanned from a sheet.
_BY_SHEET = "control_code"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlDesk:
    """Turns control codes into commands.

    Args:
        site: The institution's code.
        box: The device id.
        verifiers: Gives the keys that technicians sign dangerous sheets with.
        revoked: Gives the ids of sheets that count no more.
        posts: Who works at each station.
    """

    site: str
    box: str
    verifiers: Sequence[Verifier] = ()
    revoked: Callable[[], Collection[str]] = frozenset
    posts: Mapping[str, Post] = field(default_factory=dict)

    def commands(self, code: ControlCode, station: str, ticket: Ticket | None, today: date | None) -> Sequence[Command]:
        """Give the commands that a code stands for; none where it only changes who works there.

        Args:
            code: What was scanned.
            station: Where.
            ticket: The station's open ticket, or None.
            today: The day at the counter; without one no signed code counts.

        Raises:
            CommandRefusedError: If its sheet does not count here, or it makes no sense now.
        """
        if code.sheet is not None:
            refusal = "expired" if today is None else self._refusal(code, today)
            if refusal:
                raise CommandRefusedError(f"sheet_refused.{refusal}")
        post = self.posts[station]
        if code.action is ControlAction.OPEN:
            return _opening(code.argument, station, post, ticket)
        if code.action is ControlAction.TRAINING:
            if ticket is not None:
                raise CommandRefusedError("ticket_already_open")
            post.is_training = code.argument == "on"
            return []
        who = post.operator
        commands: Mapping[ControlAction, Command] = {
            ControlAction.CLOSE: TicketCommand(Action.CLOSE, station, operator=who),
            ControlAction.CANCEL: TicketCommand(Action.CANCEL, station, operator=who),
            ControlAction.UNDO: Undo(station, who),
            ControlAction.CONFIRM: Override(station, who, _BY_SHEET),
            ControlAction.OVERRIDE: Override(station, who, _BY_SHEET, is_emergency=True),
            ControlAction.OPERATOR: SignOn(station, code.argument),
            ControlAction.SUPERVISOR: SignOn(station, code.argument, is_supervisor=True),
        }
        if code.action is ControlAction.PAIR:
            # What a running box reads with is known to it: a new scanner is opened by nobody but a technician.
            is_known = folded(station) == code.argument
            raise CommandRefusedError("pairing_known" if is_known else "pairing_by_command")
        return [commands[code.action]]

    def _refusal(self, code: ControlCode, today: date) -> str:
        refusal = verify(code, self.verifiers, site=self.site, box=self.box, today=today, revoked=self.revoked())
        return refusal.value if refusal else ""


def _opening(operation: str, station: str, post: Post, ticket: Ticket | None) -> Sequence[Command]:
    opening = TicketCommand(Action.OPEN, station, operation, post.operator, is_training=post.is_training)
    if ticket is None or ticket.packs or ticket.lines or ticket.shipment:
        return [opening]
    # Nothing was scanned yet, and nobody else has asked for it: the operator has changed his mind.
    return [TicketCommand(Action.CANCEL, station, operator=post.operator, cause="changed"), opening]
