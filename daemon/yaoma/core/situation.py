"""Situation: everything that a verdict depends on besides the code."""

from datetime import date
from typing import TYPE_CHECKING

from yaoma.core.allowlist import Allowlist
from yaoma.core.findings import Findings
from yaoma.core.ledger import Seen, date_of
from yaoma.core.operation import Operation
from yaoma.core.policy import Policy
from yaoma.core.record import Stamp
from yaoma.core.ticket import Ticket

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from yaoma.core.checked_value import dataclass

__all__ = ["Situation"]


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a verdict depends on besides the code.

    Args:
        now: The time of judgement.
        station: Where the scanner stands.
        ticket: The station's open ticket, or None.
        seen: What the ledger knows of this code, or None.
        allowlist: The list, or None if there is none that can be believed.
        policy: The rules of the place.
        operation: What is being done; None if no ticket is open, or its operation is not in the table.
        findings: What the list says of the code, if it was looked up already.
        complete_since_ms: Since when the ledger knows every pack of the site, or None (DESIGN.md 6).
        contents: What the ledger knows of each pack inside a container that is scanned.
        held_by: Another station whose open ticket this pack, or one inside, is on; empty if none.
        relative: Key of a pack on this ticket that contains this one or is contained in it; empty if none.
        disk_low: Room for records is running out.
        can_seal: There are keys to seal an identity to.
        identity_problem: Why the scanned identity can be nobody's, an id; empty if nothing is wrong with it.
        floor_ms: The latest time that is known to have passed, milliseconds since 1970; a clock set backwards does
            not bring an expired list back to life (DESIGN.md 6).
    """

    now: Stamp
    station: str
    ticket: Ticket | None
    seen: Seen | None
    allowlist: Allowlist | None
    policy: Policy
    operation: Operation | None = None
    findings: Findings | None = None
    complete_since_ms: int | None = None
    contents: tuple[Seen | None, ...] = ()
    held_by: str = ""
    relative: str = ""
    disk_low: bool = False
    can_seal: bool = False
    identity_problem: str = ""
    floor_ms: int = 0

    @property
    def today(self) -> date | None:
        """The day at the counter, never before the time that is known to have passed."""
        return date_of(max(self.now.wall_ms, self.floor_ms))

    @property
    def is_training(self) -> bool:
        """The open ticket is practice."""
        return self.ticket is not None and self.ticket.is_training
