"""Stage: what the story does at the counter, shown as it happens and checked against what is recorded."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from demo.centre import DemoCentre
from demo.platforms import DemoPlatforms
from fakes.county import SITE, BoxProcess, County, wait_for
from fakes.drawn_codes import code128, on_paper, png
from fakes.program import BIN
from yaoma.core.record import Record
from yaoma.shell.control import ask
from yaoma.shell.list_db import ListDb
from yaoma.shell.list_news import ListNews

__all__ = ["STATION", "Stage"]

STATION = "counter"


class Stage:
    """The counter, and the count of what was done there.

    Args:
        county: The running programs.
        box: The box at the counter.
        centre: Who signs the list.
        platforms: Where the bridge uploads to.
    """

    def __init__(self, county: County, box: BoxProcess, centre: DemoCentre, platforms: DemoPlatforms) -> None:
        self.platforms = platforms
        self.county = county
        self.box = box
        self.centre = centre
        self.scans = 0
        self.faults: list[str] = []
        self._pictures = 0

    def say(self, chinese: str, english: str) -> None:
        """Tell what happens next."""
        self.write(f"\n── {chinese}\n   {english}\n\n")

    def write(self, text: str) -> None:
        """Print something between what the box prints."""
        sys.stdout.write(text)
        sys.stdout.flush()

    def scan(self, *codes: str, says: str = "PASS") -> None:
        """Pull the trigger, and wait for each verdict before the next pack, as people do.

        Args:
            codes: What is scanned.
            says: The verdict that the story needs, and after a blank its reason if that matters.
        """
        for code in codes:
            self.box.scan(code)
            self._await([says])

    def photograph(self, *codes: str, says: str = "PASS") -> None:
        """Lay packs under the camera."""
        self._pictures += 1
        labels = [(code128(code), 100, 100 + 300 * place) for place, code in enumerate(codes)]
        (self.box.pictures / f"{self._pictures:03}.png").write_bytes(png(on_paper(*labels)))
        self._await([says] * len(codes))

    def yaoma(self, *arguments: str, refused: bool = False) -> None:
        """Run a command of the box as its user would.

        Args:
            arguments: The command.
            refused: The story needs it to be refused.
        """
        self._show(arguments, self.box.command(*arguments), refused=refused)

    def bridge(self, *arguments: str) -> None:
        """Run a command of the bridge as somebody at the centre would."""
        done = subprocess.run(
            [str(BIN / "yaoma-bridge"), *arguments, "--config", str(self.county.bridges[0].config)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        self.write(f"$ yaoma-bridge {' '.join(_quoted(one) for one in arguments)}\n{done.stdout}{done.stderr}\n")
        if done.returncode:
            self.faults.append(f"yaoma-bridge {arguments[0]}: exit code {done.returncode}")

    def ticket(self, operation: str, *codes: str, more: Mapping[str, Any] | None = None, says: str = "PASS") -> None:
        """Open a ticket, scan packs for it, and close it, as the till's program does through the socket."""
        self._till({"action": "open", "operation": operation, **(more or {})})
        self.scan(*codes, says=says)
        self._till({"action": "close"})

    def open(self, operation: str, *options: str) -> None:
        """Open a ticket."""
        self.yaoma("ticket", "open", STATION, operation, *options)

    def open_delivery(self, note: str) -> None:
        """Open a ticket for a despatch note as soon as the box looks at what came for it, within a second or two."""
        arguments = ("ticket", "open", STATION, "receive", "--shipment", note)
        until_s = time.monotonic() + 20
        while (done := self.box.command(*arguments)).returncode and time.monotonic() < until_s:
            time.sleep(0.2)
        self._show(arguments, done)

    def close(self) -> None:
        """Close it."""
        self.yaoma("ticket", "close", STATION)

    def last_ticket(self) -> str:
        """Give the id of the ticket that was closed last."""
        return [str(record.fields["ticket"]) for record in self.box.records() if record.kind == "ticket"][-1]

    def cancel(self) -> None:
        """Cancel it, as the till's program does."""
        self._till({"action": "cancel"})

    def tell_box(self, news: Mapping[str, Any]) -> None:
        """Have the bridge tell the box something of its own stock, and wait until the box has it on its disk."""
        file = self.county.folder / "news.json"
        file.write_text(json.dumps(news, ensure_ascii=False), "utf-8")
        before = self._state_upto()
        self.county.bridges[0].tell(self.box, file)
        self.write(f"$ yaoma-bridge state add {SITE}/{self.box.name} news.json\n\n")
        wait_for(lambda: self._state_upto() > before, "the box did not get what the bridge has told it")

    def _state_upto(self) -> int:
        db = ListDb.open(self.box.state / "list.db")
        try:
            return ListNews(db).mark().upto
        finally:
            db.close()

    def _till(self, request: Mapping[str, Any]) -> None:
        whole = {"do": "ticket", "station": STATION, **request}
        answer = ask(self.box.folder / "control", whole)
        self.write(f"收银系统 / till  {json.dumps(whole, ensure_ascii=False)}\n\n")
        if "refusal" in answer:
            self.faults.append(f"the till's {request['action']} was refused: {answer['refusal']}")

    def scans_kept(self) -> list[Record]:
        """Give the records of all scans, oldest first, read from the disk."""
        return [record for record in self.box.records() if record.kind == "scan"]

    def _show(self, arguments: Sequence[str], done: subprocess.CompletedProcess[str], *, refused: bool = False) -> None:
        self.write(f"$ yaoma {' '.join(_quoted(one) for one in arguments)}\n{done.stdout}{done.stderr}\n")
        if bool(done.returncode) != refused:
            self.faults.append(f"yaoma {' '.join(arguments[:3])}: exit code {done.returncode}")

    def _await(self, expected: Sequence[str]) -> None:
        self.scans += len(expected)
        kept: list[Record] = []
        size = 0

        def has_all() -> bool:
            nonlocal size
            before, size = size, self.box.log_size()
            if size > before:
                kept[:] = self.scans_kept()
            return len(kept) >= self.scans

        wait_for(has_all, f"{self.scans} scans were made and not all were answered")
        for says, record in zip(expected, kept[self.scans - len(expected) : self.scans], strict=True):
            verdict, reason = str(record.fields["verdict"]), str(record.fields["reason"])
            if says not in (verdict, f"{verdict} {reason}"):
                fault = f"#{record.seq}: {says} was expected, {verdict} {reason} came"
                self.faults.append(fault)
        # The record is there before the screen is: give the screen its moment.
        time.sleep(0.12)


def _quoted(argument: str) -> str:
    return f"'{argument}'" if " " in argument or not argument else argument
