"""`yaoma config`: make a configuration, check it, show what it amounts to; works without the daemon."""

from pathlib import Path
from typing import Annotated

import typer

from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption, JsonOption
from yaoma.cli.report import EX_CONFIG, CommandError, loaded, print_json, refused
from yaoma.config.devices import Device, plugged_in
from yaoma.config.effective import effective, effective_lines
from yaoma.config.files import missing_files
from yaoma.config.load import ConfigError, read
from yaoma.config.mistake import lines_of, sentence_of
from yaoma.config.questions import QUESTIONS, Question, answers_from, mistakes_in, values_of
from yaoma.config.reference import EXAMPLE, render
from yaoma_link.keyfile import FileExistsAlreadyError, refuse_existing, write_public

__all__ = ["app"]

app = typer.Typer(help="Make a configuration, check it, show what it amounts to.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="FILE", envvar="YAOMA_CONFIG", help="The configuration file.")]


@app.command()
def check(file: File = DEFAULT_CONFIG, *, json: JsonOption = False) -> None:
    """List all mistakes at once: line, key, what was expected, what was found. Files that are missing are notes.

    Exit codes: 0 the file can be used; 78 it has mistakes.

    Examples: yaoma config check · yaoma config check ./yaoma.toml --json
    """
    reading = read(file)
    notices = list(reading.notices)
    if reading.loaded is not None:
        notices += missing_files(reading.loaded.config, reading.places)
    if json:
        print_json(
            {
                "file": str(file),
                "ok": reading.loaded is not None,
                "mistakes": [mistake.as_json() for mistake in reading.mistakes],
                "notices": [notice.as_json() for notice in notices],
            }
        )
    else:
        for line in lines_of(reading.mistakes, notices):
            typer.echo(line)
        said = f"{file}: {sentence_of(reading.mistakes)}" if reading.mistakes else f"{file}: 可以使用 / can be used"
        typer.echo(said)
    if reading.mistakes:
        raise typer.Exit(EX_CONFIG)


@app.command()
def show(*, config: ConfigOption = DEFAULT_CONFIG, json: JsonOption = False) -> None:
    """Print every key with the value that counts, defaults too. Of keys and certificates only the paths are shown.

    Examples: yaoma config show · yaoma config show --config ./yaoma.toml --json
    """
    found = loaded(config)
    if json:
        print_json(effective(found))
        return
    for line in effective_lines(found):
        typer.echo(line)


@app.command()
def reference() -> None:
    """Print the reference: every key with its default, explained in both languages.

    Example: yaoma config reference > yaoma.toml
    """
    typer.echo(render(EXAMPLE), nl=False)


@app.command()
def new(
    file: File = DEFAULT_CONFIG,
    *,
    site: Annotated[str | None, typer.Option(help="The institution's code.")] = None,
    box: Annotated[str | None, typer.Option(help="The device id, unique within the site.")] = None,
    host: Annotated[str | None, typer.Option(help="The broker's name.")] = None,
    scanner: Annotated[str | None, typer.Option(help="The scanner's path, or DRIVER:PATH.")] = None,
    station: Annotated[str | None, typer.Option(help="The station's name.")] = None,
    language: Annotated[str | None, typer.Option(help="The operator's language: zh-CN or en.")] = None,
    answers: Annotated[Path | None, typer.Option(help="A TOML file with these answers as keys.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Ask five questions and write a commented configuration; what options or --answers say is not asked.

    Examples: yaoma config new · yaoma config new ./yaoma.toml --answers answers.toml
    """
    given = {"site": site, "box": box, "host": host, "scanner": scanner, "station": station, "language": language}
    try:
        if not force:
            refuse_existing(file)
        known = answers_from(answers) if answers else {}
        known |= {name: answer for name, answer in given.items() if answer is not None}
        for name, answer in known.items():
            _refuse(name, answer)
        # Who has answered everything that must be answered runs a script and is asked nothing.
        is_scripted = all(question.default is not None or question.name in known for question in QUESTIONS)
        for question in QUESTIONS:
            if question.name not in known:
                known[question.name] = (question.default or "") if is_scripted else _ask(question)
        write_public(file, render(values_of(known)).encode(), replace=force)
    except ConfigError as error:
        raise refused(error) from None
    except FileExistsAlreadyError as error:
        raise CommandError(f"{file}: 文件已存在，不会覆盖（--force 除外） / {error}, or use --force") from None
    except OSError as error:
        raise CommandError(f"{file}: 不能写入 / can't be written: {error.strerror}") from error
    typer.echo(f"{file}: 已写好 / written")
    typer.echo(f"下一步 / next: yaoma config check {file}")


def _refuse(name: str, answer: str) -> None:
    if mistakes := mistakes_in(name, answer):
        raise CommandError("\n".join(f"--{name}: {mistake}" for mistake in mistakes), EX_CONFIG)


def _ask(question: Question) -> str:
    devices = plugged_in() if question.name == "scanner" else []
    for number, device in enumerate(devices, 1):
        typer.echo(f"  {number}  {device.path}  ({device.driver})")
    if question.name == "scanner" and not devices:
        typer.echo("  没有找到扫码枪；可以先写路径，以后再接 / no scanner found; name the path, plug it in later")
    while True:
        answer = str(typer.prompt(str(question.ask), default=question.default)).strip()
        answer = _chosen(answer, devices)
        mistakes = mistakes_in(question.name, answer)
        if not mistakes:
            return answer
        for line in lines_of(mistakes, ()):
            typer.echo(f"  {line}")


def _chosen(answer: str, devices: list[Device]) -> str:
    if answer.isdecimal() and 1 <= int(answer) <= len(devices):
        return str(devices[int(answer) - 1].path)
    return answer
