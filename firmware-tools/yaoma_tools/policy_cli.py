"""`yaoma-tools policy`: signs the rules of a place for its boxes."""

from pathlib import Path
from typing import Annotated

import typer

from yaoma.shell.policy_file import PolicyRefusedError
from yaoma_link.identity import load_signer
from yaoma_tools.signed_policy import sign_policy

__all__ = ["FAILURES", "app"]

#: What the command line says in one sentence.
FAILURES = (PolicyRefusedError,)

app = typer.Typer(help="The rules of a place, signed for its boxes.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `sign` a command of its own while it is the only one."""


@app.command()
def sign(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The policy; `yaoma policy check` names its mistakes.")],
    *,
    key: Annotated[Path, typer.Option(help="The centre's signing key.")],
    name: Annotated[str, typer.Option(help="The key's name in its public half.")],
    to: Annotated[Path | None, typer.Option(help="The signed policy; FILE with .signed if not given.")] = None,
) -> None:
    """Check a policy as a box does, sign it, and put it in place in one step.

    Example: yaoma-tools policy sign fujian.toml --key list.key --name county --to policy.signed
    """
    destination = to or file.with_suffix(".signed")
    found = sign_policy(file, destination, load_signer(key, name))
    typer.echo(f"{destination}: {found.policy.id}, version {found.policy.version}, {len(found.origins)} rules")
