"""List: a list of millions of codes: bytes a code, build, open, look-ups with their page check, beside its peers."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench import list_shapes
from bench.sync_shim import SyncShim
from bench.table import Found, Row

__all__ = ["ListSection", "LongListSection"]

_CHILD: Final = Path(__file__).parent / "list_child.py"
_MILLION: Final = 1_000_000

_BOUND_BAR: Final = 1.3
_OPEN_BAR_MS: Final = 10.0
_OPEN_BAR_CODES: Final = 10 * _MILLION
_P99_BAR_US: Final = 20.0
_PEERS: Final = {"sqlite": "SQLite (p, t)", "lmdb": "LMDB", "set": "Python set"}


class ListSection:
    """Measures lists of 10 million codes, clustered and scattered, and of 2 million GS1 codes.

    Args:
        folder: A folder on the disk that is measured.
        _: Not needed: nothing here waits for a sync.
    """

    codes = 10 * _MILLION
    shapes: tuple[str, ...] = ("clustered", "scattered", "gs1")
    peers: tuple[str, ...] = ("sqlite", "lmdb", "set")

    def __init__(self, folder: Path, _: SyncShim) -> None:
        self._folder = folder
        self._built: dict[str, dict[str, Any]] = {}
        for shape in self.shapes:
            self._built[shape] = self._build(shape)
        for peer in self.peers:
            self._built[peer] = self._build_peer(peer)

    def round(self) -> dict[str, float]:
        """Ask every list once."""
        found: dict[str, float] = {}
        for name, built in self._built.items():
            way, shape = (name, "clustered") if name in _PEERS else ("ours", name)
            asked = self._folder / f"{shape}.json"
            seen = _child("look", way, built["file"], str(asked), "--digest", built.get("digest", ""))
            found |= {f"{name}_{what}": value for what, value in seen.items()}
        return found

    def rows(self, found: Found) -> list[Row]:
        """Lay out what was found."""
        rows = []
        for shape in self.shapes:
            rows += self._shape_rows(shape, found)
        return rows + [self._peer_row(peer, found) for peer in self.peers]

    def _build(self, shape: str) -> dict[str, Any]:
        table = self._folder / f"{shape}.csv"
        if shape == "gs1":
            keys = list_shapes.gs1_keys(self.codes // 5)
            table.write_text("\n".join(["code", *keys]))
            listed, absent = keys[::50], [f"{key[:-1]}Z" for key in keys[::50]]
        else:
            codes = list_shapes.clustered(self.codes) if shape == "clustered" else list_shapes.scattered(self.codes)
            list_shapes.write_table(table, codes, has_lots=shape == "clustered")
            if self.peers and shape == "clustered":
                np.save(self._folder / "peer.npy", np.stack([codes.prefixes, codes.checks]))
            listed, absent = ([f"cn20:{one}" for one in several] for several in list_shapes.questions(codes))
        (self._folder / f"{shape}.json").write_text(json.dumps([listed, absent]))
        built = _child("build", "ours", str(self._folder / f"{shape}-list"), str(table))
        table.unlink()
        return built

    def _build_peer(self, peer: str) -> dict[str, Any]:
        source = self._folder / "peer.npy"
        if peer == "set":
            return {"file": str(source)}
        return _child("build", peer, str(self._folder / peer), str(source))

    def _shape_rows(self, shape: str, found: Found) -> list[Row]:
        built = self._built[shape]
        name = f"list, {built['codes'] / _MILLION:.0f} M {shape}"
        open_ms, p99_us = found.median(f"{shape}_open_ms"), found.median(f"{shape}_p99_us")
        times = built["times_bound"]
        is_barred = shape == "clustered"
        return [
            Row(
                f"{name}: bytes a code",
                f"{built['bytes'] / built['codes']:.2f}",
                f"bound {built['bound']:.2f}",
                f"{times:.2f}",
                f"<= {_BOUND_BAR}" if is_barred else "",
                times <= _BOUND_BAR if is_barred else None,
            ),
            Row(f"{name}: build from CSV", f"{built['build_s']:.0f} s, {built['build_mb']:.0f} MB memory"),
            Row(
                f"{name}: open",
                f"{open_ms:.2f} ms, {found.median(f'{shape}_resident_mb'):.1f} MB memory",
                "",
                "",
                f"<= {_OPEN_BAR_MS:.0f} ms" if self.codes <= _OPEN_BAR_CODES else "",
                open_ms <= _OPEN_BAR_MS if self.codes <= _OPEN_BAR_CODES else None,
            ),
            Row(f"{name}: look-ups a second", _speed(shape, found)),
            Row(
                f"{name}: look-up with page check",
                _look_up(shape, found),
                f"one page read and hashed: p50 {found.median(f'{shape}_page_p50_us'):.1f}, "
                f"p99 {found.median(f'{shape}_page_p99_us'):.1f} us",
                f"{found.ratio(f'{shape}_p50_us', f'{shape}_page_p50_us'):.1f}",
                f"p99 <= {_P99_BAR_US:.0f} us",
                p99_us <= _P99_BAR_US,
            ),
            Row(
                "  arithmetic as long as that, without memory",
                "",
                f"p50 {found.median(f'{shape}_noise_p50_us'):.1f}, p99 {found.median(f'{shape}_noise_p99_us'):.1f} us",
            ),
        ]

    def _peer_row(self, peer: str, found: Found) -> Row:
        built, ours = self._built[peer], self._built["clustered"]
        size = (
            f"{built['bytes'] / ours['codes']:.1f} B a code, built in {built['build_s']:.0f} s; "
            if "bytes" in built
            else ""
        )
        says = f"{size}open {found.median(f'{peer}_open_ms'):.1f} ms, {_speed(peer, found)}, {_look_up(peer, found)}"
        return Row(
            f"peer: {_PEERS[peer]}",
            f"{built['bytes'] / ours['bytes']:.1f} times our bytes" if size else "all in memory",
            f"{says}, {found.median(f'{peer}_resident_mb'):.0f} MB memory",
        )


class LongListSection(ListSection):
    """Measures one list of 100 million clustered codes: minutes, and 12 GB of disk; not part of the usual table."""

    codes = 100 * _MILLION
    shapes = ("clustered",)
    peers = ()


def _speed(name: str, found: Found) -> str:
    warm, cold = (found.median(f"{name}_{how}_per_s") / 1e3 for how in ("warm", "cold"))
    return f"{warm:.0f} k/s warm, {cold:.1f} k/s cold"


def _look_up(name: str, found: Found) -> str:
    return f"p50 {found.median(f'{name}_p50_us'):.1f}, p99 {found.median(f'{name}_p99_us'):.1f} us"


def _child(*arguments: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, str(_CHILD), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
