"""`make bench`: measures the box beside its floors and peers, in rounds, and prints one table.

Rates belong to the machine that is named above the table; what carries over to another are ratios, bytes and syncs.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Protocol

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.append_section import AppendSection
from bench.box_section import BoxSection
from bench.bridge_load import Scale
from bench.bridge_section import LAYOUTS, BridgeSection
from bench.decode_section import DecodeSection
from bench.drain_section import DrainSection
from bench.list_section import ListSection, LongListSection
from bench.machine import describe
from bench.reader_section import LongReaderSection, ReaderSection
from bench.report_section import ReportSection
from bench.sync_shim import SyncShim
from bench.table import Found, Row, table
from bench.update_section import UpdateSection
from bench.verdict_section import VerdictSection


class Section(Protocol):
    """Some rows of the table that are measured together."""

    def round(self) -> dict[str, float]:
        """Measure everything once."""
        ...

    def rows(self, found: Found) -> list[Row]:
        """Lay out the medians."""
        ...


_NICE = -20

SECTIONS: dict[str, Callable[[Path, SyncShim], Section]] = {
    "append": AppendSection,
    "box": BoxSection,
    "bridge": BridgeSection,
    "decode": DecodeSection,
    "drain": DrainSection,
    "reader": LongReaderSection,
    "reader_short": ReaderSection,
    "report": ReportSection,
    "verdict": VerdictSection,
    "update": UpdateSection,
    "list": ListSection,
    "list100": LongListSection,
}

#: The others take long, or much of the disk, and are asked for by name.
_USUAL = ("append", "box", "drain", "verdict", "update", "list", "reader_short")


def main() -> int:
    """Run the bench; the exit code is 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rows", default=",".join(_USUAL), help=f"which of {', '.join(SECTIONS)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=None, help="where to write; beneath the temporary folder")
    parser.add_argument("--boxes", type=int, default=Scale().boxes, help="of the bridge's rows")
    parser.add_argument("--records", type=int, default=Scale().records, help="of each of these boxes")
    parser.add_argument(
        "--layouts", default=",".join(LAYOUTS), help="of the bridge's store and workers, which are measured"
    )
    options = parser.parse_args()
    names = [name for name in options.rows.split(",") if name]
    unknown = sorted(set(names) - set(SECTIONS))
    if unknown:
        parser.error(f"no such rows: {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    layouts = tuple(options.layouts.split(","))
    if not set(layouts) <= set(LAYOUTS):
        parser.error(f"layouts are {', '.join(LAYOUTS)}")
    with tempfile.TemporaryDirectory(prefix="yb", dir=options.folder) as made:
        folder = Path(made)
        for line in describe(folder):
            _say(line)
        _say(f"priority  {_before_others()}")
        sized = partial(BridgeSection, scale=Scale(options.boxes, options.records), layouts=layouts)
        rows = _measured(folder, SECTIONS | {"bridge": sized}, names, options.rounds)
    _say(f"medians of {options.rounds} rounds\n")
    _say(table(rows))
    return int(any(row.is_met is False for row in rows))


def _measured(
    folder: Path, sections: Mapping[str, Callable[[Path, SyncShim], Section]], names: list[str], rounds: int
) -> list[Row]:
    shim = SyncShim(folder)
    rows: list[Row] = []
    for name in names:
        place = folder / name
        place.mkdir()
        with ExitStack() as stack:
            section = sections[name](place, shim)
            close = getattr(section, "close", None)
            if close is not None:
                stack.callback(close)
            found = []
            for number in range(rounds):
                sys.stderr.write(f"{name}: round {number + 1} of {rounds}\n")
                found.append(section.round())
            rows += section.rows(Found(found))
    return rows


def _before_others() -> str:
    """Come before whatever else this machine does, with every process that is measured, ours and the peers'."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    except PermissionError:
        return "as any other program: what else runs here counts too"
    return f"nice {_NICE} for all that is measured"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
