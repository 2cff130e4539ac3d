"""Told list: a small signed list together with what the bridge told this box: shipments, status, urgent denials."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

from yaoma.core.code import TraceCode
from yaoma.core.denial_table import DenialRow, DenialTable
from yaoma.core.lot_table import BaseAnswer
from yaoma.core.product_table import ProductTable
from yaoma.core.site_list import SiteList
from yaoma.shell.box_list import BoxList, Tables
from yaoma.shell.list_db import ListDb
from yaoma.shell.list_picture import open_picture, read_news
from yaoma.shell.list_release import Release

__all__ = ["open_told_list"]

_LISTED = BaseAnswer()


@dataclass(frozen=True, slots=True)
class _Codes:
    """The codes of a small list, to be looked up as those of a base file are.

    Args:
        keys: Keys of the codes.
    """

    keys: frozenset[str] = field(repr=False)

    @property
    def codes(self) -> int:
        """How many codes it holds."""
        return len(self.keys)

    def covers(self, code: TraceCode) -> bool:
        """Say whether it holds the code."""
        return code.key in self.keys

    def look_up(self, code: TraceCode) -> BaseAnswer | None:
        """Give that the code is there, without lot and expiry, which a small list does not know."""
        return _LISTED if code.key in self.keys else None

    def scrub(self) -> Iterator[int]:
        """Give nothing: it was read whole and its signature covers all of it."""
        return iter(())

    def close(self) -> None:
        """Do nothing: its file is not open."""


def open_told_list(
    db: ListDb, found: SiteList, site: str, *, on_damage: Callable[[], None] = lambda: None
) -> BoxList | None:
    """Take a picture of a small list and the news; one that nobody told anything beside answers for itself.

    Args:
        db: list.db, which holds the news (DESIGN.md 7).
        found: The small list.
        site: The institution's code of this box.
        on_damage: Called when something of the picture can't be read.

    Returns:
        The picture, or None if there are no news.

    Raises:
        DatabaseError: If list.db can't be read.
        ValueError: If a row of list.db is damaged.
    """
    small = found.allowlist
    with ExitStack() as stack:
        picture = stack.enter_context(closing(open_picture(db.path)))
        news = read_news(db.path, picture)
        if not (news.urgent or news.is_local):
            return None
        stack.pop_all()
    rows = [DenialRow(key, denial) for key, denial in small.denials.items()]
    rows += [DenialRow(key, denial, lot) for (key, lot), denial in small.lot_denials.items()]
    return BoxList(
        Release(site, small.version, found.issued_ms, small.expires_ms),
        Tables((), ProductTable(small.products, small.patterns), DenialTable.of(rows)),
        [_Codes(small.codes)],
        picture,
        news=news,
        on_damage=on_damage,
    )
