"""The destination `despatch_file`: despatch notes as files, for partners that have no box here (S4-04).

A partner that has a box here is told by a message (`yaoma_bridge.despatching`). For any other one a JSON file is
written into a folder of its own; `yaoma-bridge state add 'SITE/*' FILE` of the partner's own centre takes it as it is.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel

from yaoma.core.shipment_text import shipment_fields
from yaoma_bridge.bill import Bill, BillLine
from yaoma_bridge.despatch_note import OUTGOING, is_announced, notes_of, partner_of
from yaoma_bridge.destination_options import AbsolutePath, DestinationOptions
from yaoma_bridge.destinations.partner_folder import partner_folder
from yaoma_bridge.platform import Answer, AnswerState, Order, Pace, Parcel, Ruling, RulingKind
from yaoma_link.keyfile import write_public

__all__ = ["DespatchFileDestination", "DespatchFileOptions"]


class DespatchFileOptions(DestinationOptions):
    """Options of the destination `despatch_file`.

    Args:
        folder: The folder, absolute; each partner gets one inside.
    """

    folder: AbsolutePath


class DespatchFileDestination:
    """Writes the notes; a file is there whole or not at all.

    Args:
        name: Its name in the configuration.
        options: Its options.
    """

    Options: ClassVar[type[BaseModel]] = DespatchFileOptions
    KIND: ClassVar[str] = "despatch_file"

    def __init__(self, name: str, options: DespatchFileOptions) -> None:
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
        """Want what leaves for a partner that the ticket names and that has no box here."""
        if bill.operation not in OUTGOING or not is_announced(line):
            return Ruling(RulingKind.NOT_NEEDED, "nothing_announced")
        if not partner_of(bill):
            return Ruling(RulingKind.NOT_NEEDED, "receiver_unnamed")
        if bill.receiver:
            return Ruling(RulingKind.NOT_NEEDED, "receiver_has_a_box")
        return Ruling()

    def parcels(self, bill: Bill) -> Sequence[Parcel]:
        """Give one file for each note; a line that has no code of its own in any goes with the first."""
        notes = notes_of(bill)
        by_note: list[list[int]] = [[] for _ in notes]
        for number, line in enumerate(bill.lines):
            keys = line.packs or (line.code,)
            places = [place for place, note in enumerate(notes) if any(key in note.line_of for key in keys)]
            for place in places or [0]:
                by_note[place].append(number)
        return [
            Parcel(
                bill.number if len(notes) == 1 else f"{bill.number}_{place + 1}",
                "write",
                bill,
                tuple(lines),
                facts={"note": place},
            )
            for place, lines in enumerate(by_note)
        ]

    def send(self, parcel: Parcel, now_ms: int) -> Answer:  # noqa: ARG002 - the note says when the goods left
        """Write the file and fsync it."""
        place = parcel.facts.get("note")
        note = notes_of(parcel.bill)[place if isinstance(place, int) else 0]
        text = json.dumps(shipment_fields(note), ensure_ascii=False, indent=1)
        try:
            write_public(self._path(parcel), f"{text}\n".encode(), replace=True)
        except OSError:
            return Answer(AnswerState.WAITING, "disk", is_outage=True)
        return Answer(AnswerState.ACCEPTED)

    def ask(self, parcel: Parcel, now_ms: int) -> Answer:  # noqa: ARG002 - as for `send`
        """Look whether the file is there; written again it would name the same packs."""
        is_there = self._path(parcel).is_file()
        return Answer(AnswerState.ACCEPTED) if is_there else Answer(AnswerState.WAITING, "not_there")

    def close(self) -> None:
        """Nothing is kept open."""

    def _path(self, parcel: Parcel) -> Path:
        return partner_folder(self._options.folder, partner_of(parcel.bill)) / f"{parcel.number}.json"
