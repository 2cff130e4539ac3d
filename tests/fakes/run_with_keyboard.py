"""Runs `yaoma` with a keyboard-like scanner whose kernel is a FIFO beside the configuration; the rest is real."""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from fakes.input_tree import InputTree
from fakes.typist import PipeInput
from yaoma.cli import main
from yaoma_drivers import hid, key_device
from yaoma_drivers.input_identity import AttachedInput
from yaoma_drivers.key_decoder import KeyState


class FifoKeyboard(key_device.KeyDevice):
    """The driver's own device; a FIFO can't say what is held."""

    def state(self) -> KeyState:
        """Nothing is held."""
        return KeyState(frozenset(), caps_lock=False, mono_us=time.monotonic_ns() // 1000)


if __name__ == "__main__":
    folder = Path(sys.argv[sys.argv.index("--config") + 1]).parent
    tree = InputTree(folder / "tree")
    tree.plug(0, phys="usb-0000:01:00.0-1.1/input0", model="046d:c31c")
    tree.plug(3, serial="S1", phys="usb-0000:01:00.0-1.2/input0")

    def opened(found: AttachedInput) -> key_device.KeyDevice:
        """Open the FIFO, for the named scanner only."""
        assert found.node.name == "event3", "a keyboard that nobody has named was opened"
        return FifoKeyboard(PipeInput(os.open(folder / "keys", os.O_RDWR | os.O_CLOEXEC)))

    # The names that the driver calls.
    setattr(hid, "InputPlaces", lambda: tree.places)  # noqa: B010 - mypy would hold it against the class
    key_device.open_key_device = opened
    sys.exit(main())  # type: ignore[func-returns-value]  # None is success
