"""News: shipments and state messages for tests."""

from datetime import date

from yaoma.core.allowlist import CodeStatus, Denial, DenialKind
from yaoma.core.shipment import Shipment, ShipmentKind, ShipmentLine
from yaoma_link.state import MergeLine, StateMessage, StatusLine

__all__ = ["CASE", "PACKS", "message", "shipment"]

CASE = "cn20:81234560000000010001"
PACKS = tuple(f"cn20:8123457{number:09d}{number + 7:04d}" for number in range(3))


def shipment(name: str = "asn-1", kind: ShipmentKind = ShipmentKind.SUPPLIER) -> Shipment:
    """A case with three packs of one lot."""
    return Shipment(
        id=name,
        kind=kind,
        supplier="国药控股",
        bill="DN-77",
        lines=[ShipmentLine("cn20:8123457", 3, "A1", date(2027, 5, 31), "阿莫西林胶囊")],
        parents={CASE: "", **dict.fromkeys(PACKS, CASE)},
        line_of=dict.fromkeys(PACKS, 0),
        sent_ms=1_795_000_000_000,
    )


def message(number: int = 1, epoch: int = 1, *, site: str = "H1", box: str = "b1", name: str = "asn-1") -> StateMessage:
    """A message that says one thing of each kind."""
    return StateMessage(
        site=site,
        box=box,
        epoch=epoch,
        number=number,
        made_ms=1_795_000_000_000,
        shipments=[shipment(name)],
        statuses=[StatusLine(PACKS[0], CodeStatus.CANCELLED, 1_795_000_000_000)],
        denials={("cn20:8123457", "A1"): Denial(DenialKind.RECALL, "2026-118")},
        merges=[MergeLine(PACKS[1], "dispense", 1_795_000_000_000, "b2")],
    )
