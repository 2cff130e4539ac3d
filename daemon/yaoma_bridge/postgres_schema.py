"""PostgreSQL's schema: the tables of the store, made by the same steps as SQLite's."""

from typing import TYPE_CHECKING, Any, Final, cast

from yaoma_bridge.postgres_sql import data_type_sql
from yaoma_bridge.schema import MIGRATIONS

if TYPE_CHECKING:
    from psycopg import Connection
    from sqlite_utils import Database

__all__ = ["applied", "bring_up_to_date", "newest"]

_TABLE: Final = "yaoma_bridge_schema"

#: What the step of SQLite's trigger becomes: a stored record is never changed.
_NO_CHANGE: Final = """
CREATE FUNCTION record_no_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'a stored record is never changed'; END $$
"""
_TRIGGER: Final = (
    "CREATE TRIGGER record_no_change BEFORE UPDATE OR DELETE ON record FOR EACH ROW EXECUTE FUNCTION record_no_change()"
)


class _Steps:
    """Stands in for the database that a step of the schema is given: it runs the step's statements in PostgreSQL.

    Args:
        connection: The connection, in the transaction of the step.
        is_new: Whether the store is being made: then there is nothing to move.
    """

    def __init__(self, connection: "Connection[Any]", *, is_new: bool) -> None:
        self._connection = connection
        self._is_new = is_new

    def execute(self, sql: str) -> None:
        """Run one statement."""
        word = sql.split(None, 1)[0].upper()
        if word in {"INSERT", "UPDATE", "DELETE"}:
            if not self._is_new:
                self._connection.execute(sql.encode())
        elif "TRIGGER" not in sql:
            self._connection.execute(data_type_sql(sql).encode())


def newest() -> str:
    """Give the name of the last step."""
    return MIGRATIONS._migrations[-1].name  # noqa: SLF001 - sqlite-utils has no public list of them


def applied(connection: "Connection[Any]") -> list[str]:
    """Give the steps that a store has taken, in order; none if there is no store."""
    found = connection.execute("SELECT to_regclass(%s)", (_TABLE,)).fetchone()
    if found is None or found[0] is None:
        return []
    return [name for (name,) in connection.execute(f"SELECT name FROM {_TABLE} ORDER BY id".encode())]  # noqa: S608 - constant


def bring_up_to_date(connection: "Connection[Any]") -> None:
    """Take the steps that are lacking, all in the transaction that is open.

    Args:
        connection: The connection; nobody else makes the store meanwhile.
    """
    done = applied(connection)
    if not done:
        connection.execute(
            f"CREATE TABLE {_TABLE} (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT UNIQUE)".encode()
        )
    steps = _Steps(connection, is_new=not done)
    for migration in MIGRATIONS._migrations:  # noqa: SLF001 - as above
        if migration.name not in done:
            migration.fn(cast("Database", steps))
            connection.execute(f"INSERT INTO {_TABLE} (name) VALUES (%s)".encode(), (migration.name,))  # noqa: S608 - constant
    if not done:
        connection.execute(_NO_CHANGE)
        connection.execute(_TRIGGER)
