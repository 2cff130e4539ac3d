"""Fixtures for the doctor: a county with one box that is as it should be, and a machine in a folder."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from fakes.burst import pack_codes
from fakes.county import BoxProcess, County
from yaoma.doctor.host import Account, Host


@pytest.fixture
def box(mosquitto: str) -> Iterator[BoxProcess]:
    """Give a provisioned box that is not started; broker and bridge run."""
    # A short path: a Unix socket's name may have 107 bytes.
    county = County(Path(tempfile.mkdtemp(prefix="yaoma-")), codes=list(islice(pack_codes(), 20)))
    (county.folder / "keys" / "salt").chmod(0o600)
    county.broker.start()
    county.add_bridge().program.start()
    try:
        yield county.add_box()
    finally:
        county.remove()
        shutil.rmtree(county.folder, ignore_errors=True)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Give a machine whose files a test makes itself."""
    root = tmp_path / "root"
    for name in ("proc", "sys", "run", "etc"):
        (root / name).mkdir(parents=True)
    return Host(root)


@pytest.fixture
def me() -> Account:
    """Give this process's own user as the service's."""
    return Account("me", os.geteuid(), frozenset(os.getgroups()))
