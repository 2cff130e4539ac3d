"""Command line of lists: `yaoma-tools list`: builds, signs, compares and inspects what boxes may accept."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from yaoma.core.base_layout import BaseFormatError, PageDamagedError
from yaoma.core.list_delta import DeltaError, ListDelta
from yaoma.core.run_list import RunList
from yaoma.core.site_list import ListRefusedError
from yaoma.shell.base_file import BaseFile, BaseRefusedError
from yaoma_link.identity import load_signer
from yaoma_link.keyfile import write_public
from yaoma_tools.list_source import SourceError
from yaoma_tools.list_source_tables import read_patterns
from yaoma_tools.signed_list import ListSource, sign_list

__all__ = ["LIST_FAILURES", "list_app"]

#: What a command of this group may end with; one sentence each.
LIST_FAILURES: Final = (
    BaseFormatError,
    BaseRefusedError,
    DeltaError,
    ListRefusedError,
    PageDamagedError,
    SourceError,
)
_DAY_MS: Final = 24 * 3600 * 1000
_DELTA_MAGIC: Final = b"yaomaD"

list_app = typer.Typer(help="The allowlist: base files, deltas, and the small signed list.", no_args_is_help=True)

Codes = Annotated[
    list[Path], typer.Option("--codes", help="CSV or JSON lines: code, and if known lot and expiry. Repeatable.")
]
Release = Annotated[Path, typer.Argument(help="A folder that `list build` has made, or a base file.")]


@list_app.command("build")
def list_build(
    to: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the base files; nothing is overwritten.")],
    *,
    codes: Codes,
    patterns: Annotated[Path | None, typer.Option(help="CSV or JSON lines: standard, regex, product_key.")] = None,
    temporary: Annotated[Path | None, typer.Option(help="Folder for chunks: 50 bytes a code; OUT without it.")] = None,
) -> None:
    """Build base files from tables of codes.

    Example: yaoma-tools list build v8/ --codes county.csv --codes hospital.csv
    """
    # numpy takes a while to import; the commands that make keys shall not wait for it
    from yaoma_tools.list_build import build_codes  # noqa: PLC0415 - see above

    with _progress(codes) as progress:
        built = build_codes(to, codes, patterns=read_patterns(patterns), progress=progress, temporary=temporary)
    for one in built.files:
        typer.echo(
            f"{one.path}: {one.codes} codes, {one.lots} lots, {one.size} bytes; kind {one.kind.name.lower()}\n"
            f"  runs {one.runs}, holes {one.holes}; {one.code_bytes:.3f} bytes a code, "
            f"{one.times_bound:.2f} times the bound of {one.bound_bits / 8:.3f}\n"
            f"  head sha256 {one.digest}"
        )
    if built.repeated:
        typer.echo(f"{built.repeated} rows repeat another one and count once:", err=True)
        for place in built.repeats:
            typer.echo(f"  {place}", err=True)
        if built.repeated > len(built.repeats):
            typer.echo(f"  and {built.repeated - len(built.repeats)} more", err=True)


@list_app.command("delta")
def list_delta(
    old: Release,
    new: Release,
    to: Annotated[Path, typer.Argument(metavar="OUT", help="The delta; nothing is overwritten.")],
    *,
    from_version: Annotated[int, typer.Option("--from", min=1, help="Version of the older release.")],
    to_version: Annotated[int, typer.Option("--to", min=2, help="Version of the newer release.")],
) -> None:
    """Write what turns the codes of one release into those of a later one.

    Example: yaoma-tools list delta v7/ v8/ 7-8.delta --from 7 --to 8
    """
    from yaoma_tools.list_build_diff import make_delta  # noqa: PLC0415 - as in `list build`

    delta = make_delta(old, new, from_version, to_version)
    content = delta.encoded()
    write_public(to, content)
    typer.echo(f"{to}: {len(delta.adds)} added or changed, {len(delta.removes)} removed, {len(content)} bytes")


@list_app.command("diff")
def list_diff(
    old: Release,
    new: Release,
    show: Annotated[int, typer.Option(min=0, help="Name so many codes of each sort.")] = 0,
) -> None:
    """Say what differs between two releases' codes.

    Example: yaoma-tools list diff v7/ v8/ --show 5
    """
    from yaoma_tools.list_build_diff import compare  # noqa: PLC0415 - as in `list build`
    from yaoma_tools.list_build_read import shown_key  # noqa: PLC0415 - as in `list build`

    found = compare(old, new)
    typer.echo(
        f"{len(found.added)} added, {len(found.removed)} removed, {len(found.changed)} with another lot or expiry, "
        f"{found.common} the same"
    )
    for sign, keys in (("+", found.added), ("-", found.removed), ("~", found.changed)):
        for key in [*keys][:show]:
            typer.echo(f"{sign} {shown_key(key)}")


@list_app.command("inspect")
def list_inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A base file or a delta.")],
) -> None:
    """Say what a file holds, and check every page of it.

    Example: yaoma-tools list inspect v8/cn20.codes
    """
    with file.open("rb") as stream:
        magic = stream.read(len(_DELTA_MAGIC))
    if magic == _DELTA_MAGIC:
        delta = ListDelta.parse(file.read_bytes())
        typer.echo(
            f"delta from version {delta.from_version} to {delta.to_version}: {len(delta.adds)} added or changed, "
            f"{len(delta.removes)} removed"
        )
        return
    from yaoma_tools.list_build_read import open_unsigned  # noqa: PLC0415 - as in `list build`

    base, digest = open_unsigned(file)
    with base:
        _describe(base, digest, file.stat().st_size)
        damaged = list(base.scrub())
    if damaged:
        raise PageDamagedError(damaged[0])
    typer.echo("every page is as its head says")


@list_app.command("sign")
def list_sign(
    to: Annotated[Path, typer.Argument(metavar="FILE", help="The signed list; an older one is replaced in one step.")],
    *,
    key: Annotated[Path, typer.Option(help="The centre's signing key.")],
    name: Annotated[str, typer.Option(help="The key's name in its public half.")],
    version: Annotated[int, typer.Option(min=1, help="Above that of the last list.")],
    site: Annotated[str, typer.Option(help="The institution that it is for; * for all.")] = "*",
    days: Annotated[int, typer.Option(min=1, help="Days until it becomes stale.")] = 30,
    codes: Annotated[Path | None, typer.Option(help="CSV or JSON lines with the column code.")] = None,
    products: Annotated[
        Path | None,
        typer.Option(help="CSV or JSON lines: key, name; also drug, level, packs, units, platform, flags, aliases."),
    ] = None,
    denials: Annotated[Path | None, typer.Option(help="CSV or JSON lines: key, kind, note; also lot.")] = None,
    patterns: Annotated[Path | None, typer.Option(help="CSV or JSON lines: standard, regex, product_key.")] = None,
) -> None:
    """Build a small list from tables, sign it, and put it in place; for the big list see `release sign`.

    Example: yaoma-tools list sign list.signed --key list.key --name county --version 7 --codes codes.csv
    """
    now_ms = time.time_ns() // 1_000_000
    source = ListSource(
        site=site,
        version=version,
        issued_ms=now_ms,
        expires_ms=now_ms + days * _DAY_MS,
        codes=codes,
        products=products,
        denials=denials,
        patterns=patterns,
    )
    built = sign_list(to, source, load_signer(key, name))
    typer.echo(
        f"{to}: {built.codes} codes, {built.products} products, {built.denials} denials, {built.patterns} patterns"
    )


def _describe(base: BaseFile, digest: str, size: int) -> None:
    index = base.index
    lots = index.lot_table.count
    typer.echo(f"kind {base.kind.name.lower()}: {base.codes} codes, {lots} lots, {base.pages} pages, {size} bytes")
    if isinstance(index, RunList):
        holes = index.firsts[-1] - base.codes
        typer.echo(f"{len(index.products)} products, {len(index.starts)} runs, {holes} holes")
    else:
        typer.echo(f"keys of {index.key_bytes} bytes")
    if base.codes:
        typer.echo(f"{size / base.codes:.3f} bytes a code")
    typer.echo(f"head sha256 {digest}")


@contextmanager
def _progress(files: list[Path]) -> Iterator[Callable[[int], None]]:
    """Show how far reading has come; nothing where nobody looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as shown:
        task = shown.add_task("reading", total=sum(file.stat().st_size for file in files))
        yield lambda count: shown.advance(task, count)
