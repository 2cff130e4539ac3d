"""Bridge: thousands of boxes through one broker, by one worker or several, to the platforms' last answer."""

import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.bridge_load import Scale, load_file, read_load
from bench.bridge_rig import DESTINATIONS, BridgeRig, spent_by, write_centre
from bench.sync_shim import SyncShim
from bench.table import Found, Row
from fakes.postgres import Postgres
from yaoma_bridge.store import Store

__all__ = ["LAYOUTS", "BridgeSection"]

#: Where the store lies, and how many workers share it.
LAYOUTS = {"sqlite1": 1, "postgres1": 1, "postgres2": 2, "postgres4": 4}
_STORED_BAR = 3000


class BridgeSection:
    """Measures how fast records are stored and accepted, what that costs, and that nothing is lost or comes twice.

    The whole of it: `make bench ROWS=bridge ROUNDS=1 BOXES=10000 RECORDS=100`. Each box is an MQTT 5 client of its own,
    with birth and last will. Simplified: the broker has no access list, 100 boxes come with TLS, all boxes are one
    process, at most 100 of them send at a time, and no box sends again what the bridge has confirmed.

    Args:
        folder: A folder on the disk that is measured.
        shim: Not needed here.
        scale: How much is sent.
        layouts: Which of `sqlite1`, `postgres1`, `postgres2`, `postgres4`.
    """

    def __init__(
        self, folder: Path, shim: SyncShim, scale: Scale | None = None, layouts: tuple[str, ...] = tuple(LAYOUTS)
    ) -> None:
        self._folder, self._scale, self._layouts = folder, scale or Scale(), layouts
        self._load = load_file(folder / "load", self._scale)
        self._centre = folder / "centre"
        write_centre(self._centre, read_load(self._load), self._scale)
        self._packs = Counter(code for load in read_load(self._load) for code in load.codes)
        self._postgres = Postgres() if any(name.startswith("postgres") for name in layouts) else None
        self._rounds = 0

    def close(self) -> None:
        """End the database."""
        if self._postgres is not None:
            self._postgres.stop()

    def round(self) -> dict[str, float]:
        """Let all boxes send to each layout."""
        found: dict[str, float] = {}
        self._rounds += 1
        for name in self._layouts:
            sys.stderr.write(f"  {name}\n")
            found |= {f"{name}.{what}": value for what, value in self._measured(name).items()}
        return found

    def rows(self, found: Found) -> list[Row]:
        """Lay out what was found."""
        return [row for name in self._layouts for row in self._rows_of(name, found)]

    def _rows_of(self, name: str, found: Found) -> list[Row]:
        of = {what: found.median(f"{name}.{what}") for what in _SHOWN}
        wrong = {what: found.most(f"{name}.{what}") for what in _WRONG}
        is_right, has_bar = not any(wrong.values()), name.endswith("1")
        said = ", ".join(f"{what} {count:.0f}" for what, count in wrong.items() if count) or "each once"
        database = f", database {of['stored_server_ms']:.2f}" if name.startswith("postgres") else ""
        return [
            Row(
                f"bridge, {name}: {self._scale.boxes} boxes x {self._scale.records} stored",
                f"{of['stored']:.0f}/s, {of['stored_cpu']:.2f} CPU s per 1000{database}",
                f"receipt p50 {of['receipt_p50_ms']:.0f} ms, p95 {of['receipt_p95_ms']:.0f} ms; "
                f"births {of['births']:.0f}/s",
                "",
                f">= {_STORED_BAR}/s" if has_bar else "",
                of["stored"] >= _STORED_BAR if has_bar else None,
            ),
            Row(
                f"  accepted by {' and '.join(DESTINATIONS)}",
                f"{of['accepted']:.0f}/s, {of['accepted_cpu']:.2f} CPU s per 1000",
                f"a worker {of['memory_mb']:.0f} MB; met at work {of['met']:.0f} times; "
                f"sent again {of['resent']:.0f}; {of['receipts']:.0f} receipts",
            ),
            Row(f"  {len(self._packs)} packs at each platform", said, "", "", "each once", is_right),
        ]

    def _measured(self, name: str) -> dict[str, float]:
        folder = self._folder / f"{name}-{self._rounds}"
        postgres = self._postgres if name.startswith("postgres") else None
        with BridgeRig(folder, self._centre, LAYOUTS[name], postgres) as rig:
            boxes = rig.begin_boxes(self._load, self._centre, self._scale)
            assert boxes.stdin is not None
            born, _ = _line(boxes, rig), _line(boxes, rig)
            spent, servers = spent_by(rig.workers.workers), rig.servers()
            boxes.stdin.write("go\n")
            boxes.stdin.flush()
            stored = _line(boxes, rig)
            stored_cpu_s, server_cpu_s = spent.cpu_s(), servers.cpu_s()
            accepted = _line(boxes, rig)
            accepted_cpu_s, memory_mb = spent.cpu_s(), spent.most_memory_mb()
            boxes.wait(60)
            taken = rig.taken()
            kept = self._kept(rig)
        total = self._scale.total
        met = rig.met()
        sys.stderr.write(f"    {stored} {accepted} {met}\n")
        return {
            "births": self._scale.boxes / born["ready_s"],
            "stored": total / stored["stored_s"],
            "stored_cpu": stored_cpu_s * 1000 / total,
            "stored_server_ms": server_cpu_s * 1000 / total,
            "receipt_p50_ms": stored["receipt_p50_ms"],
            "receipt_p95_ms": stored["receipt_p95_ms"],
            "resent": stored["resent"],
            "accepted": total / accepted["accepted_s"],
            "accepted_cpu": accepted_cpu_s * 1000 / total,
            "receipts": accepted["receipts"],
            "memory_mb": memory_mb,
            "met": sum(count for kind, count in met.items() if kind != "upload"),
            "receipts wrong": accepted["wrong"],
            "records lost": total - kept["records"],
            "records unverified": total - kept["verified"],
            "records in conflict": kept["conflicts"],
            "packs lost": sum((self._packs - one).total() for one in taken.values()),
            "packs twice": sum((one - self._packs).total() for one in taken.values()),
        }

    def _kept(self, rig: BridgeRig) -> Mapping[str, int]:
        with Store.look(rig.place) as store, store.reading() as tx:
            (records,) = tx.execute("SELECT COUNT(*) FROM record").fetchone()
            (verified,) = tx.execute("SELECT SUM(verified_upto) FROM log").fetchone()
            (conflicts,) = tx.execute("SELECT COUNT(*) FROM conflict").fetchone()
        return {"records": int(records), "verified": int(verified), "conflicts": int(conflicts)}


_SHOWN = (
    *("births", "stored", "stored_cpu", "stored_server_ms", "receipt_p50_ms", "receipt_p95_ms", "resent"),
    *("accepted", "accepted_cpu", "receipts", "memory_mb", "met"),
)
_WRONG = (
    *("receipts wrong", "records lost", "records unverified", "records in conflict", "packs lost", "packs twice"),
)


def _line(boxes: Any, rig: BridgeRig) -> dict[str, float]:
    said = boxes.stdout.readline()
    assert said, f"the boxes ended: {boxes.wait(10)}; the workers said: {rig.workers.log_text()[-2000:]}"
    answer: dict[str, float] = json.loads(said)
    return answer
