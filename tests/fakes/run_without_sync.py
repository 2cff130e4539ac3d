"""Runs `yaoma` with a journal that does not wait for the disk: what a power cut then takes, a test must see."""

import sys

from yaoma.cli import main
from yaoma.shell import log_file
from yaoma.shell.database import Connection, pragma


def _careless(connection: Connection, name: str, value: str | int | None = None) -> str | int | None:
    if name == "synchronous":
        pragma(connection, name, "NORMAL")
        return 2  # what LogFile wants to read back
    return pragma(connection, name, value)


if __name__ == "__main__":
    log_file.pragma = _careless  # type: ignore[attr-defined]  # the name that LogFile calls
    sys.exit(main())  # type: ignore[func-returns-value]  # None is success
