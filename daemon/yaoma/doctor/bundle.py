"""Bundle: one file to send to whoever helps from afar; no code, no person, no key is in it."""

import io
import json
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from yaoma.config.effective import effective
from yaoma.config.load import Loaded
from yaoma.doctor.board import versions
from yaoma.doctor.counts import counts
from yaoma.doctor.host import Host

__all__ = ["bundle_files", "journald_lines", "scrubbed", "write_bundle"]

_LINES: Final = 500
_JOURNALCTL_S: Final = 20.0

#: What could be a code, a person's number, a hash or a key, wherever it came from. Log lines hold none of them by rule
#: (DESIGN.md 3, promise 5); this is the second lock on the door.
_CODE_LIKE: Final = (
    re.compile(r"\b(?:cn20|gs1|other):\S+", re.IGNORECASE),
    re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|$)", re.DOTALL),
    re.compile(r"(?:\d[ \t]?){10,}[\dXx]"),
    re.compile(r"(?=[A-Za-z0-9+/_=]*\d)[A-Za-z0-9+/_]{24,}={0,2}"),
)
_HIDDEN: Final = "[***]"


def scrubbed(text: str) -> str:
    """Take everything out of a text that looks like a code, a number of a person, or a key."""
    for pattern in _CODE_LIKE:
        text = pattern.sub(_HIDDEN, text)
    return text


def journald_lines(unit: str = "yaoma.service") -> Sequence[str]:
    """Give the daemon's last log lines; none where there is no journald.

    Args:
        unit: Its unit.
    """
    program = shutil.which("journalctl")
    if program is None:
        return ()
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program, its arguments are ours
            [program, "--unit", unit, "--lines", str(_LINES), "--no-pager", "--output", "short-iso"],
            capture_output=True,
            text=True,
            errors="replace",
            check=True,
            timeout=_JOURNALCTL_S,
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return done.stdout.splitlines()


def bundle_files(
    report: Mapping[str, Any],
    loaded: Loaded | None,
    host: Host,
    lines: Callable[[], Sequence[str]] = journald_lines,
) -> dict[str, str]:
    """Make the files of the bundle.

    Args:
        report: The doctor's report.
        loaded: The configuration that counts, or None.
        host: The machine.
        lines: Gives log lines.
    """
    files = {
        "doctor.json": _json(report),
        "versions.json": _json(versions(host)),
        "log.txt": "".join(f"{scrubbed(line)}\n" for line in lines()),
    }
    if loaded is not None:
        files["config.json"] = _json(effective(loaded))
        files["journal.json"] = _json(counts(loaded.config.state.folder))
    return files


def write_bundle(file: Path, files: Mapping[str, str]) -> None:
    """Write them into a new zip that only its owner may read.

    Args:
        file: The zip.
        files: Texts by name.

    Raises:
        FileExistsError: If the file exists.
        OSError: If it can't be written.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(f"yaoma-doctor/{name}", text)
    # Not by way of fchmod: a USB stick with FAT refuses it.
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content.getvalue())
            stream.flush()
            os.fsync(stream.fileno())
    except OSError:
        file.unlink(missing_ok=True)
        raise


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n"
