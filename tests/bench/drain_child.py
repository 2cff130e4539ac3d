"""Drains a box's journal to a broker and waits for the bridge's receipt; prints the seconds since the connection."""

import argparse
import json
import queue
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.shop import BOX, SITE
from yaoma import __version__
from yaoma.core.checkpoint import box_key_name
from yaoma.service.announcement import Facts
from yaoma.service.box_logs import BoxLogs
from yaoma.service.line import Line
from yaoma.service.uploader import Uploader
from yaoma.shell.clock import SystemClock
from yaoma.shell.journal import BoxIdentity
from yaoma.shell.journal_folder import JournalFolder
from yaoma.shell.outbox import Outbox
from yaoma.shell.site_file import open_site
from yaoma_link.endpoint import Endpoint, TlsFiles
from yaoma_link.identity import load_signer, load_verifiers
from yaoma_link.report import Retained, SessionReport
from yaoma_link.session import Session
from yaoma_link.topics import BoxName

_LOOK_S = 0.001
#: As `yaoma run` sets it.
_SWITCH_S = 0.0005


def _opener(endpoint: Endpoint) -> Callable[..., Line]:
    def open_line(
        reports: "queue.Queue[SessionReport]",
        *,
        subscriptions: Sequence[str],
        will: Retained,
        birth: Callable[[], Retained],
    ) -> Line:
        return Session(
            endpoint,
            reports,
            client_id=f"{SITE}/{BOX}",
            session_expiry_s=3600,
            subscriptions=subscriptions,
            will=will,
            birth=birth,
        )

    return open_line


def main() -> None:
    """Send what is pending; print records, seconds and processor seconds as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("state", type=Path)
    parser.add_argument("county", type=Path)
    parser.add_argument("port", type=int)
    options = parser.parse_args()
    sys.setswitchinterval(_SWITCH_S)
    keys = options.county / BOX
    tls = TlsFiles(options.county / "ca" / "authority.pem", keys / "box.pem", keys / "box.key")
    site, clock = open_site(options.state / "site.db"), SystemClock()
    signer = load_signer(keys / "signing.key", box_key_name(SITE, BOX))
    folder = JournalFolder(options.state, BoxIdentity(SITE, BOX, signer), version=__version__, stamp=clock)
    journal = folder.open()
    uploader = Uploader(
        BoxName(SITE, BOX),
        logs=BoxLogs(lambda: journal, folder),
        outbox=Outbox(site.connection, site.lock, site.path),
        verifiers=load_verifiers(options.county / "keys" / "bridge.vkey"),
        open_line=_opener(Endpoint("localhost", options.port, tls)),
        facts=Facts(version=__version__, stamp=clock, info=dict, health=dict),
        on_fork=lambda log, reason: None,
        on_damage=lambda log, seq: None,
    )
    uploader.start()
    while not uploader.state.is_connected:
        time.sleep(_LOOK_S)
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    while uploader.state.stored_upto < journal.size:
        assert uploader.is_alive(), uploader.failure
        time.sleep(_LOOK_S)
    seconds, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    sys.stdout.write(json.dumps({"records": journal.size, "seconds": seconds, "cpu_s": cpu_s}))
    sys.stdout.flush()
    uploader.stop()
    journal.close()
    site.connection.close()


if __name__ == "__main__":
    main()
