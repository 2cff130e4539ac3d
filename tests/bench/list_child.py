"""Builds a list or asks one, ours or a peer's, and prints what it cost: one process per measurement."""

import argparse
import json
import os
import random
import resource
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import chain
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import lmdb
import numpy as np

from yaoma.core.code import from_key
from yaoma.core.trace_code import TraceCode
from yaoma.shell.base_file import BaseFile

Ask = Callable[[str], object]
"""Whether a code is there, asked by its 20 digits; ours take the code itself, as the counter has it."""

_COLD = 1000
_OPENINGS = 9
_MB = 1e6
_TAIL = 10**13
_TAIL_BITS = 48
_LMDB_BYTES = 1 << 32


def _build_ours(to: Path, source: Path) -> dict[str, object]:
    from yaoma_tools.list_build import build_codes  # noqa: PLC0415 - its memory is measured, the others' without it

    (built,) = build_codes(to, [source]).files
    return {
        "file": str(built.path),
        "digest": built.digest,
        "bytes": built.size,
        "codes": built.codes,
        "times_bound": built.times_bound,
        "bound": built.bound_bits / 8,
    }


def _pairs(source: Path) -> Iterator[tuple[int, int]]:
    codes = np.load(source)
    for begin in range(0, codes.shape[1], 1_000_000):
        prefixes, checks = codes[:, begin : begin + 1_000_000]
        yield from zip((prefixes // 10**9).tolist(), (prefixes % 10**9 * 10_000 + checks).tolist(), strict=True)


def _build_sqlite(to: Path, source: Path) -> dict[str, object]:
    connection = sqlite3.connect(to)
    connection.execute("CREATE TABLE code (p INT, t INT, PRIMARY KEY (p, t)) WITHOUT ROWID")
    connection.executemany("INSERT INTO code VALUES (?, ?)", _pairs(source))
    connection.commit()
    connection.close()
    return {"file": str(to), "bytes": to.stat().st_size}


def _build_lmdb(to: Path, source: Path) -> dict[str, object]:
    with (
        lmdb.open(str(to), subdir=False, map_size=_LMDB_BYTES, lock=False) as environment,
        environment.begin(write=True) as transaction,
    ):
        keys = (((p << _TAIL_BITS | t).to_bytes(9), b"") for p, t in _pairs(source))
        transaction.cursor().putmulti(keys, append=True)
    return {"file": str(to), "bytes": to.stat().st_blocks * 512}


@contextmanager
def _opened_ours(file: Path, digest: str) -> Iterator[Callable[[TraceCode], object]]:
    with BaseFile.open(file, digest) as base:
        yield base.look_up


@contextmanager
def _opened_sqlite(file: Path, _: str) -> Iterator[Ask]:
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    cursor = connection.cursor()
    question = "SELECT 1 FROM code WHERE p = ? AND t = ?"
    yield lambda digits: cursor.execute(question, (int(digits[:7]), int(digits[7:]))).fetchone()
    connection.close()


@contextmanager
def _opened_lmdb(file: Path, _: str) -> Iterator[Ask]:
    with (
        lmdb.open(str(file), subdir=False, readonly=True, lock=False, readahead=False) as environment,
        environment.begin() as transaction,
    ):
        yield lambda digits: transaction.get((int(digits[:7]) << _TAIL_BITS | int(digits[7:])).to_bytes(9))


@contextmanager
def _opened_set(file: Path, _: str) -> Iterator[Ask]:
    codes = {p * _TAIL + t for p, t in _pairs(file)}
    yield lambda digits: int(digits) in codes or None


_OPENED: dict[str, Callable[[Path, str], AbstractContextManager[Callable[..., object]]]] = {
    "ours": _opened_ours,
    "sqlite": _opened_sqlite,
    "lmdb": _opened_lmdb,
    "set": _opened_set,
}
_BUILDS = {"ours": _build_ours, "sqlite": _build_sqlite, "lmdb": _build_lmdb}


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / _MB


def _most_resident_mb() -> float:
    # Not getrusage: its peak counts the parent's memory too, from before the program was started.
    lines = Path("/proc/self/status").read_text().splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(peak) * 1024 / _MB


def _evict(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def _timed(ask: Callable[..., object], asked: Sequence[TraceCode | str | int | range]) -> tuple[list[int], int]:
    clock, took, found = time.perf_counter_ns, [], 0
    for one in asked:
        began = clock()
        answer = ask(one)
        took.append(clock() - began)
        found += answer is not None
    return took, found


def _look(way: str, file: Path, digest: str, asked_file: Path) -> dict[str, object]:
    texts = json.loads(asked_file.read_text())
    made = [[from_key(key) if way == "ours" else key.partition(":")[2] for key in keys] for keys in texts]
    listed, absent = made
    mixed = list(chain.from_iterable(zip(listed, absent, strict=True)))
    opened = _OPENED[way]
    openings = []
    for _ in range(_OPENINGS if way != "set" else 0):
        began = time.perf_counter()
        with opened(file, digest):
            openings.append(time.perf_counter() - began)
    _evict(file)
    before_mb = _resident_mb()
    began = time.perf_counter()
    with opened(file, digest) as ask:
        openings.append(time.perf_counter() - began)
        cold, _ = _timed(ask, mixed[-_COLD:])
        for one in mixed:
            ask(one)
        began = time.perf_counter()
        for one in mixed:
            ask(one)
        rate = len(mixed) / (time.perf_counter() - began)
        resident_mb = _resident_mb() - before_mb
        warm, found = _timed(ask, mixed)
    p50_us = _percentile_us(warm, 0.5)
    floors = {**_page_floor(file, digest, len(listed)), **_noise(p50_us, len(listed))} if way == "ours" else {}
    if found != len(listed):
        raise SystemExit(f"{way}: {found} of {len(listed)} codes were found")
    return {
        "open_ms": sorted(openings)[len(openings) // 2] * 1e3,
        "cold_per_s": len(cold) / sum(cold) * 1e9,
        "warm_per_s": rate,
        "p50_us": p50_us,
        "p99_us": _percentile_us(warm, 0.99),
        "resident_mb": resident_mb,
        **floors,
    }


def _noise(p50_us: float, count: int) -> dict[str, object]:
    """Time plain arithmetic that takes about as long and touches no memory: what of the tail is this machine's."""
    size, took = 100, [0]
    while _percentile_us(took, 0.5) < p50_us:
        size += 20
        took, _ = _timed(sum, [range(size)] * 1000)
    took, _ = _timed(sum, [range(size)] * count)
    return {"noise_p50_us": _percentile_us(took, 0.5), "noise_p99_us": _percentile_us(took, 0.99)}


def _page_floor(file: Path, digest: str, count: int) -> dict[str, object]:
    """Time what every look-up does at least: read a page and hash it."""
    chance = random.Random(5)
    with BaseFile.open(file, digest) as base:
        took, _ = _timed(base.page, [chance.randrange(base.pages) for _ in range(count)])
    return {"page_p50_us": _percentile_us(took, 0.5), "page_p99_us": _percentile_us(took, 0.99)}


def _percentile_us(took_ns: list[int], share: float) -> float:
    return sorted(took_ns)[round(share * (len(took_ns) - 1))] / 1e3


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("task", choices=["build", "look"])
    parser.add_argument("way", choices=list(_OPENED))
    parser.add_argument("file", type=Path)
    parser.add_argument("source", type=Path)
    parser.add_argument("--digest", default="")
    options = parser.parse_args()
    if options.task == "build":
        began = time.perf_counter()
        found = _BUILDS[options.way](options.file, options.source)
        found["build_s"] = time.perf_counter() - began
        found["build_mb"] = _most_resident_mb()
    else:
        found = _look(options.way, options.file, options.digest, options.source)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
