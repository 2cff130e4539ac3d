"""InputTree: sysfs and /dev/input as a kernel and udev show them, in a folder of the test."""

from pathlib import Path

from yaoma_drivers.input_identity import InputPlaces

__all__ = ["KEYBOARD", "MEDIA_KEYS", "InputTree"]

#: `capabilities/key` of a boot keyboard, and of an interface with volume and power keys alone.
KEYBOARD = "1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe"
MEDIA_KEYS = "3f000301ff0000 0 483ffff17aff32d bfd4444600000000 1 130ff38b17d000 677bfad9415fed e09effdf01cfffff 0"


class InputTree:
    """Plugs input devices in and out.

    Args:
        folder: An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.places = InputPlaces(sysfs=folder / "sys/class/input", nodes=folder / "dev/input")
        self._devices = folder / "sys/devices"
        for each in (self.places.sysfs, self.places.nodes / "by-id", self.places.nodes / "by-path", self._devices):
            each.mkdir(parents=True)

    def plug(
        self,
        number: int,
        *,
        serial: str = "",
        phys: str = "",
        model: str = "0c2e:0b61",
        bus: str = "0003",
        id_path: str = "",
        by_id: str = "",
        keys: str = KEYBOARD,
    ) -> Path:
        """Plug a device in as event<number> and return its node."""
        name = f"event{number}"
        device = self._devices / f"input{number}"
        for folder in (device / "id", device / "capabilities", device / name):
            folder.mkdir(parents=True)
        vendor, product = model.split(":")
        for file, text in {
            "id/bustype": bus,
            "id/vendor": vendor,
            "id/product": product,
            "uniq": serial,
            "phys": phys,
            "name": "USB Scanner",
            "capabilities/key": keys,
        }.items():
            (device / file).write_text(text + "\n", encoding="utf-8")
        (device / name / "device").symlink_to(device)
        (self.places.sysfs / name).symlink_to(device / name)
        node = self.places.nodes / name
        node.touch()
        for links, stem in (("by-path", id_path), ("by-id", by_id)):
            if stem:
                (self.places.nodes / links / f"{stem}-event-kbd").symlink_to(f"../{name}")
        return node

    def unplug(self, number: int) -> None:
        """Take a device away; its links go with it."""
        node = self.places.nodes / f"event{number}"
        for folder in ("by-path", "by-id"):
            for link in (self.places.nodes / folder).iterdir():
                if link.resolve() == node.resolve():
                    link.unlink()
        (self.places.sysfs / node.name).unlink()
        node.unlink()
