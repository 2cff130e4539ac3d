"""Settling: answers HIS and POS whether the open ticket of a station may be settled by insurance (无码不付)."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from yaoma.core.allowlist import Allowlist
from yaoma.core.ledger import date_of
from yaoma.core.policy import Policy
from yaoma.core.product import Product
from yaoma.core.record import Stamp
from yaoma.core.settlement import settlement
from yaoma.core.ticket import CommandRefusedError
from yaoma.shell.site_ledger import SiteLedger

__all__ = ["Settling"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """What the answer depends on.

    Args:
        ledger: Knows the ticket and its packs.
        allowlist: Gives the list that holds now, or None.
        policy: Gives the rules of the place.
        clock: Gives the time.
        stations: Names of the stations.
    """

    ledger: SiteLedger
    allowlist: Callable[[], Allowlist | None]
    policy: Callable[[], Policy]
    clock: Callable[[], Stamp]
    stations: Collection[str]

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Say of each line whether its codes are complete, and of the ticket whether it may be settled.

        Args:
            request: `station` names whose open ticket.

        Raises:
            CommandRefusedError: If there is no open ticket.
            DatabaseError: If the ledger can't be read.
        """
        station = request.get("station")
        if not isinstance(station, str) or station not in self.stations:
            raise CommandRefusedError("station_unknown")
        ticket = self.ledger.open_ticket(station)
        if ticket is None:
            raise CommandRefusedError("no_open_ticket")
        packs = {key: seen for key in self.ledger.packs_of(ticket.id) if (seen := self.ledger.seen(key)) is not None}
        said = settlement(
            ticket,
            packs,
            product=self._product,
            policy=self.policy(),
            today=date_of(self.clock().wall_ms) or date.max,
            uncoded=dict(ticket.uncoded),
            objective={number: line.excuse for number, line in enumerate(ticket.lines) if line.excuse},
        )
        return said.json()

    def _product(self, text: str) -> Product | None:
        """Find a product by its key or by its drug."""
        allowlist = self.allowlist()
        if allowlist is None:
            return None
        return allowlist.product(text) or next(iter(allowlist.of_drug(text)), None)
