"""Postgres: a real server in a temporary folder, with a database for whoever asks."""

import os
import pwd
import shutil
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from typing import Final

import psycopg

from fakes.process import die_with_parent
from fakes.program import wait_for

__all__ = ["NO_POSTGRES", "Postgres", "find_postgres"]

NO_POSTGRES: Final = "PostgreSQL's programs are missing: apt install postgresql"


def find_postgres() -> Path | None:
    """Give the folder with initdb and postgres: Debian keeps them by version, not on the path."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


class Postgres:
    """A server that listens on a Unix socket only; it ends with the test's process."""

    def __init__(self) -> None:
        programs = find_postgres()
        assert programs is not None, NO_POSTGRES
        # The server refuses to run as root; a short path, for the socket.
        self._folder = Path(tempfile.mkdtemp(prefix="yaoma-pg-"))
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        self._numbers = count(1)
        self._databases: dict[Path, str] = {}
        options = ["--auth=trust", "--username=yaoma", "--encoding=UTF8", "--no-locale", "--no-sync"]
        self._run([str(programs / "initdb"), *options, "--pgdata", str(self._folder / "data")])
        # `fsync` stays on: kill -9 of a worker must find what was committed, and speed is measured with it.
        settings = [f"unix_socket_directories={self._folder}", "listen_addresses=", "max_connections=200"]
        command = [str(programs / "postgres"), "-D", str(self._folder / "data")]
        for one in settings:
            command += ["-c", one]
        log = self._folder / "log"
        with log.open("wb") as said:
            self._server = subprocess.Popen(
                command,
                stdout=said,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                preexec_fn=self._become,  # noqa: PLW1509 - the child calls the system and nothing that locks
            )
        wait_for(self._answers, f"PostgreSQL does not answer: {log.read_text()}")

    @property
    def pid(self) -> int:
        """The server's process; each connection has a child of it."""
        return self._server.pid

    def database(self) -> str:
        """Make an empty database and give its address."""
        name = f"bridge{next(self._numbers)}"
        self.tell("postgres", f"CREATE DATABASE {name}")
        return self._address(name)

    def database_of(self, folder: Path) -> str:
        """Give the address of a folder's own database, made when it is asked for first."""
        if folder not in self._databases:
            self._databases[folder] = self.database()
        return self._databases[folder]

    def tell(self, database: str, sql: str) -> list[tuple[object, ...]]:
        """Run one statement in a database, by its name or address; give the rows if there are any."""
        address = database if "://" in database else self._address(database)
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        """End it at once."""
        self._server.kill()
        self._server.wait(30)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _address(self, name: str) -> str:
        return f"postgresql://yaoma@/{name}?host={self._folder}"

    def _answers(self) -> bool:
        try:
            self.tell("postgres", "SELECT 1")
        except psycopg.Error:
            return False
        return True

    def _become(self) -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(self._user.pw_gid)
            os.setuid(self._user.pw_uid)
        die_with_parent()  # last: the kernel forgets it when the user changes

    def _run(self, command: list[str]) -> None:
        subprocess.run(command, check=True, capture_output=True, cwd=self._folder, preexec_fn=self._become, timeout=120)
