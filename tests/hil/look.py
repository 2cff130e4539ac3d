"""Looks into the guest: resumes it, runs each argument as a shell command, and prints what that says."""

import sys

from hil.layers import layers, newest_guest
from hil.machine import Machine

if __name__ == "__main__":
    made = newest_guest(layers())
    with Machine(made.kernel, made.booted, made.state) as guest:
        for command in sys.argv[1:]:
            print(f"# {command}\n{guest.shell(command, checked=False)}", flush=True)  # noqa: T201 - the program's answer
