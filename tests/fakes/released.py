"""Released: a centre with a real repository in a folder, and a box that updates from it."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yaoma.core.allowlist import Denial, DenialKind
from yaoma.core.code import from_key
from yaoma.core.code_key import code_key
from yaoma.core.denial_table import DenialRow, DenialTable
from yaoma.core.list_delta import ListDelta
from yaoma.core.lot_table import BaseAnswer
from yaoma.core.note import Signer
from yaoma.core.product import Product
from yaoma.core.product_table import ProductTable
from yaoma.shell.list_db import ListDb
from yaoma.shell.list_fetch import FOLDER_URL, FolderFetcher
from yaoma.shell.list_update import Outcome, update
from yaoma.shell.release_source import ReleaseSource
from yaoma_tools.list_build import build_codes
from yaoma_tools.release_build import PolicySource, ReleaseParts, publish_release
from yaoma_tools.release_repository import ReleaseRepository, RoleKeys

__all__ = ["NOW_MS", "Centre", "ReleasedBox", "code", "key_of"]

SITE = "H32132200561"
NOW_MS = 1_795_305_600_000  # 2026-11-22
DAY_MS = 86_400_000


def key_of(name: str) -> Signer:
    """A key that is the same in every run."""
    return Signer(name, Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b".")))


def code(number: int) -> str:
    """The digits of one pack."""
    return f"8123456{number:09d}{(number * 37 + 11) % 10_000:04d}"


@dataclass
class Centre:
    """The centre's repository.

    Args:
        folder: Where it works.
        now_ms: Its clock.
    """

    folder: Path
    now_ms: int = NOW_MS
    repository: ReleaseRepository = field(init=False)
    version: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.repository = ReleaseRepository(self.path, lambda: datetime.fromtimestamp(self.now_ms / 1000, UTC))

    @property
    def path(self) -> Path:
        """The repository's folder."""
        return self.folder / "repository"

    @property
    def signers(self) -> list[Signer]:
        """All keys but the third of the root."""
        return [key_of(name) for name in ("root-1", "root-2", "targets", "allow", "deny", "config", "online")]

    def begin(self) -> None:
        """Make the repository; root is signed by two of three."""
        keys = {role: RoleKeys([key_of(role).verifier()]) for role in ("targets", "allow", "deny", "config", "online")}
        roots = [key_of(f"root-{number}").verifier() for number in (1, 2, 3)]
        self.repository.create({**keys, "root": RoleKeys(roots, 2)}, self.signers)

    @property
    def root(self) -> bytes:
        """What boxes are provisioned with."""
        return (self.path / "metadata" / "1.root.json").read_bytes()

    def build(self, numbers: Sequence[int]) -> list[Path]:
        """Build base files."""
        out = self.folder / f"built-{len(list(self.folder.glob('built-*')))}"
        table = self.folder / f"{out.name}.csv"
        with table.open("w", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow(["code", "lot", "expiry"])
            rows.writerows([code(number), "A1", "2027-05-31"] for number in numbers)
        return [one.path for one in build_codes(out, [table]).files]

    def base(self, numbers: Sequence[int], version: int | None = None) -> None:
        """Publish base files as the next version."""
        self.version = version or self.version + 1
        self.publish(ReleaseParts(version=self.version, bases=self.build(numbers)))

    def delta(self, adds: Sequence[int] = (), removes: Sequence[int] = ()) -> None:
        """Publish a delta as the next version."""
        made = ListDelta(
            self.version,
            self.version + 1,
            {code_key(from_key(f"cn20:{code(number)}")): BaseAnswer("B2") for number in adds},
            [code_key(from_key(f"cn20:{code(number)}")) for number in removes],
        )
        path = self.folder / f"delta-{self.version}"
        path.write_bytes(made.encoded())
        self.version += 1
        self.publish(ReleaseParts(deltas=[path]))

    def products(self, *products: Product) -> None:
        """Publish the table of products under the same version."""
        path = self.folder / "products"
        path.write_bytes(ProductTable.of(products).encoded())
        self.publish(ReleaseParts(products=path))

    def denials(self, *keys: str) -> None:
        """Publish the table of denials."""
        path = self.folder / "denials"
        rows = [DenialRow(key, Denial(DenialKind.RECALL, "2026-118")) for key in keys]
        path.write_bytes(DenialTable.of(rows).encoded())
        self.publish(ReleaseParts(denials=path))

    def policy(self, name: str, version: int, text: str) -> None:
        """Publish a policy."""
        path = self.folder / "policy"
        path.write_text(text, "utf-8")
        self.publish(ReleaseParts(policies=[PolicySource(name, version, path)]))

    def publish(self, parts: ReleaseParts, signers: Sequence[Signer] | None = None) -> None:
        """Sign what is new."""
        publish_release(self.repository, parts, signers or self.signers, now_ms=lambda: self.now_ms)


class ReleasedBox:
    """A box that updates from a folder.

    Args:
        folder: Its state folder.
        root: The root metadata that it was provisioned with.
        now_ms: Its clock.
        site: Its institution.
    """

    def __init__(self, folder: Path, root: bytes, now_ms: int = NOW_MS, site: str = SITE) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.root, self.now_ms, self.site = folder, root, now_ms, site
        self.at_least = 0
        self.is_synced = False
        self.policies: Sequence[str] = ("default", "jiangsu")

    @property
    def list_folder(self) -> Path:
        """Where the files of the list lie."""
        return self.folder / "list"

    def open(self) -> ListDb:
        """Open list.db."""
        self.list_folder.mkdir(exist_ok=True)
        return ListDb.open(self.folder / "list.db", at_least=self.at_least)

    def update(self, repository: Path) -> Outcome:
        """Run one update."""
        db = self.open()
        source = ReleaseSource(
            FolderFetcher(repository, self.list_folder),
            FOLDER_URL,
            self.root,
            self.list_folder,
            now_ms=lambda: self.now_ms,
            is_synced=lambda: self.is_synced,
        )
        try:
            return update(db, source, site=self.site, policies=self.policies)
        finally:
            source.close()
            db.close()

    def version(self) -> int:
        """The version in force."""
        db = self.open()
        try:
            release = db.release()
            return release.version if release else 0
        finally:
            db.close()
