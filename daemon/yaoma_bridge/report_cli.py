"""The command `yaoma-bridge report`: the county's register of institutions, and a site's register of persons."""

import sys
import time
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from yaoma.core.report_csv import as_csv
from yaoma.core.report_html import as_html
from yaoma.core.report_page import Page
from yaoma.core.report_period import Period, PeriodError, clock_text
from yaoma.core.report_text import as_text
from yaoma_bridge.centre_words import CentreWords
from yaoma_bridge.command_options import DEFAULT_CONFIG, ConfigOption
from yaoma_bridge.config import BridgeConfig, read_config
from yaoma_bridge.county_facts import county_facts
from yaoma_bridge.county_page import county_page
from yaoma_bridge.errors import BridgeError
from yaoma_bridge.person_register import Opening, entries_of, note_opening, register_page
from yaoma_bridge.report_pdf import as_pdf, found_font
from yaoma_bridge.report_xlsx import as_xlsx
from yaoma_bridge.store import Store
from yaoma_link.identity import IdentityError
from yaoma_link.key_ring import KeyRing
from yaoma_link.keyfile import FileExistsAlreadyError, write_public, write_secret

__all__ = ["app"]

app = typer.Typer(help="Reports of the centre: institutions, devices and rates; the register of persons.")

_CHINA = timezone(timedelta(hours=8))

_Day = Annotated[str, typer.Option(help="One day, such as 2026-11-22.")]
_Month = Annotated[str, typer.Option(help="One month, such as 2026-11.")]
_First = Annotated[str, typer.Option("--from", help="The first day.")]
_Last = Annotated[str, typer.Option("--to", help="The last day; today if left out.")]
_Out = Annotated[Path | None, typer.Option(help="The file to write; standard output if left out.")]
_Language = Annotated[Literal["zh-CN", "en"] | None, typer.Option(help="Instead of the configuration's.")]


class Form(StrEnum):
    """How a report is written."""

    TABLE = "table"
    CSV = "csv"
    XLSX = "xlsx"
    HTML = "html"
    PDF = "pdf"


_Form = Annotated[Form | None, typer.Option("--format", help="By the file's name, or else a table.")]


@app.command(epilog="Example: yaoma-bridge report county --month 2026-11 --out county.xlsx")
def county(  # noqa: PLR0917 - Typer passes by name
    day: _Day = "",
    month: _Month = "",
    first: _First = "",
    last: _Last = "",
    form: _Form = None,
    out: _Out = None,
    language: _Language = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write the county's register: institutions, devices, scan and upload rates, who is below the target (台账).

    Without days it is of this month. Institutions, their kinds and policies come from the files of the folder
    `institutions`, exemptions from the product table.
    """
    settings = read_config(config)
    today = datetime.now(_CHINA).date()
    period = _period(day, month, first, last, today)
    words = CentreWords(language or settings.report.language)
    with Store.look(settings.store.place) as store, store.reading() as tx:
        found = county_facts(tx, settings.facts(), settings.report.chosen_policy, period)
    made = clock_text(time.time_ns() // 1_000_000)
    page = county_page(found, words, period=str(period), made=made, today=today, language=words.language)
    _put(page, form or _form_of(out), out, settings, is_secret=False)


@app.command(epilog="Example: yaoma-bridge report register H32132200561 --day 2026-11-22 --reader ... --purpose ...")
def register(  # noqa: PLR0917 - Typer passes by name
    site: Annotated[str, typer.Argument(help="The institution's code.")],
    reader: Annotated[str, typer.Option(help="Who opens it; written down.")],
    purpose: Annotated[str, typer.Option(help="Why; written down.")],
    day: _Day = "",
    month: _Month = "",
    first: _First = "",
    last: _Last = "",
    form: _Form = None,
    out: _Out = None,
    language: _Language = None,
    keys: Annotated[
        Path | None, typer.Option(help="The folder of private sealing keys, instead of the file's.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Open a site's register of persons (实名登记册) for one day, on a terminal or into a file with mode 0600.

    Who opened it, when and why is written into the store first. `yaoma-bridge report openings` shows that.
    """
    settings = read_config(config)
    if out is None and not sys.stdout.isatty():
        raise BridgeError("persons are shown on a terminal or written to a file", "Name the file with --out")
    today = datetime.now(_CHINA).date()
    period = _period(day or ("" if month or first or last else today.isoformat()), month, first, last, today)
    words = CentreWords(language or settings.report.language)
    folder = keys or settings.report.sealing_keys
    if folder is None:
        raise BridgeError("the folder of private sealing keys is not known", "Set report.sealing_keys, or give --keys")
    try:
        ring = KeyRing.load(folder)
    except IdentityError as error:
        raise BridgeError(error.problem, error.hint) from None
    opening = Opening(reader, purpose, time.time_ns() // 1_000_000)
    with Store.open(settings.store.place) as store:
        entries = entries_of(store, settings.facts(), site, period)
        sealed = sum(1 for one in entries if one.sealed is not None and one.sealed.blob)
        note_opening(store, opening, site, period, sealed)
    page = register_page(entries, ring, words, opening, period, words.language)
    _put(page, form or _form_of(out), out, settings, is_secret=True)


@app.command(epilog="Example: yaoma-bridge report openings")
def openings(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List who opened a register of persons, when, why, and how many identities stood there."""
    with Store.look(read_config(config).store.place) as store, store.reading() as tx:
        for at_ms, reader, purpose, site, first, last, identities in tx.execute(
            "SELECT at_ms, reader, purpose, site, first, last, identities FROM register_opening ORDER BY id"
        ):
            typer.echo(f"{clock_text(at_ms)}  {site}  {first} … {last}  {identities}  {reader}  {purpose}")


def _period(day: str, month: str, first: str, last: str, today: date) -> Period:
    if sum(map(bool, (day, month, first or last))) > 1 or (last and not first):
        raise BridgeError("give a day, a month, or --from and --to", "")
    try:
        if day:
            return Period.of_day(day)
        if first:
            return Period.between(first, last or today.isoformat())
        return Period.of_month(month or today.isoformat()[:7])
    except PeriodError as error:
        raise BridgeError(str(error), "") from None


def _form_of(out: Path | None) -> Form:
    suffix = out.suffix.lower().removeprefix(".") if out is not None else ""
    return Form(suffix) if suffix in {"csv", "xlsx", "html", "pdf"} else Form.TABLE


def _written(page: Page, form: Form, settings: BridgeConfig) -> bytes:
    match form:
        case Form.CSV:
            return as_csv(page).encode()
        case Form.XLSX:
            return as_xlsx(page)
        case Form.HTML:
            return as_html(page).encode()
        case Form.PDF:
            return as_pdf(page, found_font(settings.report.font, settings.report.font_face), datetime.now(UTC))
        case Form.TABLE:
            return as_text(page).encode()


def _put(page: Page, form: Form, out: Path | None, settings: BridgeConfig, *, is_secret: bool) -> None:
    if out is None and form in {Form.XLSX, Form.PDF} and sys.stdout.isatty():
        raise BridgeError(f"{form} is no text for a terminal", "Name the file with --out")
    content = _written(page, form, settings)
    if out is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        if is_secret:
            write_secret(out, content)
        else:
            write_public(out, content, replace=True)
    except FileExistsAlreadyError as error:
        raise BridgeError(str(error), "") from None
    except OSError as error:
        raise BridgeError(f"{out}: {error.strerror}", "Check folder and rights") from None
