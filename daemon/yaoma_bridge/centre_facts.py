"""Centre facts: what the centre knows of institutions and products, read from files and read again when they change."""

import contextlib
import csv
import io
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Final

from yaoma.core.code import CodeError, OtherPattern, from_key
from yaoma.core.product import Product
from yaoma.core.product_table import ProductTable, TableError
from yaoma_bridge.bill import Bill, BillLine, Institution, InstitutionKind, SealedPerson
from yaoma_bridge.despatch_note import partner_of
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.registry import Registry

__all__ = ["CentreFacts", "read_institution"]

_SITE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(slots=True)
class _Read:
    """One file as it was last read."""

    stamp: tuple[int, int] | None = None
    value: object = None


@dataclass(slots=True)
class CentreFacts:
    """What is looked up when a bill is ruled, divided and sent; one thread's own.

    Args:
        institutions: The folder with one `<site>.toml` each, or None.
        products: The products file of the signed release (`yaoma/products/v1`), or None.
        further: A CSV file with a column `key` (product key or drug id) and any further ones, or None.
        lots: A CSV file with the columns `key` (as above), `lot`, `produced` and `expiry`, or None: what neither a
            20-digit code nor the list says of a lot, and platforms want (DOMAIN.md 2).
        registry: The boxes that exist, or None: then no partner of a ticket is a site of ours.
    """

    institutions: Path | None = None
    products: Path | None = None
    further: Path | None = None
    lots: Path | None = None
    registry: Registry | None = None
    _sites: dict[str, _Read] = field(default_factory=dict, repr=False)
    _table: _Read = field(default_factory=_Read, repr=False)
    _rows: _Read = field(default_factory=_Read, repr=False)
    _dates: _Read = field(default_factory=_Read, repr=False)

    def institution(self, site: str) -> Institution | None:
        """Give an institution, or None if no file describes it.

        Raises:
            ConfigError: If its file can't be used.
        """
        if self.institutions is None or not _SITE.fullmatch(site):
            return None
        path = self.institutions / f"{site}.toml"
        kept = self._sites.setdefault(site, _Read())
        if _has_changed(path, kept):
            kept.value = read_institution(path, site) if kept.stamp is not None else None
        return kept.value if isinstance(kept.value, Institution) else None

    def completed(self, bill: Bill, persons: Sequence[SealedPerson] = ()) -> Bill:
        """Give a bill with all that is known of its institution and products now.

        Raises:
            ConfigError: If one of the files can't be used.
        """
        table, rows, dates = self._products(), self._further(), self._lot_dates()
        patterns = table.patterns if table is not None else ()
        lines = [self._line(line, table, patterns, rows, dates) for line in bill.lines]
        return replace(
            bill,
            lines=tuple(lines),
            institution=self.institution(bill.site),
            persons=tuple(persons),
            receiver=self.site_of(partner_of(bill)),
        )

    def site_of(self, partner: str) -> str:
        """Give the site that somebody means, or an empty text if none that has a box here is meant.

        A file of an institution that can't be used is passed over: what names its site by its code still finds it.

        Args:
            partner: A site's code, or the registered name or 统一社会信用代码 that only one site has.
        """
        if self.registry is None or not partner:
            return ""
        sites = tuple(dict.fromkeys(box.site for box in self.registry.boxes()))
        if partner in sites:
            return partner
        named = [site for site in sites if self._is_called(site, partner)]
        return named[0] if len(named) == 1 else ""

    def _is_called(self, site: str, partner: str) -> bool:
        with contextlib.suppress(ConfigError):
            institution = self.institution(site)
            return institution is not None and partner in {institution.name, institution.credit_code}
        return False

    def product(self, key: str) -> Product | None:
        """Give the product behind a product key or drug id, or None if the table does not know it.

        Raises:
            ConfigError: If the table can't be used.
        """
        table = self._products()
        return None if table is None else table.product(key) or next(iter(table.of_drug(key)), None)

    @staticmethod
    def _line(
        line: BillLine,
        table: ProductTable | None,
        patterns: Sequence[OtherPattern],
        rows: Mapping[str, Mapping[str, str]],
        dates: Mapping[tuple[str, str], tuple[str, str]],
    ) -> BillLine:
        try:
            key = from_key(line.code, patterns).product_key
        except CodeError:
            return line
        product: Product | None = table.products.get(key) if table is not None else None
        drug = product.drug_id if product is not None else ""
        produced, expiry = dates.get((key, line.lot)) or dates.get((drug, line.lot)) or ("", "")
        return replace(
            line,
            product=product,
            facts=rows.get(key) or rows.get(drug) or _NOTHING,
            # What was read at the counter stands.
            produced=line.produced or produced,
            expiry=line.expiry or expiry,
        )

    def _products(self) -> ProductTable | None:
        if self.products is not None and _has_changed(self.products, self._table):
            try:
                self._table.value = ProductTable.parse(self.products.read_bytes())
            except OSError as error:
                raise ConfigError(f"products.table: {error.strerror}", "Name the products file of a release") from None
            except TableError as error:
                raise ConfigError(f"products.table: {error}", "Build it with `yaoma-tools`") from None
        return self._table.value if isinstance(self._table.value, ProductTable) else None

    def _further(self) -> Mapping[str, Mapping[str, str]]:
        if self.further is not None and _has_changed(self.further, self._rows):
            self._rows.value = {
                row["key"]: MappingProxyType({name: cell for name, cell in row.items() if name != "key" and cell})
                for row in _rows_of(self.further, "products.facts", ("key",))
            }
        return self._rows.value if isinstance(self._rows.value, dict) else {}

    def _lot_dates(self) -> Mapping[tuple[str, str], tuple[str, str]]:
        if self.lots is not None and _has_changed(self.lots, self._dates):
            self._dates.value = {
                (row["key"], row["lot"]): (_day(row["produced"]), _day(row["expiry"]))
                for row in _rows_of(self.lots, "products.lots", ("key", "lot", "produced", "expiry"))
            }
        return self._dates.value if isinstance(self._dates.value, dict) else {}


def _rows_of(path: Path, name: str, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read a CSV file that has some columns.

    Raises:
        ConfigError: If it can't be read, or lacks one.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{name} can't be read as UTF-8", "Name a CSV file") from None
    reader = csv.DictReader(io.StringIO(text), restval="", strict=True)
    if lacking := [column for column in columns if column not in (reader.fieldnames or ())]:
        raise ConfigError(f"{name} has no column `{lacking[0]}`", f"It has the columns {', '.join(columns)}")
    try:
        return list(reader)
    except csv.Error as error:
        raise ConfigError(f"{name}: line {reader.line_num}: {error}", "Correct that line") from None


def _day(text: str) -> str:
    """Give a date in ISO 8601, or nothing.

    Raises:
        ConfigError: If it is something else.
    """
    try:
        return date.fromisoformat(text.strip()).isoformat() if text.strip() else ""
    except ValueError:
        raise ConfigError("products.lots: a date is not YYYY-MM-DD", "Correct that cell") from None


def read_institution(path: Path, site: str) -> Institution:
    """Read the file of one institution: `kind`, `name`, `credit_code`, and a table for each kind of destination.

    Raises:
        ConfigError: If it can't be used; the sentence names the key.
    """
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path.name}: {error.strerror}", "Check the folder of institutions") from None
    except ValueError as error:
        raise ConfigError(f"{path.name}: {error}", "Correct that line") from None
    own = {name: MappingProxyType(table) for name, table in fields.items() if isinstance(table, dict)}
    if unknown := sorted(fields.keys() - own.keys() - {"kind", "name", "credit_code"}):
        raise ConfigError(f"{path.name}: unknown key {unknown[0]}", "Correct the key")
    try:
        kind = InstitutionKind(str(fields.get("kind")))
    except ValueError:
        known = ", ".join(InstitutionKind)
        raise ConfigError(f"{path.name}: kind is one of {known}", "Correct the key") from None
    return Institution(
        site, kind, str(fields.get("name", "")), str(fields.get("credit_code", "")), MappingProxyType(own)
    )


def _has_changed(path: Path, kept: _Read) -> bool:
    """Say whether a file is another one than was read; a missing one has no stamp."""
    try:
        found = path.stat()
    except OSError:
        stamp = None
    else:
        stamp = (found.st_mtime_ns, found.st_size)
    if stamp == kept.stamp and (stamp is not None or kept.value is None):
        return False
    kept.stamp = stamp
    return True
