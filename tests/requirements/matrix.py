"""`make matrix`: every row of the requirement matrix, who serves it, and whether tests show that it works.

A test shows a row by the mark `row("S1-13")`; one of the bridge by `row("S1-13", part="bridge")`. Nothing else makes a
row work: no status is written down anywhere.
"""

import argparse
import contextlib
import io
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from unicodedata import east_asian_width

import pytest

__all__ = ["BOX", "BRIDGE", "Collected", "Row", "collected", "own_parts", "read_rows", "status_of"]

HERE = Path(__file__).parent
BOX, BRIDGE = "box", "bridge"
_OWN = re.compile(r"^- (S[0-4]-[0-9]{2}): ", re.MULTILINE)
_SHOWN_CHARACTERS = 70


@dataclass(frozen=True, slots=True)
class Row:
    """What a notice asks for.

    Args:
        id: Its number, which begins with the notice's.
        phrase: What it is about.
        who: Who serves it: of `B`, `T`, `R` and `O`.
    """

    id: str
    phrase: str
    who: tuple[str, ...]


class Collected:
    """A plugin of pytest that keeps which tests show which rows."""

    def __init__(self) -> None:
        self.tests: dict[tuple[str, str], list[str]] = {}
        self.failed: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what can't be collected: its tests show nothing."""
        if report.failed:
            self.failed.append(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: Sequence[pytest.Item]) -> None:
        """Keep the marks."""
        for item in items:
            for mark in item.iter_markers("row"):
                row, part = mark.args[0], mark.kwargs.get("part", BOX)
                tests = self.tests.setdefault((row, part), [])
                name = item.nodeid.partition("[")[0]
                if name not in tests:
                    tests.append(name)


def read_rows() -> dict[str, Row]:
    """Read the rows by id."""
    table = tomllib.loads((HERE / "matrix.toml").read_text("utf-8"))
    return {name: Row(name, row["phrase"], tuple(row["who"].split())) for name, row in table.items()}


def own_parts() -> frozenset[str]:
    """Name the rows of which README.md says what the institution itself has to do."""
    return frozenset(_OWN.findall((HERE / "README.md").read_text("utf-8")))


def collected(paths: Iterable[Path]) -> Collected:
    """Collect the tests without running them."""
    found = Collected()
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", *map(str, paths)], plugins=[found])
    return found


def status_of(row: Row, tests: Mapping[tuple[str, str], Sequence[str]], own: frozenset[str]) -> str:
    """Say how a row stands: works, bridge, institution or open."""
    ours = set(row.who) & {"B", "T"}
    if tests.get((row.id, BOX)) if ours else tests.get((row.id, BRIDGE)):
        return "works"
    if not ours and "R" in row.who:
        return "bridge"
    return "institution" if row.id in own and not ours else "open"


def main() -> int:
    """Print the table; the exit code is 1 if `--strict` and a row is open, 2 if tests can't be collected."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--open", action="store_true", help="only rows that are open")
    parser.add_argument("--strict", action="store_true", help="fail if one is open")
    options = parser.parse_args()
    rows, own = read_rows(), own_parts()
    found = collected([HERE.parent])
    counts = dict.fromkeys(("works", "bridge", "institution", "open"), 0)
    lines = []
    for row in rows.values():
        status = status_of(row, found.tests, own)
        counts[status] += 1
        bridge = ("shown" if (row.id, BRIDGE) in found.tests else "due") if "R" in row.who else ""
        tests = [*found.tests.get((row.id, BOX), ()), *found.tests.get((row.id, BRIDGE), ())]
        if status == "open" or not options.open:
            lines.append((row.id, row.phrase, " ".join(row.who), status, bridge, _shown(tests)))
    _print(("row", "phrase", "who", "status", "bridge", "tests"), lines)
    _say(f"\n{len(rows)} rows: " + ", ".join(f"{number} {status}" for status, number in counts.items()))
    for name in found.failed:
        _say(f"can't be collected: {name}")
    if found.failed:
        return 2
    return int(options.strict and counts["open"] > 0)


def _shown(tests: Sequence[str]) -> str:
    """Name the first test, and how many more there are."""
    if not tests:
        return ""
    path, _, name = tests[0].partition("::")
    first = f"{path.rpartition('/')[2]}::{name}"
    more = f" +{len(tests) - 1}" if len(tests) > 1 else ""
    return (first if len(first) <= _SHOWN_CHARACTERS else f"{first[: _SHOWN_CHARACTERS - 1]}…") + more


def _print(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    widths = [max(_width(line[column]) for line in (titles, *lines)) for column in range(len(titles))]
    for line in (titles, ["-" * width for width in widths], *lines):
        cells = (text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=True))
        _say("  ".join(cells).rstrip())


def _width(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
