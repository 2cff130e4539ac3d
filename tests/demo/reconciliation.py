"""Reconciliation: scans made, verdicts, records kept, records stored, packs by state; nothing may be missing."""

import sqlite3
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from demo.goods import ID_CARD, LEFT_IN_STOCK
from demo.stage import Stage
from fakes.county import SITE, wait_for
from yaoma.core.pack import PackState
from yaoma.core.record import Record

__all__ = ["reconcile"]

_STATES = {
    PackState.IN_STOCK: "在库 / in stock",
    PackState.QUARANTINED: "隔离 / quarantined",
    PackState.OPENED: "已拆零 / opened",
    PackState.DISPENSED: "已发出 / dispensed",
    PackState.RETURNED: "退回待验 / returned",
    PackState.LEFT: "已离库 / left",
    PackState.DESTROYED: "已报废 / destroyed",
}

_UPLOADED_WITHIN_S = 30.0

#: Where the packs of the story are when it ends.
AT_THE_END = Counter(
    {
        PackState.IN_STOCK.value: len(LEFT_IN_STOCK),
        PackState.DISPENSED.value: 11,
        PackState.LEFT.value: 5,
        PackState.DESTROYED.value: 3,
    }
)


def reconcile(stage: Stage) -> list[str]:
    """Count everything.

    Args:
        stage: The counter after the story.

    Returns:
        One sentence for each thing that is missing, and for each that went otherwise than the story says.
    """
    box, county = stage.box, stage.county
    wait_for(lambda: box.ask()["uplink"]["pending"] == 0, "the bridge did not confirm everything")
    stage.say("一天下来", "At the end of the morning")
    for arguments in (("status",), ("report", "daily"), ("report", "balance"), ("duty", "list"), ("stock", "list")):
        stage.yaoma(*arguments)
    records = box.records()
    scans = [record for record in records if record.kind == "scan"]
    practice = [record for record in records if record.fields.get("training") is True]
    kept = {record.identity for record in records}
    sent = len(kept) - len(practice)
    wait_for(lambda: len(county.events()) >= sent, "the bridge has not written every event")
    events = [event["id"] for event in county.events()]
    stored = {(event.split("/")[2], int(event.split("/")[3])) for event in events}

    stage.say("对账", "Reconciliation")
    _print(
        stage,
        scans,
        [
            ("日志记录 / records kept", len(records)),
            ("网桥已存 / stored at the bridge", sum(county.stored().values())),
            ("练习，网桥扣下 / practice, held by the bridge", len(practice)),
            ("网桥送出的事件 / events delivered by the bridge", len(events)),
        ],
    )
    states = _packs_by_state(stage)
    stage.write("在店台账（按追溯码） / packs by state\n")
    for state, number in sorted(states.items()):
        stage.write(f"{number:>6}  {_STATES[PackState(state)]}\n")
    stage.write("\n")
    stage.yaoma("journal", "verify")

    faults = list(stage.faults) + _platforms(stage)
    if states != AT_THE_END:
        faults.append(f"packs by state are {dict(states)}, the story ends with {dict(AT_THE_END)}")
    if len(scans) != stage.scans:
        faults.append(f"{stage.scans} scans were made, {len(scans)} have a verdict")
    held = {record.identity for record in practice}
    if stored != kept - held:
        faults.append(
            f"kept and sent differ: {len(kept - held - stored)} missing, {len(stored - kept | stored & held)} too many"
        )
    if sum(county.stored().values()) != len(kept):
        faults.append("the bridge has not stored every record")
    if len(events) != len(set(events)):
        faults.append("the bridge has delivered an event twice")
    if ID_CARD.encode() in b"".join(path.read_bytes() for path in county.folder.rglob("*") if path.is_file()):
        faults.append("the ID number lies open in a file")
    return faults


def _platforms(stage: Stage) -> list[str]:
    """Show what the platforms said of all uploads; nothing may be on its way, unknown, or taken twice.

    A sale waits behind the receipt of its pack: of the emergency's, whose sender nobody had named, the centre has yet
    to say who it was.
    """
    codes = {f"{SITE}/{stage.box.name}/{one.log}/{one.seq}": one.fields.get("code") for one in stage.box.records()}
    until_s = time.monotonic() + _UPLOADED_WITHIN_S
    while (late := _on_the_way(uploads := stage.county.bridges[0].uploads(), codes)) and time.monotonic() < until_s:
        time.sleep(0.5)
    faults = [f"the upload of {record} is still on its way" for record in late]
    stage.write("上传 / uploads\n")
    for (name, state, reason), number in sorted(
        Counter((one["destination"], one["state"], one["reason"]) for one in uploads).items()
    ):
        stage.write(f"{number:>6}  {name}  {state}  {reason}\n")
    stage.write("\n")
    bills = Counter(one["number"] for one in stage.platforms.trace.received())
    return faults + [f"the trace platform has bill {number} twice" for number, times in bills.items() if times > 1]


def _on_the_way(uploads: Sequence[Mapping[str, Any]], codes: Mapping[str, object]) -> list[str]:
    """Give the records that a platform has yet to decide about, but for those that wait behind a held one."""
    held = {codes[one["record"]] for one in uploads if one["state"] == "held"}
    moving = [one for one in uploads if one["state"] in {"waiting", "bundled", "sent", "processing", "unknown"}]
    return [one["record"] for one in moving if one["state"] != "bundled" or codes[one["record"]] not in held]


def _packs_by_state(stage: Stage) -> Counter[str]:
    """Count what the ledger knows; what was only looked at and what was practised with is no stock."""
    with closing(sqlite3.connect(f"file:{stage.box.state / 'site.db'}?mode=ro", uri=True)) as site:
        rows = site.execute(
            "SELECT state, count(*) FROM seen WHERE state<>'unknown' AND key NOT LIKE 'practice:%' GROUP BY state"
        )
        return Counter({str(state): int(number) for state, number in rows})


def _print(stage: Stage, scans: list[Record], rows: list[tuple[str, int]]) -> None:
    verdicts = Counter(str(record.fields["verdict"]) for record in scans)
    counted = [
        ("扫码次数 / scans made", stage.scans),
        ("有判定的扫码 / scans with a verdict", len(scans)),
        *((f"  {verdict}", number) for verdict, number in sorted(verdicts.items())),
        *rows,
    ]
    for name, number in counted:
        stage.write(f"{number:>6}  {name}\n")
    stage.write("\n")
