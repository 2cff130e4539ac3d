"""CentreFolder: the configuration of a centre beside its store, so that commands can be run on it."""

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner, Result

from fakes import stepped_bridge
from fakes.box import receipt_signer
from yaoma_bridge.cli import app

__all__ = ["CentreFolder"]

_CONFIG = """
[broker]
host = "localhost"
[store]
{store}
[keys]
signing_key = "receipts.pem"
[registry]
folder = "boxes"
[institutions]
folder = "institutions"
"""


class CentreFolder:
    """Writes what the command line reads: configuration, the bridge's key, institutions."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.folder = folder
        self.config = folder / "bridge.toml"
        server = stepped_bridge.POSTGRES
        store = 'path = "bridge.db"' if server is None else f'url = "{server.database_of(folder)}"'
        self.config.write_text(_CONFIG.replace("{store}", store) + more)
        key = receipt_signer().key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "receipts.pem").write_bytes(key)
        (folder / "institutions").mkdir(exist_ok=True)
        (folder / "boxes").mkdir(exist_ok=True)

    def institution(self, site: str, name: str, kind: str = "pharmacy", more: str = "") -> None:
        """Describe an institution."""
        text = f'kind = "{kind}"\nname = "{name}"\n{more}'
        (self.folder / "institutions" / f"{site}.toml").write_text(text)

    def run(self, *arguments: str) -> Result:
        """Run a command."""
        return CliRunner().invoke(app, [*arguments, "--config", str(self.config)])

    def ask(self, *arguments: str) -> str:
        """Run a command that must end well, and give what it prints."""
        done = self.run(*arguments)
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    def ask_json(self, *arguments: str) -> Any:
        """Run a command that prints JSON."""
        return json.loads(self.ask(*arguments, "--json"))
