"""Building the small signed list from the tables that people have."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yaoma.core.allowlist import Denial, DenialKind
from yaoma.core.code import Cn20
from yaoma.core.note import Signer
from yaoma.core.product import CodeSystem, PackLevel, Product, ProductFlag
from yaoma.core.site_list import ListRefusedError
from yaoma.shell.list_file import load_list
from yaoma_tools.signed_list import BuiltList, ListSource, SourceError, build_list, sign_list

CENTRE = Signer("county/list", Ed25519PrivateKey.from_private_bytes(b"c" * 32))


def source(folder: Path, **tables: str) -> ListSource:
    """A source with tables written to files; the name's ending says which kind."""
    paths: dict[str, Path] = {}
    for name, text in tables.items():
        table, _, kind = name.partition("_")
        paths[table] = folder / f"{table}.{kind or 'csv'}"
        paths[table].write_text(text, encoding="utf-8")
    return ListSource("S1", 3, 1_000, 2_000, **paths)


def test_list_when_built_from_csv_and_json_lines_then_a_box_uses_it(tmp_path: Path) -> None:
    """Bare digits become keys, a repeated code counts once, an office program's mark at the start is no fault."""
    tables = source(
        tmp_path,
        codes="\ufeffcode,remark\n81234567890123456789,a\n 81234567890123456789 ,b\ngs1:010690123456789221A1,\n",
        products_jsonl='{"key": "8123456", "name": "阿莫西林"}\n\n{"key": "06901234567892", "name": "Vaccine"}\n',
        denials="key,kind,note\n8999999,recall,2026-17\n81234567890123450000,sold_elsewhere,\n",
        patterns_jsonl='{"standard": "std", "regex": "ZX\\\\d{4}", "product_key": "std:7"}\n',
    )
    file = tmp_path / "out" / "list.signed"
    built = sign_list(file, tables, CENTRE)
    allowlist = load_list(file, [CENTRE.verifier()], "S1")

    assert built == BuiltList(file.read_text(), 2, 2, 2, 1)
    assert allowlist.listing(Cn20("81234567890123456789")).source
    assert set(allowlist.products) == {"cn20:8123456", "gs1:0106901234567892"}
    assert set(allowlist.denials) == {"cn20:8999999", "cn20:81234567890123450000"}


def test_list_when_signed_again_then_the_newer_file_takes_the_place(tmp_path: Path) -> None:
    """The box never finds half a file: the new one replaces the old one in one step."""
    file = tmp_path / "list.signed"
    sign_list(file, source(tmp_path), CENTRE)
    before = file.stat().st_ino
    sign_list(file, ListSource("S1", 4, 1_000, 2_000), CENTRE)

    assert file.stat().st_ino != before
    assert load_list(file, [CENTRE.verifier()], "S1").version == 4
    assert [one.name for one in tmp_path.iterdir()] == ["list.signed"]


@pytest.mark.parametrize(
    "tables",
    [
        {"codes": "number\n81234567890123456789\n"},
        {"codes_jsonl": '{"code": 81234567890123456789}\n'},
        {"codes_jsonl": "not json\n"},
        {"codes_jsonl": "[1]\n"},
        {"products": "key,name\n8123456\n"},
    ],
)
def test_list_when_a_table_is_malformed_then_file_and_line_are_named(tmp_path: Path, tables: dict[str, str]) -> None:
    """Whoever exported it finds the place; the text of a code is not quoted."""
    with pytest.raises(SourceError, match=r"(codes|products)\.\w+, line [12]") as caught:
        build_list(source(tmp_path, **tables), CENTRE)
    assert "8123" not in str(caught.value)


def test_list_when_a_table_is_gbk_then_it_is_read_as_that(tmp_path: Path) -> None:
    """Office programs in China save CSV as GBK; a table that is no text at all is named."""
    file = tmp_path / "products.csv"
    file.write_bytes("key,name\n8123456,阿莫西林\n".encode("gb18030"))
    sign_list(tmp_path / "l", ListSource("S1", 1, 1, 2, products=file), CENTRE)
    assert load_list(tmp_path / "l", [CENTRE.verifier()], "S1").products["cn20:8123456"].name == "阿莫西林"

    file.write_bytes(b"key,name\n8123456,\xff\xff\xff\n")
    with pytest.raises(SourceError, match="UTF-8"):
        build_list(ListSource("S1", 1, 1, 2, products=file), CENTRE)


def test_list_when_products_and_denials_tell_more_then_the_box_knows_it(tmp_path: Path) -> None:
    """Level, packs, units, flags and other codes of a product; a recall of one lot."""
    tables = source(
        tmp_path,
        products="key,name,level,packs,units,flags,aliases,drug,platform\n"
        "8123456,阿莫西林,middle,10,24,real_name|in_catalogue,ean:6901234567892|insurance:XJ01,amox,alihealth\n"
        "8123457,阿莫西林,,,,,,,\n",
        denials="key,kind,note,lot\n8123456,recall,2026-17,A1\n",
    )
    file = tmp_path / "list.signed"
    sign_list(file, tables, CENTRE)
    allowlist = load_list(file, [CENTRE.verifier()], "S1")
    product = allowlist.product("cn20:8123456")
    assert product == Product(
        "cn20:8123456",
        "阿莫西林",
        drug="amox",
        level=PackLevel.MIDDLE,
        packs=10,
        units=24,
        platform="alihealth",
        flags=frozenset({ProductFlag.REAL_NAME, ProductFlag.IN_CATALOGUE}),
        aliases=((CodeSystem.EAN, "6901234567892"), (CodeSystem.INSURANCE, "XJ01")),
    )
    assert allowlist.product("cn20:8123457") == Product("cn20:8123457", "阿莫西林")
    assert list(allowlist.known_as(CodeSystem.EAN, "6901234567892")) == [product]
    code = Cn20("81234567890123456789")
    assert allowlist.denial(code, "A1") == Denial(DenialKind.RECALL, "2026-17")
    assert allowlist.denial(code, "A2") is None


@pytest.mark.parametrize(
    ("tables", "sentence"),
    [
        ({"products": "key,name,packs\n8123456,a,many\n"}, "products.csv, line 2: packs is a whole number"),
        ({"products": "key,name,flags\n8123456,a,red\n"}, "products.csv, line 2: a flag is one of"),
        ({"products": "key,name\n8123456,a\n8123456,b\n"}, "products.csv, line 3: the same key as in line 2"),
        ({"denials": "key,kind\n8123456,dislike\n"}, "denials.csv, line 2: kind is one of"),
        ({"denials": "key,kind,lot,serial_from\n8123456,recall,A,1\n"}, "denials.csv, line 2: the keys key"),
        ({"codes": "code\n8.12E+19\n"}, r"codes.csv, line 2: .*8\.12E"),
    ],
)
def test_list_when_a_row_is_wrong_then_its_line_is_named(tmp_path: Path, tables: dict[str, str], sentence: str) -> None:
    """By what is wrong with it."""
    with pytest.raises(SourceError, match=sentence):
        build_list(source(tmp_path, **tables), CENTRE)


def test_list_when_a_range_of_serials_is_denied_then_the_small_list_refuses_it(tmp_path: Path) -> None:
    """It has no table for these; the large list does, and a prohibition is never dropped silently."""
    tables = source(tmp_path, denials="key,kind,serial_from,serial_to\n8123456,recall,000000001,000000009\n")
    with pytest.raises(ListRefusedError, match="ranges of serials"):
        build_list(tables, CENTRE)


def test_list_when_a_box_would_refuse_it_then_it_is_not_signed(tmp_path: Path) -> None:
    """A code that is none, or a list that expires before it begins, is found here and leaves no file."""
    with pytest.raises(ListRefusedError, match=r"codes\[0\]"):
        sign_list(tmp_path / "l", source(tmp_path, codes="code\n7123\n"), CENTRE)
    with pytest.raises(ListRefusedError, match="expires_ms"):
        sign_list(tmp_path / "l", ListSource("S1", 1, 2, 2), CENTRE)
    assert not (tmp_path / "l").exists()
