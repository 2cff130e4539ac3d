"""Site list: is there one that may be used, of which version, how old, and until when."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from yaoma.config.model import PolicyConfig
from yaoma.core.note import Verifier
from yaoma.core.site_list import ListRefusal, ListRefusedError
from yaoma.doctor.finding import Fact, Finding, Group, ok, trouble, warning
from yaoma.shell.base_file import BaseRefusedError
from yaoma.shell.box_list import open_box_list
from yaoma.shell.database import DatabaseError
from yaoma.shell.list_db import DAMAGED
from yaoma.shell.list_file import load_site_list
from yaoma.shell.list_picture import open_picture
from yaoma.shell.list_store import SET_ASIDE_HINT
from yaoma.shell.list_tables import TableRefusedError

__all__ = ["check_list"]

_LIST: Final = Group.LIST
_DAY_MS: Final = 24 * 3_600_000
_WARN_DAYS: Final = 3


def check_list(
    path: Path,
    verifiers: Sequence[Verifier],
    site: str,
    *,
    now_ms: int,
    newer_than: int,
    policy: PolicyConfig,
    big: Path | None = None,
) -> list[Finding]:
    """Read the list as the daemon would.

    Args:
        path: The file.
        verifiers: The centre's keys.
        site: The institution's code.
        now_ms: The time to judge by, never before what is known to have passed; milliseconds since 1970.
        newer_than: The version must be above this one.
        policy: Says whether scans pass without a list, or with a stale one.
        big: list.db; the release in it counts before the file, if there is one.
    """
    if big is not None and big.exists():
        try:
            release = _big(big, newer_than)
        except (BaseRefusedError, DatabaseError, TableRefusedError, ValueError) as error:
            return [trouble(_LIST, f"list_refused.{ListRefusal.UNREADABLE.value}", str(error))]
        if release is not None:
            return _ages(*release, now_ms=now_ms, policy=policy)
    try:
        found = load_site_list(path, verifiers, site, newer_than)
    except ListRefusedError as error:
        serious = error.reason is not ListRefusal.ABSENT or not policy.pass_without_list
        return [(trouble if serious else warning)(_LIST, f"list_refused.{error.reason.value}", error.hint)]
    allowlist = found.allowlist
    return _ages(
        allowlist.version,
        len(allowlist.codes),
        found.issued_ms,
        allowlist.expires_ms,
        now_ms=now_ms,
        policy=policy,
    )


def _big(path: Path, newer_than: int) -> tuple[int, int, int, int] | None:
    """Give version, codes and times of the release in list.db; None if it has none."""
    with closing(open_picture(path)) as picture:
        if picture.execute("SELECT 1 FROM floor WHERE name = ?", (DAMAGED,)).fetchone():
            raise ValueError(SET_ASIDE_HINT)
    taken = open_box_list(path)
    if taken is None:
        return None
    try:
        if taken.version <= newer_than:
            raise ValueError(f"version {taken.version} is not above {newer_than}, which was in use")
        if damaged := taken.scrub():
            raise ValueError(f"{damaged} pages are damaged; fetch the list again: yaoma update")
        release = taken.release
        return taken.version, taken.codes, release.issued_ms, release.expires_ms
    finally:
        taken.close()


def _ages(
    version: int, codes: int, issued_ms: int, expires_ms: int, *, now_ms: int, policy: PolicyConfig
) -> list[Finding]:
    left_ms = expires_ms - now_ms
    facts: dict[str, Fact] = {
        "version": version,
        "codes": codes,
        "age_days": max(0, now_ms - issued_ms) // _DAY_MS,
        "days": abs(left_ms) // _DAY_MS,
    }
    if left_ms <= 0:
        serious = not policy.pass_with_stale_list
        return [(trouble if serious else warning)(_LIST, "doctor.list_expired", **facts)]
    if left_ms < _WARN_DAYS * _DAY_MS:
        return [warning(_LIST, "doctor.list_expires", **facts)]
    return [ok(_LIST, "doctor.list_sound", **facts)]
