"""A county on one machine: a real broker with TLS, bridge workers and boxes as the processes that users run."""

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakes import forked
from fakes.broker import Broker, free_port
from fakes.program import Program, wait_for
from fakes.pty_scanner import PtyScanner
from yaoma.core.checkpoint import box_key_name
from yaoma.core.record import Record
from yaoma.shell.closed_log import ClosedLog
from yaoma.shell.control import ControlError, ask
from yaoma.shell.rebuild import logs_in_order
from yaoma_link.authority import issue, make_authority
from yaoma_link.identity import make_sealing_key, make_signer
from yaoma_link.topics import BoxName
from yaoma_tools.broker import BrokerLayout, write_broker_config
from yaoma_tools.signed_list import ListSource, sign_list

__all__ = ["SITE", "BoxProcess", "BridgeProcess", "County", "wait_for"]

SITE = "H32132200561"
_DAY_MS = 24 * 3600 * 1000


@dataclass
class BoxProcess:
    """A box: its configuration, its state, its scanners, its process."""

    county: "County"
    name: str
    folder: Path
    config: Path
    scanner: PtyScanner
    pictures: Path
    program: Program
    state: Path

    def start(self, *, wait: bool = True) -> None:
        """Start it; wait until it answers and has its scanner open."""
        self.scanner.forget_lock()
        self.program.start()
        if wait:
            wait_for(
                lambda: self.ask().get("journal", {}).get("log"), f"the box did not come up: {self.program.said()}"
            )
            self.scanner.wait_until_open()

    def ask(self) -> dict[str, Any]:
        """Ask it how it does; empty while it does not answer."""
        try:
            return ask(self.folder / "control", {"do": "status"})
        except ControlError:
            return {}

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `yaoma` as its user would."""
        return forked.run("yaoma", *arguments, "--config", self.config)

    def scan(self, *codes: str) -> None:
        """Pull the trigger of the serial scanner."""
        for code in codes:
            self.scanner.send(code.encode() + b"\r\n")

    def plug(self, scanner: PtyScanner) -> None:
        """Plug a scanner in where the configuration has it."""
        self.scanner = scanner
        link = self.folder / "gun"
        link.unlink(missing_ok=True)
        link.symlink_to(scanner.path)

    def unplug(self) -> None:
        """Unplug the scanner; its name goes with it, or it would soon name somebody else's pseudo-terminal."""
        (self.folder / "gun").unlink()
        self.scanner.unplug()

    def entries(self) -> list[Record]:
        """All records of all logs on the box, oldest first, copies as they stand; read from the disk."""
        return [record for _, records in logs_in_order(self.state) for record in records]

    def records(self) -> list[Record]:
        """All records of all logs on the box, oldest first, of copies the originals; read from the disk."""
        found: dict[tuple[str, int], Record] = {}
        for record in self.entries():
            found.setdefault(record.identity, record.original())
        return list(found.values())

    def log_size(self) -> int:
        """Number of records in the open log, read from the disk."""
        log = ClosedLog(self.state / "journal.db")
        try:
            return log.size
        finally:
            log.close()

    def remove(self) -> None:
        """End it."""
        if self.program.is_running():
            self.program.kill()
        self.scanner.unplug()


@dataclass
class BridgeProcess:
    """A bridge worker."""

    config: Path
    program: Program

    def status(self) -> dict[str, Any]:
        """What `yaoma-bridge status --json` says."""
        answer: dict[str, Any] = json.loads(self._ask("status", "--json"))
        return answer

    def explain(self, code: str) -> list[dict[str, Any]]:
        """What `yaoma-bridge explain --json` says of a code; nothing while no record of it is known."""
        done = forked.run("yaoma-bridge", "explain", code, "--json", "--config", self.config)
        answer: list[dict[str, Any]] = json.loads(done.stdout) if done.returncode == 0 else []
        return answer

    def uploads(self) -> list[dict[str, Any]]:
        """Where every record stands at every platform, as `yaoma-bridge uploads` lists it."""
        states = ("waiting", "bundled", "sent", "processing", "accepted", "refused", "unknown", "held")
        said = self._ask("uploads", "--json", *(part for state in states for part in ("--state", state)))
        answer: list[dict[str, Any]] = json.loads(said)
        return answer

    def tell(self, box: BoxProcess, news: Path) -> None:
        """Run `yaoma-bridge state add`: tell a box what a file says of its own stock."""
        self._ask("state", "add", f"{SITE}/{box.name}", news)

    def _ask(self, *arguments: object) -> str:
        done = forked.run("yaoma-bridge", *arguments, "--config", self.config)
        done.check_returncode()
        return done.stdout


class County:
    """Everything with throw-away keys in one folder.

    Args:
        folder: An empty folder with a short name (Unix sockets).
        codes: What the small signed list holds; without any there is none.
        products: Product names by 7-digit code.
        denials: Denied codes with their kinds.
    """

    def __init__(
        self,
        folder: Path,
        *,
        codes: Sequence[str] = (),
        products: Mapping[str, str] | None = None,
        denials: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.boxes: list[BoxProcess] = []
        self.bridges: list[BridgeProcess] = []
        for name in ("broker", "bridge", "boxes", "keys"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self.authority = make_authority(folder / "ca", "throw-away authority")
        self.port = free_port()
        self._make_broker()
        self._make_keys()
        if codes:
            self.make_list(codes, products or {}, denials or {})

    def _make_broker(self) -> None:
        place = self.folder / "broker"
        (place / "state").mkdir()
        (place / "authority.pem").write_bytes(self.authority.certificate_file.read_bytes())
        (place / "revoked.pem").write_bytes(self.authority.revocation_file.read_bytes())
        issue(self.authority, "localhost", server_names=["localhost"], client=False).write(
            place / "server.pem", place / "server.key"
        )
        layout = BrokerLayout(place, place / "state", self.port, "127.0.0.1")
        conf, _ = write_broker_config(layout, bridges=["bridge-0", "bridge-1"])
        (place / "acl").chmod(0o600)
        self.broker = Broker(place, whole_conf=conf.read_text(), port=self.port)

    def _make_keys(self) -> None:
        keys = self.folder / "keys"
        (keys / "bridge.vkey").write_text(f"{make_signer(keys / 'bridge.pem', 'yaoma-bridge').verifier()}\n")
        self.list_signer = make_signer(keys / "list.pem", "yaoma-list")
        (keys / "list.vkey").write_text(f"{self.list_signer.verifier()}\n")
        seal = [make_sealing_key(keys / f"{name}.seal", name).public for name in ("bridge", "recovery")]
        (keys / "seal.pub").write_text("".join(f"{key}\n" for key in seal))
        (keys / "salt").write_bytes(bytes(range(32)))

    def make_list(
        self,
        codes: Sequence[str],
        products: Mapping[str, str],
        denials: Mapping[str, str],
        version: int = 1,
        site: str = SITE,
    ) -> None:
        """Sign the list that all boxes of a site read."""
        rows = {
            "codes": [{"code": code} for code in codes],
            "products": [{"key": key, "name": name} for key, name in products.items()],
            "denials": [{"key": key, "kind": kind, "note": "2026-11"} for key, kind in denials.items()],
        }
        for table, lines in rows.items():
            text = "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
            (self.folder / f"{table}.jsonl").write_text(text)
        now_ms = time.time_ns() // 1_000_000
        source = ListSource(
            site=site,
            version=version,
            issued_ms=now_ms,
            expires_ms=now_ms + 30 * _DAY_MS,
            codes=self.folder / "codes.jsonl",
            products=self.folder / "products.jsonl" if products else None,
            denials=self.folder / "denials.jsonl" if denials else None,
        )
        sign_list(self._list_of(site), source, self.list_signer)

    def _list_of(self, site: str) -> Path:
        return self.folder / ("list.signed" if site == SITE else f"list-{site}.signed")

    def add_bridge(self, settings: str = "") -> BridgeProcess:
        """Configure one more bridge worker on the one store; it is not started.

        Args:
            settings: Further tables of its configuration, such as destinations.
        """
        number = len(self.bridges)
        place = self.folder / "bridge"
        tls = place / f"bridge-{number}"
        issue(self.authority, tls.name, client=True).write(tls.with_suffix(".pem"), tls.with_suffix(".key"))
        config = place / f"bridge-{number}.toml"
        config.write_text(f"""
[broker]
host = "localhost"
port = {self.port}
[broker.tls]
authority = "{self.authority.certificate_file}"
certificate = "{tls}.pem"
key = "{tls}.key"
[store]
path = "{place}/bridge.db"
claim_s = 2
[keys]
signing_key = "{self.folder}/keys/bridge.pem"
name = "yaoma-bridge"
[registry]
folder = "{self.folder}/boxes"
[clock]
untrusted = "send"
[[destination]]
name = "file"
kind = "file"
path = "{place}/events.jsonl"
{settings}
""")
        program = Program(["yaoma-bridge", "run", "--config", str(config)], place / f"bridge-{number}.log")
        bridge = BridgeProcess(config, program)
        self.bridges.append(bridge)
        return bridge

    def add_box(
        self,
        name: str = "b1",
        *,
        site: str = SITE,
        stdout: int | None = None,
        state: Path | None = None,
        place: Path | None = None,
        verbose: bool = False,
        launcher: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> BoxProcess:
        """Provision one more box with a serial scanner and a camera folder; it is not started.

        Args:
            name: The box's name.
            site: Its site.
            stdout: Where its screen is printed; beside its log lines if None.
            state: Its state folder, one in its own folder if None.
            place: Its own folder, one named like the box if None; a box that finds its keys there is a clone.
            verbose: Have it log every verdict.
            launcher: See `Program`.
            settings: Further lines for the tables `keys`, `allowlist` and `policy` of its configuration, and whole
                further tables as `tables`.
        """
        further = settings or {}
        place = place or self.folder / (name if site == SITE else f"{site}-{name}")
        state = state or place / "state"
        for part in ("", "pictures"):
            (place / part).mkdir(parents=True, exist_ok=True)
        box = BoxName(site, name)
        if not (place / "box.pem").exists():
            issue(self.authority, str(box), client=True).write(place / "box.pem", place / "box.key")
            key = make_signer(place / "signing.key", box_key_name(site, name)).verifier()
            (self.folder / "boxes" / f"{site}.{name}.vkey").write_text(f"{key}\n")
        config = place / "yaoma.toml"
        config.write_text(f"""
site = "{site}"
box = "{name}"
control_socket = "{place}/control"
[state]
folder = "{state}"
min_free_mb = 1
warn_free_mb = 2
checkpoint_s = 1.0
[keys]
signing = "{place}/signing.key"
bridge = "{self.folder}/keys/bridge.vkey"
list = "{self.folder}/keys/list.vkey"
seal = ["{self.folder}/keys/seal.pub"]
salt = "{self.folder}/keys/salt"
{further.get("keys", "")}
[broker]
host = "localhost"
port = {self.port}
authority = "{self.authority.certificate_file}"
certificate = "{place}/box.pem"
key = "{place}/box.key"
[allowlist]
file = "{self._list_of(site)}"
{further.get("allowlist", "")}
[policy]
hold_off_ms = 500
{further.get("policy", "")}
[[station]]
name = "counter"
scanners = ["gun", "camera"]
[[scanner]]
name = "gun"
driver = "serial_line"
[scanner.options]
device = "{place}/gun"
[[scanner]]
name = "camera"
driver = "camera"
[scanner.options]
folder = "{place}/pictures"
{further.get("tables", "")}
""")
        arguments = ["yaoma", "run", "--config", str(config), *(["--verbose"] if verbose else [])]
        program = Program(arguments, place / "box.log", stdout, launcher=launcher)
        one = BoxProcess(self, name, place, config, PtyScanner(), place / "pictures", program, state)
        one.plug(one.scanner)
        self.boxes.append(one)
        return one

    def events(self) -> list[dict[str, Any]]:
        """What the file destination holds."""
        path = self.folder / "bridge" / "events.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def stored(self) -> dict[str, int]:
        """Per log, up to where the bridge has stored, as its own status says."""
        return {log["log"]: log["stored_upto"] for box in self.bridges[0].status()["boxes"] for log in box["logs"]}

    def remove(self) -> None:
        """End every process."""
        for box in self.boxes:
            box.remove()
        for bridge in self.bridges:
            bridge.program.kill()
        self.broker.kill()
