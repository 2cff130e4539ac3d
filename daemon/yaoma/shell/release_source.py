"""Release source: The Update Framework with the three guards that it lacks for us (ALLOWLIST.md 2).

Its metadata lives in list.db; the folder that the library works in is made anew for each run, so a power cut can't
leave half of it. Versions and expiry are compared with our own floors after the library has compared them with its
own, and the time it judges by is never before the latest that is known to have passed. Both floors fall only with the
keys that raised them, see `yaoma.shell.release_trust`.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from tuf.api.exceptions import (
    DownloadError,
    DownloadLengthMismatchError,
    RepositoryError,
)
from tuf.api.metadata import Metadata, TargetFile
from tuf.ngclient import Updater, UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface

from yaoma.shell.list_db import TIME_FLOOR, TRUSTED_TIME_FLOOR
from yaoma.shell.release_trust import ONLINE, SignedTimes, TrustChange

__all__ = [
    "Fetched",
    "ReleaseRefusedError",
    "ReleaseSource",
    "SignedState",
    "SourceUnreachableError",
]

_TOP: Final = ("root", "timestamp", "snapshot", "targets")
_DELEGATED: Final = ("allow", "deny", "config")
_SHA256: Final = "sha256"
#: Beyond it a version is no number that every reader of JSON keeps exactly, and list.db could not hold it.
_MAX_VERSION: Final = 1 << 53
_CONFIG: Final = UpdaterConfig(
    max_root_rotations=64,
    max_delegations=8,
    root_max_length=256_000,
    timestamp_max_length=16_384,
    snapshot_max_length=256_000,
    targets_max_length=2_000_000,
)


class ReleaseRefusedError(Exception):
    """What came is not what the centre signed, is older than what is in force, or has expired: the list stays."""


class SourceUnreachableError(Exception):
    """Nothing could be fetched now; the next run tries again."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file as its signed description has it.

    Args:
        target: Where it lies in the repository.
        length: Its bytes.
        digest: SHA-256, 32 bytes.
        custom: What else the centre says of it.
    """

    target: str
    length: int
    digest: bytes
    custom: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SignedState:
    """What was signed, for list.db.

    Args:
        metadata: Version and bytes by role.
        floors: The versions and times as floors.
        lowered: The floors that take this value though they were higher: the keys that raised them were withdrawn.
        issued_ms: When the newest of it was signed, milliseconds since 1970.
        expires_ms: When the first of it expires, milliseconds since 1970.
        time_ms: A time that has surely passed, milliseconds since 1970.
    """

    metadata: Mapping[str, tuple[int, bytes]]
    floors: Mapping[str, int]
    lowered: frozenset[str]
    issued_ms: int
    expires_ms: int
    time_ms: int


class ReleaseSource:
    """One look at a repository. Call `refresh` first, `close` last.

    Args:
        fetcher: Fetches files.
        base_url: Where `metadata/` and `targets/` lie.
        root: The root metadata that the box was provisioned with.
        room: A folder of our own on the box's disk.
        now_ms: The clock, milliseconds since 1970.
        is_synced: Says whether NTP holds that clock.
    """

    def __init__(
        self,
        fetcher: FetcherInterface,
        base_url: str,
        root: bytes,
        room: Path,
        *,
        now_ms: Callable[[], int],
        is_synced: Callable[[], bool] = lambda: False,
    ) -> None:
        self._fetcher = fetcher
        self._base_url = base_url
        self._root = root
        self._folder = room / "tuf"
        self._now_ms = now_ms
        self._is_synced = is_synced
        self._updater: Updater | None = None
        self._reference = datetime.fromtimestamp(0, UTC)
        self._floors: Mapping[str, int] = {}
        self._known: Mapping[str, bytes] = {}

    def close(self) -> None:
        """Remove the folder that the library worked in."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def refresh(self, known: Mapping[str, bytes], floors: Mapping[str, int], *, floor_ms: int) -> None:
        """Bring the metadata up to date, and check all that the library leaves to us.

        Args:
            known: The metadata by role that is in force; empty at the first time.
            floors: The highest version of each role that ever was, as `role:<name>`, and the latest times.
            floor_ms: A time that has surely passed, whatever anybody has signed; milliseconds since 1970.

        Raises:
            ReleaseRefusedError: If any of it must not be believed.
            SourceUnreachableError: If it can't be fetched.
        """
        self._floors, self._known = floors, known
        trusted_ms = max(self._now_ms(), floor_ms, floors.get(TRUSTED_TIME_FLOOR, 0))
        try:
            self._look(max(trusted_ms, floors.get(TIME_FLOOR, 0)))
        except ReleaseRefusedError:
            if floors.get(TIME_FLOOR, 0) <= trusted_ms or not self._has_new_online_keys():
                raise
            # Time had gone beyond that on the word of a key that the root has taken away since.
            self._look(trusted_ms)

    def _look(self, reference_ms: int) -> None:
        """Let the library bring the metadata up to date as of a time, milliseconds since 1970."""
        self._reference = datetime.fromtimestamp(reference_ms / 1000, UTC)
        self.close()
        self._folder.mkdir(mode=0o700, parents=True)
        for role, body in self._known.items():
            if role != "root":
                self._path(role).write_bytes(body)
        try:
            self._updater = Updater(
                str(self._folder),
                f"{self._base_url}metadata/",
                target_base_url=f"{self._base_url}targets/",
                fetcher=self._fetcher,
                config=_CONFIG,
                bootstrap=self._newest_root(self._known.get("root")),
            )
            # The library takes the system's clock, and has no other way in. Should this one close, `_checked` still
            # refuses what has expired.
            self._updater._trusted_set.reference_time = self._reference  # noqa: SLF001 - see above
            self._updater.refresh()
        except (RepositoryError, DownloadError) as error:
            raise _sorted(error) from error
        for role in _TOP:
            self._checked(role)

    def has(self, target: str) -> bool:
        """Say whether the repository has a file of that name."""
        return self._find(target) is not None

    def find(self, target: str, most: int) -> Fetched:
        """Look a file up.

        Args:
            target: Where it lies.
            most: More bytes than these are refused before one is fetched.

        Raises:
            ReleaseRefusedError: If the role that may speak of it does not, or it is too long.
        """
        found = self._find(target)
        if found is None:
            raise ReleaseRefusedError(f"{target}: nobody who may has signed such a file")
        digest = found.hashes.get(_SHA256)
        if digest is None:
            raise ReleaseRefusedError(f"{target}: signed without a SHA-256")
        if found.length > most:
            raise ReleaseRefusedError(f"{target}: {found.length} bytes were announced, {most} are the most")
        custom = found.custom or {}
        return Fetched(target, found.length, bytes.fromhex(digest), custom if isinstance(custom, dict) else {})

    def small(self, target: str, most: int) -> bytes:
        """Fetch a file into memory.

        Raises:
            ReleaseRefusedError: If it is not what was signed.
            SourceUnreachableError: If it can't be fetched.
        """
        found = self.find(target, most)
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            path = Path(folder) / "file"
            self.download(found, path)
            return path.read_bytes()

    def kept(self, found: Fetched) -> Path:
        """Fetch a file to the disk; it lies there until `close`.

        Raises:
            ReleaseRefusedError: If it is not what was signed.
            SourceUnreachableError: If it can't be fetched.
        """
        path = self._folder / f"kept-{found.digest.hex()}"
        if not path.exists():
            self.download(found, path)
        return path

    def download(self, found: Fetched, path: Path) -> None:
        """Fetch a file; it is not synced.

        Raises:
            ReleaseRefusedError: If it is not what was signed.
            SourceUnreachableError: If it can't be fetched.
        """
        target = self._find(found.target)
        if self._updater is None or target is None:
            raise ReleaseRefusedError(f"{found.target}: nobody who may has signed such a file")
        try:
            self._updater.download_target(target, str(path))
        except (RepositoryError, DownloadError) as error:
            path.unlink(missing_ok=True)
            raise _sorted(error) from error

    @staticmethod
    def fits(found: Fetched, path: Path) -> bool:
        """Say whether a file on the disk is the one that was signed."""
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, _SHA256).digest() == found.digest

    def signed(self) -> SignedState:
        """Give the metadata that everything so far rests on.

        Raises:
            ReleaseRefusedError: If any of it is older than what was in force, or has expired.
        """
        metadata: dict[str, tuple[int, bytes]] = {}
        parts: dict[str, Any] = {}
        for role in self._here():
            body, parts[role] = self._checked(role)
            metadata[role] = parts[role].version, body
        times = SignedTimes(parts)
        trusted_ms = self._floors.get(TRUSTED_TIME_FLOOR, 0)
        synced_ms = self._now_ms() if self._is_synced() else None
        time_ms, offline_ms = times.passed(trusted_ms=trusted_ms, synced_ms=synced_ms)
        lowered = {f"role:{role}" for role in metadata if self._is_withdrawn(role)}
        if any(f"role:{role}" in lowered for role in ONLINE):
            lowered.add(TIME_FLOOR)
        return SignedState(
            metadata=metadata,
            floors={
                **{f"role:{role}": version for role, (version, _) in metadata.items()},
                TIME_FLOOR: max(time_ms, trusted_ms),
                TRUSTED_TIME_FLOOR: offline_ms,
            },
            lowered=frozenset(lowered),
            issued_ms=times.newest_ms,
            expires_ms=min(value for role, value in times.expires.items() if role not in {"config", "root"}),
            time_ms=time_ms,
        )

    def _find(self, target: str) -> TargetFile | None:
        if self._updater is None:
            raise ReleaseRefusedError("the repository was not looked at")
        try:
            return self._updater.get_targetinfo(target)
        except (RepositoryError, DownloadError) as error:
            raise _sorted(error) from error

    def _path(self, role: str) -> Path:
        return self._folder / f"{quote(role, '')}.json"

    def _here(self) -> list[str]:
        """Name the roles whose metadata the library has verified."""
        return [role for role in (*_TOP, *_DELEGATED) if self._path(role).exists()]

    def _is_withdrawn(self, role: str) -> bool:
        new = {one: self._path(one).read_bytes() for one in self._here()}
        return TrustChange(self._known, new).is_withdrawn(role)

    def _has_new_online_keys(self) -> bool:
        """Say whether the newest root, which the library takes first, withdraws the online keys that were in force."""
        return any(map(self._is_withdrawn, ONLINE))

    def _newest_root(self, known: bytes | None) -> bytes:
        """Take the root in force, or the one that the technician has put there if that is newer."""
        given = _parsed("root", self._root)
        if known is None or given.version > _parsed("root", known).version:
            return self._root
        return known

    def _checked(self, role: str) -> tuple[bytes, Any]:
        body = self._path(role).read_bytes()
        signed = _parsed(role, body)
        floor = self._floors.get(f"role:{role}", 0)
        if signed.version > _MAX_VERSION:
            raise ReleaseRefusedError(f"{role}: no version is as high as {signed.version}")
        if signed.version < floor and not self._is_withdrawn(role):
            raise ReleaseRefusedError(f"{role}: version {signed.version} is below {floor}, which was in force")
        if signed.is_expired(self._reference):
            raise ReleaseRefusedError(f"{role}: has expired on {signed.expires:%Y-%m-%d}")
        return body, signed


def _parsed(role: str, body: bytes) -> Any:  # noqa: ANN401 - the library's signed parts share no public class
    try:
        signed = Metadata.from_bytes(body).signed
    except (RepositoryError, ValueError) as error:
        raise ReleaseRefusedError(f"{role}: no signed metadata") from error
    return signed


def _sorted(error: RepositoryError | DownloadError) -> ReleaseRefusedError | SourceUnreachableError:
    """Tell what was forged or stale from what could not be fetched."""
    if isinstance(error, DownloadLengthMismatchError | RepositoryError):
        return ReleaseRefusedError(f"{type(error).__name__}: {error}")
    return SourceUnreachableError(str(error))
