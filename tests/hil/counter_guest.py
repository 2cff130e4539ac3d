"""CounterGuest: the box in the guest, as somebody at its counter meets it."""

import itertools
from typing import Any

from hil.machine import Machine

__all__ = ["CounterGuest"]

_WITHIN_S = 90.0
_NUMBERS = itertools.count()


class CounterGuest:
    """The installed box and what is plugged into it.

    Args:
        machine: The guest in which it runs.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def code(self) -> str:
        """Give a pack of the list that no test has scanned yet."""
        number = next(_NUMBERS)
        return f"8101001{number:09}{number:04}"

    def status(self) -> dict[str, Any]:
        """Ask the box how it does."""
        answer: dict[str, Any] = self.machine.agent.call("box:ask", request={"do": "status"})
        return answer

    def place(self) -> dict[str, Any]:
        """Give the end of the box's log."""
        found: dict[str, Any] = self.machine.agent.call("box:place")
        return found

    def scans(
        self, since: dict[str, Any], count: int, within_s: float = _WITHIN_S, *, quiet_s: float = 0.0
    ) -> list[dict[str, Any]]:
        """Wait for so many scans after a place in the log and give what there is then.

        Args:
            since: The place.
            count: How many.
            within_s: How long it may take, in seconds.
            quiet_s: Be content with fewer once none has come for so long after the last, in seconds; 0 for never.
        """
        found: list[dict[str, Any]] = self.machine.agent.call(
            "box:scans",
            log=since["log"],
            after=since["next"],
            count=count,
            within_s=within_s,
            quiet_s=quiet_s,
            deadline_s=within_s + 60,
        )
        return found

    def wait_scanner(self, name: str, reason: str = "", within_s: float = _WITHIN_S) -> dict[str, Any]:
        """Wait until the box says that a scanner works, or why it does not."""
        found: dict[str, Any] = self.machine.agent.call(
            "box:wait_scanner", name=name, reason=reason, within_s=within_s, deadline_s=within_s + 60
        )
        return found

    def wait_open(self, pattern: str, within_s: float = _WITHIN_S) -> None:
        """Wait until the box has a device open; what a scanner sends before may be thrown away by the opening.

        Args:
            pattern: The device's path, or `uniq:` and the serial number of one without a link.
            within_s: How long it may take, in seconds.
        """
        self.machine.agent.call("box:wait_open", pattern=pattern, within_s=within_s, deadline_s=within_s + 60)

    def cursor(self) -> str:
        """Give the end of the journal."""
        said = self.machine.shell("journalctl -n 0 --show-cursor --no-pager")
        return said.strip().rpartition("-- cursor: ")[2]

    def log_lines(self, since: str) -> list[dict[str, Any]]:
        """Give what the box has written to the journal since, each line with its fields."""
        found: list[dict[str, Any]] = self.machine.agent.call("box:log_lines", since=since)
        return found
