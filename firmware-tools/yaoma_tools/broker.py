"""Broker: writes the configuration and the access list of a mosquitto for boxes and bridge workers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from yaoma_link.keyfile import write_public
from yaoma_link.topics import ROOT, BoxName, Channel

__all__ = ["BrokerLayout", "access_list", "broker_conf", "write_broker_config"]

#: What a box may send and may read on its own level; nothing else (DESIGN.md 8).
_BOX_WRITES = (Channel.STATUS, Channel.INFO, Channel.HEALTH, Channel.RECORDS, "command/+/reply")
_BOX_READS = (Channel.RECEIPTS, Channel.STATE, "command/+")


@dataclass(frozen=True, slots=True)
class BrokerLayout:
    """Where the broker finds and keeps its files.

    Args:
        folder: Holds authority.pem, revoked.pem, server.pem, server.key and acl.
        state: Where the broker keeps sessions and retained publications; ends up as `persistence_location`.
        port: The TLS port.
        address: The address to listen on, or an empty string for all.
    """

    folder: Path = Path("/etc/mosquitto/yaoma")
    state: Path = Path("/var/lib/mosquitto")
    port: int = 8883
    address: str = ""


def broker_conf(layout: BrokerLayout) -> str:
    """Write out a commented mosquitto.conf (mosquitto 2.0, checked with 2.0.11)."""
    listener = f"listener {layout.port} {layout.address}".rstrip()
    return f"""\
# A mosquitto (2.0 or newer) for Yaoma's boxes and bridge workers. Goes to /etc/mosquitto/conf.d/.
# `yaoma-tools broker config` writes this file and the access list; DESIGN.md 8 has the topics.

# mosquitto 2 reads its keys as the user it runs as: chown -R mosquitto: {layout.folder}
{listener}
tls_version tlsv1.3
cafile {layout.folder}/authority.pem
certfile {layout.folder}/server.pem
keyfile {layout.folder}/server.key

# Client certificates live two years; one that is lost before stands here (yaoma-tools ca revoke).
# SIGHUP makes it hold for new connections, a restart for those that stand.
crlfile {layout.folder}/revoked.pem

# A certificate is the only way in, and its common name is the user: <site>/<box> or the bridge worker's name.
require_certificate true
use_identity_as_username true
allow_anonymous false

# The client id follows the certificate too; otherwise one box could name another's id, throw it out and
# get what waits for it. So every bridge worker needs a certificate of its own.
use_username_as_clientid true

acl_file {layout.folder}/acl

# What waits for a box that is away; a box asks again for what was dropped (receipts_upto in its birth).
persistence true
persistence_location {layout.state}/
autosave_interval 60
persistent_client_expiration 30d
max_queued_messages 10000
max_queued_bytes 67108864

# Announced to clients as Receive Maximum; the window of a box is at most this.
max_inflight_messages 100
# Announced as Maximum Packet Size.
max_packet_size 1048576
max_keepalive 300

# Nagle adds up to 40 ms to each small packet.
set_tcp_nodelay true
"""


def access_list(*, bridges: Sequence[str] = ("bridge",), boxes: Iterable[BoxName] = ()) -> str:
    """Write out the access list.

    A pattern knows the whole user name only, `<site>/<box>`, so the site's own level can't be one: each box has a
    section for it. After a new box the file is written again and the broker reloaded with SIGHUP.

    Args:
        bridges: The bridge workers' user names.
        boxes: Every box that may hear its site's list.

    Raises:
        ValueError: If a bridge's name could be read as something else.
    """
    for bridge in bridges:
        if not bridge.isascii() or not bridge.replace("-", "").isalnum():
            raise ValueError("bridge: expected letters, digits and hyphens")
    lines = [
        "# Who may do what on Yaoma's broker; written by `yaoma-tools broker config`. Everything else is denied.",
        "# mosquitto grants every subscription and filters what it delivers; a denied publication gets 0x87.",
        "",
        "# A box (%u is <site>/<box>, the common name of its certificate) writes these of its own ...",
        *(f"pattern write {ROOT}/%u/{level}" for level in _BOX_WRITES),
        "",
        "# ... and reads these.",
        *(f"pattern read {ROOT}/%u/{level}" for level in _BOX_READS),
    ]
    for bridge in bridges:
        lines += [
            "",
            "# A bridge worker hears every box and answers it.",
            f"user {bridge}",
            *(f"topic read {ROOT}/+/+/{level}" for level in _BOX_WRITES),
            *(f"topic write {ROOT}/+/+/{level}" for level in _BOX_READS),
            f"topic write {ROOT}/+/list/#",
        ]
    lines += ["", "# Each box reads its site's list; one section per box."]
    for box in sorted(boxes, key=str):
        lines += [f"user {box}", f"topic read {ROOT}/{box.site}/list/#"]
    return "\n".join(lines) + "\n"


def write_broker_config(
    layout: BrokerLayout, *, bridges: Sequence[str] = ("bridge",), boxes: Iterable[BoxName] = ()
) -> tuple[Path, Path]:
    """Write `yaoma.conf` and `acl` into the layout's folder; earlier ones are replaced.

    Returns:
        The two files.

    Raises:
        OSError: If they can't be written.
        ValueError: If a bridge's name is not valid.
    """
    conf_file, acl_file = layout.folder / "yaoma.conf", layout.folder / "acl"
    write_public(acl_file, access_list(bridges=bridges, boxes=boxes).encode(), replace=True)
    write_public(conf_file, broker_conf(layout).encode(), replace=True)
    return conf_file, acl_file
