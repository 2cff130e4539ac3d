"""Registry: which boxes exist, and the key by which each signs its checkpoints."""

from pathlib import Path

from yaoma.core.checkpoint import box_key_name
from yaoma.core.note import NoteError, Verifier
from yaoma_bridge.errors import ConfigError
from yaoma_link.keyfile import write_public
from yaoma_link.topics import BoxName

__all__ = ["Registry"]


class Registry:
    """A folder of `<site>.<box>.vkey` files; each holds one verifier key as C2SP signed-note writes it.

    A key counts from the moment its file is there: nothing needs to be started again.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def verifier(self, name: BoxName) -> Verifier | None:
        """Give the key of a box, or None if it is not registered.

        Raises:
            ConfigError: If the file can't be read, or holds no key of this box.
        """
        path = self.folder / f"{name.site}.{name.box}.vkey"
        hint = f"Put the verifier key that `yaoma key` prints on that box into {path.name}"
        try:
            verifier = Verifier.parse(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"{path.name} can't be read: {error.strerror}", hint) from None
        except (NoteError, UnicodeDecodeError):
            raise ConfigError(f"{path.name} holds no verifier key", hint) from None
        if verifier.name != box_key_name(name.site, name.box):
            raise ConfigError(f"{path.name} holds the key of {verifier.name}", hint)
        return verifier

    def enter(self, name: BoxName, key: str) -> None:
        """Register the key of a box; an older one may go, and one that was withdrawn stays so.

        Raises:
            OSError: If it can't be written.
        """
        write_public(self.folder / f"{name.site}.{name.box}.vkey", f"{key}\n".encode(), replace=True)

    def withdraw(self, name: BoxName) -> bool:
        """Take the key of a box out of use, and keep it for whoever looks into what it signed.

        Returns:
            Whether there was one.
        """
        path = self.folder / f"{name.site}.{name.box}.vkey"
        try:
            path.replace(path.with_name(f"{path.name}.withdrawn"))
        except FileNotFoundError:
            return False
        return True

    def is_withdrawn(self, name: BoxName) -> bool:
        """Say whether a box was shut out and not enrolled anew."""
        path = self.folder / f"{name.site}.{name.box}.vkey"
        return not path.exists() and path.with_name(f"{path.name}.withdrawn").exists()

    def boxes(self) -> list[BoxName]:
        """Give the boxes that have a file, in order of their names."""
        found = []
        for path in sorted(self.folder.glob("*.*.vkey")):
            site, _, box = path.name.removesuffix(".vkey").partition(".")
            try:
                found.append(BoxName(site, box))
            except ValueError:
                continue
        return found
