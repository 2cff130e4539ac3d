"""Desk: a configured scanner, a new one and somebody's keyboard, in a tree of files; for the scanners' commands."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner, Result

from fakes.input_tree import InputTree
from fakes.pipe_keyboard import Plug, now_us
from fakes.typist import packed
from yaoma.cli.scanners import app
from yaoma.config.toml_text import value_text
from yaoma_drivers.input_identity import AttachedInput
from yaoma_drivers.key_device import KeyDevice
from yaoma_drivers.typed_scan import TypedScan

__all__ = ["PORT", "Desk"]

PORT = "usb-0000:01:00.0-1.2"


class Desk:
    """A desk with a configured scanner, a new one, and the keyboard of whoever sits there."""

    def __init__(self, folder: Path) -> None:
        self.tree = InputTree(folder)
        self.tree.plug(0, phys="usb-0000:01:00.0-1.1/input0", model="046d:c31c")
        self.tree.plug(3, serial="S1", phys=f"{PORT}/input0")
        self.tree.plug(5, phys="usb-0000:01:00.0-1.3/input0")
        self.plugs = {name: Plug(self.tree) for name in ("event0", "event3", "event5")}
        self.config = folder / "yaoma.toml"
        self.config.write_text(
            "\n".join(
                [
                    "# 盒子 1",
                    'site = "H32132200561"',
                    'box = "counter-1"',
                    f"control_socket = {value_text(folder / 'control')}",
                    "[broker]",
                    'host = "broker.example.cn"',
                    "[[station]]",
                    'name = "counter"',
                    'scanners = ["gun"]  # 柜台',
                    "[[scanner]]",
                    'name = "gun"',
                    'driver = "hid"',
                    "[scanner.options]",
                    f'port = "{PORT}"',
                    "gap_ms = 2000",
                    "",
                ]
            ),
            encoding="utf-8",
        )

    def open(self, found: AttachedInput) -> KeyDevice:
        """Stand in for `open_key_device`."""
        return self.plugs[found.node.name].open(found)

    def opened(self) -> set[str]:
        """Name the devices that were opened."""
        return {name for name, plug in self.plugs.items() if plug.openings}

    def run(self, *arguments: object, given: str = "", then: Callable[[], None] | None = None) -> Result:
        """Run a command; meanwhile something happens at the desk."""
        thread = threading.Thread(target=then) if then else None
        if thread:
            thread.start()
        result = CliRunner().invoke(app, [*map(str, arguments), "--config", str(self.config)], input=given)
        if thread:
            thread.join(20)
        for plug in self.plugs.values():
            plug.pull()
        return result

    def scan(self, name: str, *scans: Callable[[int], TypedScan]) -> Callable[[], None]:
        """Give what pulls a trigger once the device is open, each scan after the one before was taken."""
        plug = self.plugs[name]

        def pull() -> None:
            plug.wait_until_open()
            for typed in scans:
                start_us = now_us()
                octets = packed(typed(start_us).events)
                for start in range(0, len(octets), 2400):
                    os.write(plug.writer, octets[start : start + 2400])
                time.sleep(0.35)

        return pull
