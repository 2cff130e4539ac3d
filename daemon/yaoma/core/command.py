"""Commands: what somebody wants done at a counter, besides scanning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from yaoma.core.canonical import Json
from yaoma.core.deed import StockAction
from yaoma.core.identity import Identity
from yaoma.core.record import Entry
from yaoma.core.ticket import TicketCommand

__all__ = [
    "Append",
    "Command",
    "Excuse",
    "Hold",
    "Identify",
    "Merge",
    "Override",
    "Settle",
    "SignOn",
    "State",
    "StockMove",
    "Undo",
]


@dataclass(frozen=True, slots=True)
class Undo:
    """Take what the last scan put on the station's ticket off again.

    Args:
        station: Where.
        operator: Who says so; empty if unknown.
    """

    station: str
    operator: str = ""


@dataclass(frozen=True, slots=True)
class Override:
    """Let packs through that were to be reviewed; what is forbidden stays forbidden.

    Args:
        station: Where.
        operator: Who; must be named.
        reason: Why, in the operator's words.
        is_emergency: Used before it is checked (先用后补); the policy says within how many hours it must be matched.
        code: Key of the pack; empty for what was scanned last.
    """

    station: str
    operator: str
    reason: str
    is_emergency: bool = False
    code: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """Write down why there is no identity for the open ticket.

    Args:
        station: Where.
        statement: Operator and reason, as `yaoma.core.person_statement` gives them.
    """

    station: str
    statement: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Identify:
    """Seal an identity to the open ticket that a program has read or somebody has typed.

    Args:
        station: Where.
        identity: The number of the document; sealed before it is recorded.
        operator: Who says so; empty if unknown.
    """

    station: str
    identity: Identity = field(repr=False)
    operator: str = ""


@dataclass(frozen=True, slots=True)
class Excuse:
    """Let a line of the open ticket go without codes for an objective reason (S3-11).

    Args:
        station: Where.
        line: Number of the line, from 0.
        reason: Why, in the operator's words.
        operator: Who; must be named.
    """

    station: str
    line: int
    reason: str
    operator: str


@dataclass(frozen=True, slots=True)
class StockMove:
    """Book goods that carry no code (无码库).

    Args:
        action: What.
        drug: The drug's id, or what the institution calls it.
        quantity: How many packs.
        reason: Why they carry no code, or why they go.
        lot: The lot; empty if unknown.
        name: The drug's name.
        supplier: Where they come from.
        station: Where; empty for the store itself.
        operator: Who.
    """

    action: StockAction
    drug: str
    quantity: int
    reason: str = ""
    lot: str = ""
    name: str = ""
    supplier: str = ""
    station: str = ""
    operator: str = ""


@dataclass(frozen=True, slots=True)
class Settle:
    """Be done with duties.

    Args:
        duties: Their ids.
        how: Why: `matched` where the box found it, else an operator's words.
        operator: Who; empty only where the box found it.
        into: The state that quarantined packs get; empty if they stay.
        is_own: The box found it.
    """

    duties: Sequence[str]
    how: str
    operator: str = ""
    into: str = ""
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class SignOn:
    """Say who works at a station from here on.

    Args:
        station: Where.
        operator: Who.
        is_supervisor: A signed badge gives the rights of a person in charge.
    """

    station: str
    operator: str
    is_supervisor: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """Quarantine packs that are denied since they were received.

    Args:
        packs: Their keys.
        kind: The denial's kind.
        note: The notice's number.
        version: The list's version.
    """

    packs: Sequence[str]
    kind: str
    note: str
    version: int


@dataclass(frozen=True, slots=True)
class Merge:
    """Take in what another box of the site did.

    Args:
        box: Which.
        operation: What it did, an id of the operations table.
        done_ms: When, milliseconds since 1970.
        packs: Keys of the packs.
    """

    box: str
    operation: str
    done_ms: int
    packs: Sequence[str]


@dataclass(frozen=True, slots=True)
class Append:
    """Record an entry that changes nothing at the counter, such as a problem report.

    Args:
        entry: What.
    """

    entry: Entry = field(repr=False)


Command = (
    TicketCommand | Undo | Override | Identify | Excuse | State | StockMove | Settle | SignOn | Hold | Merge | Append
)
