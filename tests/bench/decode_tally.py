"""Decode tally: how many codes of a set of pictures each reader has read, right and wrong, and in what time."""

import time
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import psutil

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
        cpu_s: Processor time for all of them, child processes included, in seconds.
    """

    right: int = 0
    wrong: int = 0
    wrong_kind: int = 0
    none: int = 0
    cpu_s: float = 0.0


class Tally:
    """Counts for one set of pictures; all readers see each picture right after one another."""

    def __init__(self) -> None:
        self.scores = {name: Score() for name in READERS}
        self.pictures = 0
        self.codes = 0
        self.union = 0

    def take(self, grey: npt.NDArray[np.uint8], texts: tuple[bytes, ...]) -> None:
        """Show one picture to every reader.

        Args:
            grey: The picture.
            texts: What is printed in it, a text as often as it stands there.
        """
        wanted = Counter(texts)
        self.pictures += 1
        self.codes += len(texts)
        by_peers: Counter[bytes] = Counter()
        for name, read in READERS.items():
            begun_s = _processor_s()
            found = Counter(read(grey))
            score = self.scores[name]
            score.cpu_s += _processor_s() - begun_s
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
        """Give right, wrong and none of a reader and its processor time a picture."""
        score = self.scores[name]
        return f"{score.right}/{score.wrong}/{score.none}, {self.ms(name):.0f} ms"

    def peers(self) -> str:
        """Give the same of the peers."""
        return "; ".join(f"{name} {self.said(name)}" for name in PEERS)

    def ms(self, name: str) -> float:
        """Give the processor time of a reader for a picture, in milliseconds, whatever else the machine does."""
        return self.scores[name].cpu_s * 1e3 / max(1, self.pictures)

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
            score.cpu_s += more.cpu_s


def _processor_s() -> float:
    """Tell how long this process and its children have computed so far."""
    children = (child.cpu_times() for child in psutil.Process().children())
    return time.process_time() + sum(one.user + one.system for one in children)
