"""`yaoma scan CODE`: judge one code by hand, explain the verdict, record nothing; works without the daemon."""

import time
from typing import Annotated

import typer

from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption, JsonOption
from yaoma.cli.report import CommandError, loaded, print_json
from yaoma.config.chosen_policy import chosen_policy
from yaoma.core.code import Lookalike, as_pack, parse
from yaoma.core.policy import Policy
from yaoma.core.verdict import Situation, judge
from yaoma.core.wording import grouped
from yaoma.shell.catalogue import load_catalogue
from yaoma.shell.clock import SystemClock
from yaoma.shell.indicator import Shown, block
from yaoma.shell.list_file import ListRefusedError, load_list
from yaoma_drivers.signal import Signal
from yaoma_drivers.symbol import MAX_SYMBOL_BYTES, ReadFault, Source, Symbol
from yaoma_link.identity import IdentityError, load_verifiers

__all__ = ["scan"]


def scan(
    code: Annotated[str, typer.Argument(help="What is printed on the pack; \\x1d stands for the GS of a GS1 code.")],
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    json: JsonOption = False,
) -> None:
    """Judge one code and explain the verdict. Nothing is recorded, and no daemon is needed.

    Without a configuration or a list the code's form is judged, and the verdict says what is missing.

    Examples: yaoma scan 83003850000000131888 · yaoma scan 6901234567892 --json
    """
    data = code.replace("\\x1d", "\x1d").encode("utf-8", "surrogateescape")
    fault = ReadFault.OVERLONG if len(data) > MAX_SYMBOL_BYTES else None
    symbol = Symbol(
        b"" if fault else data,
        "hand",
        time.monotonic_ns() // 1_000_000,
        source=Source.HAND,
        fault=fault,
        length=len(data),
    )
    policy, allowlist = Policy(), None
    if config.exists():
        found = loaded(config).config
        policy = chosen_policy(found).current
        try:
            allowlist = load_list(found.allowlist.file, load_verifiers(found.keys.list), found.site)
        except (ListRefusedError, IdentityError) as error:
            typer.echo(f"名单不可用 / the list is not usable: {error}", err=True)
    elif config != DEFAULT_CONFIG:
        raise CommandError(f"{config}: 没有这个文件 / there is no such file")
    parsed = as_pack(parse(symbol, allowlist.patterns if allowlist else ()), symbol.length)
    verdict = judge(
        parsed,
        Situation(now=SystemClock()(), station="hand", ticket=None, seen=None, allowlist=allowlist, policy=policy),
    )
    if json:
        key = None if isinstance(parsed, Lookalike) else parsed.key
        print_json(
            {
                "verdict": verdict.verdict.value,
                "reason": str(verdict.reason),
                "degraded": [flag.value for flag in verdict.degraded],
                "facts": dict(verdict.facts),
                "code": key,
                "lookalike": parsed.kind.value if isinstance(parsed, Lookalike) else None,
            }
        )
        return
    shown = Shown(
        signal=Signal(verdict.verdict.value),
        reason=str(verdict.reason),
        station="hand",
        scanner="",
        facts=verdict.facts,
        degraded=verdict.degraded,
        code=grouped(parsed),
    )
    for line in block(shown, [load_catalogue("zh-CN"), load_catalogue("en")]):
        typer.echo(line)
