"""Migrations: a new file gets its schema, an existing one is opened without the library that makes it."""

import sqlite3
import subprocess
import sys
from pathlib import Path

from fakes.counter import CounterBench
from yaoma.shell.migrate import STEPS, migrate
from yaoma.shell.schema import SETS


def test_steps_are_as_many_as_the_schemas_have() -> None:
    """The number that saves the import agrees with the migrations themselves."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    from sqlite_utils import Database  # noqa: PLC0415 - only here

    assert STEPS == {kind: len(migrations.pending(Database(connection))) for kind, migrations in SETS.items()}
    connection.close()


def test_migrate_when_all_steps_are_there_changes_nothing() -> None:
    """A second call finds nothing to do."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, "site")
    before = connection.execute("SELECT * FROM sqlite_master").fetchall()
    migrate(connection, "site")

    assert before == connection.execute("SELECT * FROM sqlite_master").fetchall()
    connection.close()


def test_existing_files_are_opened_without_importing_sqlite_utils(tmp_path: Path) -> None:
    """A daemon that starts on its own files does not pay for the library."""
    CounterBench(tmp_path / "state").stop()
    code = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from pathlib import Path\n"
        "from fakes.counter import CounterBench\n"
        f"CounterBench(Path({str(tmp_path / 'state')!r})).stop()\n"
        "print('sqlite_utils' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )

    assert done.stdout.strip() == "False"
