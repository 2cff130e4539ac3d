"""The access list that ships, line by line on a real mosquitto: what each may do, and what nobody else may."""

import time
from collections.abc import Callable

import pytest

from fakes.broker import Broker
from fakes.owner import Owner
from yaoma_link.report import Published, Received
from yaoma_link.topics import BoxName
from yaoma_tools.broker import access_list

pytestmark = pytest.mark.broker

Own = Callable[..., Owner]
BOX, NEIGHBOUR, STRANGER = "SITE1/box-1", "SITE1/box-2", "SITE2/box-1"
ROOT = "yaoma/v1"
_DENIED = 0x87


@pytest.fixture
def join(tls_broker: Broker, own: Own) -> Callable[..., Owner]:
    """Connect a client by its certificate, subscribed to what the test says."""

    def connect(name: str, *filters: str) -> Owner:
        owner = own(tls_broker.endpoint(tls_broker.client_files(name)), name, subscriptions=filters)
        owner.connect()
        return owner

    return connect


@pytest.mark.parametrize("level", ["status", "info", "health", "records", "command/reboot/reply"])
def test_box_when_it_writes_its_own_level_then_the_bridge_hears_it(join: Callable[..., Owner], level: str) -> None:
    """A box writes its own status, info, health, records and replies; another box's copy of each is denied."""
    bridge = join("bridge", f"{ROOT}/+/+/{level.replace('reboot', '+')}")
    box = join(BOX)

    for other in (NEIGHBOUR, STRANGER):
        box.session.publish(f"{ROOT}/{other}/{level}", b"forged")
        assert box.wait(Published).reason_code == _DENIED
    box.session.publish(f"{ROOT}/{BOX}/{level}", b"own")

    assert box.wait(Published).is_success
    received = bridge.wait(Received)
    assert (received.topic, received.payload) == (f"{ROOT}/{BOX}/{level}", b"own")


@pytest.mark.parametrize("level", ["receipts", "state", "command/reboot"])
def test_box_when_the_bridge_writes_to_it_then_it_alone_hears_it(join: Callable[..., Owner], level: str) -> None:
    """Receipts, state and commands reach their box, and no other box that asks for them."""
    own_topic = f"{ROOT}/{BOX}/{level}"
    box, neighbour, stranger = join(BOX, own_topic), join(NEIGHBOUR, own_topic), join(STRANGER, "#")
    bridge = join("bridge")

    bridge.session.publish(own_topic, b"for box-1")

    assert bridge.wait(Published).is_success
    assert box.wait(Received).payload == b"for box-1"
    assert neighbour.drain(Received) == []
    assert stranger.drain(Received) == []


@pytest.mark.row("S1-30")
@pytest.mark.parametrize("level", ["receipts", "state", "command/reboot", "other"])
def test_box_when_it_writes_what_only_the_bridge_may_then_it_is_denied(join: Callable[..., Owner], level: str) -> None:
    """A box forges no receipt, state or command, not even its own, and has no level beside the known ones."""
    box = join(BOX)

    for name in (BOX, NEIGHBOUR):
        box.session.publish(f"{ROOT}/{name}/{level}", b"forged")
        assert box.wait(Published).reason_code == _DENIED


@pytest.mark.parametrize("level", ["status", "info", "health", "records", "command/reboot/reply"])
def test_box_when_it_asks_for_what_others_send_then_nothing_comes(join: Callable[..., Owner], level: str) -> None:
    """A box reads no other box's records, status or replies, by whatever filter."""
    spy = join(NEIGHBOUR, f"{ROOT}/{BOX}/{level}", f"{ROOT}/#", "#", f"$share/g/{ROOT}/{BOX}/{level}")
    box = join(BOX)

    box.session.publish(f"{ROOT}/{BOX}/{level}", b"private")
    box.wait(Published)

    assert spy.drain(Received) == []


def test_list_when_announced_then_its_site_alone_hears_it(join: Callable[..., Owner]) -> None:
    """A site's list reaches all boxes of that site, also later ones, and no other site; no box may announce."""
    topic = f"{ROOT}/SITE1/list/announce"
    box = join(BOX, f"{ROOT}/SITE1/list/#")
    stranger = join(STRANGER, f"{ROOT}/SITE1/list/#", f"{ROOT}/+/list/#")
    bridge = join("bridge")

    bridge.session.publish(topic, b"version 7", retain=True)
    assert box.wait(Received).payload == b"version 7"
    box.session.publish(topic, b"forged", retain=True)
    assert box.wait(Published).reason_code == _DENIED

    later = join(NEIGHBOUR, *BoxName.parse(NEIGHBOUR).inbound_filters())
    received = [one for one in later.seen if isinstance(one, Received)] or [later.wait(Received)]
    assert [(one.topic, one.payload, one.retain) for one in received] == [(topic, b"version 7", True)]
    assert stranger.drain(Received) == []


@pytest.mark.parametrize("level", ["status", "info", "health", "records", "command/reboot/reply"])
def test_bridge_when_it_speaks_for_a_box_then_it_is_denied(join: Callable[..., Owner], level: str) -> None:
    """Not even the bridge writes records or status in a box's name."""
    bridge = join("bridge")

    bridge.session.publish(f"{ROOT}/{BOX}/{level}", b"forged")

    assert bridge.wait(Published).reason_code == _DENIED


def test_bridge_when_two_workers_share_then_each_record_goes_to_one(
    tls_broker: Broker, join: Callable[..., Owner]
) -> None:
    """Shared subscriptions pass the access list, and spread the records over the workers."""
    tls_broker.write_acl(access_list(bridges=["bridge", "bridge-2"], boxes=[BoxName.parse(BOX)]))
    tls_broker.reload()
    shared = f"$share/bridge/{ROOT}/+/+/records"
    workers = [join("bridge", shared), join("bridge-2", shared)]
    box = join(BOX)

    for number in range(10):
        box.publish(f"{ROOT}/{BOX}/records", b"%d" % number)

    heard: list[list[int]] = [[], []]
    deadline_s = time.monotonic() + 20
    while sum(map(len, heard)) < 10 and time.monotonic() < deadline_s:
        for mine, worker in zip(heard, workers, strict=True):
            mine += [int(one.payload) for one in worker.drain(Received)]
    assert sorted(heard[0] + heard[1]) == list(range(10))
    assert all(heard)


def test_stranger_when_its_name_is_on_no_list_then_its_own_level_still_works(join: Callable[..., Owner]) -> None:
    """A new box with a certificate can deliver at once; only its site's list waits for the access list."""
    bridge = join("bridge", f"{ROOT}/+/+/records")
    fresh = join("SITE9/new-box")

    fresh.session.publish(f"{ROOT}/SITE9/new-box/records", b"first")

    assert bridge.wait(Received).payload == b"first"
