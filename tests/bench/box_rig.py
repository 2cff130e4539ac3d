"""Box rig: a box as the process that users run: one serial scanner, TLS to a real broker, no camera."""

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from bench.scans import SCANNER, STATION
from bench.shop import BOX, SITE
from fakes.county import County
from fakes.notified import Notified
from fakes.process import die_with_parent
from fakes.program import BIN, wait_for
from fakes.pty_scanner import PtyScanner
from yaoma.shell.control import ControlError, ask

__all__ = ["BoxRig"]


class BoxRig:
    """One box of a county; its broker must run.

    Args:
        county: Broker, keys and list.
    """

    def __init__(self, county: County) -> None:
        box = county.add_box(BOX)
        self.folder, self.state = box.folder, box.state
        self._scanner_of_county = box.scanner
        self.scanner = PtyScanner()
        self._config = self.folder / "bench.toml"
        self._config.write_text(_config(county, self.folder, self.state, self.scanner.path))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, environment: Mapping[str, str] | None = None, screen: int | None = None) -> float:
        """Start it and give the seconds until it says READY.

        Args:
            environment: Of the process, this one's if None.
            screen: Where its screen goes; quiet, as the unit runs it, if None.
        """
        socket = self.folder / "notify"
        socket.unlink(missing_ok=True)
        with Notified(socket) as notified, (self.folder / "box.log").open("ab") as log:
            began_s = time.perf_counter()
            self._process = subprocess.Popen(
                [str(BIN / "yaoma"), "run", "--config", str(self._config), *([] if screen else ["--quiet"])],
                stdin=subprocess.DEVNULL,
                stdout=screen or subprocess.DEVNULL,
                stderr=log,
                env={**(environment or os.environ), "PYTHONUNBUFFERED": "1", "NOTIFY_SOCKET": str(socket)},
                preexec_fn=die_with_parent,  # noqa: PLW1509 - the child calls prctl and nothing that locks
            )
            notified.wait(lambda line: line == "READY=1")
            ready_s = time.perf_counter() - began_s
        self.scanner.wait_until_open()
        return ready_s

    def wait_connected(self) -> None:
        """Wait until the broker has it."""
        wait_for(lambda: self._uplink().get("is_connected"), "the box does not reach the broker")

    def process(self) -> psutil.Process:
        """Give the process, to look into."""
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def stop(self) -> None:
        """Stop it in order."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None
            self.scanner.forget_lock()

    def close(self) -> None:
        """End everything."""
        self.stop()
        self.scanner.unplug()

    def _uplink(self) -> Mapping[str, object]:
        try:
            answer = ask(self.folder / "control", {"do": "status"})
        except ControlError:
            return {}
        found = answer["uplink"]
        assert isinstance(found, dict)
        return found


def _config(county: County, folder: Path, state: Path, device: str) -> str:
    """Give the configuration of a small box: what it does not name is as it ships."""
    return f"""
site = "{SITE}"
box = "{BOX}"
control_socket = "{folder}/control"
[state]
folder = "{state}"
[keys]
signing = "{folder}/signing.key"
bridge = "{county.folder}/keys/bridge.vkey"
list = "{county.folder}/keys/list.vkey"
seal = ["{county.folder}/keys/seal.pub"]
salt = "{county.folder}/keys/salt"
[broker]
host = "localhost"
port = {county.port}
authority = "{county.authority.certificate_file}"
certificate = "{folder}/box.pem"
key = "{folder}/box.key"
[allowlist]
file = "{county.folder}/list.signed"
root = "{county.folder}/root.json"
[[station]]
name = "{STATION}"
scanners = ["{SCANNER}"]
[[scanner]]
name = "{SCANNER}"
driver = "serial_line"
[scanner.options]
device = "{device}"
"""
