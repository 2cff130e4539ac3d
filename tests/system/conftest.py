"""Fixtures for the whole system: a county of real programs, in a folder with a short name."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from fakes.broker import MOSQUITTO
from fakes.burst import pack_codes
from fakes.county import County
from fakes.ext4 import Ext4, Ext4UnavailableError

NewCounty = Callable[..., County]


@pytest.fixture
def new_county(mosquitto: str) -> Iterator[NewCounty]:
    """Give a maker of counties; all their processes and files are gone at the end."""
    yield from _counties()


@pytest.fixture(scope="module")
def new_county_of_module() -> Iterator[NewCounty]:
    """Give one whose counties serve all tests of a module, from the first to the last."""
    if MOSQUITTO is None:
        pytest.skip("needs a real broker: apt-get install mosquitto")
    yield from _counties()


def _counties() -> Iterator[NewCounty]:
    made: list[County] = []

    def new(**options: object) -> County:
        # A short path: a Unix socket's name may have 107 bytes.
        county = County(Path(tempfile.mkdtemp(prefix="yaoma-")), **options)  # type: ignore[arg-type]  # passed through
        made.append(county)
        return county

    yield new
    for county in made:
        for program in [*(box.program for box in county.boxes), *(bridge.program for bridge in county.bridges)]:
            # What pytest shows of a test that failed.
            sys.stdout.write(f"--- {program.log.name}\n{program.said()[-2000:] if program.log.exists() else ''}\n")
        county.remove()
        shutil.rmtree(county.folder, ignore_errors=True)


@pytest.fixture
def county(new_county: NewCounty) -> County:
    """Give a county whose broker and bridge run, that knows many packs, and that has no box yet."""
    return _running(new_county)


@pytest.fixture(scope="module")
def county_of_module(new_county_of_module: NewCounty) -> County:
    """Give one that serves all tests of a module."""
    return _running(new_county_of_module)


def _running(new_county: NewCounty) -> County:
    county = new_county(codes=list(islice(pack_codes(), 5000)), products={"8100000": "示例胶囊 Sample capsules"})
    county.broker.start()
    county.add_bridge().program.start()
    return county


@pytest.fixture
def disk() -> Iterator[Ext4]:
    """Mount an ext4 of 32 MiB whose power can be cut; skip where that is not possible."""
    with tempfile.TemporaryDirectory(prefix="yaoma-disk-") as folder:
        try:
            with Ext4(Path(folder), 32) as mounted:
                yield mounted
        except Ext4UnavailableError as error:
            pytest.skip(str(error))


@pytest.fixture
def dice() -> Random:
    """Give a source of random moments and places; its seed is shown if the test fails."""
    seed = Random().getrandbits(32)
    sys.stdout.write(f"seed: {seed}\n")
    return Random(seed)
