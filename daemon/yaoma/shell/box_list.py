"""Box list: what the verdict asks, from base files, overlay, tables and news; one picture that never changes."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol

from yaoma.core.allowlist import NOT_LISTED, Allowlist, Denial, Listing, Source
from yaoma.core.base_layout import PageDamagedError
from yaoma.core.code import OtherPattern, TraceCode
from yaoma.core.code_key import code_key
from yaoma.core.denial_table import DenialTable
from yaoma.core.lot_table import BaseAnswer
from yaoma.core.product import CodeSystem, Product
from yaoma.core.product_table import ProductTable
from yaoma.core.shipment import Shipment
from yaoma.shell.base_file import BaseFile
from yaoma.shell.database import SQLITE_FAILURES, classified
from yaoma.shell.list_db import LIST_FOLDER, ListDb
from yaoma.shell.list_news import SOURCE_OF, read_status, stored_shipment
from yaoma.shell.list_picture import News, open_picture, read_news
from yaoma.shell.list_release import FileKind, ListFile, Release
from yaoma.shell.list_tables import read_denials, read_products

__all__ = ["Base", "BoxList", "DamagedList", "Tables", "damaged_list", "open_box_list"]

_DAMAGED: Final = Listing(damaged=True)
_LISTED: Final = Listing(Source.LIST)
_SHIPMENTS_IN_MEMORY: Final = 16

# One round through SQLite a look-up; each part is one step into a b-tree by its key.
_LOCAL: Final = """
    SELECT o.op, o.source, o.lot, o.expiry, s.letter,
        (SELECT shipment FROM shipped JOIN shipment ON shipment.id = shipped.shipment
         WHERE shipped.code = ?1 ORDER BY shipment.n DESC LIMIT 1)
    FROM (SELECT 1) LEFT JOIN overlay AS o ON o.code = ?1 LEFT JOIN status AS s ON s.code = ?1
"""


@dataclass(frozen=True, slots=True)
class Tables:
    """Products and denials as their files have them; kept from one picture to the next while the files stay.

    Args:
        files: Names of the files that they were read from.
        products: Products and patterns.
        denials: Denials.
    """

    files: tuple[str, ...]
    products: ProductTable
    denials: DenialTable


class Base(Protocol):
    """What codes are looked up in: `BaseFile`, or a small list in memory."""

    @property
    def codes(self) -> int:
        """How many codes it holds."""
        ...

    def covers(self, code: TraceCode) -> bool:
        """Say whether such a code could be in it."""
        ...

    def look_up(self, code: TraceCode) -> BaseAnswer | None:
        """Give what it says of a code, or None if it is not there."""
        ...

    def scrub(self) -> Iterator[int]:
        """Give the numbers of its damaged pages."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class BoxList:
    """A picture of the list at one moment; made by `open_box_list`. Look-ups may come from several threads.

    Args:
        release: The release.
        tables: Products and denials.
        bases: Open base files.
        picture: A connection that holds one unchanging picture of list.db.
        news: What that picture says besides.
        on_damage: Called when something can't be read; must not block.
    """

    def __init__(
        self,
        release: Release,
        tables: Tables,
        bases: Sequence[Base],
        picture: sqlite3.Connection,
        *,
        news: News,
        on_damage: Callable[[], None] = lambda: None,
    ) -> None:
        self.release: Final = release
        self.tables: Final = tables
        self.is_local: Final = news.is_local
        self._bases: Final = tuple(bases)
        self._picture: Final = picture
        self._urgent: Final = news.urgent
        self._urgent_lots: Final = frozenset(key for key, lot in news.urgent if lot)
        self._denied_lots: Final = frozenset(row.key for row in tables.denials.rows if row.lot)
        self._on_damage: Final = on_damage
        self._lock: Final = threading.Lock()
        self._shipment: Final = lru_cache(_SHIPMENTS_IN_MEMORY)(self._read_shipment)

    @property
    def version(self) -> int:
        """Number of the release."""
        return self.release.version

    @property
    def expires_ms(self) -> int:
        """When it becomes stale, milliseconds since 1970."""
        return self.release.expires_ms

    @property
    def patterns(self) -> Sequence[OtherPattern]:
        """Patterns of other standards."""
        return self.tables.products.patterns

    @property
    def codes(self) -> int:
        """How many codes the base files hold."""
        return sum(base.codes for base in self._bases)

    def product(self, product_key: str) -> Product | None:
        """Give the product, or None if the list does not know it."""
        return self.tables.products.product(product_key)

    def known_as(self, system: CodeSystem, text: str) -> Sequence[Product]:
        """Give the products that have this other code."""
        return self.tables.products.known_as(system, text)

    def of_drug(self, drug_id: str) -> Sequence[Product]:
        """Give the products of a drug: of all makers' prefixes and levels."""
        return self.tables.products.of_drug(drug_id)

    def denial(self, code: TraceCode, lot: str | None = None) -> Denial | None:
        """Give why the code is denied, by itself, its serial range, its lot or its product, or None."""
        if self._urgent:
            product_key = code.product_key
            by_lot = self._urgent.get((product_key, lot)) if lot else None
            found = self._urgent.get((code.key, "")) or by_lot or self._urgent.get((product_key, ""))
            if found is not None:
                return found
        return self.tables.denials.denial(code, lot)

    def denies_lots_of(self, product_key: str) -> bool:
        """Say whether some lots of a product are denied, so that a pack of unknown lot is in doubt."""
        return product_key in self._denied_lots or product_key in self._urgent_lots

    def listing(self, code: TraceCode) -> Listing:
        """Give what the list says of the pack; `damaged` if what would answer can't be read."""
        try:
            if not self.is_local:
                known = self._in_base(code)
                if known is None:
                    return NOT_LISTED
                return _LISTED if known.order == _NO_ORDER else Listing(Source.LIST, known.lot, known.expiry)
            return self._with_local(code)
        except (PageDamagedError, ValueError, *SQLITE_FAILURES):
            self._on_damage()
            return _DAMAGED

    def shipment(self, shipment_id: str) -> Shipment | None:
        """Give a shipment, or None if it is unknown or can't be read."""
        try:
            return self._shipment(shipment_id)
        except (ValueError, *SQLITE_FAILURES):
            self._on_damage()
            return None

    def scrub(self) -> int:
        """Read every page of the base files and count the damaged ones."""
        return sum(1 for base in self._bases for _ in base.scrub())

    def close(self) -> None:
        """Close files and picture; a look-up that is under way answers `damaged`."""
        with self._lock:
            self._picture.close()
        for base in self._bases:
            base.close()

    def _with_local(self, code: TraceCode) -> Listing:
        with self._lock:
            op, source, lot, expiry, letter, shipment = self._picture.execute(_LOCAL, (code_key(code),)).fetchone()
        status = None if letter is None else read_status(letter)
        if op == 0:
            # Taken off the list by the centre: no despatch note brings it back.
            return Listing(status=status, shipment=shipment)
        if op == 1:
            until = None if expiry is None else date.fromisoformat(expiry)
            return Listing(Source.LIST if source is None else Source(source), lot, until, status, shipment)
        known = self._in_base(code)
        if known is not None:
            return Listing(Source.LIST, known.lot, known.expiry, status, shipment)
        sent = None if shipment is None else self._shipment(shipment)
        if sent is None:
            return NOT_LISTED if status is None else Listing(status=status)
        line = sent.line(code.key)
        if line is None:
            return Listing(SOURCE_OF[sent.kind], None, None, status, shipment)
        return Listing(SOURCE_OF[sent.kind], line.lot, line.expiry, status, shipment)

    def _in_base(self, code: TraceCode) -> BaseAnswer | None:
        for base in self._bases:
            if base.covers(code):
                found = base.look_up(code)
                if found is not None:
                    return found
        return None

    def _read_shipment(self, shipment_id: str) -> Shipment | None:
        with self._lock:
            row = self._picture.execute("SELECT body FROM shipment WHERE id = ?", (shipment_id,)).fetchone()
        return None if row is None else stored_shipment(row[0])


_NO_ORDER: Final = BaseAnswer().order


class DamagedList:
    """Stands where a list was in force that can't be read: every pack is for review, whatever the policy allows.

    Args:
        version: The highest version that was in force.
        expires_ms: When it became stale, as far as known, milliseconds since 1970.
    """

    patterns: Sequence[OtherPattern] = ()

    def __init__(self, version: int, expires_ms: int) -> None:
        self.version = version
        self.expires_ms = expires_ms

    def product(self, product_key: str) -> Product | None:  # noqa: ARG002 - nothing is known
        """Give None."""
        return None

    def known_as(self, system: CodeSystem, text: str) -> Sequence[Product]:  # noqa: ARG002 - nothing is known
        """Give nothing."""
        return ()

    def of_drug(self, drug_id: str) -> Sequence[Product]:  # noqa: ARG002 - nothing is known
        """Give nothing."""
        return ()

    def denial(self, code: TraceCode, lot: str | None = None) -> Denial | None:  # noqa: ARG002 - nothing is known
        """Give None: `listing` says that nothing is known."""
        return None

    def denies_lots_of(self, product_key: str) -> bool:  # noqa: ARG002 - nothing is known
        """Say yes: any lot may have been denied."""
        return True

    def listing(self, code: TraceCode) -> Listing:  # noqa: ARG002 - nothing is known
        """Say that the list is damaged."""
        return _DAMAGED

    def shipment(self, shipment_id: str) -> Shipment | None:  # noqa: ARG002 - nothing is known
        """Give None."""
        return None


def damaged_list(version: int, expires_ms: int) -> Allowlist:
    """Give a list that can only say that it is damaged."""
    return DamagedList(version, expires_ms)


def open_box_list(
    db: ListDb | Path, before: Tables | None = None, *, on_damage: Callable[[], None] = lambda: None
) -> BoxList | None:
    """Take a picture of what is in force now; takes a moment when tables have changed: not for the recorder's thread.

    Args:
        db: list.db, or where it lies for who only looks.
        before: Tables of the last picture; used again if their files are the same.
        on_damage: Called when something of the picture can't be read.

    Returns:
        The picture, or None if no release is in force.

    Raises:
        BaseRefusedError: If a base file can't be used.
        TableRefusedError: If a table can't be used.
        DatabaseError: If list.db can't be read.
        ValueError: If a row of list.db is damaged.
    """
    path = db.path if isinstance(db, ListDb) else db
    folder = path.parent / LIST_FOLDER
    with ExitStack() as stack:
        picture = stack.enter_context(closing(open_picture(path)))
        try:
            row = picture.execute("SELECT site, version, issued_ms, expires_ms FROM release").fetchone()
            if row is None:
                return None
            named = picture.execute("SELECT name, kind, digest, version, title FROM file ORDER BY name").fetchall()
        except SQLITE_FAILURES as error:
            raise classified(path, error) from error
        news = read_news(path, picture)
        files = [ListFile(name, FileKind(kind), *rest) for name, kind, *rest in named]
        bases = [
            stack.enter_context(BaseFile.open(folder / file.name, file.digest.hex()))
            for file in files
            if file.kind is FileKind.BASE
        ]
        tables = _tables(folder, files, before)
        stack.pop_all()
        return BoxList(Release(*row), tables, bases, picture, news=news, on_damage=on_damage)


def _tables(folder: Path, files: Sequence[ListFile], before: Tables | None) -> Tables:
    wanted = [file for file in files if file.kind in {FileKind.PRODUCTS, FileKind.DENIALS}]
    names = tuple(file.name for file in wanted)
    if before is not None and before.files == names:
        return before
    products, denials = ProductTable({}), DenialTable(())
    for file in wanted:
        if file.kind is FileKind.PRODUCTS:
            products = read_products(folder / file.name, file.digest)
    named = frozenset(pattern.product_key for pattern in products.patterns)
    for file in wanted:
        if file.kind is FileKind.DENIALS:
            denials = read_denials(folder / file.name, file.digest, named)
    return Tables(names, products, denials)
