"""Person register (实名登记册): who was handed what by name; opened with the private key, written down, never logged.

The identity stands in what this gives back and nowhere else. That somebody opened it is committed before the first
one is opened (DESIGN.md 3, promise 5; DOMAIN.md 7, S1-18).
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from yaoma.core.report_page import Cell, Column, ColumnKind, Page, Phrases, Table
from yaoma.core.report_period import Period, clock_text
from yaoma.core.sealed import SealedError, person_context
from yaoma_bridge.bill import Bill, SealedPerson
from yaoma_bridge.bill_text import read_bill
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.errors import BridgeError
from yaoma_bridge.parcel_load import sealed_persons
from yaoma_bridge.store import Store
from yaoma_link.key_ring import KeyRing

__all__ = ["Entry", "Opening", "entries_of", "note_opening", "register_page"]

_MAX_TEXT = 100


@dataclass(frozen=True, slots=True)
class Opening:
    """Who opens the register, and why.

    Args:
        reader: Who.
        purpose: Why.
        at_ms: When, milliseconds since 1970.

    Raises:
        BridgeError: If reader or purpose say nothing.
    """

    reader: str
    purpose: str
    at_ms: int

    def __post_init__(self) -> None:
        """Refuse an opening that nobody answers for."""
        for name, text in (("reader", self.reader), ("purpose", self.purpose)):
            if not text.strip() or len(text) > _MAX_TEXT or not text.isprintable():
                raise BridgeError(f"{name}: 1 to {_MAX_TEXT} printable characters", "Say who opens it and why")


@dataclass(frozen=True, slots=True)
class Entry:
    """A ticket for which an identity was asked.

    Args:
        bill: What was handed out, with its products.
        sealed: The newest identity that is sealed to it, or None if a named operator said why there is none.
    """

    bill: Bill = field(repr=False)
    sealed: SealedPerson | None = field(repr=False)


def entries_of(store: Store, centre: CentreFacts, site: str, period: Period) -> list[Entry]:
    """Give the tickets of a site with an identity, or with a statement in its place, in order.

    Args:
        store: The store.
        centre: Names the products.
        site: The institution.
        period: The days on which they were closed.

    Raises:
        ConfigError: If a file of the centre can't be used.
    """
    found = []
    with store.reading() as tx:
        rows = tx.execute(
            "SELECT body, persons FROM bill WHERE site=? AND part=0 ORDER BY closed_n", (site,)
        ).fetchall()
        for body, persons in rows:
            bill = read_bill(body)
            numbers = json.loads(persons)
            if not (numbers or bill.statement) or not period.from_ms <= bill.closed_ms < period.to_ms:
                continue
            sealed = sealed_persons(tx, bill, numbers)
            found.append(Entry(centre.completed(bill), max(sealed, key=lambda one: one.n, default=None)))
    return found


def note_opening(store: Store, opening: Opening, site: str, period: Period, identities: int) -> None:
    """Write down that somebody opens the register; it is on the disk when this returns.

    Args:
        store: The store.
        opening: Who, why and when.
        site: The institution.
        period: The days.
        identities: How many sealed identities are there.
    """
    with store.writing() as tx:
        tx.execute(
            "INSERT INTO register_opening (at_ms, reader, purpose, site, first, last, identities) "
            "VALUES (?,?,?,?,?,?,?)",
            (
                opening.at_ms,
                opening.reader,
                opening.purpose,
                site,
                period.first.isoformat(),
                period.last.isoformat(),
                identities,
            ),
        )


def register_page(  # noqa: PLR0917 - one caller
    entries: Sequence[Entry], ring: KeyRing, phrases: Phrases, opening: Opening, period: Period, language: str
) -> Page:
    """Lay out the register: one line per drug that was handed out.

    Args:
        entries: The tickets.
        ring: The private keys.
        phrases: The language.
        opening: Who opened it, and why.
        period: The days.
        language: `zh-CN` or `en`.
    """
    names = (
        *("time", "register_document", "register_identity", "product", "lot", "code", "packs"),
        *("operator", "box", "ticket", "register_statement"),
    )
    kinds = {"code": ColumnKind.CODE, "packs": ColumnKind.NUMBER}
    columns = [Column(phrases.say(name), kinds.get(name, ColumnKind.TEXT)) for name in names]
    rows = [row for entry in entries for row in _rows(entry, ring, phrases)]
    facts = [
        ("period", str(period)),
        ("made", clock_text(opening.at_ms)),
        ("register_reader", opening.reader),
        ("register_purpose", opening.purpose),
    ]
    return Page(
        "register",
        phrases.say("title_register", {"period": str(period)}),
        [(phrases.say(name), text) for name, text in facts],
        [Table(phrases.say("register_sales"), columns, rows)],
        [phrases.say("register_note")],
        labels={"nothing": phrases.say("nothing"), "proof": phrases.say("proof"), "language": language},
    )


def _rows(entry: Entry, ring: KeyRing, phrases: Phrases) -> Iterator[list[Cell]]:
    bill = entry.bill
    document, number = _identity(entry.sealed, ring, phrases)
    for line in bill.lines:
        product = line.product.name if line.product is not None else ""
        yield [
            clock_text(bill.closed_ms),
            document,
            number,
            product,
            line.lot,
            line.code,
            max(1, len(line.packs)),
            bill.operator,
            bill.box,
            bill.ticket,
            bill.statement,
        ]


def _identity(sealed: SealedPerson | None, ring: KeyRing, phrases: Phrases) -> tuple[str, str]:
    if sealed is None:
        return "", ""
    kind = str(sealed.facts.get("kind", ""))
    if not sealed.blob:
        return kind, phrases.say("register_unreadable", {"why": phrases.say("register_erased")})
    try:
        number = ring.open(sealed.blob, person_context(sealed.site, sealed.box, sealed.log))
    except SealedError:
        return kind, phrases.say("register_unreadable", {"why": phrases.say("register_sealed")})
    return kind, number.decode("ascii", "replace")
