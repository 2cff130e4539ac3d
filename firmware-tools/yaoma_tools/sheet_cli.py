"""Command line: `yaoma-tools sheet`, which prints the control codes that operators scan."""

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from yaoma.core.control_code import ControlCodeError, Sheet, folded
from yaoma.shell.operations import OperationsError, load_operations
from yaoma.shell.print_font import FontMissingError, find_font
from yaoma.shell.print_output import PrintUnavailableError, pdf_bytes, png_bytes
from yaoma.shell.print_symbol import Symbology
from yaoma_link.identity import load_signer
from yaoma_link.keyfile import write_public, write_secret
from yaoma_tools.sheet import (
    OperatorsError,
    Place,
    SheetPlan,
    operations_sheet,
    operators_sheet,
    read_operators,
    technician_sheet,
)
from yaoma_tools.sheet_draw import SheetTooWideError, draw_sheet

__all__ = ["FAILURES", "app"]

#: What a command of this group may fail with; each sentence says what to do.
FAILURES = (
    ControlCodeError,
    FontMissingError,
    OperationsError,
    OperatorsError,
    PrintUnavailableError,
    SheetTooWideError,
)

app = typer.Typer(help="Sheets of control codes, in Chinese, for a printer.", no_args_is_help=True)

Site = Annotated[str, typer.Option(help="The institution's code, as in the box's configuration.")]
Station = Annotated[str, typer.Option(help="The station that it is printed for; without it for every one.")]
Bars = Annotated[Symbology, typer.Option(help="qr, or code128 for scanners that read bars only.")]
Out = Annotated[
    list[Path],
    typer.Option("--out", "-o", help="A .pdf, or a .png (one file a page: NAME-1.png ...); may be given again."),
]


@app.command("operations")
def operations(
    *,
    out: Out,
    site: Site = "",
    station: Station = "",
    only: Annotated[list[str] | None, typer.Option(help="An operation's id; may be given again. Default: all.")] = None,
    table: Annotated[Path | None, typer.Option(help="A table of operations instead of the one that ships.")] = None,
    symbology: Bars = Symbology.QR,
) -> None:
    """Draw the sheet of a counter: change operation, close ticket, undo last, confirm.

    Example: yaoma-tools sheet operations --site H32132200561 --only receive --only dispense -o counter.pdf
    """
    known = load_operations(table)
    unknown = [one for one in only or () if one not in known]
    if unknown:
        raise typer.BadParameter(f"no such operation: {', '.join(unknown)}", param_hint="--only")
    chosen = {one: known[one] for one in only or known}
    _write(operations_sheet(chosen, Place(site, "", station, _today())), out, symbology)


@app.command("operators")
def operators(
    people: Annotated[list[str], typer.Argument(metavar="WHO...", help="ID, ID=NAME, or a .csv with id and name.")],
    out: Out,
    site: Site = "",
    symbology: Bars = Symbology.QR,
) -> None:
    """Draw badges: I am operator X. They give no rights beyond those of everybody.

    Example: yaoma-tools sheet operators P07=张三 P08=李四 --site H32132200561 -o badges.pdf
    """
    _write(operators_sheet(read_operators(people), Place(site, "", "", _today())), out, symbology)


@app.command("technician")
def technician(
    key: Annotated[Path, typer.Argument(metavar="KEY", help="The key of the sheets: keys new-signing makes it.")],
    *,
    out: Out,
    site: Annotated[str, typer.Option(help="The institution's code; the sheet counts nowhere else.")],
    sheet: Annotated[str, typer.Option("--id", help="Names the sheet, so that it can be revoked.")],
    box: Annotated[str, typer.Option(help="The box; without it the sheet counts on every box of the site.")] = "",
    days: Annotated[int, typer.Option(min=1, max=366, help="How long it counts, today included.")] = 90,
    supervisor: Annotated[list[str] | None, typer.Option(help="Person in charge: ID, ID=NAME, or a .csv.")] = None,
    pair: Annotated[list[str] | None, typer.Option(help="A station that new scanners may be paired with.")] = None,
) -> None:
    """Draw the signed sheet: cancel, override, training mode, persons in charge, pairing.

    Whoever holds it, or a photograph of it, can do what it says until its last day. Keep it like a key.

    Example: yaoma-tools sheet technician sheets.key --site H32132200561 --id T-7 --days 90 -o technician.pdf
    """
    today = _today()
    made = Sheet(folded(site), folded(box), folded(sheet), today + timedelta(days=days - 1))
    plan = technician_sheet(
        load_signer(key, "sheets"),  # the name is no part of what is signed
        made,
        Place(site, box, "", today),
        supervisors=read_operators(supervisor or ()),
        stations=pair or (),
    )
    _write(plan, out, Symbology.QR, secret=True)


def _today() -> date:
    return date.today()  # noqa: DTZ011 - the day of the place where it is printed


def _write(plan: SheetPlan, out: list[Path], symbology: Symbology, *, secret: bool = False) -> None:
    """Write every file that was asked for; a signed sheet for its owner only and never over another one."""
    wrong = [path.name for path in out if path.suffix.lower() not in {".pdf", ".png"}]
    if wrong:
        raise typer.BadParameter(f"a .pdf or .png was expected: {', '.join(wrong)}", param_hint="--out")
    pages, font = draw_sheet(plan, symbology), find_font()
    for path in out:
        if path.suffix.lower() == ".pdf":
            files = {path: pdf_bytes(pages, font, title=plan.title)}
        else:
            names = [path.with_stem(f"{path.stem}-{number}") for number in range(1, len(pages) + 1)]
            files = {name: png_bytes(page, font) for name, page in zip(names, pages, strict=True)}
        for name, content in files.items():
            if secret:
                write_secret(name, content)
            else:
                write_public(name, content, replace=True)
            typer.echo(f"{name}")
