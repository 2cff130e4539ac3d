"""Command line of releases: `yaoma-tools release`: makes, signs and renews the repository that boxes update from."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from yaoma.core.note import Signer, Verifier
from yaoma_link.identity import IdentityError, load_signer, load_verifiers
from yaoma_tools.release_mistake import RepositoryMistakeError

if TYPE_CHECKING:
    from yaoma_tools.release_build import PolicySource
    from yaoma_tools.release_repository import ReleaseRepository

__all__ = ["RELEASE_FAILURES", "release_app"]

#: What a command of this group may end with; one sentence each.
RELEASE_FAILURES = (RepositoryMistakeError, IdentityError)

# tuf takes a fifth of a second to load, so each command loads what it needs: others shall not wait for it.
_DELEGATED: Final = ("allow", "deny", "config")

release_app = typer.Typer(
    help="Signed releases of the big list, of denials and policies (The Update Framework); for the small list of one "
    "site see `list sign`.",
    no_args_is_help=True,
)

Repo = Annotated[Path, typer.Argument(metavar="REPO", help="The repository's folder; a web server or a stick has it.")]
Keys = Annotated[
    list[Path],
    typer.Option(
        "--key", help="A private key of `keys new-signing` that is at hand; repeatable. Roles find their own."
    ),
]


def _signers(files: list[Path]) -> list[Signer]:
    return [load_signer(file, file.stem) for file in files]


def _public(file: Path) -> list[Verifier]:
    return list(load_verifiers(file))


@release_app.command("init")
def release_init(
    repo: Repo,
    *,
    root: Annotated[Path, typer.Option(help="Public keys of the root, a line each: centre, regulator, vendor.")],
    root_threshold: Annotated[int, typer.Option(min=1, help="How many of them must sign.")] = 2,
    targets: Annotated[Path, typer.Option(help="Public key of the targets role; offline.")],
    allow: Annotated[Path, typer.Option(help="Public key of the list.")],
    deny: Annotated[Path, typer.Option(help="Public key of the denials, which are urgent and expire soon.")],
    config: Annotated[Path, typer.Option(help="Public key of the policies.")],
    online: Annotated[Path, typer.Option(help="Public key of snapshot and timestamp; may lie on a server.")],
    key: Keys,
) -> None:
    """Begin an empty repository. Each public key is a file with the line that `keys new-signing` prints.

    Example: yaoma-tools release init repo/ --root roots.vkey --targets t.vkey --allow a.vkey --deny d.vkey
    --config c.vkey --online o.vkey --key root-1.key --key root-2.key --key t.key --key a.key --key d.key ...
    """
    from yaoma_tools.release_repository import ReleaseRepository, RoleKeys  # noqa: PLC0415 - see above

    keys = {
        name: RoleKeys(_public(file))
        for name, file in zip(("targets", *_DELEGATED, "online"), (targets, allow, deny, config, online), strict=True)
    }
    roots = _public(root)
    if len(roots) < root_threshold:
        raise RepositoryMistakeError(f"{root} holds {len(roots)} keys, {root_threshold} are to sign")
    repository = ReleaseRepository(repo)
    _tell_root(
        repository, is_enough=repository.create({**keys, "root": RoleKeys(roots, root_threshold)}, _signers(key))
    )


@release_app.command("sign")
def release_sign(
    repo: Repo,
    *,
    key: Keys,
    version: Annotated[int, typer.Option(min=0, help="The list's new version; a delta says its own.")] = 0,
    site: Annotated[str, typer.Option(help="At the first release: the institution it is for; * for all.")] = "*",
    days: Annotated[int, typer.Option(min=1, help="Days until the list becomes stale.")] = 90,
    base: Annotated[list[Path] | None, typer.Option(help="A base file of `list build`; repeatable.")] = None,
    delta: Annotated[list[Path] | None, typer.Option(help="A delta of `list delta`; repeatable, in order.")] = None,
    products: Annotated[Path | None, typer.Option(help="CSV or JSON lines, as `list sign` takes them.")] = None,
    patterns: Annotated[Path | None, typer.Option(help="CSV or JSON lines, beside --products.")] = None,
    denials: Annotated[Path | None, typer.Option(help="CSV or JSON lines, as `list sign` takes them.")] = None,
    policy: Annotated[list[str] | None, typer.Option(metavar="NAME=VERSION=FILE", help="A policy; repeatable.")] = None,
) -> None:
    """Bring in what is new and sign it; without anything new, add signatures to a root that waits for them.

    For the small signed list of one site see `list sign`.

    Example: yaoma-tools release sign repo/ --key allow.key --key online.key --delta 7-8.delta
    """
    from yaoma_tools.release_build import ReleaseParts, publish_release  # noqa: PLC0415 - see above
    from yaoma_tools.release_repository import ReleaseRepository  # noqa: PLC0415 - see above

    repository = ReleaseRepository(repo)
    parts = ReleaseParts(
        version=version,
        site=site,
        days=days,
        bases=base or (),
        deltas=delta or (),
        products=products,
        patterns=patterns,
        denials=denials,
        policies=[_policy(text) for text in policy or ()],
    )
    if not (parts.bases or parts.deltas or products or denials or parts.policies):
        _tell_root(repository, is_enough=repository.cosign(_signers(key)))
        return
    typer.echo(f"version: {publish_release(repository, parts, _signers(key))}")


@release_app.command("renew")
def release_renew(
    repo: Repo,
    *,
    key: Keys,
    role: Annotated[
        list[str] | None, typer.Option(help="Also renew this role; its key must be at hand. Repeatable.")
    ] = None,
) -> None:
    """Sign snapshot and timestamp anew, so that boxes don't take the list for stale. Run it daily.

    Example: yaoma-tools release renew repo/ --key online.key
    """
    from yaoma_tools.release_repository import ReleaseRepository  # noqa: PLC0415 - see above

    unknown = set(role or ()) - {"targets", *_DELEGATED}
    if unknown:
        raise typer.BadParameter(f"one of targets, {', '.join(_DELEGATED)}", param_hint="--role")
    ReleaseRepository(repo).renew(_signers(key), role or ())


@release_app.command("add-key")
def release_add_key(
    repo: Repo,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="root, targets, online, allow, deny or config.")],
    public: Annotated[Path, typer.Argument(metavar="VKEY", help="A file with the new key's public half.")],
    *,
    key: Keys,
    instead_of: Annotated[str, typer.Option(help="Id of a key that goes; `release keys` shows ids.")] = "",
) -> None:
    """Give a role another key, and take an old one away. A root needs several signatures: `release sign` adds them.

    Example: yaoma-tools release add-key repo/ allow new.vkey --instead-of 4f1c... --key targets.key --key new.key
    """
    from yaoma_tools.release_repository import ReleaseRepository  # noqa: PLC0415 - see above

    if role not in {"root", "targets", "online", *_DELEGATED}:
        raise typer.BadParameter("root, targets, online, allow, deny or config", param_hint="ROLE")
    (new,) = _public(public)[:1]
    is_enough = ReleaseRepository(repo).add_key(role, new, _signers(key), instead_of=instead_of)
    typer.echo("done" if is_enough else "root: more signatures are needed")


@release_app.command("keys")
def release_keys(repo: Repo) -> None:
    """Show the ids of every role's keys.

    Example: yaoma-tools release keys repo/
    """
    from yaoma_tools.release_repository import ReleaseRepository  # noqa: PLC0415 - see above

    repository = ReleaseRepository(repo)
    for role in ("root", "targets", "online", *_DELEGATED):
        for key_id, public in repository.key_ids(role).items():
            typer.echo(f"{role} {key_id} {public}")


def _policy(text: str) -> "PolicySource":
    from yaoma_tools.release_build import PolicySource  # noqa: PLC0415 - see above

    name, version, file = [*text.split("=", 2), "", ""][:3]
    if not name or not version.isdecimal() or not file:
        raise typer.BadParameter("NAME=VERSION=FILE was expected", param_hint="--policy")
    return PolicySource(name, int(version), Path(file))


def _tell_root(repository: "ReleaseRepository", *, is_enough: bool) -> None:
    if not is_enough:
        typer.echo(
            "root: more signatures are needed; take the folder to another of its keys: release sign REPO --key ..."
        )
        return
    root = repository.root().signed
    typer.echo(f"root: {repository.folder / 'metadata' / f'{root.version}.root.json'} → /etc/yaoma/root.json on boxes")
