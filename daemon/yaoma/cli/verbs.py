"""Verbs: the commands of `yaoma`, each imported when it is asked for, so that the daemon starts without the others."""

import gc
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_group

__all__ = ["VerbGroup"]

#: Verb by verb in the order of the help; module of `yaoma.cli`, and its function or its app of further commands.
_VERBS: Final = {
    "run": ("run", "run"),
    "status": ("status", "status"),
    "scan": ("scan", "scan"),
    "watch": ("watch", "watch"),
    "doctor": ("doctor", "doctor"),
    "ticket": ("ticket", "app"),
    "stock": ("stock", "app"),
    "duty": ("duty", "app"),
    "problem": ("problem", "problem"),
    "report": ("site_report", "report"),
    "scanners": ("scanners", "app"),
    "indicators": ("indicators", "app"),
    "config": ("config", "app"),
    "policy": ("policy", "app"),
    "list": ("list", "app"),
    "update": ("update", "update"),
    "journal": ("journal", "app"),
    "person": ("person", "app"),
    "keys": ("keys", "app"),
    "enroll": ("enroll", "app"),
}


class VerbGroup(TyperGroup):
    """The group of all verbs; only the help and the one that is called are imported.

    Args:
        settings: Typer's own, handed through.
    """

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]  # Typer calls it with the settings of its own class
        self.commands = _Commands()  # type: ignore[assignment]  # nobody adds a command to it


class _Commands(Mapping[str, Any]):
    """The commands by name, made at the first look; a plain dictionary would need them all at once."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - the class of Typer's commands has no public name
        if name not in self._made:
            self._made[name] = _command(*_VERBS[name], name=name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_VERBS)

    def __len__(self) -> int:
        return len(_VERBS)


def _command(module: str, attribute: str, *, name: str) -> object:
    # What is imported stays: looking for garbage meanwhile finds none, and takes a twentieth of the start.
    gc.disable()
    try:
        found = getattr(import_module(f"yaoma.cli.{module}"), attribute)
    finally:
        gc.enable()
    holder = typer.Typer(add_completion=False, rich_markup_mode=None)
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name)
    else:
        holder.command(name)(found)
    return get_group(holder).commands[name]
