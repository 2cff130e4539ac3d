"""Set aside: moves a damaged database and its companions away, to look at later; nothing is ever deleted."""

from pathlib import Path

from yaoma.shell.database import free_number, fsync_folder

__all__ = ["set_aside"]


def set_aside(path: Path) -> None:
    """Move a database into the folder `aside` beside it, under the next free number.

    Args:
        path: The file, such as site.db; `-wal` and `-shm` go with it.
    """
    aside = path.parent / "aside"
    aside.mkdir(mode=0o700, exist_ok=True)
    number = free_number(aside, path.stem)
    for suffix in ("-shm", "-wal", ""):
        companion = path.with_name(f"{path.name}{suffix}")
        if companion.exists():
            companion.rename(aside / f"{path.stem}-{number}{path.suffix}{suffix}")
    fsync_folder(aside)
    fsync_folder(path.parent)
