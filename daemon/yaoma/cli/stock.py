"""`yaoma stock`: goods that carry no code (无码库): what came, went and is left."""

from typing import Annotated, Final

import typer

from yaoma.cli.asking import asked
from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption, JsonOption, OperatorOption, SocketOption
from yaoma.cli.report import print_answer, print_json

__all__ = ["app"]

app = typer.Typer(help="Goods that carry no trace code: what came, went and is left.", no_args_is_help=True)

_DONE: Final = {"in": "入库 / in", "out": "出库 / out", "count": "清点 / counted"}

Drug = Annotated[str, typer.Argument(help="The drug: its id, or what the institution calls it.")]
Quantity = Annotated[int, typer.Argument(min=0, help="How many packs.")]
Lot = Annotated[str, typer.Option(help="The lot.")]
Name = Annotated[str, typer.Option(help="The drug's name.")]
Station = Annotated[str, typer.Option(help="The station, if it belongs to its open ticket.")]


@app.command("in")
def stock_in(
    drug: Drug,
    quantity: Quantity,
    *,
    reason: Annotated[str, typer.Option(help="Why it carries no code.")],
    lot: Lot = "",
    name: Name = "",
    supplier: Annotated[str, typer.Option(help="Where it comes from.")] = "",
    station: Station = "",
    operator: OperatorOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Book goods without a code in.

    Example: yaoma stock in amoxicillin 20 --lot 2511 --reason "2025年4月前购进" --operator li
    """
    request = {"action": "in", "drug": drug, "quantity": quantity, "reason": reason, "lot": lot, "name": name}
    answer = asked(
        {"do": "stock", **request, "supplier": supplier, "station": station, "operator": operator}, config, socket
    )
    _show(answer, json=json)


@app.command("out")
def stock_out(
    drug: Drug,
    quantity: Quantity,
    *,
    lot: Lot = "",
    reason: Annotated[str, typer.Option(help="Where it goes, if it is not sold.")] = "",
    station: Station = "",
    operator: OperatorOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Book goods without a code out; more than there is can't go.

    Example: yaoma stock out amoxicillin 1 --lot 2511 --station counter
    """
    request = {"action": "out", "drug": drug, "quantity": quantity, "lot": lot, "reason": reason}
    answer = asked({"do": "stock", **request, "station": station, "operator": operator}, config, socket)
    _show(answer, json=json)


@app.command("count")
def stock_count(
    drug: Drug,
    quantity: Quantity,
    *,
    lot: Lot = "",
    operator: OperatorOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Write down how many there are.

    Example: yaoma stock count amoxicillin 19 --lot 2511
    """
    request = {"do": "stock", "action": "count", "drug": drug, "quantity": quantity, "lot": lot, "operator": operator}
    _show(asked(request, config, socket), json=json)


@app.command("list")
def stock_list(*, config: ConfigOption = DEFAULT_CONFIG, socket: SocketOption = None, json: JsonOption = False) -> None:
    """Show what is left, by drug and lot.

    Example: yaoma stock list
    """
    rows = asked({"do": "store"}, config, socket)["store"]
    if json:
        print_json(rows)
        return
    typer.echo("药品 drug\t批号 lot\t剩余 left")
    for drug, lot, left in rows:
        typer.echo(f"{drug}\t{lot or '-'}\t{left}")


def _show(answer: dict[str, object], *, json: bool) -> None:
    done = _DONE[str(answer["action"])]
    print_answer(answer, f"{answer['drug']}  {answer['lot'] or '-'}  {done}  {answer['quantity']}", json=json)
