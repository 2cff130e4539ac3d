"""`yaoma scanners pair`: find the scanner that types the pairing code, and bind a name to its socket."""

import re
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption
from yaoma.cli.report import CommandError
from yaoma.cli.scanners_open import opened
from yaoma.config.contradictions import NAME_PATTERN
from yaoma.config.edit import EditError, read_text, scanner_block, with_scanner, write_edited
from yaoma.config.inventory import lasting_options, port_of, unconfigured_keyboards
from yaoma.config.load import Loaded, read
from yaoma.shell.print_font import FontMissingError, find_font
from yaoma.shell.print_output import PrintUnavailableError, pdf_bytes, png_bytes
from yaoma.shell.scanner_sheet import SHEET_TITLE, draw_scanner_sheet
from yaoma_drivers.calibration_sheet import DIGITS
from yaoma_drivers.input_identity import AttachedInput
from yaoma_drivers.typed_scan import spells
from yaoma_link.keyfile import write_public

__all__ = ["pair"]

_PLACES_HELP = "A device to listen to: its number in the list, socket, serial number or node; may be given again."


def pair(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the new scanner is called, such as gun-2.")],
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    allow: Annotated[list[str] | None, typer.Option("--allow", help=_PLACES_HELP)] = None,
    station: Annotated[str, typer.Option("--station", help="Its station; needed with --write.")] = "",
    wait: Annotated[float, typer.Option("--wait", min=1, max=600, help="How long to listen, in seconds.")] = 60.0,
    sheet: Annotated[Path | None, typer.Option("--sheet", help="Also write the sheet to scan: a .pdf or .png.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Add the scanner to the configuration file.")] = False,
) -> None:
    """Find a scanner by its typing the first code of the calibration sheet, and print what the configuration needs.

    Only devices that you allow are opened, and they are yours alone meanwhile: do not allow the keyboard you type on.
    The scanner is bound to its socket, so that another one of the same model can take its place.

    Examples: yaoma scanners pair gun-2 --sheet sheet.pdf · sudo yaoma scanners pair gun-2 --station counter --write
    """
    if re.fullmatch(NAME_PATTERN, name) is None:
        raise typer.BadParameter("letters, digits, - and _ were expected", param_hint="NAME")
    if write and re.fullmatch(NAME_PATTERN, station) is None:
        raise typer.BadParameter("--write needs the scanner's station", param_hint="--station")
    if sheet is not None:
        _draw(sheet)
    reading = read(config)
    if write and reading.loaded is None:
        raise CommandError(f"{config}: 请先运行 yaoma config check / first run yaoma config check")
    found = _listen(_chosen(reading.loaded, allow), wait)
    options = lasting_options(found, unconfigured_keyboards(reading.loaded))
    if not options:
        raise CommandError(
            "这把枪既没有可命名的接口也没有唯一的序列号，无法绑定 / "
            "this scanner has neither a socket that can be named nor a serial number of its own"
        )
    typer.echo(scanner_block(name, "hid", options), nl=False)
    if write:
        _write(config, name, options, station)
    else:
        typer.echo("# 并把它加入一个 [[station]] 的 scanners / and add it to the scanners of a [[station]]")


def _chosen(loaded: Loaded | None, allow: list[str] | None) -> dict[str, AttachedInput]:
    """Give the devices that the technician names; nothing is taken that he does not name."""
    there = unconfigured_keyboards(loaded)
    if not there:
        raise CommandError("没有未配置的键盘类设备 / there is no device of keyboard kind that is not configured")
    if allow is None:
        for number, one in enumerate(there, 1):
            typer.echo(f"  {number}  {_described(one)}")
        answer = typer.prompt(
            "要监听哪些（可写多个，用空格隔开；不要选您正在用的键盘） / which ones (not your own keyboard)"
        )
        allow = str(answer).split()
    chosen: dict[str, AttachedInput] = {}
    for answer in allow:
        named = [one for number, one in enumerate(there, 1) if answer in _names(number, one)]
        if len(named) != 1:
            raise CommandError(f"{answer}: 不是列表中的唯一一项 / not one of the list: yaoma scanners list")
        chosen[str(named[0].node)] = named[0]
    return chosen


def _names(number: int, one: AttachedInput) -> set[str]:
    names = {str(number), str(one.node), one.node.name, one.phys, port_of(one), one.serial, *one.id_paths}
    return names - {""}


def _described(one: AttachedInput) -> str:
    known = [one.model or f"{one.vendor}:{one.product}", port_of(one) or one.phys, one.serial, str(one.node)]
    return "  ".join(part for part in known if part)


def _listen(chosen: dict[str, AttachedInput], wait_s: float) -> AttachedInput:
    typer.echo(
        "请用新枪扫校准单的第 1 个码 / scan the first code of the calibration sheet with the new scanner", err=True
    )
    with opened(chosen) as capture:
        until_s = time.monotonic() + wait_s
        while (left_s := until_s - time.monotonic()) > 0:
            captured = capture.next(left_s)
            if captured is None:
                break
            if not captured.scan.is_damaged and spells(captured.scan, DIGITS):
                return chosen[captured.name]
            typer.echo("收到了别的内容，请扫校准单的第 1 个码 / that was something else", err=True)
    raise CommandError("没有收到校准单的第 1 个码 / the first code of the sheet did not come")


def _write(config: Path, name: str, options: dict[str, Any], station: str) -> None:
    try:
        write_edited(config, with_scanner(read_text(config), name, "hid", options, station))
    except EditError as error:
        raise CommandError(f"{config}: {error.said}") from error
    except OSError as error:
        raise CommandError(f"{config}: 不能写入 / can't be written: {error.strerror}") from error
    typer.echo(f"{config}: 已写好 / written")
    typer.echo(f"下一步 / next: yaoma scanners calibrate {name}; systemctl restart yaoma")


def _draw(sheet: Path) -> None:
    try:
        page, font = draw_scanner_sheet(), find_font()
        is_png = sheet.suffix.lower() == ".png"
        content = png_bytes(page, font) if is_png else pdf_bytes([page], font, title=SHEET_TITLE)
        write_public(sheet, content, replace=True)
    except (PrintUnavailableError, FontMissingError) as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"{sheet}: 不能写入 / can't be written: {error.strerror}") from error
    typer.echo(f"{sheet}: 已写好，请按原尺寸打印 / written; print it at its own size", err=True)
