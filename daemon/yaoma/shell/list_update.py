"""List update: brings a signed release into force, or leaves the one that is (DESIGN.md 7, ALLOWLIST.md 2)."""

import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from yaoma.core.base_layout import PageDamagedError
from yaoma.core.list_delta import MAX_DELTA_BYTES, DeltaError, DeltaReader
from yaoma.core.release import ReleaseIndex, highest_after, read_policies, read_release
from yaoma.core.site_list import ListRefusedError
from yaoma.shell.base_file import BaseFile, BaseRefusedError
from yaoma.shell.clock import RELEASED_MS
from yaoma.shell.database import fsync_folder
from yaoma.shell.list_db import DAMAGED, LIST_FLOOR, ListDb
from yaoma.shell.list_release import FileKind, FloorError, ListFile, OverlayRow, Release, ReleaseChange
from yaoma.shell.list_tables import TableRefusedError, read_denials, read_products
from yaoma.shell.release_source import Fetched, ReleaseRefusedError, ReleaseSource

__all__ = ["CONFIG_INDEX", "DENIALS", "MAX_OVERLAY", "RELEASE_INDEX", "Outcome", "clear_leftovers", "update"]

log = logging.getLogger("yaoma.list")

#: Where the three delegated roles say what is newest; the names never change, the content does.
RELEASE_INDEX: Final = "allow/release.json"
DENIALS: Final = "deny/denials"
CONFIG_INDEX: Final = "config/index.json"

#: Past this a new base costs less than what look-ups lose (ALLOWLIST.md 1.5).
MAX_OVERLAY: Final = 1_000_000

_MAX_INDEX_BYTES: Final = 1 << 20
_MAX_TABLE_BYTES: Final = 64 << 20
_MAX_BASE_BYTES: Final = 2 << 30
#: What must stay free on the disk beside a download: the journal comes first.
_SPARE_BYTES: Final = 128 << 20

_REFUSALS: Final = (
    BaseRefusedError,
    DeltaError,
    FloorError,
    ListRefusedError,
    PageDamagedError,
    ReleaseRefusedError,
    TableRefusedError,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an update came to.

    Args:
        version: The release in force now.
        before: The one before it; 0 if there was none.
        way: `none` if there was nothing new, `delta`, or `base`.
        rows: How many codes deltas have changed.
        policy_problem: Why the policy that came is not used and the one before it stays; empty if all is well.
    """

    version: int
    before: int
    way: str
    rows: int = 0
    policy_problem: str = ""


def update(db: ListDb, source: ReleaseSource, *, site: str, policies: Sequence[str] = ()) -> Outcome:
    """Fetch what is newest, check it, and bring it into force in one transaction.

    Args:
        db: list.db; its folder is the caller's alone as long as this takes.
        source: Where signed files come from.
        site: The institution of this box.
        policies: Names of the policies that the box uses; no other is fetched.

    Raises:
        ReleaseRefusedError: If anything is not as it was signed, is older than what is in force, or has expired.
        SourceUnreachableError: If it can't be fetched now.
        DatabaseError: If list.db can't be written.
        OSError: If the disk refuses.
    """
    try:
        return _update(db, source, site, policies)
    except _REFUSALS as error:
        clear_leftovers(db)
        raise ReleaseRefusedError(str(error)) from error


def clear_leftovers(db: ListDb) -> None:
    """Delete files that no release names: what a cut left half, and what a re-base has replaced."""
    named = {file.name for file in db.files()}
    for path in db.folder.iterdir() if db.folder.exists() else ():
        if path.name in named or path.name == "lock":
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _update(db: ListDb, source: ReleaseSource, site: str, policies: Sequence[str]) -> Outcome:
    floors = db.floors()
    source.refresh(db.metadata(), floors, floor_ms=RELEASED_MS)
    index = read_release(source.small(RELEASE_INDEX, _MAX_INDEX_BYTES), site)
    _check_version(LIST_FLOOR, index.version, floors.get(LIST_FLOOR, 0))
    before, files = db.release(), db.files()
    chosen, policy_problem = _policies(db, source, policies)
    tables = [*_tables(db, source, index), *chosen]
    plan = _plan(db, source, index, None if DAMAGED in floors else before, files)
    signed = source.signed()
    release = Release(
        site=index.site,
        version=index.version,
        # Whoever signs may lie about the time; no further than the bounded one is it believed.
        issued_ms=min(max(index.issued_ms, signed.issued_ms), signed.time_ms),
        expires_ms=min(index.expires_ms, signed.expires_ms),
    )
    policy_floors = {f"policy:{file.title}": file.version for file in tables if file.title}
    db.install(
        ReleaseChange(
            release=release,
            files=[*plan.bases, *tables],
            rows=_rows(plan.steps),
            is_rebase=plan.way == "base",
            metadata=signed.metadata,
            floors={**signed.floors, **policy_floors},
            lowered=signed.lowered,
        )
    )
    clear_leftovers(db)
    outcome = Outcome(index.version, before.version if before else 0, plan.way, plan.count, policy_problem)
    log.info("release in force: version=%d before=%d way=%s", outcome.version, outcome.before, outcome.way)
    return outcome


@dataclass(frozen=True, slots=True)
class _Plan:
    way: str
    bases: Sequence[ListFile]
    steps: Sequence["_Step"]

    @property
    def count(self) -> int:
        """How many rows the deltas have."""
        return sum(step.count for step in self.steps)


@dataclass(frozen=True, slots=True)
class _Step:
    """A delta on the disk; its rows are read while they are written, for all at once would not fit into memory."""

    path: Path
    count: int

    def rows(self) -> Iterator[OverlayRow]:
        with _opened(self.path) as reader:
            for key, known in reader.rows():
                if known is None:
                    yield OverlayRow(key, False)
                else:
                    yield OverlayRow(key, True, None, known.lot, known.expiry.isoformat() if known.expiry else None)


def _plan(
    db: ListDb, source: ReleaseSource, index: ReleaseIndex, before: Release | None, files: Sequence[ListFile]
) -> _Plan:
    """Decide how to come to the new version, and fetch what that takes."""
    bases = [file for file in files if file.kind is FileKind.BASE]
    way = index.way_from(before.version) if before and before.site == index.site and _sound(db, bases) else None
    if way is not None and before is not None:
        deltas = [source.find(step.target, MAX_DELTA_BYTES) for step in way]
        behind = [source.find(step.target, MAX_DELTA_BYTES) for step in index.way_from(index.base_version) or ()]
        bases_bytes = sum(source.find(target, _MAX_BASE_BYTES).length for target in index.bases)
        if sum(one.length for one in deltas) <= bases_bytes + sum(one.length for one in behind):
            steps = [_delta(source, found, step.begin, step.end) for step, found in zip(way, deltas, strict=True)]
            if db.overlay_size() + sum(step.count for step in steps) <= MAX_OVERLAY:
                return _Plan("delta" if steps else "none", bases, steps)
    fetched = [_base(db, source, target) for target in index.bases]
    rest = index.way_from(index.base_version) or ()
    steps = [_delta(source, source.find(one.target, MAX_DELTA_BYTES), one.begin, one.end) for one in rest]
    plan = _Plan("base", fetched, steps)
    if plan.count > MAX_OVERLAY:
        log.warning("the deltas since the base are long, the centre should publish a new base: rows=%d", plan.count)
    return plan


def _sound(db: ListDb, bases: Sequence[ListFile]) -> bool:
    """Read every page of the base files once more; where one is damaged the base is fetched anew."""
    for file in bases:
        try:
            with BaseFile.open(db.folder / file.name, file.digest.hex()) as base:
                damaged = next(base.scrub(), None)
        except BaseRefusedError as error:
            log.warning("list file can't be used, it is fetched anew: reason=%s", error.reason.value)
            return False
        if damaged is not None:
            log.warning("list file has a damaged page, it is fetched anew: page=%d", damaged)
            return False
    return bool(bases)


def _delta(source: ReleaseSource, found: Fetched, begin: int, end: int) -> _Step:
    path = source.kept(found)
    with _opened(path) as delta:
        if (delta.from_version, delta.to_version) != (begin, end):
            raise DeltaError("a delta leads to another version than the release says")
        return _Step(path, delta.count)


@contextmanager
def _opened(path: Path) -> Iterator[DeltaReader]:
    with path.open("rb") as stream:
        yield DeltaReader(partial(_read_at, stream), path.stat().st_size)


def _read_at(stream: BinaryIO, at: int, size: int) -> bytes:
    stream.seek(at)
    return stream.read(size)


def _rows(steps: Sequence[_Step]) -> Iterator[OverlayRow]:
    for step in steps:
        yield from step.rows()


def _base(db: ListDb, source: ReleaseSource, target: str) -> ListFile:
    """Fetch a base, and read every page of it once before anything names it."""
    found = source.find(target, _MAX_BASE_BYTES)
    head = found.custom.get("head")
    if not isinstance(head, str) or len(head) != 64:  # noqa: PLR2004 - SHA-256 in hexadecimal
        raise ReleaseRefusedError(f"{target}: the release does not say what its head is")
    path = db.folder / f"base-{head[:32]}"
    _fetch(source, found, path)
    with BaseFile.open(path, head) as base:
        for number in base.scrub():
            raise PageDamagedError(number)
    return ListFile(path.name, FileKind.BASE, bytes.fromhex(head))


def _tables(db: ListDb, source: ReleaseSource, index: ReleaseIndex) -> Iterator[ListFile]:
    """Fetch products and denials, and read them once before anything names them."""
    named: frozenset[str] = frozenset()
    if index.products:
        products = _small_file(db, source, index.products, FileKind.PRODUCTS)
        table = read_products(db.folder / products.name, products.digest)
        named = frozenset(pattern.product_key for pattern in table.patterns)
        yield products
    if source.has(DENIALS):
        denials = _small_file(db, source, DENIALS, FileKind.DENIALS)
        read_denials(db.folder / denials.name, denials.digest, named)
        yield denials


def _check_version(name: str, version: int, floor: int) -> None:
    """Refuse a version that goes back, and one that leaves the centre no room above it."""
    if version < floor:
        raise FloorError(name, version, floor)
    if version > highest_after(floor):
        raise ReleaseRefusedError(
            f"{name}: version {version} leaps; after {floor} comes {highest_after(floor)} at most"
        )


def _policies(db: ListDb, source: ReleaseSource, names: Sequence[str]) -> tuple[list[ListFile], str]:
    """Fetch the policies that the box uses; recalls don't wait for one whose number is wrong.

    Returns:
        The files, and why one of before stays in force in place of what came.
    """
    if not names or not source.has(CONFIG_INDEX):
        return [], ""
    floors, held = db.floors(), {file.title: file for file in db.files() if file.kind is FileKind.POLICY}
    found, problem = [], ""
    for policy in read_policies(source.small(CONFIG_INDEX, _MAX_INDEX_BYTES)):
        if policy.name not in names:
            continue
        try:
            _check_version(f"policy {policy.name}", policy.version, floors.get(f"policy:{policy.name}", 0))
        except (FloorError, ReleaseRefusedError) as error:
            problem = str(error)
            log.warning("policy stays as it is: problem=%s", problem)
            found += [held[policy.name]] if policy.name in held else []
            continue
        fetched = _small_file(db, source, policy.target, FileKind.POLICY)
        found.append(replace(fetched, version=policy.version, title=policy.name))
    return found, problem


def _small_file(db: ListDb, source: ReleaseSource, target: str, kind: FileKind) -> ListFile:
    found = source.find(target, _MAX_TABLE_BYTES)
    path = db.folder / f"{kind.value}-{found.digest.hex()[:32]}"
    _fetch(source, found, path)
    return ListFile(path.name, kind, found.digest)


def _fetch(source: ReleaseSource, found: Fetched, path: Path) -> None:
    """Fetch a file under its own name; the name is there only when the whole content is on the disk."""
    if path.exists() and path.stat().st_size == found.length and source.fits(found, path):
        return
    # One that is there and does not fit stays until the new one takes its name: most of its pages may still answer.
    if shutil.disk_usage(path.parent).free < 2 * found.length + _SPARE_BYTES:
        raise OSError(28, "No space left for the list", str(path))
    partial = path.with_name(f"{path.name}.part")
    source.download(found, partial)
    descriptor = os.open(partial, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    partial.rename(path)
    fsync_folder(path.parent)
