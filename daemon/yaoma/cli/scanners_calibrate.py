"""`yaoma scanners calibrate`: find out from the sheet how a scanner types, keep it in a file, say what to change."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption, JsonOption, SocketOption
from yaoma.cli.report import CommandError, loaded, print_json
from yaoma.cli.scanners_daemon import daemon_at, lent
from yaoma.cli.scanners_open import opened
from yaoma.cli.scanners_read import device_refused
from yaoma.config.calibration_file import calibration_text
from yaoma.config.edit import EditError, read_text, with_calibration, write_edited
from yaoma.shell.catalogue import load_catalogue
from yaoma_drivers.calibration import Advice, Calibration, evaluate
from yaoma_drivers.errors import DeviceError
from yaoma_drivers.hid_options import HidOptions
from yaoma_drivers.input_identity import InputPlaces, find
from yaoma_drivers.typed_capture import TypedCapture
from yaoma_drivers.typed_scan import TypedScan
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

    While the daemon runs it lends the scanner: what is scanned meanwhile is not recorded. Leave the third code out with
    a scanner that reads bars only.

    Exit codes: 0 the file is written; 1 not, or the sheet must be scanned again.

    Example: sudo yaoma scanners calibrate gun
    """
    found = loaded(config)
    options = found.options.get(scanner)
    if not isinstance(options, HidOptions):
        raise CommandError(
            f"{scanner}: 不是已配置的键盘类扫码枪 / is no configured scanner of keyboard kind: yaoma scanners list"
        )
    with lent(daemon_at(config, socket), scanner, _CODES * wait + _SPARE_S):
        try:
            device = find(options.name(), InputPlaces())
        except DeviceError as error:
            raise device_refused(error) from error
        with opened({scanner: device}) as capture:
            scans = _three(capture, wait)
    calibration = evaluate(scans)
    file = out or config.absolute().parent / "scanners" / f"{scanner}.toml"
    if calibration.profile is not None:
        _keep(calibration, file, scanner, str(options.name()))
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


def _three(capture: TypedCapture, wait_s: float) -> list[TypedScan]:
    scans: list[TypedScan] = []
    while len(scans) < _CODES:
        typer.echo(f"请扫校准单的第 {len(scans) + 1} 个码 / scan code {len(scans) + 1} of the sheet", err=True)
        captured = capture.next(wait_s)
        if captured is None:
            break
        scans.append(captured.scan)
        if Advice.UNREADABLE in evaluate(scans).advice or captured.scan.is_damaged:
            break
    if not scans:
        raise CommandError("没有收到扫码 / nothing was scanned")
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
