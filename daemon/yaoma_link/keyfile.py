"""Key file: writes secrets and public files so that a power cut leaves the old file or the new one, never half."""

import errno
import os
import secrets
from pathlib import Path
from typing import Final

__all__ = ["FileExistsAlreadyError", "refuse_existing", "write_public", "write_secret"]

#: FAT has no modes and refuses to set one; other file systems say that they know no such call.
_NO_MODES: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS})
#: Some file systems can't sync a folder; with them a new name is as safe as it gets.
_NO_FOLDER_SYNC: Final = frozenset({errno.EINVAL, errno.ENOTSUP})


class FileExistsAlreadyError(Exception):
    """A file that must not be lost stands where a new one should go.

    Args:
        file: Which one.
    """

    def __init__(self, file: Path) -> None:
        super().__init__(f"{file} exists already and is not overwritten; move it away first")
        self.file = file


def refuse_existing(*files: Path) -> None:
    """Make sure that nothing would be overwritten, before the first of several files is written.

    Raises:
        FileExistsAlreadyError: If one of them exists.
    """
    for file in files:
        if file.exists() or file.is_symlink():
            raise FileExistsAlreadyError(file)


def write_secret(file: Path, content: bytes) -> None:
    """Write a private key: mode 0600 from its first byte, never over an existing file.

    A file system without modes, such as a boot partition's FAT, can't keep a secret: nothing is written there.

    Args:
        file: Where to; its folder is made with mode 0700 if it is missing.
        content: The bytes.

    Raises:
        FileExistsAlreadyError: If the file exists.
        OSError: If it can't be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(file, content, 0o600, replace=False, needs_mode=True)


def write_public(file: Path, content: bytes, *, replace: bool = False) -> None:
    """Write a file that anybody may read, such as a certificate; also where there are no modes (FAT).

    Args:
        file: Where to; its folder is made if it is missing.
        content: The bytes.
        replace: Whether an existing file may go.

    Raises:
        FileExistsAlreadyError: If the file exists and may not go.
        OSError: If it can't be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    _write(file, content, 0o644, replace=replace, needs_mode=False)


def _write(file: Path, content: bytes, mode: int, *, replace: bool, needs_mode: bool) -> None:
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            _set_mode(stream.fileno(), mode, needed=needs_mode)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if not replace:
            refuse_existing(file)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
    _sync_folder(file.parent)


def _set_mode(descriptor: int, mode: int, *, needed: bool) -> None:
    """Set it: the umask must not decide who reads a certificate."""
    try:
        os.fchmod(descriptor, mode)
    except OSError as error:
        if needed or error.errno not in _NO_MODES:
            raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(descriptor)
