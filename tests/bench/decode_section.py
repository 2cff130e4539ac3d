r"""Decode: labels at the limit, several packs, matrix codes, empty counters, and photographs if there are any.

Read from the environment, so that `make bench ROWS=decode DECODE_FRAMES=5000 DECODE_SEEDS=1,2` reaches it:
DECODE_FRAMES, how many labels at the limit a round; DECODE_SEEDS, one for each round, in turn; DECODE_SAMPLES, a folder
of pictures, NAME.png or NAME.jpg beside NAME.txt with one text a line (a byte that does not print is written \x1d).
"""

import os
import sys
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from bench.decode_readers import OURS
from bench.decode_tally import Tally
from bench.drawn_labels import LIMITS, View, clutter, photographed, trace_code
from bench.sync_shim import SyncShim
from bench.table import Found, Row

__all__ = ["DecodeSection"]

_FRAMES: Final = 240
_SEEDS: Final = "101,102,103"
_EMPTY_SIZE: Final = (1280, 720)
_EMPTY_A_ROUND: Final = 8
_MATRICES_A_ROUND: Final = 30
_PACKS_A_ROUND: Final = 6
_TIMES_BAR: Final = 2.0
_EMPTY_BAR: Final = 2.2
_ENDINGS: Final = (".png", ".jpg", ".jpeg")


class DecodeSection:
    """Shows the same pictures to our decoder and to each peer alone.

    Args:
        folder: Not needed.
        _: Not needed: nothing here waits for a sync.
    """

    def __init__(self, folder: Path, _: SyncShim) -> None:
        self._frames = int(os.environ.get("DECODE_FRAMES") or _FRAMES)
        self._seeds = [int(seed) for seed in (os.environ.get("DECODE_SEEDS") or _SEEDS).split(",")]
        samples = os.environ.get("DECODE_SAMPLES")
        self._samples = Path(samples) if samples else None
        self._rounds = 0
        self._limits = {name: Tally() for name in LIMITS}
        self._matrix, self._qr, self._packs, self._empty, self._photos = (Tally() for _ in range(5))
        cv2.setNumThreads(1)

    def round(self) -> dict[str, float]:
        """Draw new pictures from the next seed and read them all; photographs are read in the first round only."""
        seed = self._seeds[self._rounds % len(self._seeds)] + 1000 * (self._rounds // len(self._seeds))
        if self._samples is not None:
            if self._rounds == 0:
                self._read_samples(self._samples)
            self._rounds += 1
            return {}
        self._rounds += 1
        for number, (name, view) in enumerate(LIMITS.items()):
            dice = np.random.default_rng([seed, number])
            for _ in range(-(-self._frames // len(LIMITS))):
                shot = photographed(dice, [(trace_code(dice), view(dice))])
                self._limits[name].take(shot.grey, shot.texts)
        self._read_matrices(np.random.default_rng([seed, 1001]))
        self._read_packs(np.random.default_rng([seed, 1002]))
        dice = np.random.default_rng([seed, 1003])
        for _ in range(_EMPTY_A_ROUND):
            self._empty.take(clutter(dice, _EMPTY_SIZE), ())
        return {}

    def rows(self, _: Found) -> list[Row]:
        """Lay out the sums over all rounds: right/wrong/none of the codes, and processor time a picture."""
        if self._samples is not None:
            return [self._photo_row()]
        every = Tally()
        for tally in self._limits.values():
            every.add(tally)
        rows = [
            Row(f"decode, {tally.codes} labels {name}", tally.said(OURS), tally.peers(), _times(tally))
            for name, tally in self._limits.items()
        ]
        rows.append(
            Row(
                f"decode, all {every.codes} labels at the limit",
                every.said(OURS),
                every.peers(),
                _times(every),
                f">= {_TIMES_BAR:.0f}",
                every.scores[OURS].right >= _TIMES_BAR * every.best_peer(),
            )
        )
        rows.append(self._matrix_row())
        for name, tally in (("QR codes", self._qr), ("codes, several in a picture", self._packs)):
            rows.append(Row(f"decode, {tally.codes} {name}", tally.said(OURS), tally.peers(), _times(tally)))
        for tally in (self._matrix, self._qr, self._packs, self._empty):
            every.add(tally)
        wrong = every.scores[OURS].wrong_kind
        rows.append(
            Row(
                f"decode, wrong texts of an accepted kind in {every.pictures} pictures",
                str(wrong),
                "; ".join(f"{name} {every.scores[name].wrong_kind}" for name in every.scores if name != OURS),
                "",
                "0",
                wrong == 0,
            )
        )
        ratio = self._empty.ms(OURS) / self._empty.ms("zxing-cpp")
        rows.append(
            Row(
                f"decode, {self._empty.pictures} drawn counters without a code, 1280x720",
                self._empty.said(OURS),
                self._empty.peers(),
                f"{ratio:.2f}",
                f"<= {_EMPTY_BAR}",
                ratio <= _EMPTY_BAR,
            )
        )
        rows.append(Row("decode, real photographs", "none here: DECODE_SAMPLES names a folder"))
        return rows

    def _matrix_row(self) -> Row:
        ours, zxing = (self._matrix.scores[name].right for name in (OURS, "zxing-cpp"))
        return Row(
            f"decode, {self._matrix.codes} GS1 Data Matrix",
            self._matrix.said(OURS),
            self._matrix.peers(),
            _times(self._matrix),
            ">= zxing-cpp",
            ours >= zxing,
        )

    def _photo_row(self) -> Row:
        score = self._photos.scores[OURS]
        return Row(
            f"decode, {self._photos.codes} codes in {self._photos.pictures} photographs",
            self._photos.said(OURS),
            f"{self._photos.peers()}; union {self._photos.union}",
            f"{score.right / max(1, self._photos.union):.2f}",
            ">= union, 0 wrong",
            score.right >= self._photos.union and score.wrong == 0 if self._photos.pictures else None,
        )

    def _read_matrices(self, dice: np.random.Generator) -> None:
        for _ in range(_MATRICES_A_ROUND):
            view = View(
                module_px=dice.uniform(1.5, 4.0),
                turn_deg=dice.uniform(-45, 45),
                tilt_deg=dice.uniform(0, 50),
                defocus_px=dice.uniform(0.4, 1.6),
                white=dice.uniform(60, 220),
                noise=dice.uniform(2, 15),
            )
            serial = "".join(chr(letter) for letter in dice.integers(65, 91, 8))
            text = f"(01)06901234567892(17)271231(10)ABC123(21){serial}"
            for tally, kind, gs1, printed in (
                (self._matrix, "DataMatrix", True, text),
                (self._qr, "QRCode", False, trace_code(dice)),
            ):
                shot = photographed(dice, [(printed, view)], kind=kind, gs1=gs1)
                tally.take(shot.grey, shot.texts)

    def _read_packs(self, dice: np.random.Generator) -> None:
        """Six labels a picture, two of them with equal codes."""
        for _ in range(_PACKS_A_ROUND):
            texts = [trace_code(dice) for _ in range(5)]
            view = [View(module_px=1.5, turn_deg=dice.uniform(-25, 25), defocus_px=0.6) for _ in range(6)]
            shot = photographed(dice, list(zip([*texts, texts[0]], view, strict=True)), frame=_EMPTY_SIZE)
            self._packs.take(shot.grey, shot.texts)

    def _read_samples(self, folder: Path) -> None:
        for path in sorted(folder.iterdir()):
            beside = path.with_suffix(".txt")
            if path.suffix.lower() not in _ENDINGS or not beside.exists():
                continue
            grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            if grey is None:
                sys.stderr.write(f"decode: {path.name} is no picture\n")
                continue
            lines = beside.read_text(encoding="utf-8").splitlines()
            texts = tuple(_unescaped(line) for line in lines if line)
            self._photos.take(np.asarray(grey, np.uint8), texts)


def _times(tally: Tally) -> str:
    best = tally.best_peer()
    return f"{tally.scores[OURS].right / best:.2f}" if best else ""


def _unescaped(line: str) -> bytes:
    r"""Take a line as bytes; \x1d and the like are one byte, anything else is UTF-8."""
    parts = line.split("\\x")
    found = parts[0].encode()
    for part in parts[1:]:
        found += bytes([int(part[:2], 16)]) + part[2:].encode()
    return found
