"""`yaoma scanners pair`: find the scanner that sends the pairing code, and bind a name to its socket and station."""

import re
import time
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption
from yaoma.cli.report import CommandError
from yaoma.cli.scanners_listen import Listening, listening
from yaoma.cli.scanners_open import opened
from yaoma.cli.scanners_read import device_refused
from yaoma.cli.scanners_sheet import Heard, pairing_code, station_of
from yaoma.config.contradictions import NAME_PATTERN
from yaoma.config.edit import EditError, read_text, scanner_block, with_scanner, write_edited
from yaoma.config.load import Loaded, read
from yaoma.config.new_devices import NewDevice, new_devices
from yaoma.core.control_code import ControlCode
from yaoma.shell.pairing_note import PairingNote, leave_note
from yaoma.shell.print_font import FontMissingError, find_font
from yaoma.shell.print_output import PrintUnavailableError, pdf_bytes, png_bytes
from yaoma.shell.scanner_sheet import SHEET_TITLE, draw_scanner_sheet
from yaoma_drivers import registry
from yaoma_drivers.calibration_sheet import DIGITS
from yaoma_drivers.errors import DeviceError
from yaoma_drivers.keymap import KEYMAPS
from yaoma_drivers.typed_capture import TypedCapture
from yaoma_drivers.typed_scan import spelled
from yaoma_drivers.wrapping_options import WrappingOptions
from yaoma_link.keyfile import write_public

__all__ = ["pair"]

_PLACES_HELP = "A device to listen to: its number in the list, socket, serial number or node; may be given again."
_BROKEN: Final = "控制码不完整或没有签名 / that control code is damaged or not signed"
_OTHER: Final = "收到了别的内容，请扫校准单的第 1 个码或配对码 / that was something else"
#: How long one of several devices is listened to before the next has its turn.
_TURN_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class _Paired:
    """Who sent the code, and the signed code if it was that."""

    device: NewDevice
    code: ControlCode | None


def pair(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the new scanner is called, such as gun-2.")],
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    allow: Annotated[list[str] | None, typer.Option("--allow", help=_PLACES_HELP)] = None,
    station: Annotated[str, typer.Option("--station", help="Its station; a signed sheet names it by itself.")] = "",
    wait: Annotated[float, typer.Option("--wait", min=1, max=600, help="How long to listen, in seconds.")] = 60.0,
    sheet: Annotated[Path | None, typer.Option("--sheet", help="Also write the sheet to scan: a .pdf or .png.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Add the scanner to the configuration file.")] = False,
) -> None:
    """Find a scanner by the code that it reads, and bind a name to it for good.

    With the first code of the calibration sheet it prints what the configuration needs, or writes it for a --station.
    With the pairing code of a technician's signed sheet (yaoma-tools sheet technician --pair) the sheet names the
    station, and it is written at once; one that is not signed, expired, revoked or of another box is refused.

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
        raise _unusable(config)
    found = _listen(_chosen(reading.loaded, allow), wait)
    if not found.device.options:
        raise _nameless()
    if found.code is not None:
        if reading.loaded is None:
            raise _unusable(config)
        station = station_of(found.code, reading.loaded.config, station)
    typer.echo(scanner_block(name, found.device.driver, found.device.options), nl=False)
    if reading.loaded is not None and (write or found.code is not None):
        _write(config, name, found, station, reading.loaded)
    else:
        typer.echo("# 并把它加入一个 [[station]] 的 scanners / and add it to the scanners of a [[station]]")


def _nameless() -> CommandError:
    return CommandError(
        "这把枪既没有可命名的接口也没有唯一的序列号，无法绑定 / "
        "this scanner has neither a socket that can be named nor a serial number of its own"
    )


def _unusable(config: Path) -> CommandError:
    return CommandError(f"{config}: 请先运行 yaoma config check / first run yaoma config check")


def _chosen(loaded: Loaded | None, allow: list[str] | None) -> list[NewDevice]:
    """Give the devices that the technician names; nothing is taken that he does not name."""
    there = new_devices(loaded)
    if not there:
        raise CommandError("没有未配置的扫码设备 / there is no device that is not configured")
    if allow is None:
        for number, one in enumerate(there, 1):
            typer.echo(f"  {number}  {one.driver}  {one.described}")
        answer = typer.prompt(
            "要监听哪些（可写多个，用空格隔开；不要选您正在用的键盘） / which ones (not your own keyboard)"
        )
        allow = str(answer).split()
    chosen: dict[int, NewDevice] = {}
    for answer in allow:
        named = [number for number, one in enumerate(there, 1) if answer in {str(number), *one.names}]
        if len(named) != 1:
            raise CommandError(f"{answer}: 不是列表中的唯一一项 / not one of the list: yaoma scanners list")
        chosen[named[0]] = there[named[0] - 1]
    return list(chosen.values())


def _listen(chosen: list[NewDevice], wait_s: float) -> _Paired:
    typer.echo(
        "请用新枪扫校准单的第 1 个码，或技术员控制单的配对码 / "
        "scan the first code of the calibration sheet, or the pairing code of a signed sheet, with the new scanner",
        err=True,
    )
    until_s = time.monotonic() + wait_s
    typing = {str(one.typed.node): one for one in chosen if one.typed is not None}
    with ExitStack() as ends:
        try:
            sending = [(one, ends.enter_context(_opened(one))) for one in chosen if one.typed is None]
            inputs = {node: one.typed for node, one in typing.items() if one.typed is not None}
            capture = ends.enter_context(opened(inputs)) if typing else None
            while (left_s := until_s - time.monotonic()) > 0:
                turn_s = min(left_s, _TURN_S) if sending else left_s
                for device, texts in [*_typed(capture, typing, turn_s), *_sent(sending, turn_s)]:
                    if any(DIGITS in text for text in texts):
                        return _Paired(device, None)
                    code = pairing_code(texts)
                    if isinstance(code, ControlCode):
                        return _Paired(device, code)
                    typer.echo(_BROKEN if code is Heard.BROKEN else _OTHER, err=True)
        except DeviceError as error:
            raise device_refused(error) from error
    raise CommandError("没有收到校准单的第 1 个码或配对码 / the first code of the sheet or a pairing code did not come")


def _opened(device: NewDevice) -> AbstractContextManager[Listening]:
    """Open a device that does not type through its own driver, which takes nothing off."""
    if not device.options:
        raise _nameless()
    options = registry.check(device.driver, device.options)
    return listening("new", device.driver, options.as_sent() if isinstance(options, WrappingOptions) else options)


def _typed(
    capture: TypedCapture | None, typing: dict[str, NewDevice], wait_s: float
) -> list[tuple[NewDevice, list[str]]]:
    """Give what was typed, in each layout."""
    captured = capture.next(wait_s) if capture is not None else None
    if captured is None:
        return []
    texts = [] if captured.scan.is_damaged else [spelled(captured.scan, keymap).text for keymap in KEYMAPS.values()]
    return [(typing[captured.name], texts)]


def _sent(sending: list[tuple[NewDevice, Listening]], wait_s: float) -> list[tuple[NewDevice, list[str]]]:
    """Give what was sent; a scanner that waits for an answer gets one."""
    found = []
    for device, open_scanner in sending:
        symbol = open_scanner.next(wait_s / len(sending))
        if symbol is not None:
            open_scanner.taken(symbol)
            found.append((device, [symbol.data.decode("latin-1")]))
    return found


def _write(config: Path, name: str, found: _Paired, station: str, loaded: Loaded) -> None:
    folder, driver, options = loaded.config.state.folder, found.device.driver, found.device.options
    sheet = found.code.sheet.id if found.code is not None and found.code.sheet is not None else ""
    device = next(f"{key} {value}" for key, value in options.items())
    note = PairingNote(name, station, driver, device, sheet, time.time_ns() // 1_000_000)
    left: Path | None = None
    try:
        edited = with_scanner(read_text(config), name, driver, options, station)
        # The note first: what changes the box is recorded, or is not done.
        left = leave_note(folder, note) if folder.is_dir() else None
        write_edited(config, edited)
    except EditError as error:
        raise CommandError(f"{config}: {error.said}") from error
    except OSError as error:
        if left is not None:
            left.unlink(missing_ok=True)
        raise CommandError(f"{error.filename or config}: 不能写入 / can't be written: {error.strerror}") from error
    typer.echo(f"{config}: 已写好 / written")
    typer.echo(f"# {name} → 工位 / station {station}" + (f" (控制单 / sheet {sheet})" if sheet else ""))
    if left is None:
        typer.echo("盒子还没有运行过，这次配对不记入日志 / not recorded: the box has never run", err=True)
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
