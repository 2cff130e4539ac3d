"""RFC 6962 trees: roots, frontiers and proofs against a direct reading of the definition."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma.core.merkle import EMPTY_ROOT, Frontier, inclusion_path, leaf_hash, root_from_path, subtree_root


def defined_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 2.1, written as the definition reads."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + defined_root(leaves[:split]) + defined_root(leaves[split:])).digest()


def leaves_of(count: int) -> list[bytes]:
    """Leaf hashes to order."""
    return [leaf_hash(str(number).encode()) for number in range(count)]


def test_root_of_published_vectors_is_the_published_one() -> None:
    """The roots of the reference tree of certificate-transparency come out."""
    bodies = [
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    ]  # fmt: skip
    expected = {
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    hashes = [leaf_hash(bytes.fromhex(body)) for body in bodies]

    for size, root in expected.items():
        assert root == subtree_root(hashes[:size]).hex()


@pytest.mark.parametrize("size", range(70))
def test_frontier_gives_the_defined_root_at_every_size(size: int) -> None:
    """A frontier grown leaf by leaf, or at once, or stored half-way has the root that RFC 6962 defines."""
    leaves = leaves_of(size)
    grown = Frontier()
    for leaf in leaves:
        grown = Frontier.from_bytes(grown.to_bytes()).appended(leaf)

    assert defined_root(leaves) == grown.root() == Frontier().extended(leaves).root()
    assert size == grown.size


def test_root_of_nothing_is_the_hash_of_nothing() -> None:
    """An empty log has a root."""
    assert EMPTY_ROOT == Frontier().root()


@given(size=st.integers(1, 200), seed=st.integers(0, 10**6))
def test_inclusion_path_leads_to_the_root_for_its_leaf_only(size: int, seed: int) -> None:
    """A proof holds for its own leaf, and for no other leaf, place or root."""
    leaves = leaves_of(size)
    index = seed % size
    path = inclusion_path(index, size, lambda first, last: leaves[first:last])

    assert defined_root(leaves) == root_from_path(leaves[index], index, size, path)
    assert defined_root(leaves) != root_from_path(leaf_hash(b"another"), index, size, path)
    for place in range(0, size, 1 + size // 7):
        if place != index:
            try:
                assert defined_root(leaves) != root_from_path(leaves[index], place, size, path)
            except ValueError:
                continue


def test_inclusion_path_of_wrong_length_is_refused() -> None:
    """A proof with a hash too many or too few is an error, not a wrong root."""
    leaves = leaves_of(6)
    path = inclusion_path(2, 6, lambda first, last: leaves[first:last])

    for wrong in (path[:-1], (*path, leaves[0])):
        with pytest.raises(ValueError, match="proof"):
            root_from_path(leaves[2], 2, 6, wrong)
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_path(6, 6, lambda first, last: leaves[first:last])
    with pytest.raises(ValueError, match="no leaf"):
        root_from_path(leaves[2], -1, 6, path)


def test_frontier_of_wrong_shape_is_refused() -> None:
    """Bytes that are no frontier, and peaks that fit no size, are refused."""
    with pytest.raises(ValueError, match="peaks"):
        Frontier(3, (b"x" * 32,))
    with pytest.raises(ValueError, match="whole hashes"):
        Frontier.from_bytes((1).to_bytes(8, "big") + b"short")
