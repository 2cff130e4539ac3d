"""The broker's configuration: what ships is what the tool writes, and a real mosquitto runs it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.broker import Broker, free_port
from fakes.owner import Owner
from yaoma_link.authority import issue, make_authority
from yaoma_link.endpoint import Endpoint, TlsFiles
from yaoma_link.report import Published
from yaoma_link.topics import BoxName
from yaoma_tools.broker import BrokerLayout, access_list, broker_conf, write_broker_config

_SHIPPED = Path(__file__).parents[2] / "config" / "mosquitto"


def test_conf_when_shipped_then_it_is_what_the_tool_writes() -> None:
    """The sample in config/ and the tool can't drift apart."""
    assert (_SHIPPED / "yaoma.conf").read_text() == broker_conf(BrokerLayout())
    assert (_SHIPPED / "acl").read_text() == access_list()


def test_access_list_when_there_are_boxes_then_each_has_its_section() -> None:
    """A box's section grants its own site's list and nothing more; the order does not depend on the caller."""
    boxes = [BoxName("S2", "b"), BoxName("S1", "b")]

    text = access_list(boxes=boxes)

    assert text.endswith("user S1/b\ntopic read yaoma/v1/S1/list/#\nuser S2/b\ntopic read yaoma/v1/S2/list/#\n")
    assert text == access_list(boxes=reversed(boxes))


@pytest.mark.parametrize("name", ["", "a/b", "a b", "a\ntopic write #", "#"])
def test_access_list_when_a_bridge_has_a_dangerous_name_then_it_is_refused(name: str) -> None:
    """No name can smuggle a line into the access list."""
    with pytest.raises(ValueError, match="bridge"):
        access_list(bridges=[name])


def test_config_when_written_again_then_it_replaces_the_old(tmp_path: Path) -> None:
    """After a new box the tool is simply run again."""
    layout = BrokerLayout(folder=tmp_path)
    write_broker_config(layout)

    _conf, acl = write_broker_config(layout, boxes=[BoxName("S1", "b")])

    assert "user S1/b" in acl.read_text()


@pytest.fixture
def configured(mosquitto: str, tmp_path: Path) -> Iterator[tuple[Broker, TlsFiles]]:
    """Run a mosquitto on exactly what the tool writes, and give a box's files for it."""
    authority = make_authority(tmp_path / "etc", "test authority")
    etc = authority.folder
    issue(authority, "broker", server_names=["localhost"], client=False).write(etc / "server.pem", etc / "server.key")
    issue(authority, "S1/b1", client=True).write(tmp_path / "c.pem", tmp_path / "c.key")
    (tmp_path / "state").mkdir()
    (tmp_path / "run").mkdir()
    layout = BrokerLayout(folder=etc, state=tmp_path / "state", port=free_port(), address="127.0.0.1")
    conf, _acl = write_broker_config(layout, boxes=[BoxName("S1", "b1")])
    with Broker(tmp_path / "run", whole_conf=conf.read_text(), port=layout.port) as running:
        yield running, TlsFiles(authority.certificate_file, tmp_path / "c.pem", tmp_path / "c.key")


@pytest.mark.broker
def test_conf_when_mosquitto_runs_it_then_a_box_can_deliver(configured: tuple[Broker, TlsFiles]) -> None:
    """The written files make a broker that lets a box in, announces its limits, and denies what it should."""
    broker, files = configured
    owner = Owner(Endpoint("localhost", broker.port, files), "S1/b1")
    connected = owner.connect()

    owner.session.publish("yaoma/v1/S1/b1/records", b"x")
    assert owner.wait(Published).no_matching_subscribers
    owner.session.publish("yaoma/v1/S1/b2/records", b"x")
    assert owner.wait(Published).reason_code == 0x87

    assert (connected.receive_maximum, connected.maximum_packet_size) == (100, 1048576)
    assert "Error: " not in broker.log()  # how mosquitto begins what it says of its configuration
    assert owner.session.stop()
