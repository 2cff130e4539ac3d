"""`yaoma doctor`: look at everything the box needs; with or without the daemon."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption, JsonOption
from yaoma.cli.report import CommandError, print_json
from yaoma.doctor.bundle import bundle_files, write_bundle
from yaoma.doctor.examine import examine
from yaoma.doctor.host import Host
from yaoma.doctor.report import Report

__all__ = ["doctor"]


def doctor(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    json: JsonOption = False,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", metavar="FILE.zip", help="Write a file to send: no codes, no keys in it.")
    ] = None,
) -> None:
    """Check configuration, disk, keys, clock, scanners, broker, delivery, list and journal; say what to do first.

    The last line says that the box is ready, or the first thing to do. Run it as root: others may not look at keys,
    and can't see who holds a scanner. While the daemon does not run, scanners are opened for a moment and the broker
    is visited under the box's name.

    Exit codes: 0 ready; 1 not.

    Examples: yaoma doctor · yaoma doctor --json · yaoma doctor --bundle /media/usb/doctor.zip
    """
    host = Host()
    examined = examine(config, host)
    report = Report(examined.findings)
    told = {"made": datetime.now().astimezone().isoformat(timespec="seconds"), **report.as_json()}
    if bundle is not None:
        try:
            write_bundle(bundle, bundle_files(told, examined.loaded, host))
        except OSError as error:
            raise CommandError(f"不能写出诊断包 / can't write the bundle: {bundle}: {error.strerror}") from error
    if json:
        print_json(told)
    else:
        for line in report.lines():
            typer.echo(line)
    if not report.is_ready:
        raise typer.Exit(1)
