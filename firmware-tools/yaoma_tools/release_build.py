"""Release build: brings what `list build` and its like have made into a repository, as the next version of the list."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from yaoma.core.base_layout import HEADER_BYTES, BaseFormatError, Header
from yaoma.core.canonical import Json, canonical
from yaoma.core.denial_table import DENIALS_TYPE, DenialTable
from yaoma.core.list_delta import DeltaError, ListDelta
from yaoma.core.note import Signer
from yaoma.core.other_pattern import OtherPattern
from yaoma.core.product_table import PRODUCTS_TYPE, ProductTable, TableError
from yaoma.core.release import (
    CONFIG_TYPE,
    DeltaStep,
    PolicyFile,
    ReleaseIndex,
    highest_after,
    read_policies,
    read_release,
)
from yaoma.core.site_list import ANY_SITE
from yaoma.shell.base_file import BaseFile
from yaoma_tools.list_source_tables import read_denials, read_patterns, read_products
from yaoma_tools.release_mistake import RepositoryMistakeError
from yaoma_tools.release_repository import NewFile, ReleaseRepository

__all__ = ["KEPT_DELTAS", "PolicySource", "ReleaseParts", "publish_release"]

#: A box that was away longer than so many deltas fetches the base (ALLOWLIST.md 2).
KEPT_DELTAS: Final = 30

_INDEX: Final = "allow/release.json"
_DENIALS: Final = "deny/denials"
_CONFIG: Final = "config/index.json"
_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class PolicySource:
    """A policy for the repository.

    Args:
        name: Its name.
        version: Its number; above that of the last one.
        file: Where it lies.
    """

    name: str
    version: int
    file: Path


@dataclass(frozen=True, slots=True)
class ReleaseParts:
    """What is new; what is not named stays as it is in the repository.

    Args:
        version: The list's new version; with deltas it is where the last one leads.
        site: The institution that the list is for, or `*`.
        days: How long the list holds.
        bases: Base files; they take the place of all before.
        deltas: Deltas, each following the one before.
        products: Table of products: CSV, JSON lines, or as a box reads it.
        patterns: Table of patterns of other standards, beside `products` where that is CSV or JSON lines.
        denials: Table of denials: CSV, JSON lines, or as a box reads it.
        policies: Policies.
    """

    version: int = 0
    site: str = ANY_SITE
    days: int = 90
    bases: Sequence[Path] = ()
    deltas: Sequence[Path] = ()
    products: Path | None = None
    patterns: Path | None = None
    denials: Path | None = None
    policies: Sequence[PolicySource] = field(default=())


def publish_release(
    repository: ReleaseRepository,
    parts: ReleaseParts,
    signers: Sequence[Signer],
    *,
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
) -> int:
    """Sign what is new and put it in place.

    Returns:
        The version of the list that holds now; 0 if there is none yet.

    Raises:
        RepositoryMistakeError: If a part does not fit what is there, or a key is missing.
        ListRefusedError: If a box would refuse the result.
        OSError: If a file can't be read or written.
    """
    files: dict[str, NewFile] = {}
    gone: list[str] = []
    before = _index(repository)
    version = before.version if before else 0
    if parts.bases or parts.deltas or parts.products:
        index = _list_files(parts, repository, files, now_ms())
        read_release(index.text(), index.site if index.site != ANY_SITE else "any")
        files[_INDEX] = NewFile(index.text())
        version = index.version
        if before is not None:
            named = {*index.bases, *(step.target for step in index.deltas), index.products}
            old = {*before.bases, *(step.target for step in before.deltas), before.products} - {""}
            gone = sorted(old - named)
    if parts.denials is not None:
        files[_DENIALS] = NewFile(_denials(parts.denials, _patterns(repository, parts)))
    if parts.policies:
        files |= _policies(repository, parts.policies)
    if not files:
        raise RepositoryMistakeError("nothing is new: name base files, deltas, products, denials or policies")
    repository.publish(files, signers, gone=gone)
    return version


def _index(repository: ReleaseRepository) -> ReleaseIndex | None:
    content = repository.content(_INDEX)
    if content is None:
        return None
    return read_release(content, str(json.loads(content)["site"]))


def _list_files(
    parts: ReleaseParts, repository: ReleaseRepository, files: dict[str, NewFile], now_ms: int
) -> ReleaseIndex:
    before = _index(repository)
    if before is None and not parts.bases:
        raise RepositoryMistakeError("the first release needs base files")
    steps = []
    for path in parts.deltas:
        try:
            delta = ListDelta.parse(path.read_bytes())
        except DeltaError as error:
            raise RepositoryMistakeError(f"{path.name}: {error}") from None
        step = DeltaStep(f"allow/delta-{delta.from_version}-{delta.to_version}", delta.from_version, delta.to_version)
        steps.append(step)
        if before is not None and step.end <= before.version:
            _check_unchanged(path, step, repository)
        files[step.target] = NewFile(path)
    version = steps[-1].end if steps else parts.version or (before.version if before else 0)
    if before is not None and version > highest_after(before.version):
        raise RepositoryMistakeError(f"version {version} leaps: boxes take {highest_after(before.version)} at most")
    if before is not None and version < before.version:
        raise RepositoryMistakeError(f"version {version} is below {before.version}, which boxes have already")
    bases, base_version = (before.bases, before.base_version) if before else ((), 0)
    if parts.bases:
        if before is not None and version == before.version:
            raise RepositoryMistakeError("new base files need a new version")
        base_version = parts.version or version
        bases = [f"allow/base-{base_version}-{number}" for number in range(len(parts.bases))]
        files |= {target: NewFile(path, {"head": _head(path)}) for target, path in zip(bases, parts.bases, strict=True)}
    products = before.products if before else ""
    if parts.products is not None:
        content = _products(parts.products, parts.patterns)
        products = f"allow/products-{hashlib.sha256(content).hexdigest()[:16]}"
        files[products] = NewFile(content)
    earlier = [one for one in (before.deltas if before else ()) if one not in steps]
    kept = [*earlier, *steps][-KEPT_DELTAS:]
    return ReleaseIndex(
        site=parts.site if before is None else before.site,
        version=version,
        issued_ms=now_ms,
        expires_ms=now_ms + parts.days * _DAY_MS,
        base_version=base_version,
        bases=bases,
        deltas=kept,
        products=products,
    )


def _check_unchanged(path: Path, step: DeltaStep, repository: ReleaseRepository) -> None:
    """Refuse other content under a version that boxes have already: two boxes would have two lists by one number."""
    if repository.content(step.target) != path.read_bytes():
        raise RepositoryMistakeError(
            f"{path.name}: version {step.end} is published already, with other content; make a delta to a new version"
        )


def _policies(repository: ReleaseRepository, sources: Sequence[PolicySource]) -> dict[str, NewFile]:
    content = repository.content(_CONFIG)
    there = {one.name: one for one in read_policies(content)} if content is not None else {}
    files = {}
    for source in sources:
        if source.name in there and source.version <= there[source.name].version:
            raise RepositoryMistakeError(
                f"policy {source.name}: a version above {there[source.name].version} is needed"
            )
        target = f"config/policy-{source.name}.toml"
        there[source.name] = PolicyFile(source.name, target, source.version)
        files[target] = NewFile(source.file)
    listed: list[Json] = [{"name": one.name, "target": one.target, "version": one.version} for one in there.values()]
    files[_CONFIG] = NewFile(canonical({"type": CONFIG_TYPE, "policies": listed}))
    return files


def _patterns(repository: ReleaseRepository, parts: ReleaseParts) -> Sequence[OtherPattern]:
    """Give the patterns that will be in force, since denials may speak of the products that they name."""
    if parts.products is not None:
        return ProductTable.parse(_products(parts.products, parts.patterns)).patterns
    index = _index(repository)
    content = repository.content(index.products) if index and index.products else None
    return ProductTable.parse(content).patterns if content is not None else ()


def _products(path: Path, patterns: Path | None) -> bytes:
    """Give the table as a box reads it, whatever form it comes in."""
    content = path.read_bytes()
    try:
        if _is_ready(content, PRODUCTS_TYPE):
            ProductTable.parse(content)
            return content
        known = read_patterns(patterns)
        return ProductTable.of(read_products(path, known), known).encoded()
    except TableError as error:
        raise RepositoryMistakeError(f"{path.name}: {error}") from None


def _denials(path: Path, patterns: Sequence[OtherPattern]) -> bytes:
    content = path.read_bytes()
    try:
        if _is_ready(content, DENIALS_TYPE):
            DenialTable.parse(content, frozenset(one.product_key for one in patterns))
            return content
        return DenialTable.of(read_denials(path, patterns)).encoded()
    except TableError as error:
        raise RepositoryMistakeError(f"{path.name}: {error}") from None


def _is_ready(content: bytes, kind: str) -> bool:
    return content.startswith(b"{") and f'"type":"{kind}"'.encode() in content.partition(b"\n")[0]


def _head(path: Path) -> str:
    """Give SHA-256 of a base file's head, and read the whole file once as a box will."""
    with path.open("rb") as stream:
        try:
            header = Header.parse(stream.read(HEADER_BYTES))
        except BaseFormatError as error:
            raise RepositoryMistakeError(f"{path.name}: {error}") from None
        stream.seek(0)
        digest = hashlib.sha256(stream.read(header.head_bytes)).hexdigest()
    with BaseFile.open(path, digest) as base:
        for number in base.scrub():
            raise RepositoryMistakeError(f"{path.name}: page {number} is damaged")
    return digest
