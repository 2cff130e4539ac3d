"""`yaoma enroll`: makes the box's keys here, asks the centre for a certificate, and takes its answer in."""

import secrets
from pathlib import Path
from typing import Annotated

import typer

from yaoma.cli.report import CommandError
from yaoma.core.checkpoint import box_key_name
from yaoma_link.authority import AuthorityError, make_request
from yaoma_link.enrolment import EnrolmentAnswer, EnrolmentError, EnrolmentRequest, digest_of
from yaoma_link.identity import make_signer
from yaoma_link.keyfile import FileExistsAlreadyError, refuse_existing, write_public, write_secret
from yaoma_link.topics import BoxName

__all__ = ["app"]

app = typer.Typer(
    help="Join a centre: keys are made here, only a request and a public key leave.", no_args_is_help=True
)

_SALT_BYTES = 32
_FOLDER = Path("/etc/yaoma")

_WHY = {
    "malformed": "文件不完整，请重新拷贝 / the file is not whole, copy it again",
    "proof": "口令不符或文件被改动 / another token, or the file was altered",
    "other_box": "这是另一台设备的文件 / this file is for another box",
}

_Name = Annotated[str, typer.Argument(metavar="SITE/BOX", help="The box's name, as the token was made for.")]
_Folder = Annotated[Path, typer.Option("--folder", metavar="DIR", help="Where the box's keys are.")]
_Token = Annotated[
    str, typer.Option(prompt="口令 / token", hide_input=True, help="The one-time token; asked for if left out.")
]


@app.command()
def request(
    box: _Name,
    out: Annotated[Path, typer.Argument(metavar="FILE", help="The request, for a stick or any line.")],
    token: _Token,
    folder: _Folder = _FOLDER,
) -> None:
    """Make signing key, salt and TLS key, and write the request for the centre.

    Example: yaoma enroll request H32132200561/counter-1 /media/stick/counter-1.request
    """
    name = _name(box)
    files = [folder / one for one in ("signing.key", "salt", "box.tls.key")]
    try:
        refuse_existing(*files)
        asked = make_request(str(name))
        assert asked.key is not None
        signer = make_signer(files[0], box_key_name(name.site, name.box))
        write_secret(files[1], secrets.token_bytes(_SALT_BYTES))
        write_secret(files[2], asked.key)
        content = EnrolmentRequest(name, asked.certificate.decode(), str(signer.verifier())).proved(digest_of(token))
        write_public(out, content, replace=True)
    except (AuthorityError, FileExistsAlreadyError, OSError) as error:
        raise CommandError(str(error)) from error
    typer.echo(f"{out}")


@app.command()
def finish(
    box: _Name,
    answer: Annotated[Path, typer.Argument(metavar="FILE", help="The centre's answer.")],
    token: _Token,
    folder: _Folder = _FOLDER,
) -> None:
    """Take in the centre's answer: certificate, the authority to believe, and the bridge's public key.

    Example: yaoma enroll finish H32132200561/counter-1 /media/stick/counter-1.answer
    """
    try:
        found = EnrolmentAnswer.opened(answer.read_bytes(), digest_of(token), _name(box))
        write_public(folder / "box.crt", found.certificate.encode(), replace=True)
        write_public(folder / "ca.crt", found.authority.encode(), replace=True)
        write_public(folder / "bridge.vkey", f"{found.bridge}\n".encode(), replace=True)
    except EnrolmentError as error:
        raise CommandError(_WHY[error.reason]) from None
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from error
    typer.echo(f"{box}: 已加入中心，请运行 yaoma doctor 检查 / joined; check with yaoma doctor")


def _name(text: str) -> BoxName:
    try:
        return BoxName.parse(text)
    except ValueError as error:
        raise CommandError(str(error)) from error
