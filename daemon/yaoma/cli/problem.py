"""`yaoma problem`: report what is wrong with a code, a delivery or a device."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from yaoma.cli.asking import asked
from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption, JsonOption, OperatorOption, SocketOption
from yaoma.cli.report import CommandError, print_answer
from yaoma.core.problem import ProblemKind, Severity

__all__ = ["problem"]


def problem(
    kind: Annotated[ProblemKind, typer.Argument(help="What is wrong.")],
    *,
    severity: Annotated[Severity, typer.Option(help="urgent: the centre is alarmed.")] = Severity.NORMAL,
    text: Annotated[str, typer.Option(help="In your words, 200 characters at most; no names, no numbers.")] = "",
    code: Annotated[str, typer.Option(help="The trace code that it is about.")] = "",
    photo: Annotated[Path | None, typer.Option(help="A picture: its SHA-256 is recorded; keep the file.")] = None,
    station: Annotated[str, typer.Option(help="The station.")] = "",
    operator: OperatorOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Report a problem; it is recorded, delivered to the centre, and stands in the reports.

    Example: yaoma problem code_unreadable --code 83003850000000131888 --text 二维码破损 --operator u7
    """
    request = {
        "do": "problem",
        "problem": kind.value,
        "severity": severity.value,
        "text": text,
        "code": code,
        "station": station,
    }
    answer = asked({**request, "photo": _hash_of(photo), "operator": operator}, config, socket)
    print_answer(answer, "已记录，将上报中心 / recorded, the centre will be told", json=json)


def _hash_of(photo: Path | None) -> str:
    if photo is None:
        return ""
    try:
        with photo.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise CommandError(f"{photo}: {error.strerror}") from error
