"""Judges packs by a list of a million codes, a ledger and a policy; then brings a delta into force; prints the cost."""

import argparse
import json
import os
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import list_shapes
from bench.scans import SCANNER, STATION
from yaoma.core.code import ControlCode, Lookalike, from_key, parse
from yaoma.core.code_key import code_key
from yaoma.core.findings import look_up
from yaoma.core.policy import Policy
from yaoma.core.record import ClockState, Stamp
from yaoma.core.scan import scan_entry
from yaoma.core.situation import Situation
from yaoma.core.ticket import Ticket
from yaoma.core.verdict import judge
from yaoma.shell.box_list import open_box_list
from yaoma.shell.list_db import LIST_FOLDER, ListDb
from yaoma.shell.list_release import FileKind, ListFile, OverlayRow, Release, ReleaseChange
from yaoma.shell.operations import load_operations
from yaoma.shell.site_file import open_site
from yaoma.shell.site_ledger import SiteLedger
from yaoma_drivers.symbol import Symbol
from yaoma_tools.list_build import build_codes

_DELTA_ROWS = 100_000


def _written() -> int:
    """Give what this process has had written to a device so far, in bytes."""
    line = next(line for line in Path("/proc/self/io").read_text().splitlines() if line.startswith("write_bytes"))
    return int(line.split()[1])


def main() -> None:
    """Print p50 and p99 of a verdict in microseconds, and the megabytes that a delta writes."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--codes", type=int, default=1_000_000)
    parser.add_argument("--asked", type=int, default=20_000)
    options = parser.parse_args()
    folder = options.folder
    (folder / LIST_FOLDER).mkdir(parents=True)
    codes = list_shapes.clustered(options.codes)
    table = folder / "codes.csv"
    list_shapes.write_table(table, codes, has_lots=True)
    (built,) = build_codes(folder / LIST_FOLDER, [table]).files
    db = ListDb.open(folder / "list.db")
    base = ListFile(built.path.name, FileKind.BASE, bytes.fromhex(built.digest))
    db.install(ReleaseChange(Release("*", 1, 1, 2**51), [base]))
    allowlist = open_box_list(db)
    assert allowlist is not None

    dice = random.Random(7)
    places = dice.sample(range(len(codes.prefixes)), options.asked)
    asked = [f"{int(codes.prefixes[place]):016d}{int(codes.checks[place]):04d}" for place in places]
    ledger, operations, policy = SiteLedger(open_site(folder / "site.db")), load_operations(), Policy()
    ticket, now = Ticket("t1", STATION, "dispense", 0), Stamp(1_790_000_000_000, 1, "b" * 16, ClockState.SYNCED)
    took_ns = []
    for digits in asked:
        symbol = Symbol(digits.encode(), SCANNER, 1)
        begun_ns = time.perf_counter_ns()
        code = parse(symbol, allowlist.patterns)
        assert not isinstance(code, Lookalike | ControlCode)
        situation = Situation(
            now=now,
            station=STATION,
            ticket=ticket,
            seen=ledger.seen(code.key),
            allowlist=allowlist,
            policy=policy,
            operation=operations["dispense"],
            findings=look_up(code, allowlist),
        )
        scan_entry(symbol, code, judge(code, situation), situation)
        took_ns.append(time.perf_counter_ns() - begun_ns)
    took_ns.sort()

    rows = [
        OverlayRow(code_key(from_key(f"cn20:8999999{n:09d}{n % 9973:04d}")), n % 2 == 0) for n in range(_DELTA_ROWS)
    ]
    os.sync()
    before = _written()
    begun_s = time.perf_counter()
    db.install(ReleaseChange(Release("*", 2, 2, 2**51), [base], rows))
    seconds = time.perf_counter() - begun_s
    os.sync()
    found = {
        "p50_us": took_ns[len(took_ns) // 2] / 1000,
        "p99_us": took_ns[len(took_ns) * 99 // 100] / 1000,
        "delta_mb": (_written() - before) / 1e6,
        "delta_s": seconds,
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
