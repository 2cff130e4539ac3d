"""Uplink: how a box reaches its broker, and what it tells there of itself."""

import queue
from collections.abc import Callable, Sequence
from pathlib import Path

from yaoma.config.model import Config
from yaoma.core.canonical import Json
from yaoma.service.line import Line
from yaoma.service.reader import Reader
from yaoma.shell.list_file import ListHolder
from yaoma_link.endpoint import Endpoint, TlsFiles
from yaoma_link.report import Retained, SessionReport

__all__ = ["info_of", "line_opener"]

#: How long the broker keeps receipts for a box that is away: two weeks.
_SESSION_EXPIRY_S = 14 * 24 * 3600


def line_opener(config: Config) -> Callable[..., Line]:
    """Give what opens the session with the broker; the library is loaded only then."""
    broker = config.broker
    tls = None if broker.plain else TlsFiles(broker.authority, broker.certificate, broker.key)
    endpoint = Endpoint(broker.host, broker.port, tls, broker.keep_alive_s)

    def open_line(
        reports: "queue.Queue[SessionReport]",
        *,
        subscriptions: Sequence[str],
        will: Retained,
        birth: Callable[[], Retained],
    ) -> Line:
        # On the uploader's thread, when there is a journal to send: a box that reads scanners is not held up by it.
        from yaoma_link.session import Session  # noqa: PLC0415 - see above

        return Session(
            endpoint,
            reports,
            client_id=f"{config.site}/{config.box}",
            session_expiry_s=_SESSION_EXPIRY_S,
            subscriptions=subscriptions,
            will=will,
            birth=birth,
        )

    return open_line


def info_of(readers: Sequence[Reader], lists: ListHolder) -> dict[str, Json]:
    """Give what the info topic tells of the box."""
    return {
        "scanners": [reader.state.scanner for reader in readers],
        "list": lists.current.version if lists.current else None,
        "model": _model(),
    }


def _model() -> str:
    """Give the board's name as the firmware tells it; empty on a PC."""
    try:
        return Path("/proc/device-tree/model").read_text("utf-8").rstrip("\0")
    except OSError:
        return ""
