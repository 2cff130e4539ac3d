"""Key files: each one there, readable for the service and for nobody else, and of the right kind."""

import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from yaoma.config.model import Config
from yaoma.core.checkpoint import box_key_name
from yaoma.core.note import NoteError
from yaoma.core.sealed import SealKeyError
from yaoma.doctor.finding import Finding, Group, ok, trouble, warning
from yaoma.doctor.host import Account, may
from yaoma.shell.sealing import Sealer, load_seal_keys
from yaoma_link.identity import IdentityError, load_signer, load_verifiers

__all__ = ["check_keys", "check_secret"]

_KEYS: Final = Group.KEYS


@dataclass(frozen=True, slots=True)
class _File:
    """A key file and how to read it."""

    path: Path
    read: Callable[[], object]
    is_secret: bool = False


def check_keys(config: Config, service: Account) -> list[Finding]:
    """Look at the box's own keys and at the centre's public ones.

    Args:
        config: Names the files.
        service: The user that the daemon runs as.
    """
    keys = config.keys
    files = [
        _File(keys.signing, lambda: load_signer(keys.signing, box_key_name(config.site, config.box)), is_secret=True),
        _File(keys.bridge, lambda: load_verifiers(keys.bridge)),
        _File(keys.list, lambda: load_verifiers(keys.list)),
    ]
    if (sheet := keys.sheet) is not None:
        files.append(_File(sheet, lambda: load_verifiers(sheet)))
    if keys.salt is not None:
        salt = keys.salt
        files.append(_File(salt, lambda: _sealer(keys.seal, salt), is_secret=True))
    findings = [finding for file in files for finding in _check(file, service)]
    return findings or [ok(_KEYS, "doctor.keys_sound", number=len(files))]


def check_secret(path: Path, service: Account) -> list[Finding]:
    """See that a private file may be read by the service and by nobody else.

    Args:
        path: The file; one that is not there is another check's affair.
        service: The user that the daemon runs as.
    """
    try:
        status = path.stat()
    except OSError:
        return []
    mode = stat.S_IMODE(status.st_mode)
    facts = {"file": str(path), "mode": f"{mode:04o}", "user": service.name}
    if not may(service, status):
        return [trouble(_KEYS, "doctor.key_not_readable", **facts)]
    if mode & 0o007:
        return [trouble(_KEYS, "doctor.key_open", **facts)]
    if mode & 0o070:
        # A group of the service alone is a known way to hand out keys.
        return [warning(_KEYS, "doctor.key_open_to_group", **facts)]
    return []


def _check(file: _File, service: Account) -> list[Finding]:
    name = str(file.path)
    try:
        file.read()
    except (FileNotFoundError, NotADirectoryError):
        return [trouble(_KEYS, "doctor.key_absent", file=name)]
    except IdentityError as error:
        # The class tells a file that is not there from one that holds something else only by its cause.
        absent = not file.path.exists()
        found = trouble(_KEYS, "doctor.key_absent" if absent else "doctor.key_wrong", error.problem, file=name)
        return [found, *([] if absent else check_secret(file.path, service) if file.is_secret else [])]
    except (NoteError, SealKeyError, OSError, ValueError) as error:
        return [trouble(_KEYS, "doctor.key_wrong", str(error), file=name)]
    return check_secret(file.path, service) if file.is_secret else []


def _sealer(seal: Sequence[Path], salt: Path) -> Sealer:
    return Sealer([key for path in seal for key in load_seal_keys(path)], salt.read_bytes())
