"""Release trust: which memory of a role falls with a withdrawn key, and how far a signed time is believed.

TUF has a client forget versions of a role whose keys were replaced (specification, 5.3.11), or a thief's version could
never be undercut again. The floors of list.db follow that here, for delegated roles as well.
"""

from collections.abc import Mapping
from typing import Any, Final

from tuf.api.exceptions import RepositoryError, UnsignedMetadataError
from tuf.api.metadata import Metadata

__all__ = ["ISSUED_FIELD", "MAX_AHEAD_MS", "MAX_ONLINE_STEP_MS", "ONLINE", "SignedTimes", "TrustChange", "holder_of"]

#: When a role's metadata was signed, milliseconds since 1970; TUF itself only says until when it holds.
ISSUED_FIELD: Final = "x-yaoma-issued-ms"

#: Roles whose key lies on a machine that is online, where a thief gets at it first.
ONLINE: Final = frozenset({"snapshot", "timestamp"})

#: While NTP holds the clock, no signed time is believed that lies further ahead of it.
MAX_AHEAD_MS: Final = 86_400_000
#: An online key alone moves time no further than this beyond what is trusted otherwise: half of what a timestamp of the
#: centre holds, so that what the centre signs today is not stale to a box that a thief has pushed.
MAX_ONLINE_STEP_MS: Final = 7 * 86_400_000

_TOP: Final = frozenset({"timestamp", "snapshot", "targets"})


def holder_of(role: str) -> str:
    """Name the role that says whose signature counts for another."""
    return "root" if role in _TOP else "targets"


class TrustChange:
    """Compares the metadata that was in force with what takes its place.

    Args:
        known: The metadata by role that was in force.
        new: The metadata by role that the library has verified now; roles may be missing.
    """

    def __init__(self, known: Mapping[str, bytes], new: Mapping[str, bytes]) -> None:
        self._known = known
        self._new = new

    def is_withdrawn(self, role: str) -> bool:
        """Say whether what was in force of a role was signed by keys that its holder has taken away since.

        It must have been good under the holder that was in force, and not be under a later one. So neither a damaged
        row nor a key that only came in addition makes anything forgotten.
        """
        holder = holder_of(role)
        if role == "root" or not {role, holder} <= self._known.keys() or holder not in self._new:
            return False
        try:
            body: Metadata[Any] = Metadata.from_bytes(self._known[role])
            before: Metadata[Any] = Metadata.from_bytes(self._known[holder])
            after: Metadata[Any] = Metadata.from_bytes(self._new[holder])
        except (RepositoryError, ValueError):
            return False
        is_later = after.signed.version > before.signed.version or self.is_withdrawn(holder)
        return is_later and _vouches(before, role, body) and not _vouches(after, role, body)


def _vouches(holder: Metadata[Any], role: str, body: Metadata[Any]) -> bool:
    try:
        holder.signed.verify_delegate(role, body.signed_bytes, body.signatures)
    except (UnsignedMetadataError, ValueError):
        return False
    return True


class SignedTimes:
    """The times that the roles of a release name, and how far they are believed.

    Args:
        signed: The signed part of each role's metadata.
    """

    def __init__(self, signed: Mapping[str, Any]) -> None:
        self._issued = {role: _issued_ms(one) for role, one in signed.items()}
        self.expires = {role: int(one.expires.timestamp() * 1000) for role, one in signed.items()}

    @property
    def newest_ms(self) -> int:
        """When the newest of it says that it was signed, milliseconds since 1970."""
        return max(self._issued.values())

    def passed(self, *, trusted_ms: int, synced_ms: int | None) -> tuple[int, int]:
        """Give a time that has surely passed, and the part of it that does not rest on an online key.

        Nobody's time counts beyond the first expiry of all roles; that of an online key besides no further than
        `MAX_ONLINE_STEP_MS` beyond what is trusted; and none further than `MAX_AHEAD_MS` beyond a clock that NTP holds.

        Args:
            trusted_ms: The latest time that is known to have passed, without the word of an online key.
            synced_ms: The clock, milliseconds since 1970, if NTP holds it.
        """
        bound_ms = min(self.expires.values())
        if synced_ms is not None:
            bound_ms = min(bound_ms, synced_ms + MAX_AHEAD_MS)
        offline_ms = min(max(value for role, value in self._issued.items() if role not in ONLINE), bound_ms)
        furthest_ms = max(trusted_ms, offline_ms) + MAX_ONLINE_STEP_MS
        online_ms = min(max(self._issued[role] for role in ONLINE), bound_ms, furthest_ms)
        return max(offline_ms, online_ms), offline_ms


def _issued_ms(signed: Any) -> int:  # noqa: ANN401 - the library's signed parts share no public class
    told = signed.unrecognized_fields.get(ISSUED_FIELD, 0)
    return told if type(told) is int and told >= 0 else 0
