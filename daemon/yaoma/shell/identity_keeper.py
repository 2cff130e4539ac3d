"""Identity keeper: says when sealed identities were kept as long as the policy says, so that they are erased."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from yaoma.core.erasure import EraseReason, Erasure
from yaoma.core.record import ClockState, Stamp
from yaoma.shell.erasure import ErasePlan, held_identities, plan

__all__ = ["IdentityKeeper"]

_DAY_MS: Final = 24 * 3600 * 1000

#: How often it looks: reading the files takes a moment, and nobody counts hours here.
_LOOK_EVERY_MS: Final = 6 * 3600 * 1000


class IdentityKeeper:
    """Looks for sealed identities that are due; it erases nothing itself.

    The recorder drafts the erasure (`draft_erasure`), commits it and finishes it (`finish_erasure`).

    Args:
        folder: The state folder.
        keep_days: Gives the policy's `identity_keep_days` that counts now; 0 keeps for ever.
        stored: Gives up to where the bridge has stored each log; what it has not stored is never erased by age.
    """

    def __init__(self, folder: Path, keep_days: Callable[[], int], stored: Callable[[], Mapping[str, int]]) -> None:
        self._folder = folder
        self._keep_days = keep_days
        self._stored = stored
        self._looked: tuple[str, int] | None = None

    def due(self, now: Stamp) -> tuple[ErasePlan, Erasure] | None:
        """Give what is to be erased, or None; at the first call and then a few times a day.

        While the clock can't be trusted nothing is due: a clock set forward would erase everything.

        Args:
            now: The time.

        Raises:
            DatabaseError: If the journal can't be read.
        """
        days = self._keep_days()
        if days <= 0 or now.clock is ClockState.UNTRUSTED or self._has_looked(now):
            return None
        self._looked = (now.boot, now.mono_ms)
        before_ms = now.wall_ms - days * _DAY_MS
        found = plan(held_identities(self._folder), self._stored(), before_ms=before_ms)
        return (found, Erasure(EraseReason.POLICY, before_ms=before_ms)) if found.chosen else None

    def _has_looked(self, now: Stamp) -> bool:
        return (
            self._looked is not None and self._looked[0] == now.boot and now.mono_ms - self._looked[1] < _LOOK_EVERY_MS
        )
