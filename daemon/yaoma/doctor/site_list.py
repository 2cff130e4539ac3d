"""Site list: is there one that may be used, of which version, how old, and until when."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from yaoma.config.model import PolicyConfig
from yaoma.core.note import Verifier
from yaoma.core.site_list import ListRefusal, ListRefusedError
from yaoma.doctor.finding import Fact, Finding, Group, ok, trouble, warning
from yaoma.shell.list_file import load_site_list

__all__ = ["check_list"]

_LIST: Final = Group.LIST
_DAY_MS: Final = 24 * 3_600_000
_WARN_DAYS: Final = 3


def check_list(
    path: Path, verifiers: Sequence[Verifier], site: str, *, now_ms: int, newer_than: int, policy: PolicyConfig
) -> list[Finding]:
    """Read the list as the daemon would.

    Args:
        path: The file.
        verifiers: The centre's keys.
        site: The institution's code.
        now_ms: The time to judge by, never before what is known to have passed; milliseconds since 1970.
        newer_than: The version must be above this one.
        policy: Says whether scans pass without a list, or with a stale one.
    """
    try:
        found = load_site_list(path, verifiers, site, newer_than)
    except ListRefusedError as error:
        serious = error.reason is not ListRefusal.ABSENT or not policy.pass_without_list
        return [(trouble if serious else warning)(_LIST, f"list_refused.{error.reason.value}", error.hint)]
    left_ms = found.allowlist.expires_ms - now_ms
    facts: dict[str, Fact] = {
        "version": found.allowlist.version,
        "codes": len(found.allowlist.codes),
        "age_days": max(0, now_ms - found.issued_ms) // _DAY_MS,
        "days": abs(left_ms) // _DAY_MS,
    }
    if left_ms <= 0:
        serious = not policy.pass_with_stale_list
        return [(trouble if serious else warning)(_LIST, "doctor.list_expired", **facts)]
    if left_ms < _WARN_DAYS * _DAY_MS:
        return [warning(_LIST, "doctor.list_expires", **facts)]
    return [ok(_LIST, "doctor.list_sound", **facts)]
