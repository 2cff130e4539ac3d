"""The technician's signed sheet at `yaoma scanners pair`: which station it names, and whether it counts on this box."""

import re
from collections.abc import Iterable
from datetime import date
from enum import Enum, auto
from typing import Final

from yaoma.cli.report import CommandError
from yaoma.config.model import Config
from yaoma.core.code import ControlCode, Lookalike, LookalikeKind, parse
from yaoma.core.control_code import PREFIX, ControlAction, folded
from yaoma.core.control_sheet import SheetRefusal, verify
from yaoma.core.ledger import date_of
from yaoma.shell.catalogue import LANGUAGES, load_catalogue
from yaoma.shell.clock import SystemClock, TimeFloor
from yaoma.shell.last_known import last_known
from yaoma_drivers.symbol import MAX_SYMBOL_BYTES, Symbol
from yaoma_link.identity import IdentityError, load_verifiers

__all__ = ["Heard", "pairing_code", "station_of"]

#: A control code, whatever the scanner sends around it; the check digits end it.
_CODE: Final = re.compile(rf"{re.escape(PREFIX)}[A-Z0-9.-]*\.[0-9]{{10}}", re.IGNORECASE)


class Heard(Enum):
    """What a scan was that is no pairing code."""

    BROKEN = auto()  # a control code that is damaged, or lacks the signature that it needs
    OTHER = auto()


def pairing_code(texts: Iterable[str]) -> ControlCode | Heard:
    """Find a pairing code in what a scanner sent.

    Args:
        texts: What it was, in each layout that the scanner may be set to; check digits tell which is right.
    """
    heard = Heard.OTHER
    for text in texts:
        found = _CODE.search(text)
        if found is None:
            heard = Heard.BROKEN if PREFIX in text.upper() else heard
            continue
        data = found.group().encode("ascii")[:MAX_SYMBOL_BYTES]
        meaning = parse(Symbol(data, "", 0))
        if isinstance(meaning, ControlCode) and meaning.action is ControlAction.PAIR:
            return meaning
        if isinstance(meaning, Lookalike) and meaning.kind is LookalikeKind.CONTROL_CODE_BROKEN:
            heard = Heard.BROKEN
    return heard


def station_of(code: ControlCode, config: Config, wanted: str = "") -> str:
    """Give the station that a signed pairing code names.

    A new station comes of a sheet for this box alone, or where the technician names it too: a sheet for every box of
    the site says nothing about which box has which station.

    Args:
        code: The code.
        config: The box's configuration.
        wanted: The station's name as the technician gave it, or empty.

    Raises:
        CommandError: If its sheet does not count here, the technician named another station, or there is none of it.
    """
    try:
        verifiers = load_verifiers(config.keys.sheet) if config.keys.sheet is not None else ()
    except IdentityError as error:
        raise CommandError(f"{_said(f'sheet_refused.{SheetRefusal.NO_KEYS}', code)}\n({error})") from error
    today, revoked = _today(config), config.keys.revoked_sheets
    refusal: SheetRefusal | None = SheetRefusal.EXPIRED
    if today is not None:
        refusal = verify(code, verifiers, site=config.site, box=config.box, today=today, revoked=revoked)
    if refusal is not None:
        raise CommandError(_said(f"sheet_refused.{refusal}", code))
    station = next((one.name for one in config.station if folded(one.name) == code.argument), "")
    if wanted and folded(wanted) != code.argument:
        named = station or code.argument
        raise CommandError(f"控制单写的工位是 {named}，不是 {wanted} / the sheet names {named}, not {wanted}")
    is_for_this_box = code.sheet is not None and bool(code.sheet.box)
    station = station or wanted or (code.argument.lower() if is_for_this_box else "")
    if not station:
        raise CommandError(_said("pairing_no_station", code))
    return station


def _today(config: Config) -> date | None:
    """Give the day by the best clock there is, never before what the journal knows to have passed."""
    before = last_known(config.state.folder / "journal.db")
    now, floor = SystemClock(last=before.stamp)(), TimeFloor(before.synced_ms)
    floor.saw(now)
    return date_of(max(now.wall_ms, floor.ms))


def _said(name: str, code: ControlCode) -> str:
    facts = {"station": code.argument}
    if code.sheet is not None:
        facts |= {"sheet": code.sheet.id, "expires": code.sheet.expires.isoformat()}
    texts = [load_catalogue(language).refusal(name, facts) for language in LANGUAGES]
    heads = [" · ".join(part for part in (text.headline, text.line) if part) for text in texts]
    return "\n".join(f"{head} → {text.todo}" for head, text in zip(heads, texts, strict=True))
