"""The command `yaoma-bridge`: its verbs, and what its exit codes mean."""

import os
import sys
from typing import Annotated, ClassVar

import typer

from yaoma_bridge.errors import BridgeError, ConfigError
from yaoma_link.verb_group import Verb, VerbGroup

__all__ = ["Verbs", "app", "main"]


class Verbs(VerbGroup):
    """The verbs of the centre: the worker is one of them."""

    VERBS: ClassVar = {
        "explain": Verb(
            "yaoma_bridge.upload_cli",
            "explain",
            "说明一条记录的上传。Tell where a record or a code stands at each platform, how it came there, "
            "and what to do.",
            "Example: yaoma-bridge explain 81234560000000010000",
        ),
        "uploads": Verb(
            "yaoma_bridge.upload_cli",
            "uploads",
            "列出没有上传成功的记录。List records that are stuck: refused, held back, or unknown.",
            "Example: yaoma-bridge uploads --state refused --json",
        ),
        "retry": Verb(
            "yaoma_bridge.upload_cli",
            "retry",
            "改正后重新上传。Send anew what is refused, held or unknown, once what was wrong is put right.",
            "Example: yaoma-bridge retry --reason trace_platform_unknown",
        ),
        "hold": Verb(
            "yaoma_bridge.upload_cli",
            "hold",
            "暂停还没有发送的上传。Hold back what was not sent yet; `retry` lets it go on.",
            "Example: yaoma-bridge hold H32132200561/box-1/8f3a/17",
        ),
        "revoke": Verb(
            "yaoma_bridge.upload_cli",
            "revoke",
            "撤回已通过的上传。Take back at a platform what it had accepted, where it allows that (such as 3507).",
            "Example: yaoma-bridge revoke 81234560000000010000 --destination nhsa",
        ),
        "run": Verb(
            "yaoma_bridge.run_cli",
            "run",
            "Run one worker until SIGTERM; start as many as the load needs, all with one configuration.",
            "Example: yaoma-bridge run --config /etc/yaoma/bridge.toml",
        ),
        "status": Verb(
            "yaoma_bridge.store_cli",
            "status",
            "Show per site lag, rates and refusals; per box what is stored, verified, missing, held; "
            "destinations, alarms.",
            "Example: yaoma-bridge status --json | jq '.alarms[].kind'",
        ),
        "export": Verb(
            "yaoma_bridge.store_cli",
            "export",
            "Write events as CloudEvents 1.0 JSON lines; prints the number to go on after next time.",
            "Example: yaoma-bridge export --to events.jsonl --after 1200",
        ),
        "boxes": Verb(
            "yaoma_bridge.store_cli",
            "boxes",
            "List the boxes that are registered or were ever seen.",
            "Example: yaoma-bridge boxes --json | jq '.[] | select(.key == \"missing\")'",
        ),
        "state": Verb(
            "yaoma_bridge.state_cli", "app", "What boxes are told about their own stock: shipments, code status."
        ),
        "despatch": Verb(
            "yaoma_bridge.despatch_cli", "app", "发货与收货反馈。What sites sent, and what their receivers found."
        ),
        "report": Verb(
            "yaoma_bridge.report_cli",
            "app",
            "Reports of the centre: institutions, devices and rates; the register of persons.",
        ),
        "enroll": Verb(
            "yaoma_bridge.fleet_cli", "enroll_app", "Boxes that join: one-time tokens, certificates, registry."
        ),
        "fleet": Verb(
            "yaoma_bridge.fleet_cli", "fleet_app", "Boxes that are there: commands, replacing, shutting out."
        ),
    }


app = typer.Typer(
    help="The centre: stores what boxes send, verifies it, uploads it, and answers with receipts.",
    cls=Verbs,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _options(
    store: Annotated[
        str,
        typer.Option("--store", help="The store, instead of the file's: a path, or postgresql://USER@HOST/DATABASE."),
    ] = "",
) -> None:
    """Options that come before the command."""
    if store:
        from yaoma_bridge.config import STORE_VARIABLE  # noqa: PLC0415 - the help needs none of it

        os.environ[STORE_VARIABLE] = store


def main() -> None:
    """Run the command line; trouble ends it with one sentence and what to do next.

    Exit code 78 (EX_CONFIG) where the configuration or a key can't be used: a new start would not help, and systemd
    makes none (RestartPreventExitStatus= of the unit). Exit code 1 for everything else.
    """
    try:
        app()
    except BridgeError as error:
        typer.echo(f"yaoma-bridge: {error.problem}", err=True)
        if error.hint:
            typer.echo(f"  {error.hint}", err=True)
        sys.exit(os.EX_CONFIG if isinstance(error, ConfigError) else 1)
