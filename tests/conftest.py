"""Fixtures for everybody: real brokers, and brokers that misbehave on command."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from fakes.broker import MOSQUITTO, Broker, SilentBroker
from yaoma_link.topics import BoxName
from yaoma_tools.broker import access_list

# How long an example takes depends on what else the machine does: speed is the bench's affair. The long tier asks for
# many more examples than the one that everybody waits for.
settings.register_profile("yaoma", deadline=None, max_examples=int(os.environ.get("YAOMA_EXAMPLES", "50")))
settings.load_profile("yaoma")

#: The boxes that the access list of `tls_broker` knows.
BOXES = (BoxName("SITE1", "box-1"), BoxName("SITE1", "box-2"), BoxName("SITE2", "box-1"))


@pytest.fixture
def mosquitto() -> str:
    """Give the path of the mosquitto program; skip where there is none."""
    if MOSQUITTO is None:
        pytest.skip("needs a real broker: apt-get install mosquitto")
    return MOSQUITTO


@pytest.fixture
def broker(mosquitto: str, tmp_path: Path) -> Iterator[Broker]:
    """Run a plain mosquitto on loopback, open to everybody, that keeps its state across `stop` and `start`."""
    folder = tmp_path / "broker"
    folder.mkdir()
    with Broker(folder, persistence=True) as running:
        yield running


@pytest.fixture
def tls_broker(mosquitto: str, tmp_path: Path) -> Iterator[Broker]:
    """Run a mosquitto with mutual TLS and the access list that ships."""
    folder = tmp_path / "tls-broker"
    folder.mkdir()
    with Broker(folder, tls=True, acl=access_list(boxes=BOXES)) as running:
        yield running


@pytest.fixture
def silent_broker() -> Iterator[SilentBroker]:
    """Run a server that accepts connections and never answers."""
    with SilentBroker() as running:
        yield running
