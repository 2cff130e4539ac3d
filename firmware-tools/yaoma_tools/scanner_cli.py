"""Command line: `yaoma-tools scanner`, for whoever sets up scanners."""

from pathlib import Path
from typing import Annotated

import typer

from yaoma.shell.print_font import find_font
from yaoma.shell.print_output import pdf_bytes, png_bytes
from yaoma.shell.scanner_sheet import SHEET_TITLE, draw_scanner_sheet
from yaoma_link.keyfile import write_public

__all__ = ["app"]

app = typer.Typer(help="Setting up scanners.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `sheet` a command of its own, though it is the only one."""


@app.command("sheet")
def sheet(
    out: Annotated[list[Path], typer.Option("--out", "-o", help="A .pdf or a .png; may be given again.")],
) -> None:
    """Draw the sheet with the three codes that `yaoma scanners calibrate` and `yaoma scanners pair` ask for.

    Print it at its own size: scaled to fit, the bars get ragged.

    Example: yaoma-tools scanner sheet -o scanner.pdf
    """
    wrong = [path.name for path in out if path.suffix.lower() not in {".pdf", ".png"}]
    if wrong:
        raise typer.BadParameter(f"a .pdf or .png was expected: {', '.join(wrong)}", param_hint="--out")
    page, font = draw_scanner_sheet(), find_font()
    for path in out:
        is_pdf = path.suffix.lower() == ".pdf"
        write_public(
            path, pdf_bytes([page], font, title=SHEET_TITLE) if is_pdf else png_bytes(page, font), replace=True
        )
        typer.echo(str(path))
