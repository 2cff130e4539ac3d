"""The destination `supplier_file`: what the check of a delivery found, as a file per supplier (S1-11, S1-12).

For suppliers that no platform tells: 码上放心 carries the result itself (`xt_is_check`). One CSV file for each despatch
note that a delivery touched, in a folder for each supplier; somebody, or a program, sends the folder on.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Final

from pydantic import BaseModel

from yaoma.core.canonical import Json
from yaoma_bridge.bill import Bill, BillLine
from yaoma_bridge.destination_options import AbsolutePath, DestinationOptions
from yaoma_bridge.destinations.partner_folder import partner_folder
from yaoma_bridge.platform import Answer, AnswerState, Order, Pace, Parcel, Ruling, RulingKind
from yaoma_link.keyfile import write_public

__all__ = ["SupplierFileDestination", "SupplierFileOptions"]

_HEAD: Final = (
    *("supplier", "supplier_bill", "institution", "ticket", "checked_at", "result", "code", "product", "lot"),
    *("expected", "found", "reason"),
)
_RECEIVING: Final = frozenset({"receive", "transfer_in", "gift_in"})


class SupplierFileOptions(DestinationOptions):
    """Options of the destination `supplier_file`.

    Args:
        folder: The folder, absolute; each supplier gets one inside.
        only_differences: Write nothing of deliveries that were as the note said.
    """

    folder: AbsolutePath
    only_differences: bool = False


class SupplierFileDestination:
    """Writes the result of each check; a file is there whole or not at all, and always the same.

    Args:
        name: Its name in the configuration.
        options: Its options.
    """

    Options: ClassVar[type[BaseModel]] = SupplierFileOptions
    KIND: ClassVar[str] = "supplier_file"

    def __init__(self, name: str, options: SupplierFileOptions) -> None:
        self._name = name
        self._options = options

    @property
    def name(self) -> str:
        """Its name in the configuration, in receipts and in the store."""
        return self._name

    @property
    def order(self) -> Order:
        """Files wait for nothing."""
        return Order.NONE

    @property
    def pace(self) -> Pace:
        """A disk needs no pauses."""
        return Pace()

    def rule(self, bill: Bill, line: BillLine) -> Ruling:
        """Want the lines of deliveries that were held against a note."""
        found = _difference(bill, line.shipment or bill.shipment)
        if not found or bill.operation not in _RECEIVING:
            return Ruling(RulingKind.NOT_NEEDED, "nothing_compared")
        if self._options.only_differences and not any(
            _number(found, name) for name in ("missing", "extra", "doubtful")
        ):
            return Ruling(RulingKind.NOT_NEEDED, "as_said")
        return Ruling()

    def parcels(self, bill: Bill) -> Sequence[Parcel]:
        """Give one file for each despatch note."""
        by_note: dict[str, list[int]] = {}
        for number, line in enumerate(bill.lines):
            by_note.setdefault(line.shipment or bill.shipment, []).append(number)
        made = []
        for index, (note, lines) in enumerate(by_note.items(), start=1):
            file = bill.number if len(by_note) == 1 else f"{bill.number}_{index}"
            made.append(Parcel(file, "write", bill, tuple(lines), facts={"note": note}))
        return made

    def send(self, parcel: Parcel, now_ms: int) -> Answer:  # noqa: ARG002 - the file tells when the delivery was checked
        """Write the file and fsync it."""
        try:
            write_public(self._path(parcel), _content(parcel), replace=True)
        except OSError:
            return Answer(AnswerState.WAITING, "disk", is_outage=True)
        return Answer(AnswerState.ACCEPTED)

    def ask(self, parcel: Parcel, now_ms: int) -> Answer:  # noqa: ARG002 - as for `send`
        """Look whether the file is there; written again it would be the same."""
        is_there = self._path(parcel).is_file()
        return Answer(AnswerState.ACCEPTED) if is_there else Answer(AnswerState.WAITING, "not_there")

    def close(self) -> None:
        """Nothing is kept open."""

    def _path(self, parcel: Parcel) -> Path:
        supplier = _text(_difference(parcel.bill, _note_of(parcel)), "supplier") or parcel.bill.supplier
        return partner_folder(self._options.folder, supplier) / f"{parcel.number}.csv"


def _content(parcel: Parcel) -> bytes:
    """Give the file: UTF-8 with the mark by which spreadsheets know it."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(_HEAD)
    bill, found = parcel.bill, _difference(parcel.bill, _note_of(parcel))
    site = bill.institution.name if bill.institution is not None and bill.institution.name else bill.site
    begin = (_text(found, "supplier"), _text(found, "bill"), site, bill.ticket, _time(bill.closed_ms))
    for row in _rows(parcel, found):
        rows.writerow([_plain(cell) for cell in (*begin, *row)])
    return out.getvalue().encode("utf-8-sig")


def _rows(parcel: Parcel, found: Mapping[str, Json]) -> Iterator[tuple[str, ...]]:
    """Give what was found, line by line of the note, then code by code."""
    for one in _lists(found, "lines"):
        product, lot, said, matched = (*map(str, one), "", "", "", "")[:4]
        yield ("line", "", product, lot, said, matched, "")
    doubtful = {str(one[0]): str(one[1]) for one in _lists(found, "doubtful_codes") if len(one) > 1}
    extra = set(_texts(found, "extra_codes"))
    for line in parcel.carried:
        for code in line.packs or (line.code,):
            if code not in doubtful and code not in extra:
                yield ("matched", code, "", line.lot, "", "", "")
    for code in _texts(found, "missing_codes"):
        yield ("missing", code, "", "", "", "", "")
    for code in sorted(extra):
        yield ("extra", code, "", "", "", "", "")
    for code, reason in sorted(doubtful.items()):
        yield ("doubtful", code, "", "", "", "", reason)


def _note_of(parcel: Parcel) -> str:
    return str(parcel.facts.get("note", ""))


def _difference(bill: Bill, note: str) -> Mapping[str, Json]:
    return next((one for one in bill.differences if one.get("shipment") == note), {})


def _plain(cell: str) -> str:
    """Keep a spreadsheet from taking a cell for a formula, and a code for a number."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t"} else cell


def _time(at_ms: int) -> str:
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return ""


def _text(fields: Mapping[str, Json], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _number(fields: Mapping[str, Json], name: str) -> int:
    value = fields.get(name)
    return value if isinstance(value, int) else 0


def _texts(fields: Mapping[str, Json], name: str) -> list[str]:
    value = fields.get(name)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _lists(fields: Mapping[str, Json], name: str) -> list[list[Json]]:
    value = fields.get(name)
    return [one for one in value if isinstance(one, list)] if isinstance(value, list) else []
