"""Destinations as a test configures them, each with the simulator that it talks to."""

from pathlib import Path

from fakes.bills import ROOT, institution, product
from fakes.simulated import Simulated
from yaoma.core.product_table import ProductTable
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.destinations.find import make_destination
from yaoma_bridge.platform import Platform

__all__ = ["KINDS", "SECRET", "centre_facts", "destination", "simulator"]

SECRET = "secret of the simulators"
KINDS = ("nhsa", "epcis", "webhook", "shanxi")

#: What somebody with the standard would write; the names are the simulator's own.
SHANXI_MAP = """
standard = "DB14/T 3290-2025"
names_from = "the simulator of the tests"
path = "/receive"
protocol = [
    { name = "eventID", from = "event.id", need = "always", length = 36 },
    { name = "eventType", from = "event.type", need = "always" },
    { name = "eventTime", from = "event.time", form = "time", pattern = "%Y-%m-%dT%H:%M:%S+08:00", need = "always" },
    { name = "sender", from = "actor.credit_code", need = "always", length = 18 },
    { name = "place.area", from = "site.area", need = "always", length = 6 },
]
[signature]
over = "body"
keyed = "after"
place = "header"
name = "X-Sign"
form = "hex"
[answer]
code = "code"
good = ["0"]
busy = ["E90"]
duplicate = ["E20"]
said = "msg"
[answer.signature]
over = "body"
keyed = "after"
place = "header"
name = "X-Sign"
form = "hex"
[group.retail]
operations = ["dispense", "return_customer"]
event_type = "retail"
node = "data"
lines_node = "lines"
fields = [{ name = "saleNo", from = ["bill.till", "bill.number"], need = "always" }]
line_fields = [
    { name = "code", from = "line.code", need = "always" },
    { name = "lot", from = "lot.number", need = "always" },
]
[group.stock]
operations = ["receive", "return_supplier"]
event_type = "stock"
node = "data"
lines_node = "lines"
line_fields = [{ name = "code", from = "line.code", need = "always" }]
"""


def simulator(kind: str, *options: str) -> Simulated:
    """Start the simulator of a kind."""
    own = {"webhook": ("--secret", SECRET), "shanxi": ("--secret", SECRET), "epcis": ("--base", "/api")}
    return Simulated(kind, *own.get(kind, ()), *options)


def destination(kind: str, folder: Path, url: str, **more: object) -> Platform:
    """Make a destination of a kind that talks to an address."""
    (folder / "secret").write_text(f"{SECRET}\n", "utf-8")
    (folder / "map.toml").write_text(SHANXI_MAP, "utf-8")
    is_plain = url.startswith("http:")
    options: dict[str, dict[str, object]] = {
        "nhsa": {"url": url, "profile": ROOT / "config/nhsa/national.toml", "plain_http": is_plain},
        "epcis": {"url": f"{url}/api", "uri_base": "https://example.invalid/cn-drug-trace", "plain_http": is_plain},
        "webhook": {"url": f"{url}/bills", "secret": folder / "secret", "plain_http": is_plain},
        "shanxi": {"url": url, "map": folder / "map.toml", "secret": folder / "secret", "plain_http": is_plain},
    }
    made = make_destination(kind, kind, {**options[kind], "connect_s": 2.0, "read_s": 0.5, **more})
    assert isinstance(made, Platform)
    return made


def centre_facts(folder: Path) -> CentreFacts:
    """Write what a centre knows: the institution, the list's products, further columns of these."""
    own = institution().own
    table = dict(own["nhsa"])
    fields, operators = table.pop("fields"), table.pop("operators")
    lines = ['kind = "pharmacy"', 'name = "示例药店"', 'credit_code = "91140400MA0000000X"', "[nhsa]"]
    lines += [f'{name} = "{text}"' for name, text in table.items()]
    assert isinstance(fields, dict)
    assert isinstance(operators, dict)
    lines += ["[nhsa.fields]", *(f'{name} = "{text}"' for name, text in fields.items())]
    lines += ["[nhsa.operators]", *(f'{name} = "{text}"' for name, text in operators.items())]
    lines += ["[shanxi]", 'area = "140400"']
    sites = folder / "institutions"
    sites.mkdir(exist_ok=True)
    (sites / "H1.toml").write_text("\n".join(lines), "utf-8")
    products = folder / "products.jsonl"
    products.write_bytes(ProductTable.of([product(1), product(2)]).encoded())
    further = folder / "facts.csv"
    further.write_text(
        "key,rx_flag,price,maker,approval_no,buying_price\n"
        "cn20:8000001,1,12.5,示例制药,国药准字H20260001,8\n"
        "cn20:8000002,0,3,示例制药,国药准字H20260002,2\n",
        "utf-8",
    )
    return CentreFacts(sites, products, further)
