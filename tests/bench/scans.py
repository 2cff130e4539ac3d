"""Scans: the packs that the bench scans, as cartons hold them: few products, serials in a row, random check digits."""

import random
import time

from yaoma.core.allowlist import MemoryAllowlist, Product
from yaoma.core.record import ClockState, Stamp
from yaoma_drivers.symbol import Symbol

__all__ = ["SCANNER", "STATION", "ShopClock", "pack_codes", "small_list", "symbol"]

SCANNER = "gun"
STATION = "counter"

_PRODUCTS = 40
_CARTON = 60
_BOOT = "5f0c9a3e7b1d2468"
_OPENING_MS = 1_795_000_000_000


def pack_codes(count: int, seed: int = 1) -> list[str]:
    """Give trace codes as deliveries bring them: cartons of one product with serials in a row (DOMAIN.md 1.2).

    Args:
        count: How many.
        seed: Other packs for another number.
    """
    dice = random.Random(seed)
    products = [f"8{dice.randrange(10**6):06}" for _ in range(_PRODUCTS)]
    codes: list[str] = []
    while len(codes) < count:
        product, serial = dice.choice(products), dice.randrange(10**9 - _CARTON)
        codes += [f"{product}{serial + place:09}{dice.randrange(10**4):04}" for place in range(_CARTON)]
    return codes[:count]


def small_list(codes: list[str]) -> MemoryAllowlist:
    """Give a list that holds these packs."""
    products = {f"cn20:{code[:7]}" for code in codes}
    return MemoryAllowlist(
        version=7,
        expires_ms=4_000_000_000_000,
        products={key: Product(key, "阿莫西林胶囊") for key in products},
        codes=frozenset(f"cn20:{code}" for code in codes),
        denials={},
    )


def symbol(code: str) -> Symbol:
    """Give a scan that was read just now."""
    return Symbol(code.encode(), SCANNER, time.monotonic_ns() // 1_000_000)


class ShopClock:
    """A synced clock of a shop where somebody scans every second or two; as random as real times are.

    Args:
        seed: Other times for another number.
    """

    def __init__(self, seed: int = 1) -> None:
        self._dice = random.Random(seed)
        self._mono_ms = 120_000

    def __call__(self) -> Stamp:
        """Give the time; an adjusted clock drifts against the monotonic one."""
        drift_ms = self._mono_ms // 200_000
        return Stamp(_OPENING_MS + self._mono_ms + drift_ms, self._mono_ms, _BOOT, ClockState.SYNCED)

    def scanned(self, code: str) -> Symbol:
        """Let time go by until the next scan; mostly it waits a millisecond or two for the recorder."""
        self._mono_ms += self._dice.randrange(700, 3000)
        return Symbol(code.encode(), SCANNER, self._mono_ms - 1 - int(self._dice.random() ** 4 * 20))
