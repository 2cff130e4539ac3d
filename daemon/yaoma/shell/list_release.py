"""List release: what of a release is in force, and everything that takes its place at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["FileKind", "FloorError", "ListFile", "OverlayRow", "Release", "ReleaseChange"]


class FileKind(StrEnum):
    """What a file of the release is."""

    BASE = "base"
    PRODUCTS = "products"
    DENIALS = "denials"
    POLICY = "policy"


class FloorError(Exception):
    """A change would go back behind what was in force already.

    Args:
        name: Which floor.
        found: What came.
        floor: What was there.
    """

    def __init__(self, name: str, found: int, floor: int) -> None:
        super().__init__(f"{name}: {found} is below {floor}, which was in force")
        self.name = name
        self.found = found
        self.floor = floor


@dataclass(frozen=True, slots=True)
class ListFile:
    """A file that is in force.

    Args:
        name: Its name in the folder of the list.
        kind: What it is.
        digest: SHA-256, 32 bytes: of a base file's head, which holds the hashes of its pages; else of the whole file.
        version: The file's own number; a policy has one.
        title: The name of a policy.
    """

    name: str
    kind: FileKind
    digest: bytes
    version: int = 0
    title: str = ""


@dataclass(frozen=True, slots=True)
class OverlayRow:
    """What a delta says of one code.

    Args:
        code: Its key, as `yaoma.core.code_key` gives it.
        is_added: Whether it may be here from now on; else it may not, whatever the base says.
        source: Where its right comes from, as in `yaoma.core.allowlist.Source`; the release itself if None.
        lot: Its lot where the centre knows it.
        expiry: Its expiry, ISO 8601, where the centre knows it.
    """

    code: bytes = field(repr=False)
    is_added: bool
    source: str | None = None
    lot: str | None = None
    expiry: str | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """The release in force.

    Args:
        site: The institution that it is for, or `*`.
        version: Its number.
        issued_ms: When the centre last said that it holds, milliseconds since 1970.
        expires_ms: When it becomes stale, milliseconds since 1970.
    """

    site: str
    version: int
    issued_ms: int
    expires_ms: int


@dataclass(frozen=True, slots=True)
class ReleaseChange:
    """Everything that comes into force at once.

    Args:
        release: The release from now on.
        files: All files that it stands on; they lie in the folder, checked and synced.
        rows: What deltas change; the last word on a code holds.
        is_rebase: Whether a new base takes the overlay's place, so that the overlay begins empty.
        metadata: The signed metadata by role: version and bytes. Roles that are not named stay.
        floors: Versions and times that must not be gone behind from now on.
        lowered: Those of them that count from here on though they were higher: the keys that raised them are withdrawn.
    """

    release: Release
    files: Sequence[ListFile]
    rows: Iterable[OverlayRow] = field(default=(), repr=False)
    is_rebase: bool = False
    metadata: Mapping[str, tuple[int, bytes]] = field(default_factory=dict, repr=False)
    floors: Mapping[str, int] = field(default_factory=dict)
    lowered: frozenset[str] = frozenset()
