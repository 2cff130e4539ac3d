"""Journals to order: a fixed identity, a clock that is set by hand, entries that look like scans."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yaoma.core.checkpoint import box_key_name
from yaoma.core.note import Signer
from yaoma.core.record import ClockState, Entry, Kind, Stamp
from yaoma.shell.database import Opener, open_sqlite
from yaoma.shell.journal import BoxIdentity
from yaoma.shell.journal_folder import JournalFolder, KnownElsewhere

SITE, BOX = "H32132200561", "counter-1"


def identity(site: str = SITE, box: str = BOX, seed: int = 1) -> BoxIdentity:
    """A box with a key that is the same in every run."""
    key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    return BoxIdentity(site, box, Signer(box_key_name(site, box), key))


class HandClock:
    """A clock that goes one second further each time it is asked."""

    def __init__(self) -> None:
        self.seconds = 0

    def __call__(self) -> Stamp:
        """Give the next second."""
        self.seconds += 1
        return Stamp(
            1_795_000_000_000 + self.seconds * 1000, self.seconds * 1000, "0123456789abcdef", ClockState.SYNCED
        )


class Known:
    """What the site's state would know about logs; set by the test."""

    def __init__(self) -> None:
        self.logs: dict[str, KnownElsewhere] = {}

    def __call__(self, log: str) -> KnownElsewhere:
        """Give what is known."""
        return self.logs.get(log, KnownElsewhere())


def folder(
    path: Path, known: Known | None = None, opener: Opener = open_sqlite, *, who: BoxIdentity | None = None
) -> JournalFolder:
    """A journal folder of the fixed box."""
    return JournalFolder(
        path, who or identity(), version="0.1.0", stamp=HandClock(), known=known or Known(), opener=opener
    )


def scan(number: int) -> Entry:
    """An entry that looks like a judged scan; distinct for each number."""
    return Entry(
        Kind.SCAN,
        {
            "code": f"cn20:8{number:019d}",
            "verdict": "PASS",
            "reason": "in_list",
            "station": "counter",
            "scanner": "gun",
            "source": "scanner",
            "operation": "dispense",
            "ticket": "t1",
            "degraded": [],
        },
    )
