"""`yaoma policy`: which rules count here and why, whether a file of rules is right, what a reason means here."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption, JsonOption
from yaoma.cli.policy_lines import explained, mistakes_of, plain, shown, shown_lines
from yaoma.cli.report import EX_CONFIG, CommandError, loaded, print_json
from yaoma.config.chosen_policy import chosen_policy
from yaoma.config.mistake import Mistake, lines_of
from yaoma.config.positions import positions
from yaoma.config.said import Said
from yaoma.config.syntax import SyntaxMistakeError, parse
from yaoma.config.wording import similar
from yaoma.core.note import NoteError, Verifier, open_note
from yaoma.core.policy import InstitutionKind
from yaoma.core.policy_text import DEFAULT_ID
from yaoma.core.reason import CLASSES
from yaoma.shell.catalogue import LANGUAGES, Catalogue, load_catalogue
from yaoma.shell.policy_file import (
    MAX_POLICY_BYTES,
    PolicyRefusedError,
    load_shipped,
    load_text,
    read_policy_file,
    shipped_ids,
)
from yaoma.shell.policy_holder import PolicyHolder
from yaoma_link.identity import IdentityError, load_verifiers

__all__ = ["app"]

app = typer.Typer(help="Which rules count here and why; check a file of rules; explain a reason.", no_args_is_help=True)

#: What stands between the text of a signed note and its signatures (C2SP signed-note).
_SIGNATURE: Final = "\n\n\u2014 "

PolicyOption = Annotated[str | None, typer.Option("--policy", help="A policy that ships, in place of the box's own.")]
KindOption = Annotated[
    InstitutionKind | None, typer.Option("--institution", help="The kind of institution, in place of the box's own.")
]


@app.command("list")
def list_shipped(*, json: JsonOption = False) -> None:
    """List the policies that ship.

    Example: yaoma policy list
    """
    found = [load_shipped(name) for name in shipped_ids()]
    if json:
        print_json(
            [
                {
                    "id": one.policy.id,
                    "version": one.policy.version,
                    "title": plain(one.policy.title),
                    "notice": one.notice,
                }
                for one in found
            ]
        )
        return
    for one in found:
        typer.echo(f"{one.policy.id}  第 {one.policy.version} 版 / version {one.policy.version}  {one.notice}".rstrip())
        typer.echo(f"    {one.policy.title.zh} / {one.policy.title.en}")


@app.command()
def show(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    policy: PolicyOption = None,
    institution: KindOption = None,
    json: JsonOption = False,
) -> None:
    """Print every rule: its value, which policy says so, the rows of the requirement matrix it serves, and why.

    Examples: yaoma policy show · yaoma policy show --policy fujian --institution hospital --json
    """
    holder = _holder(config, policy, institution)
    rules = shown(holder)
    if json:
        print_json({**_about(holder), "rules": [rule.as_json() for rule in rules]})
        return
    for line in [*_head(holder), *shown_lines(rules, _catalogues())]:
        typer.echo(line)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A policy, signed or not yet.")],
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    json: JsonOption = False,
) -> None:
    """List all mistakes of a policy at once: line, key, what was expected, what was found.

    The signature is checked where a configuration names the centre's keys.

    Exit codes: 0 it can be used; 78 it has mistakes.

    Examples: yaoma policy check fujian.toml · yaoma policy check policy.signed --json
    """
    found = _mistakes(file, _verifiers(config))
    if json:
        print_json({"file": str(file), "ok": not found, "mistakes": [mistake.as_json() for mistake in found]})
    else:
        for line in lines_of(found, ()):
            typer.echo(line)
        typer.echo(f"{file}: {len(found)} 处错误 / mistakes" if found else f"{file}: 可以使用 / can be used")
    if found:
        raise typer.Exit(EX_CONFIG)


@app.command()
def explain(
    reason: Annotated[str, typer.Argument(metavar="REASON", help="A reason's id, such as not_in_list.")],
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    policy: PolicyOption = None,
    institution: KindOption = None,
    json: JsonOption = False,
) -> None:
    """Say what a reason means, which class it has here and why, and what to do.

    Examples: yaoma policy explain not_in_list · yaoma policy explain no_shipment --policy fujian
    """
    if reason not in CLASSES:
        close = similar(reason, map(str, CLASSES))
        meant = f"；是不是 {close}？ / did you mean {close}?" if close else ""
        raise CommandError(f"{reason}: 没有这个原因 / there is no such reason{meant}")
    holder = _holder(config, policy, institution)
    told = explained(reason, holder)
    if not json:
        for line in told.lines(_catalogues()):
            typer.echo(line)
        return
    texts = {one.language: asdict(one.reason(reason, verdict=told.here)) for one in _catalogues()}
    print_json({**told.as_json(), "policy": holder.current.id, "version": holder.current.version, "text": texts})


def _holder(config: Path, policy: str | None, institution: InstitutionKind | None) -> PolicyHolder:
    """Give the policy of the box, or the one that was asked for; without a configuration the default."""
    if policy is None and institution is None and config.exists():
        return chosen_policy(loaded(config).config)
    if policy is None and config != DEFAULT_CONFIG and not config.exists():
        raise CommandError(f"{config}: 没有这个文件 / there is no such file")
    chosen = policy or (loaded(config).config.policy.id if config.exists() else DEFAULT_ID)
    holder = PolicyHolder(chosen, institution)
    if holder.refusal is not None:
        close = similar(chosen, shipped_ids())
        meant = f"；是不是 {close}？ / did you mean {close}?" if close else ""
        raise CommandError(f"{chosen}: 没有这份规则 / there is no such policy{meant}")
    return holder


def _about(holder: PolicyHolder) -> dict[str, Any]:
    policy, refusal = holder.current, holder.refusal
    return {
        "id": policy.id,
        "version": policy.version,
        "title": plain(policy.title),
        "notice": holder.loaded.notice,
        "institution": policy.institution.value if policy.institution else None,
        "digest": holder.loaded.digest,
        "is_signed": bool(holder.loaded.signed),
        "refusal": {"reason": refusal.reason.value, "hint": refusal.hint} if refusal else None,
    }


def _head(holder: PolicyHolder) -> list[str]:
    about = _about(holder)
    policy = holder.current
    out = [
        f"规则 / policy        {policy.id}  第 {policy.version} 版 / version {policy.version}",
        f"                     {policy.title.zh} / {policy.title.en}",
        f"机构 / institution   {about['institution'] or '未填写 / not said'}",
    ]
    if about["notice"]:
        out.append(f"文件 / notice        {about['notice']}")
    if holder.refusal is not None:
        out += [
            f"未使用 / not used    {said.line}；{said.todo}  ({holder.refusal.hint})"
            for said in (one.text("policy_refused", holder.refusal.reason.value) for one in _catalogues())
        ]
    return out


def _catalogues() -> list[Catalogue]:
    return [load_catalogue(language) for language in LANGUAGES]


def _verifiers(config: Path) -> list[Verifier]:
    if not config.exists():
        return []
    try:
        return list(load_verifiers(loaded(config).config.keys.list))
    except IdentityError as error:
        typer.echo(f"签名未核对 / the signature is not checked: {error}", err=True)
        return []


def _mistakes(file: Path, verifiers: list[Verifier]) -> list[Mistake]:
    try:
        written = read_policy_file(file)
    except PolicyRefusedError as refusal:
        return [_mistake("unreadable", Said("可读的规则文件", "a policy file that can be read"), refusal.hint)]
    inner, mark, _ = written.rpartition(_SIGNATURE)
    text = f"{inner}\n" if mark else written.replace("\r\n", "\n")
    found = [] if not (mark and verifiers) else _signature_mistakes(written, verifiers)
    try:
        parse(text)
    except SyntaxMistakeError as error:
        toml = Said("正确的 TOML 写法", "right TOML")
        return [*found, Mistake("", "syntax", toml, error.problem, error.line, error.column, error.hint)]
    try:
        for kind in (None, *InstitutionKind):
            load_text(text, kind)
    except PolicyRefusedError as refusal:
        found += mistakes_of(refusal.mistakes, positions(text))
        if not refusal.mistakes:
            found.append(_mistake("base", Said("能用的底层规则", "a policy to stand on"), refusal.hint, "base"))
    return found


def _signature_mistakes(note: str, verifiers: list[Verifier]) -> list[Mistake]:
    try:
        open_note(note, verifiers, max_bytes=MAX_POLICY_BYTES)
    except NoteError as error:
        return [_mistake("unsigned", Said("中心的签名", "the centre's signature"), str(error))]
    return []


def _mistake(kind: str, expected: Said, hint: str, key: str = "") -> Mistake:
    return Mistake(key, kind, expected, Said(hint, hint))
