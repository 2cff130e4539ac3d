"""Reads what a scanner types, in one way or another, until the last code is kept; prints what was kept as JSON."""

import argparse
import json
import select
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.scans import SCANNER
from bench.shop import Shop
from fakes.typist import PipeInput
from yaoma.core.record import Record
from yaoma.core.verdict import Verdict
from yaoma.service.reader import Reader
from yaoma.shell.collector import spare_collector
from yaoma.shell.turns import keep_turns_short
from yaoma_drivers.hid import HidDriver
from yaoma_drivers.hid_options import HidOptions
from yaoma_drivers.key_decoder import KeyDecoder, KeyState
from yaoma_drivers.key_device import KeyDevice
from yaoma_drivers.keymap import KEYMAPS
from yaoma_drivers.stop import Stop
from yaoma_drivers.symbol import Symbol

OPTIONS = HidOptions(serial="bench")


class PipeDevice(KeyDevice):
    """The driver's own device; a pipe can't say what is held."""

    def state(self) -> KeyState:
        """Nothing is held, and the clock says until when that is known."""
        return KeyState(frozenset(), caps_lock=False, mono_us=time.monotonic_ns() // 1000)


class ListeningShop(Shop):
    """Remembers what an operator would see."""

    def __init__(self, folder: Path, codes: list[str], last: str) -> None:
        self.kept: list[str] = []
        self.faults = 0
        self.is_over = threading.Event()
        self._last = f"cn20:{last}"
        super().__init__(folder, codes)

    def show(self, symbol: Symbol, verdict: Verdict, record: Record) -> None:
        """Note the code, or that there was none."""
        code = record.fields.get("code")
        if code == self._last:
            self.is_over.set()
        elif isinstance(code, str):
            self.kept.append(code.removeprefix("cn20:"))
        else:
            self.faults += 1


def _ours(descriptor: int, folder: Path, codes: list[str], last: str) -> tuple[list[str], int]:
    """The driver in its reader's thread, the recorder in its own, a queue between them."""
    shop = ListeningShop(folder, codes, last)
    shop.open_ticket()
    driver = HidDriver(SCANNER, OPTIONS)
    device: KeyDevice | None = PipeDevice(PipeInput(descriptor))
    driver._open = lambda stop: device  # type: ignore[method-assign]  # no sysfs names a pipe
    with Stop() as stop:
        reader = Reader(SCANNER, driver, shop.items, stop)
        # As `yaoma run` does once everything is put together.
        spare_collector()
        keep_turns_short()
        shop.start()
        reader.start()
        _say_ready()
        shop.is_over.wait(600)
        stop.set()
        reader.join(10)
    shop.close()
    return shop.kept, shop.faults


def _naive(descriptor: int, folder: Path, codes: list[str], last: str) -> tuple[list[str], int]:
    """The peer: the same decoder, and each code committed with FULL by the thread that reads."""
    kept: list[str] = []
    faults = 0
    with closing(sqlite3.connect(folder / "naive.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE scan (id INTEGER PRIMARY KEY, code TEXT NOT NULL)")
        _say_ready()
        for code in _typed(PipeDevice(PipeInput(descriptor))):
            if code == last:
                break
            if code:
                connection.execute("INSERT INTO scan (code) VALUES (?)", (code,))
                kept.append(code)
            else:
                faults += 1
    return kept, faults


def _bare(descriptor: int, folder: Path, codes: list[str], last: str) -> tuple[list[str], int]:
    """The floor: the same decoder and nothing else, no disk and no other thread; what it loses, the machine loses."""
    keep_turns_short()
    kept: list[str] = []
    faults = 0
    _say_ready()
    for code in _typed(PipeDevice(PipeInput(descriptor))):
        if code == last:
            break
        if code:
            kept.append(code)
        else:
            faults += 1
    return kept, faults


def _typed(device: PipeDevice) -> Iterator[str]:
    decoder = KeyDecoder(KEYMAPS["us"], OPTIONS.terminators, OPTIONS.gap_ms * 1000, device.state)
    while True:
        readable, _, _ = select.select([device.fileno()], [], [], OPTIONS.gap_ms / 1000)
        now_us = time.monotonic_ns() // 1000
        for one in decoder.feed(device.read()) if readable else decoder.expire(now_us):
            yield one.frame.data.decode("ascii")


def _say_ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


WAYS = {"ours": _ours, "bare": _bare, "naive": _naive}


def main() -> None:
    """Read until the last code."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("descriptor", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("codes", type=Path)
    parser.add_argument("last")
    options = parser.parse_args()
    codes = options.codes.read_text().split()
    kept, faults = WAYS[options.way](options.descriptor, options.folder, codes, options.last)
    found = {"lost": len(set(codes) - set(kept)), "wrong": len(set(kept) - set(codes)), "faults": faults}
    sys.stdout.write(json.dumps({**found, "twice": len(kept) - len(set(kept))}))


if __name__ == "__main__":
    main()
