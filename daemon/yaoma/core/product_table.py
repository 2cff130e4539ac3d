"""Product table: the products and patterns of a release as JSON lines with one form, so that they can be signed.

The first line names the type and holds the patterns of other standards; then one product a line, ascending by key.
What has its usual value is left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from yaoma.core.canonical import Json, NotCanonicalError, canonical, parse_canonical
from yaoma.core.other_pattern import OtherPattern
from yaoma.core.product import CodeSystem, Product
from yaoma.core.product_entry import TableEntryError, pattern_of, product_entry, product_of

__all__ = ["PRODUCTS_TYPE", "ProductTable", "TableError", "table_lines"]

PRODUCTS_TYPE: Final = "yaoma/products/v1"


class TableError(ValueError):
    """The bytes are no table of this type and version; the sentence names the line."""


@dataclass(frozen=True, slots=True)
class ProductTable:
    """The products of a release.

    Args:
        products: Products by key.
        patterns: Patterns of other standards.
    """

    products: Mapping[str, Product] = field(repr=False)
    patterns: Sequence[OtherPattern] = ()
    _others: dict[tuple[CodeSystem, str], list[Product]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    _drugs: dict[str, list[Product]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the products by drug and by their other codes (S4-02)."""
        for product in self.products.values():
            self._drugs.setdefault(product.drug_id, []).append(product)
            for alias in product.aliases:
                self._others.setdefault(alias, []).append(product)

    @classmethod
    def of(cls, products: Iterable[Product], patterns: Sequence[OtherPattern] = ()) -> "ProductTable":
        """Make a table.

        Raises:
            TableError: A key is there twice.
        """
        several = list(products)
        table = {product.key: product for product in sorted(several, key=lambda one: one.key)}
        if len(table) != len(several):
            raise TableError("one key of a product is there twice")
        return cls(table, tuple(patterns))

    @classmethod
    def parse(cls, content: bytes) -> "ProductTable":
        """Read a table; only its one form is accepted.

        Raises:
            TableError: It is malformed.
        """
        lines = table_lines(content, PRODUCTS_TYPE)
        first = lines[0].get("patterns")
        if lines[0].keys() != {"type", "patterns"} or not isinstance(first, list):
            raise TableError("line 1: type and patterns were expected")
        try:
            patterns = tuple(pattern_of(entry) for entry in first)
        except TableEntryError as error:
            raise TableError(f"line 1: {error}") from None
        named = frozenset(pattern.product_key for pattern in patterns)
        products: dict[str, Product] = {}
        last = ""
        for number, line in enumerate(lines[1:], start=2):
            try:
                product = product_of(line, named)
            except TableEntryError as error:
                raise TableError(f"line {number}: {error}") from None
            if product.key <= last or product_entry(product) != line:
                raise TableError(f"line {number}: the products are out of order, or this one has no canonical form")
            last = product.key
            products[last] = product
        return cls(products, patterns)

    def encoded(self) -> bytes:
        """Give its one form.

        Raises:
            TableError: A product is malformed.
        """
        patterns: list[Json] = [
            {"standard": one.standard, "regex": one.regex, "product_key": one.product_key} for one in self.patterns
        ]
        lines: list[Json] = [{"type": PRODUCTS_TYPE, "patterns": patterns}]
        lines += [product_entry(self.products[key]) for key in sorted(self.products)]
        content = b"".join(canonical(line) + b"\n" for line in lines)
        if ProductTable.parse(content).products.keys() != self.products.keys():
            raise TableError("a product stands under another key than its own")
        return content

    def product(self, product_key: str) -> Product | None:
        """Give the product, or None if the table does not know it."""
        return self.products.get(product_key)

    def known_as(self, system: CodeSystem, text: str) -> Sequence[Product]:
        """Give the products that have this other code."""
        return self._others.get((system, text), ())

    def of_drug(self, drug_id: str) -> Sequence[Product]:
        """Give the products of a drug: of all makers' prefixes and levels."""
        return self._drugs.get(drug_id, ())


def table_lines(content: bytes, expected: str) -> list[dict[str, Json]]:
    """Split a table into its lines, each canonical JSON, and make sure of its type.

    Args:
        content: The file.
        expected: The type that the first line must name.

    Raises:
        TableError: It is malformed.
    """
    if not content.endswith(b"\n"):
        raise TableError("the table does not end with a whole line")
    found = []
    for number, line in enumerate(content[:-1].split(b"\n"), start=1):
        try:
            found.append(parse_canonical(line))
        except NotCanonicalError as error:
            raise TableError(f"line {number}: {error}") from None
    if found[0].get("type") != expected:
        raise TableError(f"line 1: the type {expected} was expected")
    return found
