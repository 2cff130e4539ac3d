"""List shapes: millions of codes as exports would hold them, and what a counter asks of them (ALLOWLIST.md 1.1)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["Codes", "clustered", "gs1_keys", "questions", "scattered", "write_table"]

_SERIALS: Final = 10**9
_PRODUCTS: Final = 4000
_MEDIAN_RUN: Final = 120
_SPREAD: Final = 0.8
_HOLES: Final = 0.03
_RUNS_A_LOT: Final = 20
_ROW_PORTION: Final = 2_000_000
_ASKED: Final = 40_000

_Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Codes:
    """Codes of 20 digits, sorted.

    Args:
        prefixes: Product and serial as one number.
        checks: The check digits.
        lots: The number of a lot.
    """

    prefixes: _Numbers
    checks: _Numbers
    lots: _Numbers


def clustered(count: int, seed: int = 1) -> Codes:
    """Serials in runs of cartons, products by Zipf, 3 % holes."""
    chance = np.random.default_rng(seed)
    mean_run = _MEDIAN_RUN * np.exp(_SPREAD**2 / 2) * (1 - _HOLES)
    runs = int(count / mean_run * 1.02) + 1
    lengths = np.maximum(1, chance.lognormal(np.log(_MEDIAN_RUN), _SPREAD, runs)).astype(np.int64)
    starts = np.sort(_products(chance, runs) * _SERIALS + chance.integers(0, _SERIALS - 100_000, runs))
    first = np.repeat(np.cumsum(lengths) - lengths, lengths)
    prefixes = np.repeat(starts, lengths) + np.arange(len(first)) - first
    lots = np.repeat(np.arange(runs) // _RUNS_A_LOT, lengths)
    kept = chance.random(len(prefixes)) >= _HOLES
    prefixes, places = np.unique(prefixes[kept], return_index=True)
    prefixes, lots = prefixes[:count], lots[kept][places][:count]
    return Codes(prefixes, chance.integers(0, 10_000, len(prefixes)), lots)


def scattered(count: int, seed: int = 2) -> Codes:
    """The same products, serials at random."""
    chance = np.random.default_rng(seed)
    prefixes = np.unique(_products(chance, count) * _SERIALS + chance.integers(0, _SERIALS, count))
    return Codes(prefixes, chance.integers(0, 10_000, len(prefixes)), np.zeros(len(prefixes), np.int64))


def gs1_keys(count: int, seed: int = 3) -> list[str]:
    """Keys of GS1 codes of 500 products, serials of 12 characters."""
    chance = np.random.default_rng(seed)
    letters = np.frombuffer(b"0123456789ABCDEFGHJKLMNPQRSTUVWX", np.uint8)
    serials = letters[chance.integers(0, len(letters), (count, 12))].tobytes().decode()
    gtins = [_gtin(f"0690123{number:06}") for number in range(500)]
    products = chance.integers(0, len(gtins), count).tolist()
    return [f"gs1:01{gtins[product]}21{serials[12 * n : 12 * n + 12]}" for n, product in enumerate(products)]


def write_table(file: Path, codes: Codes, *, has_lots: bool) -> None:
    """Write a CSV table as a database would export it."""
    with file.open("wb") as stream:
        stream.write(b"code,lot\n" if has_lots else b"code\n")
        for begin in range(0, len(codes.prefixes), _ROW_PORTION):
            part = slice(begin, begin + _ROW_PORTION)
            columns = [_digits(codes.prefixes[part], 16), _digits(codes.checks[part], 4)]
            if has_lots:
                columns += [_filled(b",L", len(columns[0])), _digits(codes.lots[part], 7)]
            columns.append(_filled(b"\n", len(columns[0])))
            np.concatenate(columns, axis=1).tofile(stream)


def questions(codes: Codes, seed: int = 4) -> tuple[list[str], list[str]]:
    """Give codes that are listed, and as many that are not: other check digits, other serial, unknown product."""
    chance = np.random.default_rng(seed)
    asked = chance.integers(0, len(codes.prefixes), _ASKED)
    prefixes, checks = codes.prefixes[asked], codes.checks[asked]
    listed = _texts(prefixes, checks)
    moved = [
        _texts(prefixes, (checks + chance.integers(1, 10_000, _ASKED)) % 10_000),
        _texts(prefixes - prefixes % _SERIALS + chance.integers(0, _SERIALS, _ASKED), checks),
        _texts(prefixes % _SERIALS + 8_999_999 * _SERIALS, checks),
    ]
    absent = [moved[n % len(moved)][n] for n in range(_ASKED)]
    return listed, absent


def _products(chance: np.random.Generator, count: int) -> _Numbers:
    weights = 1 / np.arange(1, _PRODUCTS + 1)
    ranks = np.searchsorted(np.cumsum(weights) / weights.sum(), chance.random(count))
    products: _Numbers = 8_000_000 + np.minimum(ranks, _PRODUCTS - 1) * 241
    return products


def _digits(numbers: _Numbers, width: int) -> npt.NDArray[np.uint8]:
    made = np.empty((len(numbers), width), np.uint8)
    left = numbers.copy()
    for place in range(width - 1, -1, -1):
        left, made[:, place] = left // 10, left % 10
    return made + np.uint8(ord("0"))


def _filled(text: bytes, rows: int) -> npt.NDArray[Any]:
    return np.tile(np.frombuffer(text, np.uint8), (rows, 1))


def _texts(prefixes: _Numbers, checks: _Numbers) -> list[str]:
    return [f"{prefix:016}{check:04}" for prefix, check in zip(prefixes.tolist(), checks.tolist(), strict=True)]


def _gtin(digits: str) -> str:
    threes, ones = digits[::-2], digits[-2::-2]
    return f"{digits}{-(3 * sum(map(int, threes)) + sum(map(int, ones))) % 10}"
