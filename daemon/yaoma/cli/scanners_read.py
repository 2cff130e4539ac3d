"""What a scanner reads, for a technician: how each symbol came and what it is; text only of trace and product codes."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from yaoma.cli.report import CommandError, loaded
from yaoma.cli.scanners_daemon import Daemon, ask_daemon
from yaoma.cli.scanners_listen import listening
from yaoma.core.code import ControlCode, Lookalike, parse
from yaoma.shell.catalogue import load_catalogue
from yaoma_drivers.errors import DeviceError
from yaoma_drivers.symbol import Symbol
from yaoma_drivers.symbology import symbology_name

__all__ = ["described", "device_refused", "direct_reads", "read_lines", "running_reads"]

_ASK_S: Final = 5.0
#: A scan is read before it is recorded; so long its record is waited for.
_RECORDED_WITHIN_S: Final = 2.0


def described(symbol: Symbol) -> dict[str, Any]:
    """Say how a symbol came and what it is.

    Args:
        symbol: The symbol; of its text only what names a pack or a product is told.
    """
    meaning = parse(symbol)
    told: dict[str, Any] = {"class": type(meaning).__name__.lower(), "text": None}
    if isinstance(meaning, Lookalike):
        told |= {"class": meaning.kind.value, "text": meaning.text}
    elif isinstance(meaning, ControlCode):
        told["class"] = "control_code"
    else:
        told["text"] = meaning.key
    typing = symbol.typing
    return told | {
        "length": symbol.length,
        "aim": symbol.aim,
        "fault": symbol.fault.value if symbol.fault else "",
        "terminator": typing.terminator if typing else None,
        "took_ms": typing.took_ms if typing else None,
    }


def direct_reads(config: Path, scanner: str, wait_s: float | None) -> Iterator[dict[str, Any]]:
    """Open the scanner as the daemon would, and tell of each symbol; nothing is judged and nothing recorded.

    Args:
        config: The configuration file.
        scanner: The scanner's name.
        wait_s: How long to wait for each symbol, in seconds; None waits for ever.

    Raises:
        CommandError: If there is no such scanner, or it can't be opened.
    """
    found = loaded(config)
    driver_name = next((one.driver for one in found.config.scanner if one.name == scanner), None)
    if driver_name is None:
        raise _unknown()
    with listening(scanner, driver_name, found.options[scanner]) as open_scanner:
        try:
            while (symbol := open_scanner.next(wait_s)) is not None:
                yield described(symbol)
        except DeviceError as error:
            raise device_refused(error) from error


def running_reads(daemon: Daemon, scanner: str, wait_s: float | None) -> Iterator[dict[str, Any]]:
    """Look on while the daemon reads; each scan with what was recorded of it.

    Args:
        daemon: The running daemon.
        scanner: The scanner's name.
        wait_s: How long to wait for each symbol, in seconds; None waits for ever.

    Raises:
        CommandError: If there is no such scanner, or the daemon ends.
    """
    at = ask_daemon(daemon, {"do": "scanner_readings", "scanner": scanner})["next"]
    place = ask_daemon(daemon, {"do": "scans"})
    records: list[dict[str, Any]] = []
    until_s = None if wait_s is None else time.monotonic() + wait_s
    while until_s is None or time.monotonic() < until_s:
        left_s = _ASK_S if until_s is None else min(_ASK_S, max(0.0, until_s - time.monotonic()))
        request = {"do": "scanner_readings", "scanner": scanner, "after": at, "wait_s": left_s}
        told = ask_daemon(daemon, request)
        at = told["next"]
        for reading in told["readings"]:
            before_s = time.monotonic() + _RECORDED_WITHIN_S
            while (record := _record_of(reading, scanner, records)) is None and time.monotonic() < before_s:
                question = {"do": "scans", "log": place["log"], "after": place["next"], "wait_s": _RECORDED_WITHIN_S}
                place = ask_daemon(daemon, question)
                records = [*records, *place["scans"]][-256:]
            yield _recorded(reading, record)
            until_s = None if wait_s is None else time.monotonic() + wait_s


def _record_of(reading: Mapping[str, Any], scanner: str, records: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Find the record of a reading: of the same scanner, read at the same time."""
    for record in records:
        read_ms = record["mono_ms"] - record.get("waited_ms", 0)
        if record.get("scanner") == scanner and read_ms == reading["read_mono_ms"]:
            return record
    return None


def _recorded(reading: Mapping[str, Any], record: Mapping[str, Any] | None) -> dict[str, Any]:
    told = {name: reading[name] for name in ("length", "aim", "fault", "terminator", "took_ms")}
    if record is None:
        return {"class": "not_recorded", "text": None, **told}
    code = record.get("code")
    kind = record.get("lookalike") or (str(code).partition(":")[0] if code else "control_code")
    judged = {name: record.get(name) for name in ("verdict", "reason", "seq")}
    return {"class": kind, "text": code or record.get("text"), **told, **judged, "burst": bool(record.get("burst"))}


def read_lines(told: Mapping[str, Any]) -> list[str]:
    """Say it in a few lines, Chinese and English beside each other."""
    aim = f"{told['aim']} ({symbology_name(told['aim'])})" if told["aim"] else "无 / none"
    out = [
        f"类别 / class       {told['class']}" + (f"  {told['text']}" if told["text"] else ""),
        f"长度 / length      {told['length']}",
        f"标识 / AIM         {aim}",
    ]
    if told["fault"]:
        out.append(f"读码异常 / fault   {told['fault']}")
    if told["took_ms"] is not None:
        each = f", {told['took_ms'] / told['length']:.1f} 毫秒每字符 / ms a character" if told["length"] else ""
        out.append(f"录入 / typed       {told['took_ms']} ms{each}")
        out.append(f"结束符 / ended by  {told['terminator'] or '停顿 / silence'}")
    if told.get("verdict"):
        out.append(f"判定 / verdict     {told['verdict']} ({told['reason']}), 记录 / record {told['seq']}")
    if told.get("burst"):
        out.append("突发 / burst       快于人工扫码 / faster than anybody scans")
    return [*out, ""]


def _unknown() -> CommandError:
    texts = [load_catalogue(language).refusal("scanner_unknown") for language in ("zh-CN", "en")]
    return CommandError("\n".join(f"{text.line} → {text.todo}" for text in texts))


def device_refused(error: DeviceError) -> CommandError:
    """Say in both languages what a driver said, and what to do.

    Args:
        error: What it raised.
    """
    texts = [
        load_catalogue(one).text("device", error.reason.value, {"device": error.device}) for one in ("zh-CN", "en")
    ]
    said = "\n".join(f"{text.line} → {text.todo}" for text in texts)
    return CommandError(f"{said}\n({error.sentence})")
