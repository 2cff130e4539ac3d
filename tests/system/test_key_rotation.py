"""The bridge's sealing key is replaced while a box is away: everything that it sealed, before and after, opens."""

import sqlite3
from pathlib import Path

import pytest

from fakes.county import SITE, BoxProcess, County, wait_for
from fakes.tally import assert_delivered_once, shown_verdicts
from yaoma.core.record import Record
from yaoma.core.sealed import person_context
from yaoma_link.identity import load_sealing_key, make_sealing_key
from yaoma_link.key_ring import KeyRing, KeyUnknownError

pytestmark = [pytest.mark.broker, pytest.mark.xdist_group("system-rotation")]

BEFORE, MEANWHILE, AFTER = "360426199101010071", "11010519491231002X", "440524198001010013"


def _sell_to(box: BoxProcess, number: str) -> None:
    assert box.command("ticket", "open", "counter", "dispense", "--person").returncode == 0
    before = len(shown_verdicts(box))
    box.scan(number)
    wait_for(lambda: len(shown_verdicts(box)) > before, "nothing is shown")
    assert box.command("ticket", "close", "counter").returncode == 0


def _at_the_bridge(county: County, box: BoxProcess) -> list[tuple[bytes, str]]:
    """Give what the bridge holds sealed, with its context, in the order of recording."""
    store = sqlite3.connect(f"{(county.folder / 'bridge' / 'bridge.db').as_uri()}?mode=ro", uri=True)
    try:
        rows = store.execute("SELECT blob, body FROM sealed JOIN record USING (log_id, seq) ORDER BY seq").fetchall()
    finally:
        store.close()
    return [(blob, person_context(SITE, box.name, Record.read(body).identity[0])) for blob, body in rows]


def _opened(ring: KeyRing, held: list[tuple[bytes, str]]) -> list[str]:
    return [ring.open(*one).decode() for one in held]


def test_rotation_while_a_box_is_away_loses_no_identity(county: County, tmp_path: Path) -> None:
    """It seals to the old key until the new file comes; the bridge opens all with both keys, the safe with its own."""
    keys = county.folder / "keys"
    box = county.add_box(verbose=True)
    box.start()
    _sell_to(box, BEFORE)
    assert_delivered_once(county, [box])
    county.broker.kill()
    # The centre makes a new key; the box, without network, can't have heard of it.
    new, recovery = make_sealing_key(tmp_path / "bridge-2027.seal", "bridge-2027"), keys / "recovery.seal"
    _sell_to(box, MEANWHILE)
    (keys / "seal.new").write_text(f"{new.public}\n{load_sealing_key(recovery, 'recovery').public}\n")
    (keys / "seal.new").rename(keys / "seal.pub")
    wait_for(lambda: f"name={new.public.id}" in box.program.said(), "the new key does not count")
    _sell_to(box, AFTER)
    county.broker.start()
    assert_delivered_once(county, [box])

    held = _at_the_bridge(county, box)
    old = load_sealing_key(keys / "bridge.seal", "bridge")
    everybody = [BEFORE, MEANWHILE, AFTER]
    assert _opened(KeyRing([new, old]), held) == everybody
    assert _opened(KeyRing([load_sealing_key(recovery, "recovery")]), held) == everybody
    # A bridge that threw the old key away is told which one it needs; what it holds stays.
    with pytest.raises(KeyUnknownError) as caught:
        _opened(KeyRing([new]), held)
    assert old.public.id in caught.value.key_ids
    assert _opened(KeyRing([new]), held[2:]) == [AFTER]
