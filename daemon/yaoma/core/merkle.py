"""The Merkle tree of RFC 6962: leaves, roots, the frontier that grows with a log, and proofs."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "Frontier",
    "inclusion_path",
    "leaf_hash",
    "root_from_path",
    "subtree_root",
]

HASH_BYTES = 32

#: The root of a log without leaves: SHA-256 of nothing (RFC 6962, 2.1).
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(body: bytes) -> bytes:
    """Hash one leaf: SHA-256(0x00 || body) (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\x00" + body).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a growing tree: all that is needed to append leaves and to give the root.

    Args:
        size: Number of leaves.
        peaks: Roots of the complete subtrees from left to right, one for each bit that is set in `size`.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an edge that belongs to no tree."""
        if self.size < 0 or self.size.bit_count() != len(self.peaks):
            raise ValueError(f"a tree of {self.size} leaves has other peaks than {len(self.peaks)}")

    def appended(self, leaf: bytes) -> "Frontier":
        """Give the frontier with one more leaf hash."""
        return self.extended((leaf,))

    def extended(self, leaves: Iterable[bytes]) -> "Frontier":
        """Give the frontier with more leaf hashes, in order."""
        peaks, size, sha256 = list(self.peaks), self.size, hashlib.sha256
        for leaf in leaves:
            node, bits = leaf, size
            while bits & 1:
                # as `_node`, in place: once per record on each end of a drain
                node = sha256(b"\x01" + peaks.pop() + node).digest()
                bits >>= 1
            peaks.append(node)
            size += 1
        return Frontier(size, tuple(peaks))

    def root(self) -> bytes:
        """Give the Merkle tree hash of all leaves (RFC 6962, 2.1)."""
        if not self.peaks:
            return EMPTY_ROOT
        node = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            node = _node(peak, node)
        return node

    def to_bytes(self) -> bytes:
        """Give a form that can be stored beside the log: the size in 8 bytes, then the peaks."""
        return self.size.to_bytes(8, "big") + b"".join(self.peaks)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Frontier":
        """Read what `to_bytes` wrote.

        Raises:
            ValueError: If the bytes are no frontier.
        """
        peaks = [data[at : at + HASH_BYTES] for at in range(8, len(data), HASH_BYTES)]
        if any(len(peak) != HASH_BYTES for peak in peaks):
            raise ValueError("a frontier holds whole hashes")
        return cls(int.from_bytes(data[:8], "big"), tuple(peaks))


def subtree_root(leaves: Sequence[bytes]) -> bytes:
    """Give the Merkle tree hash of a run of leaf hashes (RFC 6962, 2.1)."""
    return Frontier().extended(leaves).root()


def inclusion_path(index: int, size: int, leaves: Callable[[int, int], Iterable[bytes]]) -> tuple[bytes, ...]:
    """Give the proof that leaf `index` stands in the tree of `size` leaves (RFC 6962, 2.1.1).

    Args:
        index: The leaf, from 0.
        size: Number of leaves of the tree that is proved against.
        leaves: Gives the leaf hashes of a half-open range; it is asked for every leaf but one, once.

    Raises:
        ValueError: If the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    path: list[bytes] = []
    first, last = 0, size
    while last - first > 1:
        split = first + (1 << ((last - first - 1).bit_length() - 1))
        if index < split:
            path.append(Frontier().extended(leaves(split, last)).root())
            last = split
        else:
            path.append(Frontier().extended(leaves(first, split)).root())
            first = split
    return tuple(reversed(path))


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Compute the root that an inclusion proof leads to (RFC 9162, 2.1.3.2); the caller compares it.

    Raises:
        ValueError: If the path has the wrong length for this leaf and size.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    node, at, last = leaf, index, size - 1
    for sibling in path:
        if last == 0:
            raise ValueError("the proof is longer than the tree is high")
        if at & 1 or at == last:
            node = _node(sibling, node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = _node(node, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise ValueError("the proof is shorter than the tree is high")
    return node
