"""The `yaoma` command."""

from yaoma.cli.main import main

__all__ = ["main"]
