"""Query plans: what the bridge asks for every record or parcel costs the same however many there are."""

import re
import sqlite3
from pathlib import Path

import pytest

from fakes.box import BoxLog
from fakes.scripted_platform import ScriptedPlatform
from fakes.stepped_bridge import register
from fakes.ticketed import Counter, code_of
from fakes.uploading_bridge import UploadingBridge
from yaoma_bridge.despatching import Despatcher
from yaoma_bridge.late_senders import follow_senders
from yaoma_bridge.neighbour_news import tell_neighbours
from yaoma_bridge.platform import Answer, AnswerState, Order
from yaoma_bridge.sqlite_store import SqliteStore

#: Tables with a row for each record, pack, bill, parcel or outcome.
_GROWING = "record|event|sealed|bill|bill_code|bundle|parcel|parcel_move|upload"
#: A walk over all of such a table, or over all rows of one destination.
_WALK = re.compile(rf"SCAN (?:{_GROWING})\b|SEARCH (?:{_GROWING}) USING \S+ \S+ \(destination=\?\)$")


@pytest.mark.parametrize("order", Order)
def test_nothing_that_is_asked_for_each_parcel_walks_over_all_of_them(
    tmp_path: Path, log: BoxLog, order: Order
) -> None:
    """Intake, verification, bills, uploads, refusals and questions find what they want by an index."""
    register(tmp_path / "boxes", log.name)
    platform = ScriptedPlatform(order=order, most=2)
    platform.answers = [Answer(AnswerState.PROCESSING), Answer(AnswerState.REFUSED, "facts_missing")]
    bridge = UploadingBridge(tmp_path, platform)
    asked: set[str] = set()
    for store in (bridge.store, bridge.upload_store):
        if not isinstance(store, SqliteStore):
            pytest.skip("of SQLite's plans; a server makes its own from statistics")
        store._connection.set_trace_callback(asked.add)
    counter = Counter(log)
    counter.sell(*map(code_of, range(5)))
    counter.sell(*map(code_of, range(5, 8)))
    bridge.take(log.payload(), name=log.name)
    bridge.bill()
    for _ in range(5):
        bridge.upload(60)
        Despatcher(bridge.facts, bridge.signer).follow(bridge.upload_store, bridge.now_ms)
        follow_senders(bridge.upload_store, bridge.signer, bridge.now_ms)
        tell_neighbours(bridge.upload_store, bridge.signer, bridge.now_ms)
        bridge.intake.due()
    assert len(platform.codes_sent) >= 8
    bridge.close()

    with sqlite3.connect(f"{bridge.file.as_uri()}?mode=ro", uri=True) as file:
        plans = {sql: _plan(file, sql) for sql in asked if sql.startswith(("SELECT", "UPDATE", "DELETE"))}
    assert len(plans) > 30
    walks = {sql: walks for sql, plan in plans.items() if (walks := [line for line in plan if _WALK.search(line)])}
    assert not walks


def _plan(file: sqlite3.Connection, sql: str) -> list[str]:
    return [str(row[3]) for row in file.execute(f"EXPLAIN QUERY PLAN {sql}")]
