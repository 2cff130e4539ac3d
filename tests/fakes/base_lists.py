"""Base lists: writes base files of a wanted kind from a plain mapping, without tables."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from yaoma.core.base_layout import ListKind
from yaoma.core.code import from_key
from yaoma.core.code_key import CN20_KEY_BYTES, code_key
from yaoma.core.lot_table import BaseAnswer
from yaoma.shell.base_file import BaseFile
from yaoma_tools.list_build_shape import Shape
from yaoma_tools.list_build_write import LotRows, write_keys, write_runs
from yaoma_tools.list_source_codes import RECORD, halves

__all__ = ["write_base"]


def write_base(file: Path, listed: Mapping[str, BaseAnswer], kind: ListKind) -> str:
    """Write a base file and give the digest of its head.

    Args:
        file: Where to.
        listed: What is known of each code, by its key; all of 20 digits, or none.
        kind: How to keep them.
    """
    lots = list(dict.fromkeys(listed.values()))
    entries = sorted((code_key(from_key(key)), lots.index(answer)) for key, answer in listed.items())
    width = len(entries[0][0])
    block = np.zeros(len(entries), RECORD)
    keys = np.frombuffer(b"".join(key for key, _ in entries), np.uint8).reshape(-1, width)
    block["hi"], block["lo"] = halves(keys)
    block["lot"] = [number for _, number in entries]
    rows = LotRows.of(lots, set(range(len(lots))))
    if kind is ListKind.KEYS:
        digest = write_keys(file, iter([block]), rows, len(entries), width)
    else:
        assert width == CN20_KEY_BYTES
        shape = Shape()
        shape.add(block)
        # in portions, as a long list comes
        portions = np.array_split(block, 3) if len(block) >= 3 else [block]
        digest = write_runs(file, iter(portions), rows, shape)
    with BaseFile.open(file, digest) as base:
        base.index.verify()
    return digest
