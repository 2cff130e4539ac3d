"""Opens the keyboards that a technician has named, and no other, for pairing and calibration."""

import errno
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from yaoma.cli.report import CommandError
from yaoma.shell.catalogue import load_catalogue
from yaoma_drivers.errors import DeviceReason
from yaoma_drivers.holders import spoken
from yaoma_drivers.input_identity import AttachedInput
from yaoma_drivers.typed_capture import TypedCapture

__all__ = ["opened"]


@contextmanager
def opened(named: Mapping[str, AttachedInput]) -> Iterator[TypedCapture]:
    """Take the named devices for us alone as long as the context lasts.

    Args:
        named: Devices by name.

    Raises:
        CommandError: If one can't be opened, or goes meanwhile.
    """
    # evdev is a library of the box; a technician's laptop may list scanners without it.
    from yaoma_drivers import key_device  # noqa: PLC0415 - see above

    with ExitStack() as ends:
        devices = {}
        for name, found in named.items():
            try:
                devices[name] = key_device.open_key_device(found)
            except OSError as error:
                raise _refused(found, error) from error
            ends.callback(devices[name].close)
        try:
            yield TypedCapture(devices)
        except OSError as error:
            raise CommandError(_said(DeviceReason.UNPLUGGED, ", ".join(named))) from error


def _refused(found: AttachedInput, error: OSError) -> CommandError:
    if error.errno == errno.EBUSY:
        return CommandError(f"{_said(DeviceReason.IN_USE, str(found.node))}\n({spoken(found.node)})")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return CommandError(f"{_said(DeviceReason.NOT_PERMITTED, str(found.node))}\n(sudo yaoma scanners ...)")
    return CommandError(f"{_said(DeviceReason.FAILED, str(found.node))}\n({error.strerror})")


def _said(reason: DeviceReason, device: str) -> str:
    texts = [load_catalogue(one).text("device", reason.value, {"device": device}) for one in ("zh-CN", "en")]
    return "\n".join(f"{text.line} → {text.todo}" for text in texts)
