"""Bridge rig: broker, simulated platforms and workers as processes, and what they cost."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import psutil

from bench.bridge_load import BoxLoad, Scale
from fakes.bridge_workers import BridgeWorkers
from fakes.broker import Broker, free_port
from fakes.postgres import Postgres
from fakes.process import die_with_parent
from fakes.program import wait_for
from fakes.simulated import Simulated
from yaoma_link.authority import issue, make_authority

__all__ = ["DESTINATIONS", "BridgeRig", "Spent", "spent_by", "write_centre"]

DESTINATIONS = ("alihealth", "webhook")

#: The platforms' real pace is a few calls a second; here they are as fast as the simulators.
_PACE = "pace = { calls_per_s = 0, at_once = 16, first_ask_s = 0.5, longest_ask_s = 2 }"
_SECRET = "bench-secret-0123456789"
_SITE = 'kind = "pharmacy"\nname = "示范药店"\n[alihealth]\nref_ent_id = "ref-1"\nent_id = "ent-1"\n'


class Spent:
    """What processes have spent since this was made.

    Args:
        processes: The processes.
    """

    def __init__(self, processes: Iterable[psutil.Process]) -> None:
        self._before = {process: _cpu_s(process) for process in processes}

    def cpu_s(self) -> float:
        """Give their processor seconds."""
        return sum(_cpu_s(process) - before for process, before in self._before.items())

    def most_memory_mb(self) -> float:
        """Give the most memory that one of them holds in RAM, in MB."""
        return max(process.memory_info().rss for process in self._before) / 1e6


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def spent_by(processes: "Iterable[subprocess.Popen[bytes]]") -> Spent:
    """Begin to count what child processes spend."""
    return Spent(psutil.Process(process.pid) for process in processes)


def write_centre(folder: Path, loads: Iterable[BoxLoad], scale: Scale) -> None:
    """Write what a centre has on its disk for a load: keys and files of all boxes, certificates, the secret.

    Args:
        folder: An empty folder.
        loads: The boxes.
        scale: How many of them come by TLS.
    """
    for name in ("boxes", "sites", "tls"):
        (folder / name).mkdir(parents=True)
    (folder / "secret").write_text(_SECRET)
    authority = make_authority(folder / "ca", "throw-away bench authority")
    server = issue(authority, "localhost", server_names=["localhost", "127.0.0.1"], client=False)
    server.write(folder / "server.pem", folder / "server.key")
    for number, load in enumerate(loads):
        (folder / "boxes" / f"{load.site}.{load.box}.vkey").write_text(f"{load.verifier}\n")
        (folder / "sites" / f"{load.site}.toml").write_text(_SITE)
        if number < scale.tls:
            issued = issue(authority, str(load.name), client=True)
            issued.write(folder / "tls" / f"{number}.pem", folder / "tls" / f"{number}.key")


class BridgeRig:
    """One broker, both platforms, some workers.

    Args:
        folder: An empty folder.
        centre: What `write_centre` wrote.
        count: How many workers.
        postgres: The server for the store, or None for a file.
    """

    def __init__(self, folder: Path, centre: Path, count: int, postgres: Postgres | None) -> None:
        folder.mkdir()
        self.tls_port = free_port()
        # Limits as config/mosquitto/yaoma.conf has them; no access list: who may write where is not measured here.
        self.broker = Broker(
            folder,
            conf=(
                *("max_queued_messages 10000", "max_queued_bytes 67108864", "max_inflight_messages 100"),
                *("log_type none", f"listener {self.tls_port} 127.0.0.1", "tls_version tlsv1.3"),
                *(f"cafile {centre / 'ca' / 'authority.pem'}", f"certfile {centre / 'server.pem'}"),
                *(f"keyfile {centre / 'server.key'}", "require_certificate true"),
            ),
        )
        self._count, self._postgres = count, postgres
        self.store = "" if postgres is None else postgres.database()
        self._platforms = {
            "alihealth": Simulated("alihealth", "--secret", _SECRET, "--polls", "1"),
            "webhook": Simulated("webhook", "--secret", _SECRET),
        }
        self.workers = BridgeWorkers(folder, self.broker, self.store)
        self.workers.config.write_text(self._config(centre))
        self.folder = folder

    def __enter__(self) -> Self:
        self.broker.start()
        for _ in range(self._count):
            self._start_worker()
        return self

    def __exit__(self, *_: object) -> None:
        self.workers.stop()
        for platform in self._platforms.values():
            platform.stop()
        self.broker.kill()

    @property
    def place(self) -> Path | str:
        """Where the store is."""
        return self.store or self.folder / "bridge.db"

    def begin_boxes(self, load: Path, centre: Path, scale: Scale) -> "subprocess.Popen[str]":
        """Start the process that is all boxes."""
        script = str(Path(__file__).with_name("bridge_load_child.py"))
        command = [sys.executable, script, str(load), str(centre), "--port", str(self.broker.port)]
        command += ["--tls-port", str(self.tls_port), "--tls", str(min(scale.tls, scale.boxes))]
        command += ["--batch", str(scale.batch), "--destinations", ",".join(DESTINATIONS)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def taken(self) -> dict[str, Counter[str]]:
        """Count how often each platform has taken each pack."""
        return {
            "alihealth": Counter(
                f"cn20:{code}" for one in self._platforms["alihealth"].received() for code in one["codes"]
            ),
            "webhook": Counter(
                line["code"] for one in self._platforms["webhook"].received() for line in one["data"]["lines"]
            ),
        }

    def servers(self) -> Spent:
        """Begin to count what the database spends, connections and all."""
        if self._postgres is None:
            return Spent(())
        server = psutil.Process(self._postgres.pid)
        return Spent([server, *server.children(recursive=True)])

    def met(self) -> dict[str, int]:
        """Give how often workers met at something, by what, as they said when they ended."""
        found: Counter[str] = Counter()
        for line in self.workers.log_text().splitlines():
            _, said, facts = line.partition("met others at the same work: met=")
            if said:
                found.update({name: int(count) for name, _, count in (one.partition("=") for one in facts.split())})
        return dict(found)

    def _start_worker(self) -> None:
        workers, number = self.workers, len(self.workers.workers) + 1
        with (self.folder / "worker.log").open("ab") as log:
            workers.workers.append(
                subprocess.Popen(
                    workers.command("run", "--verbose", "-c", str(workers.config)),
                    stdout=log,
                    stderr=log,
                    preexec_fn=die_with_parent,  # noqa: PLW1509 - the child calls prctl and nothing that locks
                )
            )
        wait_for(
            lambda: workers.log_text().count("connected: connection=1") == number,
            "a worker did not come up; worker.log says why",
        )

    def _config(self, centre: Path) -> str:
        ali, hook = self._platforms["alihealth"], self._platforms["webhook"]
        return f"""
            [broker]
            host = "127.0.0.1"
            port = {self.broker.port}
            [store]
            {f'url = "{self.store}"' if self.store else 'path = "bridge.db"'}
            [keys]
            signing_key = "receipts.pem"
            [registry]
            folder = "{centre}/boxes"
            [institutions]
            folder = "{centre}/sites"
            [[destination]]
            name = "alihealth"
            kind = "alihealth"
            url = "{ali.url}/router/rest"
            app_key = "12345678"
            app_secret_file = "{centre}/secret"
            plain_http = true
            inquire_every_s = 0
            {_PACE}
            [[destination]]
            name = "webhook"
            kind = "webhook"
            url = "{hook.url}/events"
            secret = "{centre}/secret"
            plain_http = true
            {_PACE}
            """
