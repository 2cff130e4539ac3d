"""Tickets, goods without a code and duties as users type them, against a running box that has no network."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from fakes.county import SITE, BoxProcess, County, wait_for
from fakes.news import CASE, PACKS, shipment
from fakes.released import Centre, code
from yaoma.cli.main import app
from yaoma.cli.report import CommandError
from yaoma.core.allowlist import Denial, DenialKind
from yaoma.core.product import Product
from yaoma_link.identity import load_signer
from yaoma_link.state import StateMessage

NewCounty = Callable[..., County]
NOW_MS = time.time_ns() // 1_000_000


@pytest.fixture
def box(new_county: NewCounty, tmp_path: Path) -> BoxProcess:
    """A box with a list of a hundred packs and a despatch note, brought in from a stick."""
    centre = Centre(tmp_path / "centre", now_ms=NOW_MS)
    centre.begin()
    centre.base(range(100), version=1000)
    centre.products(Product(f"cn20:{code(5)[:7]}", "阿莫西林胶囊", drug="amoxicillin"))
    (tmp_path / "root.json").write_bytes(centre.root)
    county = new_county()
    one = county.add_box(settings={"allowlist": f'root = "{tmp_path}/root.json"'})
    assert one.command("update", "--from", str(centre.path)).returncode == 0
    tell(one, tmp_path, StateMessage(SITE, one.name, 1, 1, NOW_MS, shipments=[shipment()]))
    one.start()
    return one


def tell(box: BoxProcess, folder: Path, message: StateMessage) -> None:
    """Bring a message of the bridge to the box, on a stick."""
    notes = folder / "stick" / "state"
    notes.mkdir(parents=True, exist_ok=True)
    signer = load_signer(box.county.folder / "keys" / "bridge.pem", "yaoma-bridge")
    (notes / f"{message.number}.note").write_bytes(message.signed(signer))
    done = box.command("list", "import", str(folder / "stick"))
    assert done.returncode == 0, done.stderr


def run(box: BoxProcess, *arguments: str) -> Result:
    """Run a command beside the daemon; in this process, since there are many."""
    return CliRunner().invoke(app, [*arguments, "--config", str(box.config)], prog_name="yaoma")


def said(box: BoxProcess, *arguments: str) -> Any:
    """What a command answers as JSON."""
    done = run(box, *arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def verdicts(box: BoxProcess, *codes: str) -> list[tuple[object, object]]:
    """Scan, and give class and reason of each from the journal."""
    before = len([one for one in box.records() if one.kind == "scan"])
    box.scan(*(one.removeprefix("cn20:") for one in codes))
    wait_for(
        lambda: len([one for one in box.records() if one.kind == "scan"]) == before + len(codes),
        "the scans were not kept",
    )
    scans = [one.fields for one in box.records() if one.kind == "scan"][before:]
    return [(one["verdict"], one["reason"]) for one in scans]


def refused(box: BoxProcess, *arguments: str) -> str:
    """What is said of a command that is refused."""
    done = run(box, *arguments)
    assert isinstance(done.exception, CommandError), done.output
    return str(done.exception)


def test_morning_at_a_counter_by_commands(box: BoxProcess, tmp_path: Path) -> None:
    """Delivery by one scan of its case, a recall that comes later, a sale by lines, goods without a code."""
    opened = said(box, "ticket", "open", "counter", "receive", "--shipment", "asn-1", "--operator", "li")
    assert (opened["action"], opened["shipment"], opened["operator"]) == ("open", "asn-1", "li")
    assert verdicts(box, CASE) == [("PASS", "in_list")]
    closed = box.command("ticket", "close", "counter")
    assert "DN-77: 应到 said 3, 相符 matched 3, 缺 missing 0, 多 extra 0, 存疑 in doubt 0" in closed.stdout
    assert "没有进行中的单据" in refused(box, "ticket", "close", "counter")

    assert box.ask()["duties"] == []
    denials = {("cn20:8123457", "A1"): Denial(DenialKind.RECALL, "2026-118")}
    tell(box, tmp_path, StateMessage(SITE, box.name, 1, 2, NOW_MS, denials=denials))
    wait_for(lambda: len(box.ask()["duties"]) == len(PACKS), "the packs on the shelf were not held")
    listed = run(box, "duty", "list").stdout
    assert f"hold:{PACKS[0]}" in listed
    assert "2026-118" in listed
    settle = ["duty", "settle", f"hold:{PACKS[0]}", "--how", "误报", "--back"]
    assert "经办人" in refused(box, *settle)
    assert said(box, *settle, "--operator", "li")["into"] == "in_stock"
    assert len(said(box, "duty", "list")) == len(PACKS) - 1

    product = f"cn20:{code(5)[:7]}"
    said(box, "ticket", "open", "counter", "dispense", "--line", f"{product}=1", "--bill", "XS-7")
    assert verdicts(box, code(5), code(6)) == [("PASS", "in_list"), ("REVIEW", "line_full")]
    assert said(box, "ticket", "undo", "counter")["packs"] == [f"cn20:{code(6)}"]
    assert box.ask()["stations"][0]["ticket"]["lines"][0]["filled"] == 1
    assert said(box, "ticket", "close", "counter")["packs"] == 1
    assert "名单里没有" in refused(box, "ticket", "open", "counter", "dispense", "--line", "ean:6901234567892=1")

    stock = ["amoxicillin", "20", "--lot", "2511", "--operator", "li"]
    assert "原因" in refused(box, "stock", "in", *stock, "--reason", " ")
    assert said(box, "stock", "in", *stock, "--reason", "2025年4月前购进")["quantity"] == 20
    assert "无码库里没有这么多" in refused(box, "stock", "out", "amoxicillin", "21", "--lot", "2511")
    said(box, "stock", "out", "amoxicillin", "1", "--lot", "2511")
    assert "amoxicillin\t2511\t19" in run(box, "stock", "list").stdout
    applied = [one.fields for one in box.records() if one.kind == "applied"]
    assert ("list", 1000) in {(one["what"], one["version"]) for one in applied}
