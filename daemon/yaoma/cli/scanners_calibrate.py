"""`yaoma scanners calibrate`: find out from the sheet how a scanner types or sends, keep it, say what to change."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from yaoma.cli.calibration_options import with_options
from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption, JsonOption, SocketOption
from yaoma.cli.report import CommandError, loaded, print_json
from yaoma.cli.scanners_daemon import daemon_at, lent
from yaoma.cli.scanners_listen import listening
from yaoma.cli.scanners_open import opened
from yaoma.cli.scanners_read import device_refused
from yaoma.config.calibration_file import calibration_text
from yaoma.config.edit import EditError, read_text, with_calibration, write_edited
from yaoma.config.inventory import device_named
from yaoma.shell.catalogue import load_catalogue
from yaoma_drivers.calibration import Advice, Calibration, evaluate
from yaoma_drivers.calibration_sent import evaluate_sent
from yaoma_drivers.errors import DeviceError
from yaoma_drivers.hid_options import HidOptions
from yaoma_drivers.input_identity import InputPlaces, find
from yaoma_drivers.symbol import Symbol
from yaoma_drivers.typed_capture import TypedCapture
from yaoma_drivers.typed_scan import TypedScan
from yaoma_drivers.wrapping_options import WrappingOptions
from yaoma_link.keyfile import write_public

__all__ = ["advice_lines", "calibrate"]

_CODES: Final = 3
#: A loan outlasts three waits.
_SPARE_S: Final = 10.0


def calibrate(
    scanner: Annotated[str, typer.Argument(metavar="SCANNER", help="The scanner's configured name.")],
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="The file; default: scanners/NAME.toml beside it.")] = None,
    wait: Annotated[float, typer.Option("--wait", min=1, max=60, help="How long to wait for each code, in s.")] = 30.0,
    write: Annotated[bool, typer.Option(help="Name the file in the configuration.")] = True,
    json: JsonOption = False,
) -> None:
    """Scan the three codes of `yaoma-tools scanner sheet`: what the scanner does to them is found out and kept.

    For scanners that type (hid), on a line (serial_line, zebra_ssi) and in HID POS mode (hid_pos). While the daemon
    runs it lends the scanner: what is scanned meanwhile is not recorded. Leave the third code out with a scanner that
    reads bars only.

    Exit codes: 0 the file is written; 1 not, or the sheet must be scanned again.

    Example: sudo yaoma scanners calibrate gun
    """
    found = loaded(config)
    one, options = next((one for one in found.config.scanner if one.name == scanner), None), found.options.get(scanner)
    if one is None or not isinstance(options, WrappingOptions):
        raise CommandError(
            f"{scanner}: 不是可以校准的扫码枪 / is no configured scanner that can be calibrated: yaoma scanners list"
        )
    with lent(daemon_at(config, socket), scanner, _CODES * wait + _SPARE_S):
        try:
            if isinstance(options, HidOptions):
                with opened({scanner: find(options.name(), InputPlaces())}) as capture:
                    calibration = evaluate(_typed(capture, wait))
            else:
                calibration = _sent(scanner, one.driver, options, wait)
        except DeviceError as error:
            raise device_refused(error) from error
    calibration = with_options(calibration, one.driver, options, written=one.options)
    file = out or config.absolute().parent / "scanners" / f"{scanner}.toml"
    if calibration.profile is not None:
        _keep(calibration, file, scanner, device_named(options))
    if json:
        advice = {one.value: dict(facts) for one, facts in calibration.advice.items()}
        print_json({"file": str(file) if calibration.profile else None, "advice": advice})
    else:
        for line in advice_lines(calibration):
            typer.echo(line)
    if calibration.profile is None:
        raise typer.Exit(1)
    if write:
        _name_it(config, scanner, file)


def advice_lines(calibration: Calibration) -> list[str]:
    """Say what was found and what to do, Chinese and English.

    Args:
        calibration: What came of it.
    """
    out = []
    for advice, facts in calibration.advice.items():
        for language, sign in (("zh-CN", "!"), ("en", " ")):
            text = load_catalogue(language).text("scanner_advice", advice.value, facts)
            out += [f"{sign} {text.line}", f"    → {text.todo}"]
    if not calibration.advice:
        out.append("✓ 设置正确，无需改动 / all is as it should be")
    return out


def _ask_for(code: int) -> None:
    typer.echo(f"请扫校准单的第 {code} 个码 / scan code {code} of the sheet", err=True)


def _sent(scanner: str, driver: str, options: WrappingOptions, wait_s: float) -> Calibration:
    """Listen through the scanner's own driver, which takes nothing off, and answer one that waits for it."""
    scans: list[Symbol] = []
    calibration = evaluate_sent(scans, needs_terminator=options.needs_terminator)
    with listening(scanner, driver, options.as_sent()) as open_scanner:
        while len(scans) < _CODES:
            _ask_for(len(scans) + 1)
            symbol = open_scanner.next(wait_s)
            if symbol is None:
                break
            open_scanner.taken(symbol)
            scans.append(symbol)
            calibration = evaluate_sent(scans, needs_terminator=options.needs_terminator)
            if calibration.profile is None:
                break
    if not scans:
        raise _silent()
    return calibration


def _silent() -> CommandError:
    return CommandError("没有收到扫码 / nothing was scanned")


def _typed(capture: TypedCapture, wait_s: float) -> list[TypedScan]:
    scans: list[TypedScan] = []
    while len(scans) < _CODES:
        _ask_for(len(scans) + 1)
        captured = capture.next(wait_s)
        if captured is None:
            break
        scans.append(captured.scan)
        if Advice.UNREADABLE in evaluate(scans).advice or captured.scan.is_damaged:
            break
    if not scans:
        raise _silent()
    return scans


def _keep(calibration: Calibration, file: Path, scanner: str, device: str) -> None:
    text = calibration_text(calibration, scanner=scanner, device=device, made=datetime.now(UTC).replace(microsecond=0))
    try:
        write_public(file, text.encode("utf-8"), replace=True)
    except OSError as error:
        raise CommandError(f"{file}: 不能写入 / can't be written: {error.strerror}") from error
    typer.echo(f"{file}: 已写好 / written", err=True)


def _name_it(config: Path, scanner: str, file: Path) -> None:
    try:
        text = read_text(config)
        edited = with_calibration(text, scanner, file.absolute())
        if edited != text:
            write_edited(config, edited)
    except EditError as error:
        line = f'calibration = "{file.absolute()}"'
        raise CommandError(f"{config}: {error.said}\n[[scanner]] {scanner}: {line}") from error
    except OSError as error:
        raise CommandError(f"{config}: 不能写入 / can't be written: {error.strerror}") from error
    typer.echo("重启服务后生效 / it counts after: systemctl restart yaoma", err=True)
