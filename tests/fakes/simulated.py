"""Simulated: a platform's simulator as a child process, and its control port."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, Self

__all__ = ["Simulated"]

_TESTS = Path(__file__).parents[1]


class Simulated:
    """A running simulator.

    Args:
        name: Its module in `simulators`.
        options: Its options, as on a command line.
    """

    def __init__(self, name: str, *options: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"simulators.{name}", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(_TESTS)},
            text=True,
        )
        assert self._process.stdout is not None
        said = json.loads(self._process.stdout.readline())
        self.port: int = said["port"]
        self._control = f"http://127.0.0.1:{said['control_port']}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where it listens without TLS."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        """Where it listens with TLS."""
        return f"https://localhost:{self.port}"

    def fail(self, fault: str, *, count: int = 1, only: str = "", delay_s: float = 2.0) -> None:
        """Let the next requests go wrong."""
        self._tell({"fault": fault, "count": count, "only": only, "delay_s": delay_s})

    def reset(self) -> None:
        """Forget everything, faults too."""
        self._tell({"reset": True})

    def received(self) -> list[Any]:
        """Give what was taken, once for each time that it was."""
        with urllib.request.urlopen(f"{self._control}/received", timeout=10) as answer:
            listed: list[Any] = json.load(answer)["received"]
        return listed

    def stop(self) -> None:
        """End it."""
        self._process.communicate(timeout=10)

    def _tell(self, what: dict[str, Any]) -> None:
        request = urllib.request.Request(f"{self._control}/control", json.dumps(what).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10):
            pass
