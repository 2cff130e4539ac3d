"""BridgeWorkers: workers as processes, with one configuration, on a real broker."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from psycopg.conninfo import conninfo_to_dict

from fakes import forked
from fakes.box import receipt_signer
from fakes.broker import Broker

__all__ = ["BridgeWorkers"]


class BridgeWorkers:
    """Worker processes in a folder with one configuration.

    Args:
        folder: Where everything lies.
        broker: The broker.
        store: The address of a database; empty for a file in the folder.
    """

    def __init__(self, folder: Path, broker: Broker, store: str = "") -> None:
        self.folder = folder
        self._store = store
        self.workers: list[subprocess.Popen[bytes]] = []
        pem = receipt_signer().key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "receipts.pem").write_bytes(pem)
        self.config = folder / "bridge.toml"
        self.config.write_text(
            f"""
            [broker]
            host = "127.0.0.1"
            port = {broker.port}
            [store]
            {f'url = "{store}"' if store else 'path = "bridge.db"'}
            claim_s = 2
            [keys]
            signing_key = "receipts.pem"
            [registry]
            folder = "boxes"
            [[destination]]
            name = "file"
            kind = "file"
            path = "{folder}/events.jsonl"
            """
        )

    def command(self, *arguments: str) -> list[str]:
        """Give the command line of the CLI."""
        return [sys.executable, "-c", "from yaoma_bridge.cli import main; main()", *arguments]

    def start(self) -> subprocess.Popen[bytes]:
        """Start one more worker."""
        with (self.folder / "worker.log").open("ab") as log:
            worker = subprocess.Popen(self.command("run", "-c", str(self.config)), stdout=log, stderr=log)
        self.workers.append(worker)
        return worker

    def stop(self, number: signal.Signals = signal.SIGTERM) -> list[int]:
        """Stop all workers and give their exit codes."""
        for worker in self.workers:
            worker.send_signal(number)
        codes = [worker.wait(20) for worker in self.workers]
        self.workers.clear()
        return codes

    def back_up(self) -> None:
        """Keep a copy of the store; no worker may run."""
        if self._store:
            self._tell_server("CREATE DATABASE {0}_backup TEMPLATE {0}")
        else:
            shutil.copy(self.folder / "bridge.db", self.folder / "backup.db")

    def restore(self) -> None:
        """Put the copy in the store's place; no worker may run."""
        if self._store:
            self._tell_server("DROP DATABASE {0}")
            self._tell_server("CREATE DATABASE {0} TEMPLATE {0}_backup")
            return
        for left in self.folder.glob("bridge.db-*"):
            left.unlink()
        shutil.copy(self.folder / "backup.db", self.folder / "bridge.db")

    def _tell_server(self, sql: str) -> None:
        name = conninfo_to_dict(self._store)["dbname"]
        with psycopg.connect(self._store, dbname="postgres", autocommit=True) as server:
            server.execute(sql.format(name).encode())

    def ask(self, *arguments: str) -> Any:
        """Run a command of the CLI that prints JSON."""
        done = forked.run("yaoma-bridge", *arguments, "-c", self.config)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def ids(self) -> list[str]:
        """Give the ids of the events in the file, in order."""
        path = self.folder / "events.jsonl"
        if not path.exists():
            return []
        whole = path.read_bytes().rpartition(b"\n")[0]
        return [json.loads(line)["id"] for line in whole.splitlines()]

    def log_text(self) -> str:
        """Give what the workers have logged."""
        return (self.folder / "worker.log").read_text()
