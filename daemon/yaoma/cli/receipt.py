"""`yaoma ticket receipt`: what the customer's receipt says of the drugs of a closed ticket."""

from itertools import chain
from typing import Annotated

import typer

from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption, JsonOption
from yaoma.cli.report import CommandError, loaded, print_json
from yaoma.core.product import Product

__all__ = ["receipt"]


def receipt(
    ticket: Annotated[str, typer.Argument(help="The ticket's id, as closing it has shown.")],
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    json: JsonOption = False,
) -> None:
    """Print the lines of the receipt: each drug with every trace code, and nobody's name (S1-17, S3-13).

    Example: yaoma ticket receipt 1f0c9a7be2d34a55
    """
    # The other commands of a ticket ask the daemon, and need nothing of journal, list and policy.
    from yaoma.cli.list_files import opened  # noqa: PLC0415 - see above
    from yaoma.config.chosen_policy import chosen_policy  # noqa: PLC0415 - see above
    from yaoma.core.receipt_text import receipt_lines  # noqa: PLC0415 - see above
    from yaoma.shell.database import DatabaseError  # noqa: PLC0415 - see above
    from yaoma.shell.report_source import ReportSource  # noqa: PLC0415 - see above

    found = loaded(config).config
    try:
        source = ReportSource(found.state.folder)
        wanted = frozenset({ticket})
        both = chain(source.of_tickets(wanted, scans=True), source.of_tickets(wanted, scans=False))
        # The same records in the order of the log: scans and what was done to the ticket belong together.
        events = sorted(both, key=lambda event: (event.log, event.seq))
        with opened(found) as lists:
            allowlist = lists.current

            def product(key: str) -> Product | None:
                return allowlist.product(key) if allowlist else None

            policy = chosen_policy(found).current
            lines = receipt_lines(events, ticket, product=product, policy=policy, language=found.language)
    except DatabaseError as error:
        raise CommandError(str(error)) from error
    if not lines:
        raise CommandError("没有这张已完成的单据 / There is no closed ticket with this id")
    if json:
        print_json(list(lines))
        return
    for line in lines:
        typer.echo(line)
