"""Append: what one durable record costs, against a bare INSERT of the same bytes and against two queue libraries."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.loop_disk import loop_disk
from bench.scans import pack_codes, symbol
from bench.shop import Shop
from bench.sync_shim import SyncShim, SyncTally
from bench.table import Found, Row
from fakes.ext4 import Ext4UnavailableError

__all__ = ["AppendSection"]

_SLOW_US = 5000
_SLOW_RECORDS = 400
_RECORDS = 3000
_GROUP = 64
_GROUP_RECORDS = 200 * _GROUP

_PEERS = {
    "persist_queue": "persist-queue SQLiteQueue",
    "persist_ack_queue": "persist-queue SQLiteAckQueue",
    "litequeue_full": "litequeue, forced to FULL",
    "litequeue": "litequeue as it comes: no sync",
}
_WAYS = ("recorder", "recorder_thread", "bare", *_PEERS)

_RATE_BAR = 0.9
_CPU_BAR_US = 150
_DEVICE_BAR_BYTES = 8000
_GROUP_BAR = 10_000


class AppendSection:
    """Measures the way of a scan into the journal.

    Args:
        folder: A folder on the disk that is measured.
        shim: Makes syncs slow and counts them.
    """

    def __init__(self, folder: Path, shim: SyncShim) -> None:
        self._folder = folder
        self._shim = shim
        self._why_no_device = ""
        self._ours, self._theirs = folder / "codes.txt", folder / "bodies.txt"
        codes = pack_codes(_GROUP_RECORDS)
        self._ours.write_text("\n".join(codes))
        self._theirs.write_text("\n".join(_bodies(folder / "model", codes)))

    def round(self) -> dict[str, float]:
        """Measure every way once, each beside its floor."""
        found: dict[str, float] = {}
        for way in _WAYS:
            slow = self._run(way, _SLOW_RECORDS, slower_us=_SLOW_US)
            found[f"{way}.slow_rate"] = slow["records"] / slow["seconds"]
            quick = self._run(way, _RECORDS)
            found[f"{way}.rate"] = quick["records"] / quick["seconds"]
            found[f"{way}.cpu_us"] = quick["cpu_s"] / quick["records"] * 1e6
            found[f"{way}.syncs"] = quick["syncs"] / quick["records"]
        for way in ("recorder", "recorder_thread", "bare"):
            grouped = self._run(way, _GROUP_RECORDS, group=_GROUP)
            found[f"{way}.group_rate"] = grouped["records"] / grouped["seconds"]
        try:
            for way in _WAYS:
                with loop_disk(self._folder) as disk:
                    alone = self._run(way, _RECORDS, folder=disk.path, device=disk.device)
                found[f"{way}.bytes"] = alone["bytes"] / alone["records"]
        except Ext4UnavailableError as error:
            self._why_no_device = str(error)
        return found

    def rows(self, found: Found) -> list[Row]:
        """Lay out what was found."""
        return [
            *self._slow_rows(found),
            *self._cpu_rows(found),
            *self._device_rows(found),
            self._group_row(found, "recorder", "64 scans wait, one commit"),
            self._group_row(found, "recorder_thread", "  the same through the queue"),
        ]

    def _slow_rows(self, found: Found) -> list[Row]:
        floor = f"bare INSERT {found.median('bare.slow_rate'):.0f}/s"
        rows = []
        for way, what in (
            ("recorder", "append, 5 ms a sync, one commit each"),
            ("recorder_thread", "  the same through the queue"),
        ):
            ratio = found.ratio(f"{way}.slow_rate", "bare.slow_rate")
            ours = f"{found.median(f'{way}.slow_rate'):.0f}/s"
            rows.append(Row(what, ours, floor, f"{ratio:.2f}", f">= {_RATE_BAR}", ratio >= _RATE_BAR))
        for way, name in _PEERS.items():
            ratio = found.ratio("recorder.slow_rate", f"{way}.slow_rate")
            rows.append(Row("", "", f"{name} {found.median(f'{way}.slow_rate'):.0f}/s", f"{ratio:.2f}"))
        return rows

    def _cpu_rows(self, found: Found) -> list[Row]:
        cpu_us, floor_us = found.median("recorder.cpu_us"), found.median("bare.cpu_us")
        rows = [
            Row(
                "append, processor time per record",
                f"{cpu_us:.0f} us, {found.median('recorder.syncs'):.2f} syncs",
                f"bare INSERT {floor_us:.0f} us, {found.median('bare.syncs'):.2f} syncs",
                f"{found.ratio('recorder.cpu_us', 'bare.cpu_us'):.1f}",
                f"<= {_CPU_BAR_US} us",
                cpu_us <= _CPU_BAR_US,
            )
        ]
        for way, name in _PEERS.items():
            theirs = f"{name} {found.median(f'{way}.cpu_us'):.0f} us, {found.median(f'{way}.syncs'):.2f} syncs"
            rows.append(Row("", "", theirs, f"{found.ratio('recorder.cpu_us', f'{way}.cpu_us'):.1f}"))
        return rows

    def _device_rows(self, found: Found) -> list[Row]:
        bar = f"<= {_DEVICE_BAR_BYTES} B"
        what = "append, bytes reaching the device per record"
        if not found.has("litequeue.bytes"):
            return [Row(what, "-", self._why_no_device, "", bar)]
        mean = found.median("recorder.bytes")
        floor = f"bare INSERT {found.median('bare.bytes'):.0f} B"
        ratio = f"{found.ratio('recorder.bytes', 'bare.bytes'):.2f}"
        rows = [Row(what, f"{mean:.0f} B", floor, ratio, bar, mean <= _DEVICE_BAR_BYTES)]
        for way, name in _PEERS.items():
            theirs = f"{name} {found.median(f'{way}.bytes'):.0f} B"
            rows.append(Row("", "", theirs, f"{found.ratio('recorder.bytes', f'{way}.bytes'):.2f}"))
        return rows

    def _group_row(self, found: Found, way: str, what: str) -> Row:
        rate = found.median(f"{way}.group_rate")
        return Row(
            what,
            f"{rate:.0f}/s",
            f"bare INSERT {found.median('bare.group_rate'):.0f}/s",
            f"{found.ratio(f'{way}.group_rate', 'bare.group_rate'):.2f}",
            f">= {_GROUP_BAR}/s",
            rate >= _GROUP_BAR,
        )

    def _run(
        self,
        way: str,
        records: int,
        *,
        group: int = 1,
        slower_us: int = 0,
        folder: Path | None = None,
        device: str = "",
    ) -> dict[str, float]:
        place = (folder or self._folder) / "append"
        place.mkdir()
        lines = self._folder / "lines.txt"
        source = self._ours if way.startswith("recorder") else self._theirs
        lines.write_text("\n".join(source.read_text().splitlines()[: records + 8 * group]))
        tally = SyncTally(self._folder / "tally")
        child = Path(__file__).with_name("append_child.py")
        command = [sys.executable, str(child), way, str(place), str(lines), "--group", str(group), "--device", device]
        done = subprocess.run(
            command, env=self._shim.environment(tally, slower_us), check=True, stdout=subprocess.PIPE, timeout=300
        )
        shutil.rmtree(place)
        answer: dict[str, float] = json.loads(done.stdout)
        return answer


def _bodies(folder: Path, codes: Sequence[str]) -> list[str]:
    """Give the records that the recorder makes of these scans, for the others to store."""
    shop = Shop(folder, codes)
    shop.open_ticket()
    first = shop.journal.size
    for at in range(0, len(codes), _GROUP):
        shop.serve([symbol(code) for code in codes[at : at + _GROUP]])
    bodies = [body.decode() for body in shop.journal.bodies(first, shop.journal.size)]
    shop.close()
    return bodies
