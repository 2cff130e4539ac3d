"""Decode tally: how many codes of a set of pictures each reader has read, right and wrong, and in what time."""

import time
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bench.decode_readers import PEERS, READERS, is_accepted_kind

__all__ = ["Tally"]


@dataclass
class Score:
    """What one reader did with a set of pictures.

    Args:
        right: Codes read.
        wrong: Texts that are in no picture.
        wrong_kind: Those of them that a box would take for a trace code.
        none: Codes not read.
        ms: Milliseconds for each picture.
    """

    right: int = 0
    wrong: int = 0
    wrong_kind: int = 0
    none: int = 0
    ms: list[float] = field(default_factory=list)


class Tally:
    """Counts for one set of pictures; all readers see each picture right after one another."""

    def __init__(self) -> None:
        self.scores = {name: Score() for name in READERS}
        self.pictures = 0
        self.codes = 0
        self.union = 0

    def take(self, grey: npt.NDArray[np.uint8], texts: tuple[bytes, ...], *, tries: int = 1) -> None:
        """Show one picture to every reader.

        Args:
            grey: The picture.
            texts: What is printed in it, a text as often as it stands there.
            tries: How often each reader is timed; the shortest counts.
        """
        wanted = Counter(texts)
        self.pictures += 1
        self.codes += len(texts)
        by_peers: Counter[bytes] = Counter()
        for name, read in READERS.items():
            times = []
            for _ in range(tries):
                begun_s = time.perf_counter()
                found = Counter(read(grey))
                times.append((time.perf_counter() - begun_s) * 1e3)
            score = self.scores[name]
            score.ms.append(min(times))
            right = (found & wanted).total()
            strange = [text for text in found if text not in wanted]
            score.right += right
            score.none += len(texts) - right
            score.wrong += len(strange)
            score.wrong_kind += sum(is_accepted_kind(text) for text in strange)
            if name in PEERS:
                by_peers |= found & wanted
        self.union += by_peers.total()

    def said(self, name: str) -> str:
        """Give right, wrong and none of a reader and its median time."""
        score = self.scores[name]
        return f"{score.right}/{score.wrong}/{score.none}, {self.ms(name):.0f} ms"

    def peers(self) -> str:
        """Give the same of the peers."""
        return "; ".join(f"{name} {self.said(name)}" for name in PEERS)

    def ms(self, name: str) -> float:
        """Give the median time of a reader for a picture."""
        return float(np.median(self.scores[name].ms)) if self.scores[name].ms else 0.0

    def best_peer(self) -> int:
        """Give how many codes the better peer has read."""
        return max(self.scores[name].right for name in PEERS)

    def add(self, other: "Tally") -> None:
        """Take the counts of another set, too."""
        self.pictures += other.pictures
        self.codes += other.codes
        self.union += other.union
        for name, score in self.scores.items():
            more = other.scores[name]
            score.right += more.right
            score.wrong += more.wrong
            score.wrong_kind += more.wrong_kind
            score.none += more.none
            score.ms += more.ms
