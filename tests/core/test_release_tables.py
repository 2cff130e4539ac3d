"""The tables of a release: products with patterns, and denials."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma.core.allowlist import Denial, DenialKind
from yaoma.core.canonical import canonical
from yaoma.core.denial_table import DenialRow, DenialTable, denial_of
from yaoma.core.other_pattern import OtherPattern
from yaoma.core.product import CodeSystem, PackLevel, Product, ProductFlag
from yaoma.core.product_entry import TableEntryError, product_of
from yaoma.core.product_table import ProductTable, TableError
from yaoma.core.trace_code import Cn20, Gs1, Other

GS1_KEY = "gs1:0106901234567892"
PATTERN = OtherPattern("std", r"ZX\d{4}", "std:7")
RECALL = Denial(DenialKind.RECALL, "2027-1")

products = st.builds(
    Product,
    st.integers(0, 999_999).map(lambda number: f"cn20:8{number:06}"),
    st.text("阿莫西林 ABC", min_size=1, max_size=9),
    drug=st.sampled_from(["", "d1"]),
    level=st.sampled_from(PackLevel),
    packs=st.integers(1, 1000),
    units=st.integers(0, 100),
    platform=st.sampled_from(["", "alihealth"]),
    flags=st.frozensets(st.sampled_from(ProductFlag)),
    aliases=st.sets(st.tuples(st.sampled_from(CodeSystem), st.text("0123456789X", min_size=1)), max_size=4).map(
        lambda pairs: tuple(sorted(pairs))
    ),
)


@given(several=st.lists(products, unique_by=lambda product: product.key))
def test_products_when_written_and_read_then_they_are_the_same(several: list[Product]) -> None:
    """The table has one form whatever the order, and is found by key and by every other code."""
    table = ProductTable.of(several, [PATTERN])
    content = table.encoded()
    read = ProductTable.parse(content)
    assert read == table
    assert ProductTable.of(reversed(several), [PATTERN]).encoded() == content
    for product in several:
        assert read.product(product.key) == product
        assert all(product in read.known_as(*alias) for alias in product.aliases)


def lines(*entries: dict[str, object]) -> bytes:
    """A table of products, written by hand."""
    first = {"type": "yaoma/products/v1", "patterns": []}
    return b"".join(canonical(entry) + b"\n" for entry in (first, *entries))  # type: ignore[arg-type] # wrong on purpose


FIRST: dict[str, object] = {"key": "cn20:8000001", "name": "a"}
SECOND: dict[str, object] = {"key": "cn20:8000002", "name": "b"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"[]\n",
        b'{"type": "yaoma/products/v1", "patterns": []}\n',
        b'{"patterns":[],"type":"yaoma/products/v2"}\n',
        b'{"type":"yaoma/products/v1"}\n',
        b'{"patterns":[{"standard":"x"}],"type":"yaoma/products/v1"}\n',
        b'{"patterns":[{"product_key":"a","regex":"8\\\\d{19}","standard":"x"}],"type":"yaoma/products/v1"}\n',
        lines(FIRST)[:-1],
        lines(SECOND, FIRST),
        lines(FIRST, FIRST),
        lines(FIRST | {"packs": 1}),
        lines(FIRST | {"flags": ["vaccine", "controlled"]}),
    ],
)
def test_products_when_the_table_is_not_in_its_form_then_it_is_refused(content: bytes) -> None:
    """Order, usual values that should be left out, types, repeated keys: only one form is signed."""
    with pytest.raises(TableError):
        ProductTable.parse(content)


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "cn20:7000001"},
        {"key": "gs1:0106901234567893"},
        {"key": "std:7"},
        {"name": ""},
        {"name": "a\n"},
        {"name": "x" * 121},
        {"packs": 0},
        {"packs": True},
        {"packs": "2"},
        {"units": -1},
        {"level": "huge"},
        {"flags": ["unheard_of"]},
        {"flags": ["vaccine", "vaccine"]},
        {"flags": "vaccine"},
        {"aliases": [["isbn", "1"]]},
        {"aliases": [["ean", ""]]},
        {"aliases": [["ean"]]},
        {"aliases": [["ean", "1"], ["ean", "1"]]},
        {"platform": "A B"},
        {"unheard_of": ""},
    ],
)
def test_product_when_an_entry_is_wrong_then_it_is_refused(wrong: dict[str, object]) -> None:
    """Also what this version does not know: it may be a prohibition."""
    with pytest.raises(TableEntryError):
        product_of(FIRST | wrong)  # type: ignore[arg-type] # wrong on purpose


def denials(*rows: DenialRow) -> DenialTable:
    """A table that was written and read."""
    return DenialTable.parse(DenialTable.of(rows).encoded(), frozenset({"std:7"}))


@pytest.mark.row("S4-26")
def test_denial_when_several_rows_fit_then_the_nearest_to_the_pack_counts() -> None:
    """The code itself, then its serial range, then its lot, then its product."""
    code = Cn20("80000010000000501234")
    product = "cn20:8000001"
    rows = [
        DenialRow(product, Denial(DenialKind.WARNING, "product")),
        DenialRow(product, Denial(DenialKind.WARNING, "lot"), lot="A"),
        DenialRow(product, Denial(DenialKind.WARNING, "range"), serial_from="000000040", serial_to="000000060"),
        DenialRow(code.key, Denial(DenialKind.SOLD_ELSEWHERE, "code")),
    ]
    for count, note in ((4, "code"), (3, "range"), (2, "lot"), (1, "product")):
        found = denials(*rows[:count]).denial(code, "A")
        assert found is not None
        assert found.note == note
    assert denials(*rows[1:2]).denial(code, "B") is None
    assert denials(*rows[1:2]).denial(code) is None


@pytest.mark.parametrize(("serial", "denied"), [(39, False), (40, True), (60, True), (61, False)])
def test_denial_when_a_serial_range_is_named_then_both_ends_belong_to_it(serial: int, denied: bool) -> None:  # noqa: FBT001 - a case
    """A range of another product, or of serials with more digits, is no range of this one."""
    table = denials(
        DenialRow("cn20:8000001", RECALL, serial_from="000000040", serial_to="000000060"),
        DenialRow(GS1_KEY, RECALL, serial_from="040", serial_to="060"),
    )
    assert (table.denial(Cn20(f"8000001{serial:09}1234")) is not None) is denied
    assert (table.denial(Gs1("06901234567892", f"{serial:03}")) is not None) is denied
    assert table.denial(Cn20(f"8000002{serial:09}1234")) is None
    assert table.denial(Gs1("06901234567892", "0500")) is None
    assert table.denial(Gs1("06901234567892", "0A0")) is None


def test_denial_when_a_product_of_another_standard_is_named_then_its_packs_are_denied() -> None:
    """By the product key that the pattern names."""
    assert denials(DenialRow("std:7", RECALL)).denial(Other("std", "ZX0001", "std:7")) == RECALL


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "7"},
        {"key": "std:7"},
        {"kind": "dislike"},
        {"note": "x" * 201},
        {"note": 1},
        {"lot": ""},
        {"lot": " A"},
        {"lot": "A", "serial_from": "1", "serial_to": "2"},
        {"serial_from": "1"},
        {"serial_from": "2", "serial_to": "1"},
        {"serial_from": "1", "serial_to": "10"},
        {"serial_from": "a", "serial_to": "b"},
        {"serial_from": "", "serial_to": ""},
        {"key": "cn20:80000010000000501234", "lot": "A"},
    ],
)
def test_denial_when_an_entry_is_wrong_then_it_is_refused(wrong: dict[str, object]) -> None:
    """A lot or a range belongs to a product; both ends have as many digits."""
    entry: dict[str, object] = {"key": "cn20:8000001", "kind": "recall", "note": ""}
    with pytest.raises(TableEntryError):
        denial_of(entry | wrong)  # type: ignore[arg-type] # wrong on purpose


def test_denials_when_out_of_order_or_twice_then_they_are_refused() -> None:
    """The table has one form; two reasons for the same packs are a question for the centre."""
    first, second = DenialRow("cn20:8000001", RECALL), DenialRow("cn20:8000002", RECALL)
    content = DenialTable.of([second, first]).encoded().split(b"\n")
    with pytest.raises(TableError, match="line 3"):
        DenialTable.parse(b"\n".join([content[0], content[2], content[1], b""]))
    with pytest.raises(TableError):
        DenialTable.of([first, DenialRow(first.key, Denial(DenialKind.WARNING))])
