"""Release repository: a folder of signed metadata and files that any web server or USB stick can carry (TUF 1.0)."""

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import CanonicalJSONSerializer

from yaoma.core.note import Signer, Verifier
from yaoma_link.keyfile import write_public
from yaoma_tools.release_mistake import RepositoryMistakeError

__all__ = ["DAYS", "DELEGATED", "ISSUED_FIELD", "NewFile", "ReleaseRepository", "RoleKeys"]

#: As `yaoma.shell.release_source` reads it: when a role was signed.
ISSUED_FIELD: Final = "x-yaoma-issued-ms"

#: The roles to which the targets role hands on what lies below the folder of the same name.
DELEGATED: Final = ("allow", "deny", "config")
_ONLINE: Final = ("snapshot", "timestamp")

#: How long each role's word holds. That of the timestamp is how long a branch may be offline (ALLOWLIST.md 2).
DAYS: Final[Mapping[str, int]] = {
    "root": 730,
    "targets": 365,
    "allow": 90,
    "deny": 30,
    "config": 365,
    "snapshot": 14,
    "timestamp": 14,
}

_T = TypeVar("_T", Root, Targets, Snapshot, Timestamp)


@dataclass(frozen=True, slots=True)
class RoleKeys:
    """The keys of one role.

    Args:
        keys: The public halves.
        threshold: How many of them must sign.
    """

    keys: Sequence[Verifier]
    threshold: int = 1


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file for the repository.

    Args:
        content: Where it lies now, or its bytes.
        custom: What the box is told of it besides.
    """

    content: Path | bytes
    custom: Mapping[str, Any] | None = None


class ReleaseRepository:
    """A repository in a folder: `metadata/`, `targets/`, and `pending/` for what still lacks signatures.

    Args:
        folder: The folder.
        now: The clock.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.folder = folder
        self._now = now

    def create(self, keys: Mapping[str, RoleKeys], signers: Sequence[Signer]) -> bool:
        """Begin an empty repository.

        Args:
            keys: The keys of `root`, `targets`, `allow`, `deny`, `config` and `online`.
            signers: The private halves that are at hand; root may lack some, then it waits in `pending/`.

        Returns:
            Whether enough have signed the root.

        Raises:
            RepositoryMistakeError: If there is one already, or a key is missing.
        """
        if (self.folder / "metadata").exists():
            raise RepositoryMistakeError(f"{self.folder} holds a repository already")
        root = Root(consistent_snapshot=True)
        for role in ("root", "targets", *_ONLINE):
            _entrust(root, role, keys["online" if role in _ONLINE else role])
        targets = Targets(delegations=Delegations(keys={}, roles={}))
        for role in DELEGATED:
            _delegate(targets, role, keys[role])
        is_enough = self._put_up(_unnumbered(root), "root", signers)
        self._publish(
            {"targets": _unnumbered(targets), **{role: _unnumbered(Targets()) for role in DELEGATED}},
            signers,
            root=root,
            first=True,
        )
        return is_enough

    def publish(self, files: Mapping[str, NewFile], signers: Sequence[Signer], *, gone: Sequence[str] = ()) -> None:
        """Bring files in, replacing those of the same name, and sign whatever that changes.

        Args:
            files: By target, such as `allow/release.json`.
            signers: The private halves that are at hand.
            gone: Targets that go.

        Raises:
            RepositoryMistakeError: If a key is missing; then nothing was changed.
        """
        changed: dict[str, Metadata[Targets]] = {}
        for target in (*files, *gone):
            role = target.partition("/")[0]
            if role not in DELEGATED:
                raise RepositoryMistakeError(f"{target}: no role speaks of such a file")
            changed.setdefault(role, self.targets(role))
        for target in gone:
            changed[target.partition("/")[0]].signed.targets.pop(target, None)
        for target, new in files.items():
            described, content = _described(target, new)
            changed[target.partition("/")[0]].signed.targets[target] = described
            place = self.folder / "targets" / target
            self._lay_down(place.with_name(f"{described.hashes['sha256']}.{place.name}"), content)
        self._publish(dict(changed), signers)

    def renew(self, signers: Sequence[Signer], roles: Sequence[str] = ()) -> None:
        """Sign snapshot and timestamp anew, and other roles whose keys are at hand if asked, so that none expires."""
        self._publish({role: self.targets(role) for role in roles}, signers)

    def add_key(self, role: str, key: Verifier, signers: Sequence[Signer], *, instead_of: str = "") -> bool:
        """Give a role another key; what must be signed by several waits in `pending/`.

        Args:
            role: `root`, `targets`, `online`, or a delegated role.
            key: The public half.
            signers: The private halves that are at hand.
            instead_of: Name of a key that goes, as its public half has it; or its id.

        Returns:
            Whether it holds now; else others must sign too.
        """
        new = _tuf_key(key)
        if role in DELEGATED:
            changed = self.targets("targets")
            old = changed.signed.delegations
            assert old is not None
            assert old.roles is not None
            if instead_of:
                changed.signed.revoke_key(instead_of, role)
            changed.signed.add_key(new, role)
            self._publish({"targets": changed, role: self.targets(role)}, signers)
            return True
        root = self.root()
        for one in _ONLINE if role == "online" else (role,):
            if instead_of:
                root.signed.revoke_key(instead_of, one)
            root.signed.add_key(new, one)
        return self._put_up(root, "root", signers)

    def cosign(self, signers: Sequence[Signer]) -> bool:
        """Add signatures to the root that waits in `pending/`; it holds when enough have signed.

        Raises:
            RepositoryMistakeError: If nothing waits.
        """
        path = self.folder / "pending" / "root.json"
        if not path.exists():
            raise RepositoryMistakeError("nothing waits for a signature")
        waiting = Metadata[Root].from_file(str(path))
        return self._settle(waiting, signers)

    def key_ids(self, role: str) -> dict[str, str]:
        """Give the ids of a role's keys with their public bytes in hexadecimal."""
        holder: Root | Targets = self.targets("targets").signed if role in DELEGATED else self.root().signed
        name = "timestamp" if role == "online" else role
        described = holder.get_delegated_role(name)
        return {one: str(holder.get_key(one).keyval["public"]) for one in described.keyids}

    def root(self) -> Metadata[Root]:
        """Give the newest root that holds."""
        versions = [int(path.name.partition(".")[0]) for path in (self.folder / "metadata").glob("*.root.json")]
        if not versions:
            raise RepositoryMistakeError("no root has enough signatures yet: sign it with another of its keys first")
        return Metadata[Root].from_file(str(self.folder / "metadata" / f"{max(versions)}.root.json"))

    def targets(self, role: str) -> Metadata[Targets]:
        """Give the newest metadata of the targets role or a delegated one."""
        version = self._snapshot().signed.meta[f"{role}.json"].version
        return Metadata[Targets].from_file(str(self.folder / "metadata" / f"{version}.{role}.json"))

    def content(self, target: str) -> bytes | None:
        """Read a file of the repository; None if there is none of that name."""
        described = self.targets(target.partition("/")[0]).signed.targets.get(target)
        if described is None:
            return None
        place = self.folder / "targets" / target
        return place.with_name(f"{described.hashes['sha256']}.{place.name}").read_bytes()

    def _snapshot(self) -> Metadata[Snapshot]:
        folder = self.folder / "metadata"
        try:
            timestamp = Metadata[Timestamp].from_file(str(folder / "timestamp.json"))
            version = timestamp.signed.snapshot_meta.version
            return Metadata[Snapshot].from_file(str(folder / f"{version}.snapshot.json"))
        except (OSError, RepositoryError) as error:
            raise RepositoryMistakeError(f"{self.folder} holds no repository: {error}") from None

    def _publish(
        self,
        changed: Mapping[str, Metadata[Targets]],
        signers: Sequence[Signer],
        *,
        root: Root | None = None,
        first: bool = False,
    ) -> None:
        """Sign what has changed and then, always, snapshot and timestamp; the timestamp is written last."""
        trusted = root or self.root().signed
        top = changed["targets"] if "targets" in changed else self.targets("targets")
        snapshot = _unnumbered(Snapshot()) if first else self._snapshot()
        ready: list[tuple[str, Metadata[Any]]] = []
        for role, metadata in changed.items():
            self._sign(metadata, role, trusted if role == "targets" else top.signed, signers)
            snapshot.signed.meta[f"{role}.json"] = MetaFile(version=metadata.signed.version)
            ready.append((f"{metadata.signed.version}.{role}.json", metadata))
        self._sign(snapshot, "snapshot", trusted, signers)
        ready.append((f"{snapshot.signed.version}.snapshot.json", snapshot))
        timestamp = _unnumbered(Timestamp()) if first else self._timestamp()
        timestamp.signed.snapshot_meta = MetaFile(version=snapshot.signed.version)
        self._sign(timestamp, "timestamp", trusted, signers)
        ready.append(("timestamp.json", timestamp))
        for name, signed in ready:
            write_public(self.folder / "metadata" / name, signed.to_bytes(), replace=True)

    def _timestamp(self) -> Metadata[Timestamp]:
        return Metadata[Timestamp].from_file(str(self.folder / "metadata" / "timestamp.json"))

    def _sign(self, metadata: Metadata[_T], role: str, holder: Root | Targets, signers: Sequence[Signer]) -> None:
        """Make the next version of a role and sign it with enough keys."""
        self._begin(metadata, role)
        described = holder.get_delegated_role(role)
        able = [one for one in map(_tuf_signer, signers) if one.public_key.keyid in described.keyids]
        if len(able) < described.threshold:
            raise RepositoryMistakeError(f"{role}: {described.threshold} of its keys must sign, {len(able)} are here")
        for signer in able:
            metadata.sign(signer, append=True)

    def _begin(self, metadata: Metadata[Any], role: str) -> None:
        now = self._now().replace(microsecond=0)
        metadata.signatures.clear()
        metadata.signed.version += 1
        metadata.signed.expires = now + timedelta(days=DAYS[role])
        metadata.signed.unrecognized_fields[ISSUED_FIELD] = int(now.timestamp() * 1000)

    def _put_up(self, root: Metadata[Root], role: str, signers: Sequence[Signer]) -> bool:
        self._begin(root, role)
        return self._settle(root, signers)

    def _settle(self, root: Metadata[Root], signers: Sequence[Signer]) -> bool:
        """Add signatures to a root; publish it if enough keys of it and of the one before have signed."""
        for signer in map(_tuf_signer, signers):
            root.sign(signer, append=True)
        before = None
        if root.signed.version > 1:
            before = self.root().signed
        payload = CanonicalJSONSerializer().serialize(root.signed)
        is_enough = root.signed.get_root_verification_result(before, payload, root.signatures).verified
        waiting = self.folder / "pending" / "root.json"
        if is_enough:
            write_public(self.folder / "metadata" / f"{root.signed.version}.root.json", root.to_bytes())
            waiting.unlink(missing_ok=True)
        else:
            write_public(waiting, root.to_bytes(), replace=True)
        return bool(is_enough)

    @staticmethod
    def _lay_down(place: Path, content: Path | bytes) -> None:
        if place.exists():
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            write_public(place, content)
            return
        beside = place.with_name(f".{place.name}")
        shutil.copyfile(content, beside)
        beside.replace(place)


def _unnumbered(signed: _T) -> Metadata[_T]:
    """Wrap a role that was never signed: the next version is the first."""
    signed.version = 0
    return Metadata(signed)


def _described(target: str, new: NewFile) -> tuple[TargetFile, Path | bytes]:
    if isinstance(new.content, bytes):
        length, digest = len(new.content), hashlib.sha256(new.content).hexdigest()
    else:
        length = new.content.stat().st_size
        with new.content.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    extra = {"custom": dict(new.custom)} if new.custom else None
    return TargetFile(length, {"sha256": digest}, target, extra), new.content


def _tuf_key(key: Verifier) -> SSlibKey:
    return SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(key.key))


def _tuf_signer(signer: Signer) -> CryptoSigner:
    return CryptoSigner(signer.key, _tuf_key(signer.verifier()))


def _entrust(root: Root, role: str, keys: RoleKeys) -> None:
    for key in keys.keys:
        root.add_key(_tuf_key(key), role)
    root.roles[role].threshold = keys.threshold


def _delegate(targets: Targets, role: str, keys: RoleKeys) -> None:
    delegations = cast("Delegations", targets.delegations)
    assert delegations.roles is not None
    delegations.roles[role] = DelegatedRole(role, [], keys.threshold, terminating=True, paths=[f"{role}/*"])
    for key in keys.keys:
        targets.add_key(_tuf_key(key), role)
