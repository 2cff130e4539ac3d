"""Two boxes of one site and their centre as real programs over TLS: each hears of the other, both obey the centre."""

import json
import os
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from fakes import forked
from fakes.burst import pack_codes
from fakes.county import SITE, BoxProcess, County
from fakes.program import wait_for
from yaoma.core.record import Kind

RIGHT_CLOCK = Path(__file__).parents[1] / "fakes" / "run_with_right_clock.py"


def _bridge(county: County, *arguments: str) -> str:
    done = forked.run("yaoma-bridge", *arguments, "--config", county.bridges[0].config)
    done.check_returncode()
    return done.stdout


def _merged(box: BoxProcess) -> list[str]:
    return [
        str(pack)
        for record in box.records()
        if record.kind == Kind.MERGE
        for pack in record.fields["packs"]  # type: ignore[union-attr]  # a list, as `merged` writes it
    ]


def _commands(county: County) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(_bridge(county, "fleet", "commands", "--json"))
    return listed


@pytest.mark.slow
@pytest.mark.row("S0-16", part="bridge")
def test_two_boxes_hear_of_each_other_and_obey_the_centre(county: County) -> None:
    """A delivery at one counter is known at the other; a signed restart ends the daemon in order and is answered."""
    first, second = county.add_box("b1"), county.add_box("b2", launcher=RIGHT_CLOCK)
    first.start()
    second.start()
    wait_for(lambda: len(county.bridges[0].status()["boxes"]) == 2, "the boxes were not seen")
    code = next(islice(pack_codes(), 1))
    opened = first.command("ticket", "open", "counter", "receive")
    assert opened.returncode == 0, opened.stderr
    first.scan(code)
    wait_for(lambda: any(one.kind == Kind.SCAN for one in first.records()), "the scan was not kept")
    closed = first.command("ticket", "close", "counter")
    assert closed.returncode == 0, closed.stderr
    wait_for(lambda: f"cn20:{code}" in _merged(second), "the neighbour did not hear of the delivery", deadline_s=90)
    assert _merged(first) == []
    _bridge(county, "fleet", "command", "restart", f"{SITE}/b2")
    wait_for(lambda: not second.program.is_running(), "the box did not end", deadline_s=60)
    assert second.program.process is not None
    assert second.program.process.returncode == os.EX_TEMPFAIL
    wait_for(lambda: _commands(county)[0]["state"] == "done", "the answer did not come", deadline_s=60)
    assert "command.restart" in [one.fields.get("what") for one in second.records() if one.kind == Kind.APPLIED]
    second.start()
    said = {one["site"]: one for one in county.bridges[0].status()["sites"]}
    assert said[SITE]["boxes"] == 2
