"""Shell commands, run as root."""

import subprocess

__all__ = ["run"]


def run(command: str, stdin: str, timeout_s: float) -> dict[str, object]:
    """Run a command to its end and give its exit code and what it said, standard error too."""
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        input=stdin.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout_s,
        check=False,
    )
    return {"code": done.returncode, "said": done.stdout.decode(errors="replace")}
