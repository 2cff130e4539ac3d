"""A running box and the big list: what yaoma update and the bridge bring in counts at the counter without a restart."""

import json
import sqlite3
import time
from pathlib import Path

from fakes.county import SITE, BoxProcess, County, wait_for
from fakes.news import PACKS, shipment
from fakes.released import Centre, code
from yaoma.core.shipment_text import shipment_fields


def verdicts(box: BoxProcess) -> list[tuple[object, object]]:
    """Code and verdict of each scan, in order."""
    return [(one.fields["code"], one.fields["verdict"]) for one in box.records() if "verdict" in one.fields]


def listed(box: BoxProcess, digits: str) -> dict[str, object]:
    """What `yaoma list check` says of a pack beside the running box."""
    return dict(json.loads(box.command("list", "check", digits, "--json").stdout))


def test_update_and_news_count_at_a_running_box(county: County, tmp_path: Path) -> None:
    """The daemon goes over from the small list to the big one, then takes a despatch note from the bridge."""
    centre = Centre(tmp_path / "centre", now_ms=time.time_ns() // 1_000_000)
    centre.begin()
    centre.base(range(100), version=1000)
    (tmp_path / "root.json").write_bytes(centre.root)
    box = county.add_box(settings={"allowlist": f'root = "{tmp_path}/root.json"'})
    box.start()
    assert 1 == box.ask()["list"]["version"]

    done = box.command("update", "--from", str(centre.path))
    assert 0 == done.returncode, done.stderr
    wait_for(lambda: box.ask()["list"]["version"] == 1000, "the big list was not taken up")
    box.scan(code(5), code(500))
    wait_for(lambda: len(verdicts(box)) == 2, "two scans")
    assert [f"cn20:{code(5)}", f"cn20:{code(500)}"] == [one for one, _ in verdicts(box)]
    assert "PASS" != verdicts(box)[1][1]

    (tmp_path / "asn.json").write_text(json.dumps(shipment_fields(shipment())), "utf-8")
    county.bridges[0].tell(box, tmp_path / "asn.json")
    pack = PACKS[0].removeprefix("cn20:")
    wait_for(lambda: listed(box, pack)["source"] == "shipment", "the despatch note did not come")
    assert ("A1", "asn-1") == (listed(box, pack)["lot"], listed(box, pack)["shipment"])
    wait_for(lambda: confirmed(county) == [(SITE, box.name, 1)], "the bridge did not hear of it")


def confirmed(county: County) -> list[tuple[str, str, int]]:
    """What the bridge's store says that boxes have confirmed."""
    store = sqlite3.connect(county.folder / "bridge" / "bridge.db")
    try:
        return store.execute("SELECT site, box, confirmed FROM state_box").fetchall()
    finally:
        store.close()
