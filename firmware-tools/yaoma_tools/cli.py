"""Command line: `yaoma-tools`, for whoever sets up a county's broker, bridge and boxes."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from yaoma.core.checkpoint import box_key_name
from yaoma.core.note import NoteError
from yaoma_link.authority import (
    AUTHORITY_DAYS,
    CLIENT_DAYS,
    AuthorityError,
    Issued,
    issue,
    issue_from_request,
    load_authority,
    make_authority,
    make_request,
)
from yaoma_link.identity import (
    IdentityError,
    load_sealing_key,
    load_signer,
    make_sealing_key,
    make_signer,
)
from yaoma_link.keyfile import FileExistsAlreadyError, write_public
from yaoma_link.register import Register
from yaoma_link.topics import BoxName
from yaoma_tools import person_cli, policy_cli, scanner_cli, sheet_cli
from yaoma_tools.broker import BrokerLayout, write_broker_config
from yaoma_tools.list_cli import LIST_FAILURES, list_app
from yaoma_tools.release_cli import RELEASE_FAILURES, release_app

__all__ = ["app", "main"]

_FAILURES = (
    AuthorityError,
    FileExistsAlreadyError,
    IdentityError,
    NoteError,
    OSError,
    *policy_cli.FAILURES,
    *LIST_FAILURES,
    *RELEASE_FAILURES,
    *sheet_cli.FAILURES,
    *person_cli.FAILURES,
)

app = typer.Typer(
    help="Sets up the broker, its certificates and the keys of boxes and bridge.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
_ca = typer.Typer(help="The certificate authority of a county.", no_args_is_help=True)
_keys = typer.Typer(help="Keys that are made where they are used.", no_args_is_help=True)
_broker = typer.Typer(help="The broker's configuration.", no_args_is_help=True)
app.add_typer(_ca, name="ca")
app.add_typer(_keys, name="keys")
app.add_typer(_broker, name="broker")
app.add_typer(policy_cli.app, name="policy")
app.add_typer(list_app, name="list")
app.add_typer(release_app, name="release")
app.add_typer(sheet_cli.app, name="sheet")
app.add_typer(scanner_cli.app, name="scanner")
app.add_typer(person_cli.app, name="person")


def _box(text: str) -> BoxName:
    try:
        return BoxName.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


AuthorityFolder = Annotated[Path, typer.Argument(metavar="CA", help="Folder that `ca new` has made.")]
Box = Annotated[BoxName, typer.Argument(metavar="SITE/BOX", help="Such as H32132200561/box-1.", parser=_box)]
Out = Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the files; nothing in it is overwritten.")]
ClientDays = Annotated[int, typer.Option("--days", min=1, help="How long the certificate is valid.")]


@_ca.command("new")
def ca_new(
    folder: Annotated[Path, typer.Argument(metavar="CA", help="A new folder for the authority.")],
    name: Annotated[str, typer.Option(help="What the authority is called.")] = "Yaoma authority",
    days: Annotated[int, typer.Option(min=1, help="How long it is valid.")] = AUTHORITY_DAYS,
) -> None:
    """Make an authority. Keep its folder offline, with a backup.

    Example: yaoma-tools ca new /media/safe/ca --name "Siyang county"
    """
    authority = make_authority(folder, name, days)
    typer.echo(f"authority: {authority.certificate_file}")


@_ca.command("issue-box")
def ca_issue_box(
    ca: AuthorityFolder,
    box: Box,
    out: Out,
    request: Annotated[
        Path | None, typer.Option(help="What `keys new-request` has made on the box; its key stays there.")
    ] = None,
    days: ClientDays = CLIENT_DAYS,
) -> None:
    """Issue a box's client certificate: client.pem, authority.pem, and without --request also client.key.

    Example: yaoma-tools ca issue-box /media/safe/ca H32132200561/box-1 out/ --request request.pem
    """
    authority = load_authority(ca)
    if request is None:
        issued = issue(authority, str(box), client=True, days=days)
    else:
        issued = issue_from_request(authority, request.read_bytes(), str(box), days=days)
    _hand_out(Register(authority), issued, out, "client")


@_ca.command("issue-bridge")
def ca_issue_bridge(
    ca: AuthorityFolder,
    out: Out,
    worker: Annotated[str, typer.Option(help="A name of its own for each worker.")] = "bridge",
    days: ClientDays = CLIENT_DAYS,
) -> None:
    """Issue a bridge worker's client certificate: client.pem, client.key, authority.pem.

    Example: yaoma-tools ca issue-bridge /media/safe/ca out/ --worker bridge-2
    """
    if not worker.isascii() or not worker.replace("-", "").isalnum():
        raise typer.BadParameter("expected letters, digits and hyphens", param_hint="--worker")
    authority = load_authority(ca)
    _hand_out(Register(authority), issue(authority, worker, client=True, days=days), out, "client")


@_ca.command("issue-server")
def ca_issue_server(
    ca: AuthorityFolder,
    out: Out,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Host names and addresses that boxes use.")],
    days: ClientDays = CLIENT_DAYS,
) -> None:
    """Issue the broker's certificate: server.pem, server.key, authority.pem.

    Example: yaoma-tools ca issue-server /media/safe/ca out/ broker.example.cn 10.3.0.7
    """
    authority = load_authority(ca)
    issued = issue(authority, names[0], server_names=names, client=False, days=days)
    _hand_out(Register(authority), issued, out, "server")


@_ca.command("revoke")
def ca_revoke(
    ca: AuthorityFolder,
    name: Annotated[str, typer.Argument(metavar="NAME", help="SITE/BOX, or a bridge worker's name.")],
) -> None:
    """Revoke every certificate of one name; then copy revoked.pem to the broker and reload it.

    Example: yaoma-tools ca revoke /media/safe/ca H32132200561/box-1
    """
    authority = load_authority(ca)
    number = Register(authority).revoke(name)
    typer.echo(f"revoked: {number}\nlist: {authority.revocation_file}")


@_ca.command("list")
def ca_list(ca: AuthorityFolder) -> None:
    """List the boxes and bridge workers with a certificate that was not revoked.

    Example: yaoma-tools ca list /media/safe/ca
    """
    register = Register(load_authority(ca))
    for box in register.boxes():
        typer.echo(f"box {box}")
    for bridge in register.bridges():
        typer.echo(f"bridge {bridge}")


@_keys.command("new-request")
def keys_new_request(box: Box, out: Out) -> None:
    """Make a box's TLS key and a request for its certificate: client.key, request.pem. Run it on the box.

    Example: yaoma-tools keys new-request H32132200561/box-1 /etc/yaoma/tls
    """
    made = make_request(str(box))
    made.write(out / "request.pem", out / "client.key")
    typer.echo(f"request: {out / 'request.pem'}")


def _key_name(name: str) -> str:
    """Name a box's key as its checkpoints do; any other name stays as it is."""
    try:
        box = BoxName.parse(name)
    except ValueError:
        return name
    return box_key_name(box.site, box.box)


@_keys.command("new-signing")
def keys_new_signing(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name in signed notes; SITE/BOX for a box.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file for the private key.")],
) -> None:
    """Make an Ed25519 signing key and print its public half (C2SP vkey).

    Example: yaoma-tools keys new-signing H32132200561/box-1 /etc/yaoma/box.key
    """
    typer.echo(str(make_signer(file, _key_name(name)).verifier()))


@_keys.command("new-sealing")
def keys_new_sealing(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key, such as bridge or recovery.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file for the private key.")],
) -> None:
    """Make an X25519 key that identities are sealed to, and print its public half.

    Example: yaoma-tools keys new-sealing recovery /media/safe/recovery.key
    """
    typer.echo(str(make_sealing_key(file, name).public))


@_keys.command("show")
def keys_show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name it was made with.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The private key.")],
    sealing: Annotated[bool, typer.Option("--sealing", help="It is a sealing key.")] = False,  # noqa: FBT002 - typer
) -> None:
    """Print the public half of a key again.

    Example: yaoma-tools keys show bridge /etc/yaoma/bridge.key
    """
    public = load_sealing_key(file, name).public if sealing else load_signer(file, _key_name(name)).verifier()
    typer.echo(str(public))


@_broker.command("config")
def broker_config(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The broker's folder for keys and access list.")],
    ca: Annotated[Path | None, typer.Option(help="Name boxes and workers from this authority's register.")] = None,
    state: Annotated[Path, typer.Option(help="Where the broker keeps its state.")] = Path("/var/lib/mosquitto"),
    port: Annotated[int, typer.Option(min=1, max=65535, help="The TLS port.")] = 8883,
    address: Annotated[str, typer.Option(help="The address to listen on; all without it.")] = "",
) -> None:
    """Write mosquitto's yaoma.conf and acl; run it again after each new box, then reload the broker.

    Example: yaoma-tools broker config /etc/mosquitto/yaoma --ca /media/safe/ca
    """
    layout = BrokerLayout(folder=folder.absolute(), state=state.absolute(), port=port, address=address)
    register = None if ca is None else Register(load_authority(ca))
    bridges = (register.bridges() if register else []) or ["bridge"]
    for file in write_broker_config(layout, bridges=bridges, boxes=register.boxes() if register else []):
        typer.echo(str(file))


def _hand_out(register: Register, issued: Issued, out: Path, stem: str) -> None:
    certificate_file, key_file, authority_file = out / f"{stem}.pem", out / f"{stem}.key", out / "authority.pem"
    authority = register.authority.certificate_file.read_bytes()
    if authority_file.exists() and authority_file.read_bytes() != authority:
        raise FileExistsAlreadyError(authority_file)
    issued.write(certificate_file, key_file)
    register.enter(issued)
    write_public(authority_file, authority, replace=True)
    typer.echo(f"certificate: {certificate_file}")


def main() -> None:
    """Run the command line: exit 0 when done, 1 when it failed, 2 when it was called wrongly."""
    try:
        app()
    except _FAILURES as error:
        print(f"yaoma-tools: {error}", file=sys.stderr)  # noqa: T201 - the command's answer
        sys.exit(1)
