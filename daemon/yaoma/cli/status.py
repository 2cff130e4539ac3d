"""`yaoma status`: how the running daemon does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import typer

from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption, JsonOption
from yaoma.cli.duty import task_lines
from yaoma.cli.report import CommandError, control_socket, print_json
from yaoma.shell.catalogue import LANGUAGES, Text, load_catalogue
from yaoma.shell.control import ControlError, ask
from yaoma.shell.operations import load_operations

__all__ = ["status"]

#: Reasons for which a scanner does not work and nobody has to do anything.
_AT_REST: Final = {"asleep": "休眠 / asleep", "lent": "调试中 / lent to a technician"}


def status(*, config: ConfigOption = DEFAULT_CONFIG, json: JsonOption = False, socket: Path | None = None) -> None:
    """Ask the running daemon how it does: journal, uplink, scanners, stations, list, today's counts.

    Examples: yaoma status · yaoma status --json · yaoma status --socket /run/yaoma/control.sock
    """
    path = socket or control_socket(config)
    try:
        answer = ask(path, {"do": "status"})
    except ControlError as error:
        raise CommandError(str(error)) from error
    if json:
        print_json(answer)
    else:
        for line in lines(answer):
            typer.echo(line)


def lines(answer: Mapping[str, Any]) -> list[str]:
    """Turn the daemon's answer into lines for a person, Chinese and English beside each other."""
    both = [load_catalogue(language) for language in LANGUAGES]
    uplink, log, today = answer["uplink"], answer["journal"], answer["today"]
    trouble, refused = answer["trouble"], answer.get("config_refused")
    link = "在线 / online" if uplink["is_connected"] else "离线 / offline"
    out = [
        f"盒子 / box        {answer['site']}/{answer['box']}  yaoma {answer['version']}",
        f"服务 / service    {'暂停服务 / OUT OF SERVICE' if trouble else '正常 / in service'}",
        *(_said(one.text("cause", trouble["cause"]), trouble["problem"]) for one in both if trouble),
        *(
            ["模式 / mode       安全模式：只用自带驱动 / safe mode: built-in drivers only"]
            if answer["safe_mode"]
            else []
        ),
        *(["配置 / config     上一份可用的 / last good"] if refused else []),
        *(_said(one.text("config", "last_good", {"why": refused[one.language]})) for one in both if refused),
        f"日志 / journal    {log['log']}  {log['size']} 条记录 / records, 签名至 / signed up to {log['signed_upto']}",
        f"上行 / uplink     {link}; 中心已存 / stored {uplink['stored_upto']}, 待传 / pending {uplink['pending']}",
        *(_said(one.said(uplink["trouble"])) for one in both if uplink["trouble"]),
        f"时钟 / clock      {answer['clock']}",
        f"磁盘 / disk       {answer['disk_free_bytes'] // 1_000_000} MB 可用 / free",
        f"名单 / list       {_list_line(answer['list'])}",
    ]
    for scanner in answer["scanners"]:
        at_rest = _AT_REST.get(scanner["reason"], f"断开 / lost ({scanner['reason']})")
        state = "正常 / works" if scanner["working"] else at_rest
        out.append(f"扫描 / scanner    {scanner['scanner']}: {state}, {scanner['read']} 次 / read")
    out += [
        f"指示 / indicator  {one['indicator']}: 不工作 / does not work ({one['problem']})"
        for one in answer.get("indicators", ())
        if one["problem"]
    ]
    for port in answer.get("ports", ()):
        state = f"不通 / does not work ({port['problem']})" if port["problem"] else "正常 / works"
        counted = f"{port['sent']} 次 / sent, 未达 / failed {port['failed']}"
        out.append(f"透传 / till       {port['station']}: {state}, {counted}")
    out += [f"工位 / station    {one['station']}: {_ticket_line(one['ticket'])}" for one in answer["stations"]]
    counted = "  ".join(f"{verdict} {number}" for verdict, number in sorted(today.items())) or "-"
    out.append(f"今日 / today      {counted}")
    out += [f"待办 / task       {line}" for task in answer["tasks"] for line in task_lines(task)]
    out += [f"待办 / duty       {duty['id']} {duty['note']}" for duty in answer["duties"]]
    return out


def _ticket_line(ticket: Mapping[str, Any] | None) -> str:
    if ticket is None:
        return "无单据 / no ticket"
    practice = "【练习 / PRACTICE】" if ticket["training"] else ""
    wanted = "".join(f"; {_wanted(line)}" for line in ticket["lines"])
    note = f", 发货单 / note {ticket['shipment']}" if ticket["shipment"] else ""
    operation = load_operations().get(ticket["operation"])
    name = f"{operation.zh} / {operation.en}" if operation else ticket["operation"]
    return f"{practice}{name} {ticket['id']}, {ticket['packs']} 盒 / packs{note}{wanted}"


def _wanted(line: Mapping[str, Any]) -> str:
    """Write what a line of a ticket has got of what it wants: packs, and units out of opened packs."""
    packs = f"{line['filled']}/{line['packs']} 盒 / packs" if line["packs"] or not line.get("units") else ""
    units = f"{line['filled_units']}/{line['units']} 零 / units" if line.get("units") else ""
    return f"{line['drug']} {' + '.join(part for part in (packs, units) if part)}"


def _list_line(found: Mapping[str, Any]) -> str:
    if found["version"] is None:
        return f"无 / none ({found['problem']})"
    return f"版本 / version {found['version']}" + (f" ({found['problem']})" if found["problem"] else "")


def _said(text: Text, problem: str = "") -> str:
    """Write what is the matter and what to do, under the line it belongs to."""
    what = f"{text.line} ({problem})" if problem else text.line
    return f"                  {what} → {text.todo}" if text.todo else f"                  {what}"
