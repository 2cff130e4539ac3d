"""A log that has ended: read again when a restored bridge asks for records that it once had."""

from pathlib import Path

from yaoma.core.record import Record, RecordError
from yaoma.shell.database import DatabaseDamagedError
from yaoma.shell.journal import checked_bodies
from yaoma.shell.log_file import LogFile

__all__ = ["ClosedLog"]


class ClosedLog:
    """Reads the file of an ended log, or of the open one from another process; nothing is ever written.

    Args:
        path: The file.

    Raises:
        DatabaseError: If it can't be read.
    """

    def __init__(self, path: Path) -> None:
        self._file = LogFile.read_only(path)
        try:
            self.size = self._file.size()
            rows = self._file.rows(0, 1)
            self.log = Record.read(rows[0][1]).log
            notes = self._file.checkpoints()
        except (IndexError, RecordError) as error:
            self._file.close()
            raise DatabaseDamagedError(path, "the log's first record is missing or damaged") from error
        except BaseException:
            self._file.close()
            raise
        self._checkpoint = notes[0].note if notes else None

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    def bodies(self, first: int, last: int) -> list[bytes]:
        """Give the bodies of a half-open range, each checked against its hash.

        Raises:
            DatabaseDamagedError: If one is missing or altered.
            DatabaseUnavailableError: If the file can't be read.
        """
        return checked_bodies(self._file, first, min(last, self.size))

    def leaf_hashes(self, first: int, last: int) -> list[bytes]:
        """Give the leaf hashes of a half-open range."""
        return self._file.leaves(first, min(last, self.size))

    def sealed(self, first: int, last: int) -> dict[int, bytes]:
        """Give the sealed identities of a half-open range, by place."""
        return self._file.sealed(first, min(last, self.size))

    def newest_checkpoint(self) -> str | None:
        """Give the newest signed checkpoint."""
        return self._checkpoint

    def checkpoints(self) -> list[tuple[int, str]]:
        """Give every signed checkpoint with its size, oldest first."""
        return [(one.size, one.note) for one in reversed(self._file.checkpoints(-1))]

    def close(self) -> None:
        """Close the file."""
        self._file.close()
