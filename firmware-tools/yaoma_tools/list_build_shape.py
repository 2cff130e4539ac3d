"""List build, shape: what sorted codes look like, what each kind of file would take, and the least that is possible."""

from dataclasses import dataclass, field
from math import lgamma, log, log2
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from yaoma.core.base_layout import HASH_BYTES, PAGE_BYTES
from yaoma.core.key_list import LOT_BYTES
from yaoma.core.run_list import CHECK_BYTES, MAX_GAP
from yaoma_tools.list_source_codes import SERIALS, Records

__all__ = ["Shape", "begins_run", "key_bound_bits"]

_CHECK_BITS: Final = log2(10_000)
_PRODUCT_BITS: Final = log2(1_000_000)
_SERIAL_BITS: Final = log2(SERIALS)
_RUN_BYTES: Final = 12
_PRODUCT_BYTES: Final = 8
#: Gaps up to this are symbols of their own; longer ones are a class and as many bits as it has.
_EXACT_GAPS: Final = 64


def begins_run(steps: npt.NDArray[Any], is_other: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Say at which codes a new run begins.

    Args:
        steps: Distance of each code's product and serial from the one before.
        is_other: Whether product or lot is another than before.
    """
    found: npt.NDArray[np.bool_] = is_other | (steps == 0) | (steps > MAX_GAP + 1)
    return found


@dataclass(slots=True)
class Shape:
    """Counts sorted codes of 20 digits.

    Args:
        codes: How many there are.
        products: How many products.
        runs: How many runs.
        holes: How many serials a run has without a code.
        has_lots: Whether a lot is known of any.
    """

    codes: int = 0
    products: int = 0
    runs: int = 0
    holes: int = 0
    has_lots: bool = False
    _gaps: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(_EXACT_GAPS + 32, np.int64), repr=False)
    _sizes: dict[int, int] = field(default_factory=dict, repr=False)
    _last: tuple[int, int] = field(default=(-1, -1), repr=False)

    def count(self, block: Records) -> None:
        """Count some more codes of which only the number matters."""
        self.codes += len(block)
        self.has_lots |= bool(block["lot"].any())

    def add(self, block: Records) -> None:
        """Count some more codes of 20 digits, in order."""
        self.count(block)
        hi, lots = block["hi"].astype(np.int64), block["lot"].astype(np.int64)
        steps = np.diff(hi, prepend=self._last[0])
        products = hi // SERIALS
        other_product = np.diff(products, prepend=self._last[0] // SERIALS) != 0
        begins = begins_run(steps, other_product | (np.diff(lots, prepend=self._last[1]) != 0))
        self.runs += int(begins.sum())
        self.holes += int((steps[~begins] - 1).sum())
        self.products += int(other_product.sum())
        inside = steps[~other_product]
        classes = np.where(inside < _EXACT_GAPS, inside, _EXACT_GAPS + np.log2(np.maximum(inside, 1)).astype(np.int64))
        self._gaps += np.bincount(classes, minlength=len(self._gaps))
        for product, count in zip(*np.unique(products, return_counts=True), strict=True):
            self._sizes[int(product)] = self._sizes.get(int(product), 0) + int(count)
        self._last = int(hi[-1]), int(lots[-1])

    @property
    def bytes_as_runs(self) -> int:
        """About how long a file of kind R is."""
        checks = CHECK_BYTES * (self.codes + self.holes)
        return checks + checks * HASH_BYTES // PAGE_BYTES + _RUN_BYTES * self.runs + _PRODUCT_BYTES * self.products

    def bytes_as_keys(self, key_bytes: int) -> int:
        """About how long a file of kind K is."""
        pages = -(-self.codes // (PAGE_BYTES // (key_bytes + LOT_BYTES * self.has_lots)))
        return pages * (PAGE_BYTES + HASH_BYTES + key_bytes)

    @property
    def bound_bits(self) -> float:
        """The least bits a code, lots not counted (ALLOWLIST.md 1.1).

        The check digits are random to us. For the serials it is the smaller of two: the entropy of the gaps, which
        sees runs; and the choice of so many out of a billion, which doesn't.
        """
        if not self.codes:
            return 0.0
        choice = sum(_choice_bits(SERIALS, min(size, SERIALS)) for size in self._sizes.values())
        serials = min(self._gap_bits() + _SERIAL_BITS * self.products, choice)
        return (serials + _PRODUCT_BITS * self.products) / self.codes + _CHECK_BITS

    def _gap_bits(self) -> float:
        counts = self._gaps[self._gaps > 0]
        total = int(counts.sum())
        symbols = total * log2(total) - float((counts * np.log2(counts)).sum()) if total else 0.0
        return symbols + float((self._gaps[_EXACT_GAPS:] * np.arange(len(self._gaps) - _EXACT_GAPS)).sum())


def key_bound_bits(codes: int, key_bytes: int) -> float:
    """Give the least bits a code for a set of random keys of that width."""
    return 8 * key_bytes - log2(codes) + 1 / log(2) if codes else 0.0


def _choice_bits(of: int, count: int) -> float:
    return (lgamma(of + 1) - lgamma(count + 1) - lgamma(of - count + 1)) / log(2)
