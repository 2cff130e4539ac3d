"""`yaoma ticket`: open, fill, close or cancel the ticket of a station."""

import json as json_text
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from yaoma.cli.asking import asked
from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption, JsonOption, OperatorOption, SocketOption
from yaoma.cli.receipt import receipt
from yaoma.cli.report import CommandError, print_answer, print_json
from yaoma.core.ticket import FACTS
from yaoma.shell.catalogue import LANGUAGES, load_catalogue
from yaoma.shell.operations import load_operations

__all__ = ["app"]

#: The exit code of a ticket that may not be settled.
_NOT_RELEASED = 3

app = typer.Typer(help="Open, fill, close or cancel the ticket of a station.", no_args_is_help=True)
app.command("receipt")(receipt)

_DONE: Final = {
    "open": "已开单 / opened",
    "lines": "已加行 / lines added",
    "close": "已完成 / closed",
    "cancel": "已取消 / cancelled",
}

Station = Annotated[str, typer.Argument(help="The station's name in the configuration.")]
Lines = Annotated[
    list[str] | None,
    typer.Option(
        "--line",
        metavar="DRUG=PACKS[+UNITS]",
        help="A drug that is wanted: its id, product key, or ean:, insurance:, standard: and the code.",
    ),
]
LinesFile = Annotated[
    Path | None, typer.Option(help="Lines as a JSON list of objects with drug, packs, units and name.")
]
Facts = Annotated[
    list[str] | None,
    typer.Option("--fact", metavar="NAME=TEXT", help="What else the till says: visit, settlement, partner, ..."),
]


def _facts(given: list[str] | None) -> dict[str, str]:
    facts: dict[str, str] = {}
    for text in given or ():
        name, is_there, value = text.partition("=")
        if not is_there or name not in FACTS:
            raise CommandError(f"--fact: expected NAME=TEXT with a name of {', '.join(sorted(FACTS))}", 2)
        facts[name] = value
    return facts


def _lines(given: list[str] | None, file: Path | None) -> list[Any]:
    lines: list[Any] = []
    for text in given or ():
        drug, _, quantity = text.rpartition("=")
        packs, _, units = quantity.partition("+")
        if not (drug and packs.isdecimal() and (units or "0").isdecimal()):
            raise CommandError(f"--line {text!r}: expected DRUG=PACKS or DRUG=PACKS+UNITS, such as cn20:8300385=2", 2)
        lines.append({"drug": drug, "packs": int(packs), "units": int(units or 0)})
    if file is not None:
        try:
            read = json_text.loads(file.read_text("utf-8"))
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from error
        except ValueError as error:
            raise CommandError(f"{file}: not JSON: {error}") from error
        if not isinstance(read, list):
            raise CommandError(f"{file}: a list of lines was expected")
        lines += read
    return lines


@app.command("open")
def open_ticket(
    station: Station,
    operation: Annotated[str, typer.Argument(help="What is being done: receive, dispense, ...")],
    *,
    line: Lines = None,
    lines_file: LinesFile = None,
    shipment: Annotated[str, typer.Option(help="The despatch note that is received.")] = "",
    payer: Annotated[str, typer.Option(help="Who pays: insurance, injury, self, ...")] = "",
    bill: Annotated[str, typer.Option(help="The till's own number.")] = "",
    owner: Annotated[str, typer.Option(help="Whose goods they are, if they are stored for somebody else.")] = "",
    fact: Facts = None,
    person: Annotated[bool, typer.Option("--person", help="The next identity card is sealed to this ticket.")] = False,
    training: Annotated[bool, typer.Option("--training", help="Practice: nothing of it counts.")] = False,
    opening: Annotated[
        bool, typer.Option("--opening", help="An opening count: from its closing on every pack is known.")
    ] = False,
    operator: OperatorOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Open a ticket; scans of the station's scanners belong to it from now on.

    Example: yaoma ticket open counter dispense --line ean:6901234567892=2
    """
    request = {
        "action": "open",
        "station": station,
        "operation": operation,
        "lines": _lines(line, lines_file),
        "shipment": shipment,
        "payer": payer,
        "bill": bill,
        "owner": owner,
        "facts": _facts(fact),
        "person": person,
        "training": training,
        "opening": opening,
        "operator": operator,
    }
    _send({"do": "ticket", **request}, config, socket, json=json)


@app.command("lines")
def add_lines(
    station: Station,
    *,
    line: Lines = None,
    lines_file: LinesFile = None,
    fact: Facts = None,
    operator: OperatorOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Add lines to the open ticket.

    Example: yaoma ticket lines counter --line cn20:8300385=1
    """
    lines, facts = _lines(line, lines_file), _facts(fact)
    request = {"action": "lines", "station": station, "lines": lines, "facts": facts, "operator": operator}
    _send({"do": "ticket", **request}, config, socket, json=json)


@app.command("close")
def close_ticket(
    station: Station,
    *,
    fact: Facts = None,
    operator: OperatorOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Close the ticket; what was scanned takes effect. Of a delivery the difference to the despatch note is shown.

    Example: yaoma ticket close counter --fact settlement=S2026112200017
    """
    request = {"action": "close", "station": station, "facts": _facts(fact), "operator": operator}
    _send({"do": "ticket", **request}, config, socket, json=json)


@app.command("cancel")
def cancel_ticket(
    station: Station,
    *,
    operator: OperatorOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Cancel the ticket; nothing takes effect.

    Example: yaoma ticket cancel counter
    """
    _send({"do": "ticket", "action": "cancel", "station": station, "operator": operator}, config, socket, json=json)


@app.command("undo")
def undo(
    station: Station,
    *,
    operator: OperatorOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Take what was scanned last off the ticket.

    Example: yaoma ticket undo counter
    """
    answer = asked({"do": "undo", "station": station, "operator": operator}, config, socket)
    print_answer(answer, f"已撤销 / taken off  {len(answer['packs'])} 盒 / packs  {answer['ticket']}", json=json)


@app.command("override")
def override(
    station: Station,
    *,
    reason: Annotated[str, typer.Option(help="Why, in a few words; no names, no numbers of people.")],
    operator: OperatorOption = "",
    emergency: Annotated[
        bool, typer.Option("--emergency", help="Used before it is checked; the policy sets a deadline.")
    ] = False,
    code: Annotated[str, typer.Option(help="Key of the pack; what was scanned last without it.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Let a pack through that was to be reviewed, by a named operator with a reason.

    Example: yaoma ticket override counter --operator li --reason "供货商已补传"
    """
    request = {"do": "override", "station": station, "operator": operator, "reason": reason, "emergency": emergency}
    answer = asked({**request, "code": code}, config, socket)
    print_answer(answer, f"已放行 / let through  {len(answer['packs'])} 盒 / packs  {answer['ticket']}", json=json)


@app.command("release")
def release(
    station: Station,
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Say whether the open ticket may be settled by insurance: exit 0 if so, 3 if codes are missing.

    Example: yaoma ticket release counter --json
    """
    answer = asked({"do": "release", "station": station}, config, socket)
    if json:
        print_json(answer)
    else:
        both = [load_catalogue(language) for language in LANGUAGES]
        for line in answer["lines"]:
            said = " / ".join(one.text("settlement", line["state"]).line for one in both)
            missing = f" -{line['missing']}" if line["missing"] else ""
            typer.echo(
                f"{line['drug'] or '-'}  {len(line['codes'])} 码 / codes{missing}  {said}  {line['why']}".rstrip()
            )
    if not answer["releasable"]:
        raise CommandError("不可结算：追溯码不全 / Not to be settled: codes are missing", _NOT_RELEASED)


@app.command("excuse")
def excuse(
    station: Station,
    line: Annotated[int, typer.Argument(min=0, help="Number of the line, from 0.")],
    *,
    reason: Annotated[str, typer.Option(help="The objective reason; no names, no numbers of people.")],
    operator: OperatorOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Let a line go without codes for an objective reason (客观原因); it stands in the reports as evidence.

    Example: yaoma ticket excuse counter 0 --operator li --reason "条码损坏无法识读"
    """
    request = {"do": "excuse", "station": station, "line": line, "reason": reason, "operator": operator}
    answer = asked(request, config, socket)
    print_answer(answer, f"{answer['ticket']}  {answer['line']}  已记录原因 / reason recorded", json=json)


@app.command("identity")
def identity(
    station: Station,
    kind: Annotated[str, typer.Argument(help="resident, resident_old, passport or other.")] = "resident",
    *,
    operator: OperatorOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Seal a document's number to the open ticket; it is asked for without being shown, and never an argument.

    Example: yaoma ticket identity counter passport --operator li
    """
    number = typer.prompt("证件号码 / document number", hide_input=True)
    answer = asked(
        {"do": "identity", "station": station, "kind": kind, "number": number, "operator": operator}, config, socket
    )
    print_answer(answer, f"{answer['ticket']}  身份已密封登记 / identity sealed", json=json)


@app.command("no-identity")
def state(
    station: Station,
    reason: Annotated[
        str, typer.Argument(help="no_document, not_readable, guardian, emergency, paper_register or other.")
    ],
    *,
    note: Annotated[str, typer.Option(help="In your own words; no names, no numbers of people.")] = "",
    operator: OperatorOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Write down why there is no identity for the ticket, where the policy allows that.

    Example: yaoma ticket no-identity counter guardian --operator li
    """
    request = {"do": "state", "station": station, "reason": reason, "note": note, "operator": operator}
    answer = asked(request, config, socket)
    print_answer(answer, f"{answer['ticket']}  已记录原因 / reason recorded", json=json)


def _send(request: dict[str, Any], config: Path, socket: Path | None, *, json: bool) -> None:
    answer = asked(request, config, socket)
    if json:
        print_json(answer)
        return
    for found in answer.get("with", ()):
        note = found["bill"] or found["shipment"] or "无发货单 / no note"
        typer.echo(
            f"{note}: 应到 said {found['said']}, 相符 matched {found['matched']}, "
            f"缺 missing {found['missing']}, 多 extra {found['extra']}, 存疑 in doubt {found['doubtful']}"
        )
    operation, done = load_operations()[answer["operation"]], _DONE[answer["action"]]
    practice = "【练习 / PRACTICE】" if answer.get("training") else ""
    typer.echo(f"{practice}{operation.zh} / {operation.en}  {done}  {answer['packs']} 盒 / packs  {answer['ticket']}")
