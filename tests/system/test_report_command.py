"""`yaoma report` on a real state folder: every kind in every form, without the daemon."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image
from typer.testing import CliRunner

from fakes.report_journal import BEGIN_MS, BOX, SIGNER, SITE, Shelf, write_journal
from yaoma.cli.main import app
from yaoma.cli.report import CommandError
from yaoma.core.canonical import Json
from yaoma.core.note import Signer, open_note
from yaoma.core.site_list import list_text

TABLETS = "cn20:8100001"
PACKS = [f"{TABLETS}0000000{number}0001" for number in range(10, 20)]
SECRET = "11010119900307123X"


@dataclass(frozen=True)
class Done:
    """What a command gave."""

    exit_code: int
    stdout: str
    said: str = ""


Run = Callable[..., Done]

CONFIG = """
site = "{site}"
box = "{box}"
[broker]
host = "broker.example"
[state]
folder = "{folder}"
[allowlist]
file = "{folder}/list.signed"
[keys]
list = "{folder}/list.vkey"
[policy]
id = "shanxi-changzhi"
institution = "pharmacy"
[[station]]
name = "counter"
scanners = ["gun"]
[[scanner]]
name = "gun"
driver = "replay"
options.file = "/nowhere"
"""


@pytest.fixture
def shelf() -> Shelf:
    """Two days: a delivery that lacks a pack, a sale, an override, an outage, a problem, a pack that was recalled."""
    shelf = Shelf()
    shelf.record("start", version="0.1.0", boot_id="x", config="ab" * 32, scanners=["gun"])
    shelf.ticket("open", "r1", "receive", shipment="asn-1")
    for code in PACKS:
        shelf.scan(code, "r1", "receive", lot="A2301", shipment="asn-1")
    shelf.ticket("close", "r1", "receive", shipment="asn-1", operator="u3")
    shelf.record(
        "difference",
        ticket="r1",
        shipment="asn-1",
        supplier="=国药",
        bill="B1",
        said=11,
        matched=9,
        missing=1,
        missing_codes=[f"{TABLETS}0000000990001"],
        extra=0,
        extra_codes=[],
        doubtful=1,
        doubtful_codes=[[PACKS[0], "lot_mismatch"]],
        operation="receive",
    )
    shelf.ticket("open", "d1")
    shelf.scan(PACKS[0], "d1")
    shelf.scan(PACKS[1], "d1")
    shelf.record("undo", ticket="d1", station="counter", packs=[PACKS[1]], operator="u7")
    shelf.record("override", ticket="d1", packs=[PACKS[0]], operator="王药师", reason="急救", due_ms=BEGIN_MS)
    shelf.ticket("close", "d1", operator="u7")
    shelf.record("outage", begin_ms=BEGIN_MS, end_ms=BEGIN_MS + 3_661_000, waiting=37, cause="no_answer")
    shelf.record("problem", problem="code_unreadable", code=PACKS[2], text="二维码破损", operator="u7")
    shelf.record("hold", packs=[PACKS[3]], denial="recall", note="2026-17", list=8)
    shelf.now_ms += 3_600_000
    shelf.record("start", version="0.1.0", boot_id="y", config="ab" * 32, scanners=["gun"])
    return shelf


@pytest.fixture
def run(shelf: Shelf, tmp_path: Path) -> Run:
    """Give `yaoma report` on that folder."""
    folder = tmp_path / "state"
    write_journal(folder, shelf.bodies)
    config = tmp_path / "yaoma.toml"
    config.write_text(CONFIG.format(site=SITE, box=BOX, folder=folder), "utf-8")

    def report(*arguments: str) -> Done:
        result = CliRunner().invoke(app, ["report", "--config", str(config), *arguments])
        if isinstance(result.exception, CommandError):
            return Done(result.exception.exit_code, result.stdout, str(result.exception))
        if result.exception is not None:
            raise result.exception
        return Done(result.exit_code, result.stdout)

    return report


@pytest.mark.row("S0-02")
@pytest.mark.row("S0-24")
def test_rates_when_asked_for_a_month_then_rate_formula_and_parts_are_there(run: Run) -> None:
    """Ten of eleven packs were scanned in; the formula stands below."""
    said = run("--month", "2026-11").stdout

    assert "90.9 %  10 / 11" in said
    assert "100.0 %  1 / 1" in said
    assert "S ÷ (S + T + P + U + N)" in said


@pytest.mark.row("S1-27")
@pytest.mark.parametrize("form", ["table", "csv", "html"])
@pytest.mark.parametrize("kind", ["rates", "daily", "outages", "overrides", "differences", "devices"])
def test_report_when_of_any_kind_and_form_then_it_is_written(run: Run, tmp_path: Path, kind: str, form: str) -> None:
    """Every report can be had in every form, in both languages."""
    for language in ("zh-CN", "en"):
        out = tmp_path / f"{kind}.{form}"
        done = run(kind, "--month", "2026-11", "--format", form, "--out", str(out), "--language", language)
        text = out.read_text("utf-8")

        assert (0, "") == (done.exit_code, done.stdout)
        assert SITE in text
        assert "fallback" not in text


@pytest.mark.row("S0-21")
def test_daily_when_made_then_its_qr_code_is_the_signed_checkpoint(run: Run, tmp_path: Path) -> None:
    """A phone reads from the sheet what the bridge knows of the log; the signature holds."""
    picture = tmp_path / "qr.png"
    html = run("daily", "--day", "2026-11-01", "--format", "html", "--qr", str(picture)).stdout

    with Image.open(picture) as image:
        (found,) = zxingcpp.read_barcodes(np.array(image.convert("L")))
    text = open_note(found.text, [SIGNER.verifier()])
    assert f"/{SITE}/{BOX}/" in text.split("\n")[0]
    assert "<svg" in html
    assert text.split("\n")[2] in html


@pytest.mark.row("S3-07")
@pytest.mark.row("S3-11")
@pytest.mark.row("S4-20")
def test_outages_when_the_line_was_away_then_begin_end_length_and_waiting_scans(run: Run) -> None:
    """The evidence names when, for how long, how many scans waited, why, and the record that proves it."""
    said = run("outages", "--month", "2026-11").stdout

    assert "1 小时 1 分 1 秒" in said
    assert "37  no_answer" in said
    assert "停机" in said
    assert "码扫不出" in said
    assert "\u2014 yaoma/v1/" in said


@pytest.mark.row("S1-12")
@pytest.mark.row("S0-19")
@pytest.mark.row("S2-05")
def test_differences_when_a_delivery_lacks_packs_then_supplier_and_codes(run: Run) -> None:
    """Each difference is listed with its supplier, its codes and why."""
    said = run("differences", "--month", "2026-11").stdout

    assert "按供货单位" in said
    assert "81000 01000 00009 90001" in said
    assert "未到" in said


@pytest.mark.row("S0-06")
@pytest.mark.row("S2-14")
def test_overrides_when_somebody_let_a_pack_through_then_who_why_and_until_when(run: Run) -> None:
    """Operator, reason and deadline of each pack."""
    said = run("overrides", "--month", "2026-11").stdout

    assert "王药师" in said
    assert "急救" in said
    assert "2026-11-01 08:00:00" in said


@pytest.mark.row("S0-08")
@pytest.mark.row("S1-33")
@pytest.mark.parametrize("asked", [("--lot", "A2301"), ("--product", "8100001"), ("--supplier", "=国药")])
def test_recall_when_asked_then_every_pack_and_where_it_went(run: Run, asked: tuple[str, str]) -> None:
    """Nine packs are still here and one was handed out, also the one whose scan was undone."""
    said = run("recall", *asked).stdout

    assert all(f"{code[5:10]} {code[10:15]} {code[15:20]} {code[20:]}" in said for code in PACKS)
    assert "销售/使用" in said
    assert 9 == said.count("仍在本单位") - 1


def test_recall_when_nothing_is_known_then_it_says_so(run: Run) -> None:
    """A lot that never came here gives an empty report, and no failure."""
    done = run("recall", "--lot", "NEVER")

    assert 0 == done.exit_code
    assert "本期无记录" in done.stdout


@pytest.mark.row("S0-01")
@pytest.mark.row("S1-31")
def test_pack_when_asked_for_then_its_whole_history(run: Run) -> None:
    """Delivery, sale and override of one pack, with tickets, operators and places in the log."""
    said = run("pack", PACKS[0].removeprefix("cn20:")).stdout

    assert "采购入库" in said
    assert "销售/使用" in said
    assert "人工放行" in said
    assert "u7" in said
    assert "A2301" in said


def test_pack_when_it_is_no_trace_code_then_its_text_is_not_repeated(run: Run) -> None:
    """What is typed by mistake may be somebody's identity."""
    done = run("pack", SECRET)

    assert 1 == done.exit_code
    assert SECRET not in done.stdout + done.said


@pytest.mark.row("S4-22")
@pytest.mark.row("S4-23")
def test_inspection_when_packed_then_reports_policy_and_checkpoint(run: Run, tmp_path: Path) -> None:
    """One archive holds what an inspector asks for."""
    out = tmp_path / "pack.zip"
    assert 0 == run("inspection", "--month", "2026-11", "--out", str(out)).exit_code

    with zipfile.ZipFile(io.BytesIO(out.read_bytes())) as archive:
        names = set(archive.namelist())
        assert {"rates.html", "daily.csv", "devices.html", "differences.csv", "policy.txt"} <= names
        assert open_note(archive.read("checkpoint.txt").decode(), [SIGNER.verifier()])
        assert b"scan_in_target" in archive.read("policy.txt")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--day", "2026-11-31"),
        ("--month", "2026-11", "--day", "2026-11-01"),
        ("--to", "2026-11-01"),
        ("recall",),
        ("recall", "--lot", "A", "--product", "8100001"),
        ("inspection",),
        ("pack",),
    ],
)
def test_report_when_asked_for_something_else_then_one_sentence(run: Run, arguments: tuple[str, ...]) -> None:
    """A mistake is named in one sentence, in both languages, and nothing is written."""
    done = run(*arguments)

    assert (1, "") == (done.exit_code, done.stdout)
    assert " / " in done.said


@pytest.mark.row("S1-01")
def test_rates_when_the_list_names_exempt_products_then_they_are_out_of_the_rate(run: Run, tmp_path: Path) -> None:
    """Names and flags come from the signed list, exempt classes from the province's policy."""
    centre = Signer("county/list", Ed25519PrivateKey.from_private_bytes(b"c" * 32))
    products: Json = [{"key": TABLETS, "name": "黄芪配方颗粒", "flags": ["granule"]}]
    said: dict[str, Json] = {"site": SITE, "version": 5, "issued_ms": 1, "expires_ms": 2, "products": products}
    text = list_text({**said, "codes": [], "denials": [], "patterns": []})
    (tmp_path / "state" / "list.signed").write_text(centre.sign(text), "utf-8")
    (tmp_path / "state" / "list.vkey").write_text(f"{centre.verifier()}\n", "utf-8")

    rates = run("--month", "2026-11").stdout

    assert "无数据  0 / 0" in rates
    assert "中药配方颗粒" in rates
    assert "黄芪配方颗粒" in run("pack", PACKS[0]).stdout


@pytest.mark.row("S0-22")
def test_devices_when_listed_then_scanners_versions_and_rates(run: Run) -> None:
    """The register names each scanner with its use, each start with its version, and the rates."""
    said = run("devices", "--month", "2026-11").stdout

    assert "gun (replay)" in said
    assert "0.1.0" in said
    assert "90.9 %" in said
