"""Bill: one closed ticket as platforms take it, with everything that the centre knows of its packs (DESIGN.md 9)."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from yaoma.core.canonical import Json
from yaoma.core.product import PackLevel, Product
from yaoma.core.ticket import Line

__all__ = ["Bill", "BillLine", "Institution", "InstitutionKind", "SealedPerson"]

#: 100 bits, so 20 letters: short enough for every platform's field, and no two bills of a country share them.
_NUMBER_BYTES = 13
_NUMBER_LETTERS = 20


class InstitutionKind(StrEnum):
    """What an institution is, as far as platforms tell them apart (DOMAIN.md 3.3, 3.4, 5.1)."""

    PHARMACY = "pharmacy"  # 零售药店 (lsyd, terminal type 1005100)
    MEDICAL = "medical"  # 医疗机构 (yljg, terminal type 1005200)
    VACCINATION = "vaccination"  # 接种单位


@dataclass(frozen=True, slots=True)
class Institution:
    """One site, as its file in `[institutions] folder` describes it.

    Args:
        site: Its code, as it stands in topics.
        kind: What it is.
        name: Its registered name.
        credit_code: 统一社会信用代码; empty if nobody wrote it down.
        own: What each destination needs to know of it, by the destination's kind: the tables `[alihealth]`, `[nhsa]`
            and so on of the file, unread. The platform checks its own; secrets stand there as paths of files.
    """

    site: str
    kind: InstitutionKind
    name: str = ""
    credit_code: str = ""
    own: Mapping[str, Mapping[str, object]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class SealedPerson:
    """A sealed identity that belongs to a bill; only `nhsa` may open it, in memory.

    Args:
        n: Feed number of the record that carries it.
        site: The institution and ...
        box: ... the box and ...
        log: ... the log for which it was sealed: all three are the seal's context (`person_context`).
        facts: What the record says of it openly: kind of document, hash, key ids.
        blob: The sealed bytes as they came (`yaoma.core.sealed`); empty if they were erased since.
    """

    n: int
    site: str
    box: str
    log: str
    facts: Mapping[str, Json] = field(repr=False)
    blob: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class BillLine:
    """One code of a bill. A code stands in a bill once, however often it was scanned for it.

    Args:
        code: The code's key, as the journal writes it: `cn20:...`, `gs1:01...21...`, `other:STANDARD:...`.
        records: Feed numbers of the records that it stands for, ascending; more than one if units were handed out of
            an opened pack scan by scan. What is answered for the code becomes their outcome.
        product: The product in the centre's list, or None if that does not know it.
        facts: Further columns of the centre's product table, by name (`approval_no`, `spec`, `maker`, `rx_flag`,
            `price`, ...); empty if it has none.
        lot: The lot; empty if nobody knows it.
        expiry: Expiry date, ISO 8601 (`2027-06-30`); empty if nobody knows it.
        produced: Production date, likewise.
        packs: Keys of the smallest packs in it, by the despatch note, if it is the code of a container. The code of
            the container and one of these never stand in one parcel of a platform that forbids it.
        is_whole: For `packs`: all that the container holds is on the bill. If not (one was undone, or scanned by
            itself), its own code would say too much: send `packs` one by one.
        units: How many units (拆零) were taken out of an opened pack; below zero if they came back; 0 for a whole pack.
        case_packs: How many packs were taken out of a case whose packs carry no code; 0 if it is none.
        is_first_portion: For `units` or `case_packs`: no bill of this site has handed out a part of it before.
        wanted: Number of the line of `Bill.wanted` that it fills; -1 if none.
        verdict: What the box said: `PASS` or `REVIEW` (then somebody with a name has let it through).
        reason: Why, a stable id of the box's verdicts.
        at_ms: When it was last scanned for the bill, milliseconds since 1970, restated.
        shipment: Id of the despatch note that names it; empty if none does. Notes of several suppliers may meet in one
            ticket: `Bill.differences` says of each who sent it.
        via: Where its right to be here comes from, if not from the list: `shipment`, `headquarters` (a chain's pushed
            receipt), `parsed`, `transfer`, `opening`; empty otherwise.
        gone: In a later part of a bill, what an earlier part has brought to the destination already, or may have: the
            call of a parcel with a key that it carried. A platform that sends a line by several calls, or divides its
            packs among several, leaves these out.
    """

    code: str = field(repr=False)
    records: tuple[int, ...]
    product: Product | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    lot: str = ""
    expiry: str = ""
    produced: str = ""
    packs: tuple[str, ...] = field(default=(), repr=False)
    is_whole: bool = True
    units: int = 0
    case_packs: int = 0
    is_first_portion: bool = True
    wanted: int = -1
    verdict: str = "PASS"
    reason: str = ""
    at_ms: int = 0
    shipment: str = ""
    via: str = ""
    gone: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)

    def due(self, keys: Sequence[str], calls: Sequence[str]) -> tuple[str, ...]:
        """Give the keys that have yet to go by one of some calls.

        Args:
            keys: Its code, or packs in it.
            calls: Names of the platform's calls that do the same.
        """
        return tuple(key for key in keys if not any((call, key) in self.gone for call in calls))

    @property
    def text(self) -> str:
        """The code without the name of its form: the 20 digits, `01...21...`, or the other standard's own text."""
        form, _, rest = self.code.partition(":")
        return rest.partition(":")[2] if form == "other" else rest

    @property
    def level(self) -> PackLevel:
        """How large the package is; a container of a despatch note is large though no list knows its product."""
        if self.product is not None:
            return self.product.level
        return PackLevel.LARGE if self.packs else PackLevel.SMALL

    @property
    def is_split(self) -> bool:
        """Less than the whole coded pack was handed out or came back (trdn_flag, DOMAIN.md 2.8)."""
        return self.units != 0


@dataclass(frozen=True, slots=True)
class Bill:
    """One closed ticket. The same ticket always gives the same bill, whoever assembles it, and however often.

    Only what took effect stands in it: no scan that was undone, taken off or refused, no practice, no cancelled ticket.
    What went into quarantine is held back, and comes as a bill of its own (`part` above 0) once it is released.

    Args:
        site: The institution.
        box: The box.
        log: The log in which the ticket was opened (of a copied record: the original log).
        ticket: The ticket's id.
        part: 0, or the number of a later bill of the same ticket.
        institution: The site's own data, or None if no file describes it.
        operation: What was done, an id of the operations table (`receive`, `dispense`, ...).
        opened_ms: When it was opened, milliseconds since 1970, restated.
        closed_ms: When it took effect, likewise.
        closed_n: Feed number of the closing record; bills of one site are ordered by it.
        lines: Its codes, in the order of the first scan of each.
        wanted: What the till asked for: drug, packs and units, as in the ticket.
        payer: `insurance`, `injury` (工伤), `self`, or what else the till said; empty if nobody said.
        till_bill: The till's own number; empty if it gave none.
        owner: Whose goods they are, if they are stored for somebody else (委托储存, S2-06); empty otherwise.
        shipment: Id of the despatch note that it receives; empty if none.
        supplier: Who sent it, as its note says; empty if nobody knows, or several did.
        supplier_bill: The number of the supplier's own despatch note; empty if nobody knows.
        differences: Of a delivery, for each despatch note that it touched, the fields of the record that compared both:
            `shipment`, `supplier`, `bill` (the supplier's number), `said`, `matched`, `missing`, `extra`, `doubtful`,
            `lines`, ... as `yaoma.core.receiving.difference_entry` writes them; empty if nothing was compared.
        operator: Who closed it, an id without meaning outside the site; empty if unknown.
        is_opening: An opening count: stock that came before the box did.
        persons: Sealed identities of the ticket.
        statement: Why there is no identity, as a named operator wrote it; empty if nobody did.
        facts: What else the till said of the ticket, by name: `visit`, `settlement`, `prescription`, `prescriber`, ...;
            of several records of the ticket the later one counts.
        receiver: The site that gets the goods, if the ticket names one that has a box here; looked up when it is used.
    """

    site: str
    box: str
    log: str
    ticket: str
    operation: str
    opened_ms: int
    closed_ms: int
    closed_n: int
    lines: Sequence[BillLine] = field(repr=False)
    part: int = 0
    institution: Institution | None = None
    wanted: Sequence[Line] = ()
    payer: str = ""
    till_bill: str = ""
    owner: str = ""
    shipment: str = ""
    supplier: str = ""
    supplier_bill: str = ""
    differences: Sequence[Mapping[str, Json]] = field(default=(), repr=False)
    operator: str = ""
    is_opening: bool = False
    persons: Sequence[SealedPerson] = field(default=(), repr=False)
    statement: str = field(default="", repr=False)
    facts: Mapping[str, str] = field(default_factory=dict, repr=False)
    receiver: str = ""

    @property
    def key(self) -> str:
        """What names it for ever: site, box, log, ticket, and the part if it is a later one."""
        first = f"{self.site}/{self.box}/{self.log}/{self.ticket}"
        return f"{first}/{self.part}" if self.part else first

    @property
    def number(self) -> str:
        """A short name for a platform's own bill number: 20 capital letters and digits 2-7, made from key and codes.

        The codes are in it so that a number never comes again with another content: a store from a backup may rule
        lines otherwise than before, and a platform that has the number already would be believed to have them.
        """
        text = "\n".join((self.key, *(line.code for line in self.lines)))
        digest = hashlib.sha256(text.encode()).digest()[:_NUMBER_BYTES]
        return base64.b32encode(digest).decode("ascii")[:_NUMBER_LETTERS]
