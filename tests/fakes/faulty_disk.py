"""A disk in memory under a real SQLite (apsw): it loses power, refuses, or lies, as the test says.

Writes lie in the cache, sector by sector, until the file is synced. At the cut each of those sectors survives or not,
alone, in any order, maybe torn. The surviving image is written to the real folder, where the real code opens it.
"""

import itertools
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import apsw

from yaoma.shell import journal_folder
from yaoma.shell.database import Opener, fsync_folder

SECTOR_BYTES = 512

_numbers = itertools.count()


class PowerCutError(BaseException):
    """The box is without power: nothing of the program runs on from here, so no `except Exception` may hold it."""


class HeldFile:
    """A file as the program sees it, and as it stands on the medium.

    Args:
        durable: What is on the medium, or None if its name is not there yet.
    """

    def __init__(self, durable: bytes | None) -> None:
        self.durable = None if durable is None else bytearray(durable)
        self.content = bytearray(durable or b"")
        self._versions: dict[int, list[bytes]] = {}
        self._sizes: list[int] = []

    def write(self, chunk: bytes, offset: int) -> None:
        """Write into the cache."""
        self.content.extend(bytes(max(0, offset - len(self.content))))
        self.content[offset : offset + len(chunk)] = chunk
        self._sizes.append(len(self.content))
        for sector in range(offset // SECTOR_BYTES, (offset + len(chunk) - 1) // SECTOR_BYTES + 1):
            self._versions.setdefault(sector, []).append(self._sector(sector))

    def truncate(self, size: int) -> None:
        """Cut the file's end off, in the cache."""
        del self.content[size:]
        self._sizes.append(size)

    def sync(self) -> None:
        """Bring what is dirty to the medium; what a failed sync has forgotten is no longer dirty."""
        self.durable = bytearray() if self.durable is None else self.durable
        for sector in self._versions:
            start = sector * SECTOR_BYTES
            self.durable.extend(bytes(max(0, start - len(self.durable))))
            self.durable[start : start + SECTOR_BYTES] = self._sector(sector)
        del self.durable[len(self.content) :]
        self.durable.extend(bytes(len(self.content) - len(self.durable)))
        self.forget()

    def forget(self) -> None:
        """Take the dirty sectors for clean, as Linux does after a sync that failed."""
        self._versions.clear()
        self._sizes.clear()

    def survivor(self, dice: Random) -> bytes | None:
        """Throw the dice over everything that was not synced; None if the file's name is lost."""
        if self.durable is None and dice.random() < 0.5:
            return None
        image = bytearray(self.durable or b"")
        size = dice.choice([len(image), *self._sizes[-8:]])
        for sector, versions in self._versions.items():
            if dice.random() < 0.5:
                continue
            start = sector * SECTOR_BYTES
            image.extend(bytes(max(0, start + SECTOR_BYTES - len(image))))
            new = dice.choice([versions[-1], dice.choice(versions)])
            torn_at = dice.randrange(1, SECTOR_BYTES) if dice.random() < 0.2 else SECTOR_BYTES
            if torn_at < SECTOR_BYTES and dice.random() < 0.3:
                new = new[:torn_at] + dice.randbytes(SECTOR_BYTES - torn_at)
                torn_at = SECTOR_BYTES
            image[start : start + torn_at] = new[:torn_at]
        image.extend(bytes(max(0, size - len(image))))
        return bytes(image[:size])

    def _sector(self, sector: int) -> bytes:
        return bytes(self.content[sector * SECTOR_BYTES : (sector + 1) * SECTOR_BYTES]).ljust(SECTOR_BYTES, b"\0")


class FaultyDisk:
    """A disk whose faults come at a numbered moment: a moment is a write, sync, truncation, deletion or rename.

    Args:
        dice: Decides what survives.
        cut_at: The moment of the power cut, or None.
        fail_at: The moment from which the disk refuses, or None.
        code: SQLite's result code of the refusal.
        lasting: It goes on refusing until `heal`; else only that one moment is refused.
        lying: A sync does nothing and says it did.
    """

    def __init__(
        self,
        dice: Random,
        *,
        cut_at: int | None = None,
        fail_at: int | None = None,
        code: int = apsw.SQLITE_IOERR_WRITE,
        lasting: bool = True,
        lying: bool = False,
    ) -> None:
        self.moments = 0
        self.off = False
        self.failed = False
        self.lying = lying
        self._dice = dice
        self._cut_at, self._fail_at, self._code, self._lasting = cut_at, fail_at, code, lasting
        self._files: dict[str, HeldFile] = {}
        self._folder_changes: list[tuple[str, str | None, HeldFile | None]] = []
        self._vfs = _Vfs(self, f"faulty-disk-{next(_numbers)}")

    def opener(self, level: str = "FULL", *, autocheckpoint_pages: int = 12) -> Opener:
        """Give an opener for this disk.

        Args:
            level: What `synchronous` is set to in truth; the program always reads back what it set.
            autocheckpoint_pages: How often SQLite brings the WAL into the file; few, so that short runs see it.
        """
        return lambda path: _Adapter(self, path.absolute(), self._vfs.name, level, autocheckpoint_pages)

    def heal(self) -> None:
        """Let the disk work again."""
        self._fail_at = None

    def cut(self) -> None:
        """Write what survives into the real folder; the disk is of no more use."""
        self.off = True
        undone = self._dice.randint(0, len(self._folder_changes))
        for name, target, held in reversed(self._folder_changes[len(self._folder_changes) - undone :]):
            if target is not None:
                Path(target).rename(name)
                if target in self._files:
                    self._files[name] = self._files.pop(target)
            elif held is not None:
                self._files.setdefault(name, held)
        for name, held in self._files.items():
            image = held.survivor(self._dice)
            if image is None:
                Path(name).unlink(missing_ok=True)
            else:
                Path(name).write_bytes(image)
        self.close()

    def close(self) -> None:
        """Take the disk out of SQLite."""
        self._vfs.unregister()

    @contextmanager
    def renames(self) -> Iterator[None]:
        """Count renames and folder syncs as moments too; a rename lasts once any folder is synced (ext4's journal)."""
        rename = Path.rename

        def renamed(path: Path, target: Path) -> Path:
            self._moment_outside()
            assert not target.exists(), f"{target.name} would be lost"
            result = rename(path, target)
            if str(path) in self._files:
                self._files[str(target)] = self._files.pop(str(path))
            self._folder_changes.append((str(path), str(target), None))
            return result

        def synced(folder: Path) -> None:
            self._moment_outside()
            fsync_folder(folder)
            self._folder_changes.clear()

        with patch.object(Path, "rename", renamed), patch.object(journal_folder, "fsync_folder", synced):
            yield

    def held(self, name: str) -> HeldFile | None:
        """Give a file, loaded from the real folder at first sight."""
        if name not in self._files and not self.off and Path(name).exists():
            self._files[name] = HeldFile(Path(name).read_bytes())
        return self._files.get(name)

    def made(self, name: str) -> HeldFile:
        """Give a file, new if there is none."""
        return self.held(name) or self._files.setdefault(name, HeldFile(None))

    def removed(self, name: str, *, durable: bool) -> None:
        """Delete a file; without a sync of the folder the power cut may bring it back."""
        held = self.held(name)
        if held is not None and self._goes_through():
            del self._files[name]
            Path(name).unlink(missing_ok=True)
            if not durable or self.lying:
                self._folder_changes.append((name, None, held))

    def change(self, apply: Callable[[], None], refused: Callable[[], None] | None = None) -> None:
        """Do a write, sync or truncation, unless this is the moment of a fault."""
        if self.off:
            return
        if self._refuses():
            if refused is not None:
                refused()
            raise apsw.exception_for(self._code)
        cut = self.moments == self._cut_at
        if not cut or refused is None:
            apply()
        if cut:
            self.off = True
            raise apsw.exception_for(apsw.SQLITE_IOERR)

    def synced(self, held: HeldFile) -> None:
        """Sync a file, and with a new one its folder, as SQLite's own VFS for Unix does."""

        def apply() -> None:
            if not self.lying:
                if held.durable is None:
                    self._folder_changes.clear()
                held.sync()

        self.change(apply, held.forget)

    def mirrored(self) -> None:
        """Show the real folder what the program sees; other programs would see it too."""
        if not self.off:
            for name, held in self._files.items():
                Path(name).write_bytes(held.content)

    def _goes_through(self) -> bool:
        done: list[bool] = []
        self.change(lambda: done.append(True))
        return bool(done)

    def _refuses(self) -> bool:
        self.moments += 1
        if self._fail_at is None or self.moments < self._fail_at:
            return False
        if not self._lasting:
            self._fail_at = None
        self.failed = True
        return True

    def _moment_outside(self) -> None:
        """Let the fault come in a folder operation, which does not go through SQLite."""
        if self.off:
            raise PowerCutError
        try:
            self.change(lambda: None, lambda: None)
        except apsw.Error as error:
            if self.off:
                raise PowerCutError from error
            raise OSError(5, "Input/output error") from error


class _Vfs(apsw.VFS):
    def __init__(self, disk: FaultyDisk, name: str) -> None:
        super().__init__(name, "unix")
        self.name = name
        self._disk = disk

    def xOpen(  # type: ignore[override]  # noqa: N802 - SQLite's name; apsw takes any object with these methods
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> "_OpenFile":
        assert name is not None, "no statement here is large enough to need a temporary file"
        flags[1] = flags[0]
        return _OpenFile(self._disk, self._disk.made(name if isinstance(name, str) else name.filename()))

    def xDelete(self, name: str, syncdir: bool) -> None:  # noqa: N802, FBT001 - SQLite's name and call
        self._disk.removed(name, durable=syncdir)

    def xAccess(self, name: str, flags: int) -> bool:  # noqa: N802 - SQLite's name
        return self._disk.held(name) is not None


class _OpenFile:
    def __init__(self, disk: FaultyDisk, held: HeldFile) -> None:
        self._disk, self._held = disk, held

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - SQLite's name
        return bytes(self._held.content[offset : offset + amount])

    def xWrite(self, chunk: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        self._disk.change(lambda: self._held.write(bytes(chunk), offset))

    def xTruncate(self, size: int) -> None:  # noqa: N802 - SQLite's name
        self._disk.change(lambda: self._held.truncate(size))

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        self._disk.synced(self._held)

    def xFileSize(self) -> int:  # noqa: N802 - SQLite's name
        return len(self._held.content)

    def xSectorSize(self) -> int:  # noqa: N802 - SQLite's name
        return 4096  # what SQLite's own VFS for Unix says, also on disks that tear at 512

    def xDeviceCharacteristics(self) -> int:  # noqa: N802 - SQLite's name
        return 0  # not even that a torn write leaves its neighbours alone

    def xFileControl(self, operation: int, pointer: int) -> bool:  # noqa: N802 - SQLite's name
        return False

    def xCheckReservedLock(self) -> bool:  # noqa: N802 - SQLite's name
        return False

    def xLock(self, level: int) -> None:  # noqa: N802 - SQLite's name
        """One program has the disk to itself."""

    def xUnlock(self, level: int) -> None:  # noqa: N802 - SQLite's name
        """One program has the disk to itself."""

    def xClose(self) -> None:  # noqa: N802 - SQLite's name
        """Closing syncs nothing."""


class _Adapter:
    """An apsw connection that speaks and fails like the standard library's."""

    def __init__(self, disk: FaultyDisk, path: Path, vfs: str, level: str, autocheckpoint_pages: int) -> None:
        self._disk, self._level, self._connection = disk, level, apsw.Connection(str(path), vfs=vfs)
        # There is no shared memory here; alone in exclusive mode, WAL needs none.
        self.execute("PRAGMA locking_mode=EXCLUSIVE")
        self._autocheckpoint_pages = autocheckpoint_pages
        self._connection.set_wal_hook(self._checkpoint)

    def _checkpoint(self, connection: apsw.Connection, schema: str, pages: int) -> int:
        """Do as SQLite's own hook does: what fails here fails silently, the commit stands in the WAL."""
        if pages >= self._autocheckpoint_pages:
            with suppress(apsw.Error):
                connection.wal_checkpoint(schema)
        return 0

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> list[Any]:
        if self._level != "FULL" and sql.startswith("PRAGMA synchronous"):
            with self._translated():
                self._connection.execute(f"PRAGMA synchronous={self._level}")
            return [] if "=" in sql else [(2,)]
        with self._translated():
            return list(self._connection.execute(sql, parameters))

    def close(self) -> None:
        # The standard library's close keeps quiet too; its checkpoint is tried again at the next start.
        with suppress(apsw.Error):
            self._connection.close(True)
        if self._disk.off:
            raise PowerCutError
        self._disk.mirrored()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except apsw.Error as error:
            if self._disk.off:
                raise PowerCutError from error
            code = int(getattr(error, "extendedresult", None) or sqlite3.SQLITE_ERROR)
            damaged = code & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}
            failure = (sqlite3.DatabaseError if damaged else sqlite3.OperationalError)(str(error))
            failure.sqlite_errorcode = code
            raise failure from error
        if self._disk.off:
            raise PowerCutError
