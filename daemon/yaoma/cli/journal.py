"""`yaoma journal`: look at the journal, prove it, take it away; works without the daemon."""

import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Any

import typer

from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption, JsonOption
from yaoma.cli.report import CommandError, loaded, print_json
from yaoma.core.note import NoteError, Verifier
from yaoma.core.record import Record
from yaoma.shell.closed_log import ClosedLog
from yaoma.shell.database import DatabaseError
from yaoma.shell.proof import LogReport, ProofError, check_proof, prove, verify_log
from yaoma.shell.rebuild import logs_in_order, rebuild
from yaoma.shell.site_anchor import anchors
from yaoma.shell.state_lock import StateBusyError, StateLock

__all__ = ["app"]

app = typer.Typer(help="Look at the journal, prove it, take it away. Works without the daemon.", no_args_is_help=True)

StateOption = Annotated[Path | None, typer.Option("--state", help="The state folder, instead of the configuration's.")]
KeyOption = Annotated[
    list[str] | None, typer.Option("--key", help="The box's public key (yaoma keys show), instead of its key file.")
]

_CHINA = timezone(timedelta(hours=8))


def _folder(config: Path, state: Path | None) -> Path:
    folder = state or loaded(config).config.state.folder
    if not (folder / "journal.db").exists():
        raise CommandError(f"{folder}: 没有日志 / there is no journal here; name the state folder with --state")
    return folder


def _verifiers(config: Path, key: list[str] | None) -> list[Verifier]:
    from yaoma.cli.assemble import box_signer  # noqa: PLC0415 - the other commands do not need its imports

    try:
        return [Verifier.parse(one) for one in key] if key else [box_signer(loaded(config).config).verifier()]
    except NoteError as error:
        raise CommandError(f"--key: {error}") from error


@app.command()
def verify(
    *, config: ConfigOption = DEFAULT_CONFIG, state: StateOption = None, key: KeyOption = None, json: JsonOption = False
) -> None:
    """Check every record, hash, signature and root; say what was altered, is missing or reordered.

    The exit code is 0 if everything holds and 1 if anything does not.

    Examples: yaoma journal verify · yaoma journal verify --state /mnt/card/yaoma --key 'yaoma/v1/S1/b1+...'
    """
    folder = _folder(config, state)
    verifiers = _verifiers(config, key)
    known = anchors(folder / "site.db")
    paths = [*sorted((folder / "closed").glob("*.db")), folder / "journal.db"]
    reports = [verify_log(path, verifiers, known) for path in paths]
    if json:
        print_json([_report(report) for report in reports])
    else:
        for report in reports:
            _print_report(report)
    if any(report.problems for report in reports):
        raise CommandError("日志校验未通过 / The journal does not verify; do not delete anything, call the technician.")


def _report(report: LogReport) -> dict[str, Any]:
    return {
        "file": str(report.path),
        "log": report.log,
        "box": f"{report.site}/{report.box}",
        "size": report.size,
        "root": report.root.hex(),
        "signed_upto": report.signed_upto,
        "anchored_upto": report.anchored_upto,
        "previous": report.previous,
        "problems": report.problems,
    }


def _print_report(report: LogReport) -> None:
    mark = "✗" if report.problems else "✓"
    typer.echo(
        f"{mark} {report.log or report.path.name}: {report.size} 条记录 / records, 签名至 / signed up to "
        f"{report.signed_upto}, 中心确认至 / anchored at the bridge up to {report.anchored_upto}"
    )
    gap = report.previous.get("gap") if report.previous else None
    if gap:
        typer.echo(f"  前一日志有缺口 / the log before it has a gap: {gap}")
    for problem in report.problems:
        typer.echo(f"  {problem}")


@app.command("prove")
def prove_record(
    seq: Annotated[int, typer.Argument(help="The record's place in its log.")],
    log: Annotated[str | None, typer.Option(help="The log's id; the open log if left out.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    state: StateOption = None,
) -> None:
    """Print the proof that one record (one sale) stands in the signed log.

    Example: yaoma journal prove 4711 > sale.proof
    """
    reader = _log(_folder(config, state), log)
    try:
        typer.echo(prove(reader, seq).decode())
    except (ProofError, DatabaseError) as error:
        raise CommandError(str(error)) from error
    finally:
        reader.close()


@app.command()
def check(
    proof: Annotated[Path, typer.Argument(help="A file that `prove` made.")],
    key: Annotated[list[str], typer.Option("--key", help="The box's public key (yaoma keys show).")],
) -> None:
    """Check a proof without the journal.

    Example: yaoma journal check sale.proof --key 'yaoma/v1/S1/b1+...'
    """
    try:
        checkpoint, record = check_proof(proof.read_bytes(), [Verifier.parse(one) for one in key])
    except (OSError, NoteError, ProofError) as error:
        raise CommandError(f"✗ {error}") from error
    typer.echo(f"✓ {checkpoint.origin} {record.seq} < {checkpoint.size}")
    typer.echo(_line(record))


@app.command()
def show(
    seq: Annotated[int | None, typer.Argument(help="One record in full; the newest ones if left out.")] = None,
    *,
    last: Annotated[int, typer.Option(help="How many of the newest records.")] = 20,
    log: Annotated[str | None, typer.Option(help="The log's id; the open log if left out.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Show records.

    Examples: yaoma journal show · yaoma journal show 4711 --json · yaoma journal show --last 100
    """
    reader = _log(_folder(config, state), log)
    try:
        first, end = (max(0, reader.size - last), reader.size) if seq is None else (seq, seq + 1)
        records = [Record.read(body) for body in reader.bodies(first, end)]
    except DatabaseError as error:
        raise CommandError(str(error)) from error
    finally:
        reader.close()
    if seq is not None and not records:
        raise CommandError(f"log {reader.log} has no record {seq}; it has {reader.size}")
    if json:
        print_json([dict(record.fields) for record in records])
    else:
        for record in records:
            typer.echo(_line(record))


@app.command()
def export(
    to: Annotated[Path | None, typer.Option(help="The file to write; standard output if left out.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    state: StateOption = None,
) -> None:
    """Write every record of every log on this box as JSON lines, oldest first, byte for byte as they were hashed.

    Example: yaoma journal export --to /media/usb/journal.jsonl
    """
    folder = _folder(config, state)
    try:
        stream = to.open("wb") if to else sys.stdout.buffer
    except OSError as error:
        raise CommandError(f"{to}: {error.strerror}") from error
    count = 0
    try:
        for _, records in logs_in_order(folder):
            for record in records:
                stream.write(record.body + b"\n")
                count += 1
    except DatabaseError as error:
        raise CommandError(str(error)) from error
    finally:
        stream.flush()
        if to:
            stream.close()
    typer.echo(f"{count} 条记录 / records", err=True)


@app.command("rebuild")
def rebuild_projections(config: ConfigOption = DEFAULT_CONFIG, state: StateOption = None) -> None:
    """Make the projections (ledger, tickets, counts) anew from the journal; the daemon must not run.

    Example: systemctl stop yaoma && yaoma journal rebuild
    """
    folder = _folder(config, state)
    try:
        with StateLock(folder):
            done = rebuild(folder)
    except (StateBusyError, DatabaseError) as error:
        raise CommandError(str(error)) from error
    for log, size in done.items():
        typer.echo(f"{log}: {size} 条记录 / records")


def _log(folder: Path, log: str | None) -> ClosedLog:
    try:
        current = ClosedLog(folder / "journal.db")
        if log is None or current.log == log:
            return current
        current.close()
        return ClosedLog(folder / "closed" / f"{log}.db")
    except DatabaseError as error:
        raise CommandError(f"{log or 'journal.db'}: {error.problem}") from error


def _line(record: Record) -> str:
    """One record on one line: place, time at the counter, what happened."""
    original = record.original()
    try:
        when = datetime.fromtimestamp(original.stamp.wall_ms / 1000, _CHINA).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        when = "?"
    shown = {
        name: original.fields[name]
        for name in ("verdict", "reason", "code", "lookalike", "action", "ticket", "operation", "station", "version")
        if original.fields.get(name) is not None
    }
    facts = " ".join(f"{name}={value}" for name, value in shown.items())
    copied = f" (复制自 / copied from {'/'.join(map(str, record.identity))})" if record is not original else ""
    return f"{record.seq:>7} {when} {original.stamp.clock.value:<9} {original.kind:<7} {facts}{copied}"
