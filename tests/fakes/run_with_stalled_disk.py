"""Runs `yaoma` with a journal whose commits hang as long as a file named `stalled` lies beside the configuration."""

import sys
import time
from pathlib import Path
from typing import Any

from yaoma.cli import main
from yaoma.shell.journal import Journal

_commit = Journal.commit


def _commit_when_it_moves(journal: Journal, *given: Any, **named: Any) -> Any:
    stalled = Path(sys.argv[sys.argv.index("--config") + 1]).parent / "stalled"
    while stalled.exists():
        time.sleep(0.01)
    return _commit(journal, *given, **named)


if __name__ == "__main__":
    Journal.commit = _commit_when_it_moves  # type: ignore[assignment,method-assign]  # the disk is what is broken here
    sys.exit(main())  # type: ignore[func-returns-value]  # None is success
