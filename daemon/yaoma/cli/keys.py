"""`yaoma keys`: the box's own keys; made on the box, never leaving it."""

import secrets
from pathlib import Path
from typing import Annotated

import typer

from yaoma.cli.assemble import box_signer
from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption, JsonOption
from yaoma.cli.report import CommandError, loaded, print_answer
from yaoma.core.checkpoint import box_key_name
from yaoma_link.identity import IdentityError, make_signer
from yaoma_link.keyfile import FileExistsAlreadyError, write_secret
from yaoma_link.topics import BoxName

__all__ = ["app"]

app = typer.Typer(help="The box's own keys: made on the box, never leaving it.", no_args_is_help=True)

_SALT_BYTES = 32


@app.command()
def new(
    box: Annotated[str, typer.Argument(metavar="SITE/BOX", help="The box's name.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write signing.key and salt.")],
) -> None:
    """Make the key that signs checkpoints and the salt of hashed identities; print the public key for the centre.

    Example: yaoma keys new H32132200561/counter-1 /etc/yaoma
    """
    try:
        name = BoxName.parse(box)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        signer = make_signer(folder / "signing.key", box_key_name(name.site, name.box))
        write_secret(folder / "salt", secrets.token_bytes(_SALT_BYTES))
    except (ValueError, FileExistsAlreadyError, OSError) as error:
        raise CommandError(str(error)) from error
    typer.echo(str(signer.verifier()))


@app.command()
def show(*, config: ConfigOption = DEFAULT_CONFIG, json: JsonOption = False) -> None:
    """Print the box's public key, as the centre and `yaoma journal check` want it.

    Example: yaoma keys show
    """
    found = loaded(config).config
    try:
        key = str(box_signer(found).verifier())
    except IdentityError as error:
        raise CommandError(str(error)) from error
    print_answer({"site": found.site, "box": found.box, "key": key}, key, json=json)
