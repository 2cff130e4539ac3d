"""Bridge load: the logs of many boxes, with real bodies, tickets and signed checkpoints; made before any clock."""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.box import BoxLog
from fakes.ticketed import Counter, code_of
from yaoma.core.checkpoint import box_key_name
from yaoma.core.note import Signer
from yaoma.core.record import Kind
from yaoma_link.batch import Batch, ReceiptMark
from yaoma_link.topics import BoxName

__all__ = ["BoxLoad", "Scale", "load_file", "read_load"]

#: What a recorder says of a scan besides what a ticket needs.
_OF_A_SCAN = {"degraded": [], "list": 12, "scanner": "counter-1", "source": "scanner", "waited_ms": 3}
#: A ticket with a pack opens, scans and closes.
_LEAST_TICKET = 3


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is sent.

    Args:
        boxes: Box identities; each is a site of its own, and an MQTT client of its own.
        records: Records of each.
        batch: Records in a batch; a box that has more waiting sends up to 256.
        ticket: Records of a ticket: its opening, the scans of one pack each, its end.
        tls: So many of the boxes come by mutual TLS.
    """

    boxes: int = 200
    records: int = 100
    batch: int = 50
    ticket: int = 20
    tls: int = 100

    @property
    def total(self) -> int:
        """All records."""
        return self.boxes * self.records


@dataclass(frozen=True, slots=True)
class BoxLoad:
    """One box's log, as it is sent.

    Args:
        site, box, log: Whose log it is.
        bodies: The records.
        checkpoints: The newest signed checkpoint of each batch.
        birth: What the box says when it comes.
        root: The tree hash of the whole log, hexadecimal.
        scans: The places of the records that a platform must accept.
        codes: The packs in them.
        verifier: The key by which its checkpoints are checked.
    """

    site: str
    box: str
    log: str
    bodies: tuple[bytes, ...] = field(repr=False)
    checkpoints: tuple[str, ...] = field(repr=False)
    birth: bytes = field(repr=False)
    root: str
    scans: tuple[int, ...] = field(repr=False)
    codes: tuple[str, ...] = field(repr=False)
    verifier: str = field(repr=False)

    @property
    def name(self) -> BoxName:
        """The box."""
        return BoxName(self.site, self.box)

    def payloads(self, step: int, mark: ReceiptMark) -> list[bytes]:
        """Pack everything, as a box does that has followed the receipts so far."""
        return [
            Batch(self.log, at, self.bodies[at : at + step], checkpoint, mark).packed()
            for at, checkpoint in zip(range(0, len(self.bodies), step), self.checkpoints, strict=True)
        ]

    def line(self) -> str:
        """Give it as one line of JSON."""
        return json.dumps(
            {
                "name": [self.site, self.box, self.log],
                "bodies": base64.b64encode(b"\n".join(self.bodies)).decode(),
                "checkpoints": self.checkpoints,
                "birth": self.birth.decode(),
                "root": self.root,
                "scans": self.scans,
                "codes": self.codes,
                "verifier": self.verifier,
            }
        )

    @classmethod
    def of_line(cls, line: str) -> Self:
        """Read what `line` gave."""
        said = json.loads(line)
        site, box, log = said["name"]
        return cls(
            site,
            box,
            log,
            tuple(base64.b64decode(said["bodies"]).split(b"\n")),
            tuple(said["checkpoints"]),
            said["birth"].encode(),
            said["root"],
            tuple(said["scans"]),
            tuple(said["codes"]),
            said["verifier"],
        )


def load_file(folder: Path, scale: Scale) -> Path:
    """Give the file of a load, made if it is not there; the same scale always gives the same load.

    Args:
        folder: Where it is kept.
        scale: How much is sent.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"load-{scale.boxes}x{scale.records}-{scale.batch}-{scale.ticket}.jsonl"
    if not path.exists():
        unfinished = path.with_suffix(".part")
        with unfinished.open("w") as lines:
            lines.writelines(f"{_made(number, scale).line()}\n" for number in range(scale.boxes))
        unfinished.rename(path)
    return path


def read_load(path: Path) -> Iterator[BoxLoad]:
    """Read a load, box by box."""
    with path.open() as lines:
        yield from map(BoxLoad.of_line, lines)


def _made(number: int, scale: Scale) -> BoxLoad:
    name = BoxName(f"H{32_000_000_000 + number}", "counter-1")
    key = hashlib.sha256(f"bench {name}".encode()).digest()
    signer = Signer(box_key_name(name.site, name.box), Ed25519PrivateKey.from_private_bytes(key))
    log = BoxLog(name, hashlib.sha256(str(name).encode()).hexdigest()[:16], signer=signer)
    codes = _fill(log, (code_of(number * scale.records + place) for place in range(scale.records)), scale)
    ends = [min(at + scale.batch, scale.records) for at in range(0, scale.records, scale.batch)]
    scans = [record.seq for record in log.records if record.kind == Kind.SCAN and "ticket" in record.fields]
    return BoxLoad(
        name.site,
        name.box,
        log.log,
        tuple(log.bodies),
        tuple(log.checkpoint(end) for end in ends),
        log.birth(),
        log.frontier.root().hex(),
        tuple(scans),
        tuple(codes),
        str(signer.verifier()),
    )


def _fill(log: BoxLog, codes: Iterable[str], scale: Scale) -> list[str]:
    """Sell packs, ticket by ticket; what no ticket has room for are scans without one. Give the packs sold."""
    counter, fresh, sold = Counter(log), iter(codes), []
    while (left := min(scale.ticket, scale.records - log.size)) >= _LEAST_TICKET:
        counter.open()
        for _ in range(left - 2):
            sold.append(next(fresh))
            counter.scan(sold[-1], **_OF_A_SCAN)  # type: ignore[arg-type]  # further fields, none of them packs_more
        counter.close()
    log.scan(scale.records - log.size)
    return sold
