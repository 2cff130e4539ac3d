"""Verbs: what the help of a program says of each is true, and asking for it costs none of them."""

import subprocess
import sys

import pytest
from typer.main import get_command

from yaoma.cli.main import app as box_app
from yaoma.cli.verbs import Verbs
from yaoma_bridge.cli import Verbs as BridgeVerbs
from yaoma_bridge.cli import app as bridge_app
from yaoma_link.verb_group import VerbGroup

_HELP = """
import contextlib, io, sys
from {module} import main
sys.argv = ["program", "--help"]
with contextlib.redirect_stdout(io.StringIO()) as shown, contextlib.suppress(SystemExit):
    main()
assert "Usage" in shown.getvalue()
print(*sys.modules)
"""


@pytest.mark.parametrize("app", [box_app, bridge_app])
def test_help_of_a_program_when_it_names_a_verb_then_it_says_what_the_verb_itself_says(app: object) -> None:
    """A line of the program's help is the first paragraph of the verb's own help."""
    group = get_command(app)  # type: ignore[arg-type]  # both are a Typer
    assert isinstance(group, VerbGroup)

    assert {name: verb.about for name, verb in group.VERBS.items()} == {
        name: " ".join(str(command.help).partition("\n\n")[0].split()) for name, command in group.commands.items()
    }


@pytest.mark.parametrize(
    ("module", "verbs"), [("yaoma.cli.main", Verbs), ("yaoma_bridge.cli", BridgeVerbs)], ids=["yaoma", "yaoma-bridge"]
)
def test_help_of_a_program_when_it_is_asked_for_then_no_verb_is_imported(module: str, verbs: type[VerbGroup]) -> None:
    """Neither the verbs nor what they stand on are read from the card for a page of text."""
    done = subprocess.run(
        [sys.executable, "-c", _HELP.format(module=module)], capture_output=True, text=True, check=True, timeout=60
    )

    imported = set(done.stdout.split())
    assert module in imported
    assert not imported & {*(verb.module for verb in verbs.VERBS.values()), "cryptography", "pydantic", "sqlite3"}
