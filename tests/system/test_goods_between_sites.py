"""Goods that go from one site to another: both boxes, the broker and the centre as real programs."""

import json
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest

from fakes import forked
from fakes.burst import pack_codes
from fakes.county import BoxProcess, County, wait_for
from yaoma.core.record import Kind

STORE = "H2"
FIRST, SECOND = islice(pack_codes(), 2)


@pytest.fixture
def chain(new_county: Callable[..., County]) -> County:
    """Give a centre with the lists of two sites; the store's does not know what it will be sent."""
    made = new_county(codes=[FIRST, SECOND])
    made.make_list(["81234560000000010001"], {}, {}, site=STORE)
    made.broker.start()
    made.add_bridge().program.start()
    return made


def _despatches(county: County) -> list[dict[str, Any]]:
    done = forked.run("yaoma-bridge", "despatch", "list", "--json", "--config", county.bridges[0].config)
    listed: list[dict[str, Any]] = json.loads(done.stdout)
    return listed


def _tasks(box: BoxProcess) -> list[tuple[str, list[str]]]:
    """Give reason and codes of the open tasks."""
    done = box.command("duty", "list", "--json")
    assert done.returncode == 0, done.stderr
    return [
        (task["reason"], [one["code"] for one in task["records"] if "code" in one])
        for task in json.loads(done.stdout)
        if task.get("destination") == "despatch"
    ]


def _ticket(box: BoxProcess, operation: str, *codes: str, more: tuple[str, ...] = ()) -> str:
    """Open, scan and close a ticket; give what the command said last."""
    wait_for(
        lambda: box.command("ticket", "open", "counter", operation, *more).returncode == 0,
        "the ticket was not opened",
        deadline_s=90,
    )
    for code in codes:
        before = sum(one.kind == Kind.SCAN for one in box.records())
        box.scan(code)
        wait_for(
            lambda n=before: sum(one.kind == Kind.SCAN for one in box.records()) > n,  # type: ignore[misc]  # mypy can't infer a lambda with a default
            "the scan was not kept",
        )
    closed = box.command("ticket", "close", "counter")
    assert closed.returncode == 0, closed.stderr
    return closed.stdout


@pytest.mark.slow
@pytest.mark.row("S2-04", part="bridge")
def test_what_one_site_sends_is_received_at_the_other_and_what_lacks_comes_back(chain: County) -> None:
    """The store's box expects the packs; one that lacks is a task at the sender until it comes after all."""
    sender, store = chain.add_box("b1"), chain.add_box("b1", site=STORE)
    sender.start()
    store.start()
    wait_for(lambda: len(chain.bridges[0].status()["boxes"]) == 2, "the boxes were not seen")
    _ticket(sender, "transfer_out", FIRST, SECOND, more=("--fact", f"partner={STORE}"))
    wait_for(lambda: _despatches(chain), "no note was made")
    (note,) = _despatches(chain)
    # The box refuses to receive by a note that has not come.
    said = _ticket(store, "transfer_in", FIRST, more=("--shipment", note["note"]))
    assert "缺 missing 1" in said
    (scan,) = [one for one in store.records() if one.kind == Kind.SCAN]
    assert (scan.fields["verdict"], scan.fields["via"]) == ("PASS", "transfer")
    missing = ("despatch_missing", [f"cn20:{SECOND}"])
    wait_for(lambda: _tasks(sender) == [missing], "the sender heard nothing", deadline_s=90)
    (note,) = _despatches(chain)
    assert (note["receiver"], note["state"], note["missing"]) == (STORE, "differs", 1)
    _ticket(store, "transfer_in", SECOND)
    wait_for(lambda: _tasks(sender) == [], "the task stayed", deadline_s=90)
    assert _despatches(chain)[0]["state"] == "received"
