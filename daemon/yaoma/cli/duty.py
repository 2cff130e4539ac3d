"""`yaoma duty`: what the site has to see to: emergency uses to match, packs held since they were received."""

import time
from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from yaoma.cli.asking import asked
from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption, JsonOption, OperatorOption, SocketOption
from yaoma.cli.report import print_answer, print_json
from yaoma.core.report_facts import DESPATCH
from yaoma.shell.catalogue import LANGUAGES, load_catalogue

__all__ = ["app", "task_lines"]

app = typer.Typer(help="What the site has to see to, the most urgent first.", no_args_is_help=True)

_HOUR_MS: Final = 3600 * 1000

#: What duties are called; the ids stand at the end of each line, for `duty settle`.
_KINDS: Final = {"emergency": "先用后补 / emergency use", "hold": "已隔离 / held"}


@app.command("list")
def duty_list(*, config: ConfigOption = DEFAULT_CONFIG, socket: SocketOption = None, json: JsonOption = False) -> None:
    """Show what is open, with the time that is left.

    Example: yaoma duty list
    """
    answer = asked({"do": "duties"}, config, socket)
    duties, tasks = answer["duties"], answer["tasks"]
    if json:
        print_json([*duties, *tasks])
        return
    if not duties and not tasks:
        typer.echo("没有待办 / nothing is open")
    for task in tasks:
        for line in task_lines(task):
            typer.echo(line)
    now_ms = time.time_ns() // 1_000_000
    for duty in duties:
        kind = _KINDS.get(duty["kind"], duty["kind"])
        typer.echo("  ".join(part for part in (kind, _left(duty["due_ms"], now_ms), duty["note"], duty["id"]) if part))


def task_lines(task: Mapping[str, Any]) -> list[str]:
    """Say what a destination refused, about which packs, and what to do, Chinese and English beside each other."""
    codes = [one["code"] for one in task["records"] if "code" in one]
    about = codes or [f"{task['log']}/{task['first']}"]
    more = task["last"] - task["first"] - len(about)
    rest = f"  +{more}" if more > 0 else ""
    said = "收货方反馈 / the receiver reports" if task["destination"] == DESPATCH else "平台未收 / refused"
    lines = [f"{said}  {task['destination']}  {'  '.join(about)}{rest}  {task['id']}"]
    for language in LANGUAGES:
        catalogue = load_catalogue(language)
        known = f"outcome.{task['reason']}" in catalogue.templates
        text = catalogue.text("outcome", task["reason"] if known else "unknown_reason", {"id": task["reason"]})
        lines.append(f"  {text.line}{'。' if language == LANGUAGES[0] else '. '}{text.todo}")
    return lines


def _left(due_ms: int, now_ms: int) -> str:
    if not due_ms:
        return ""
    hours = (due_ms - now_ms) / _HOUR_MS
    return f"剩 {hours:.1f} 小时 / hours left" if hours > 0 else f"超时 {-hours:.1f} 小时 / hours overdue"


@app.command("settle")
def duty_settle(
    duties: Annotated[list[str], typer.Argument(help="Their ids, as `duty list` shows them.")],
    *,
    how: Annotated[str, typer.Option(help="How it was settled; no names, no numbers of people.")],
    operator: OperatorOption = "",
    back: Annotated[bool, typer.Option("--back", help="Packs that were held may be handed out again.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Be done with duties, by a named operator.

    Example: yaoma duty settle hold:cn20:83003850000000131888 --how "预警已解除" --operator li --back
    """
    request = {"do": "settle", "duties": duties, "how": how, "operator": operator, "into": "in_stock" if back else ""}
    answer = asked(request, config, socket)
    print_answer(answer, f"{len(answer['duties'])} 已处理 / settled", json=json)
