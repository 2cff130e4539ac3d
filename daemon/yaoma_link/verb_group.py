"""Verb group: the verbs of a program, each imported when it is called, so that none waits for what the others need."""

import gc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

__all__ = ["Verb", "VerbGroup"]


@dataclass(frozen=True, slots=True)
class Verb:
    """Where a verb is, and what it is for.

    Args:
        module: The module's full name.
        attribute: Its function there, or its `typer.Typer` with further commands.
        about: What the program's help says of it: the first paragraph of its own help.
        epilog: What stands below the verb's own help.
    """

    module: str
    attribute: str
    about: str
    epilog: str | None = None


class VerbGroup(TyperGroup):
    """The group of all verbs of a program; its help imports none of them.

    Args:
        settings: Typer's own, handed through.
    """

    #: Verb by verb, in the order of the help.
    VERBS: ClassVar[Mapping[str, Verb]]

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]  # Typer calls it with the settings of its own class
        self.commands = _Commands(self)  # type: ignore[assignment]  # nobody adds a command to it

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - Typer's own types have no public names
        """Give the names, in the order of the help."""
        del ctx
        return list(self.VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - as above
        """Give what the help needs of a verb."""
        del ctx
        verb = self.VERBS.get(cmd_name)
        return verb and TyperCommand(cmd_name, help=verb.about, rich_markup_mode=self.rich_markup_mode)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - as above
        """Give the verb itself, with what is left for it."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, name and self.commands[name], rest


class _Commands(Mapping[str, Any]):
    """The commands by name, made at the first look; a plain dictionary would need them all at once."""

    def __init__(self, group: VerbGroup) -> None:
        self._group = group
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - the class of Typer's commands has no public name
        if name not in self._made:
            self._made[name] = self._command(name, self._group.VERBS[name])
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._group.VERBS)

    def __len__(self) -> int:
        return len(self._group.VERBS)

    def _command(self, name: str, verb: Verb) -> object:
        # What is imported stays: looking for garbage meanwhile finds none, and takes a twentieth of the start.
        gc.disable()
        try:
            found = getattr(import_module(verb.module), verb.attribute)
        finally:
            gc.enable()
        holder = typer.Typer(add_completion=False, rich_markup_mode=self._group.rich_markup_mode)
        if isinstance(found, typer.Typer):
            holder.add_typer(found, name=name)
        else:
            holder.command(name, epilog=verb.epilog)(found)
        return get_group(holder).commands[name]
