"""Authorisations: until when each store may upload to each platform, and who must be warned (S2-07).

They stand in the store's own file: `[authorisation]` with a day per destination. The alarm comes while there is time.
"""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from yaoma.core.report_period import day_number
from yaoma_bridge.alarms import AlarmKind, raise_alarm
from yaoma_bridge.bill import Institution
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.store import Store
from yaoma_bridge.tx import Tx

__all__ = ["WARN_DAYS", "Authorisation", "authorisations_of", "warn_daily"]

TABLE: Final = "authorisation"

_STAGE: Final = "authorisations"
_EPOCH: Final = date(1970, 1, 1)

#: So many days before the end somebody is told.
WARN_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Authorisation:
    """A store's right to upload to a platform.

    Args:
        site: The store.
        destination: The platform's name in the configuration.
        until: The last day.
    """

    site: str
    destination: str
    until: date

    def days_left(self, today: date) -> int:
        """Give the days that are left; below zero if it has ended."""
        return (self.until - today).days


def authorisations_of(institution: Institution) -> list[Authorisation]:
    """Read `[authorisation]` of a store's file, such as `alihealth = 2026-12-31`.

    Raises:
        ConfigError: If a value is no day.
    """
    found = []
    for destination, until in institution.own.get(TABLE, {}).items():
        if type(until) is not date:
            raise ConfigError(
                f"{institution.site}.toml: {TABLE}.{destination} is no day", "Write it like 2026-12-31, without quotes"
            )
        found.append(Authorisation(institution.site, destination, until))
    return found


def warn_daily(store: Store, centre: CentreFacts, now_ms: int) -> list[Authorisation]:
    """Once a day, by whichever worker is first: raise an alarm for each authorisation that ends soon or has ended.

    A store's file that can't be used holds its uploads, which is told there; here it is passed over.

    Args:
        store: The store.
        centre: Knows the stores' files.
        now_ms: The time, milliseconds since 1970.

    Returns:
        Those of which was warned.
    """
    day = day_number(now_ms)
    with store.reading() as tx:
        if _upto(tx) >= day:
            return []
    with store.writing() as tx:
        if _upto(tx) >= day:
            return []
        tx.execute(
            "INSERT INTO progress (name, upto) VALUES (?,?) ON CONFLICT (name) DO UPDATE SET upto=excluded.upto",
            (_STAGE, day),
        )
        tx.execute("DELETE FROM alarm WHERE kind=?", (AlarmKind.AUTHORISATION_ENDS.value,))
        sites = [site for (site,) in tx.execute("SELECT DISTINCT site FROM box ORDER BY site").fetchall()]
        ending = [one for one in _known(centre, sites) if one.days_left(_EPOCH + timedelta(days=day)) <= WARN_DAYS]
        for one in ending:
            facts: dict[str, str | int] = {"destination": one.destination, "until": one.until.isoformat()}
            # `log` keeps the alarms of several platforms apart.
            raise_alarm(tx, AlarmKind.AUTHORISATION_ENDS, now_ms, site=one.site, log=one.destination, facts=facts)
    return ending


def _known(centre: CentreFacts, sites: Iterable[str]) -> Iterator[Authorisation]:
    for site in sites:
        with contextlib.suppress(ConfigError):
            institution = centre.institution(site)
            yield from authorisations_of(institution) if institution is not None else ()


def _upto(tx: Tx) -> int:
    found = tx.execute("SELECT upto FROM progress WHERE name=?", (_STAGE,)).fetchone()
    return 0 if found is None else int(found[0])
