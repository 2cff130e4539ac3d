"""Machine: one QEMU guest, booted or resumed, that ends with the process that started it."""

import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from fakes.process import die_with_parent
from hil.agent_line import AgentLine
from hil.qmp import Qmp

__all__ = ["QEMU", "Machine"]

QEMU = "qemu-system-x86_64"

_BOOT_S = 300.0
_RESUME_S = 60.0

#: The guest; a saved one can be resumed only with the very same words. No KVM: that /dev/kvm is there does not say that
#: a guest gets anywhere with it, and one that does not hangs without a word.
#: A display of its own for each keyboard, so that one of several can be typed on.
_HARDWARE = (
    *("-accel", "tcg,thread=multi", "-M", "q35", "-cpu", "max", "-smp", "2", "-m", "1024"),
    *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
    *("-append", "console=ttyS0 root=/dev/vda quiet panic=-1 mitigations=off audit=0 nokaslr systemd.show_status=0"),
    *("-device", "virtio-blk-pci,drive=root"),
    *("-device", "virtio-serial-pci,id=ports", "-device", "virtserialport,bus=ports.0,chardev=agent,name=hil.agent"),
    *("-device", "virtio-rng-pci", "-device", "qemu-xhci,id=usb,p2=8,p3=8,addr=5"),
    *("-device", "bochs-display,id=typed-a", "-device", "bochs-display,id=typed-b"),
)


class Machine:
    """A guest that runs from `with` to its end.

    Args:
        kernel: The folder with `vmlinuz` and `initrd.gz`.
        disk: Its disk, a qcow2 file.
        saved: A state to resume; without it the guest boots.
        keeps: Whether what is written to the disk stays; otherwise it is gone in the end.
    """

    def __init__(self, kernel: Path, disk: Path, saved: Path | None = None, *, keeps: bool = False) -> None:
        # A short path: a Unix socket's name may have 107 bytes.
        self._folder = tempfile.TemporaryDirectory(prefix="hil-")
        self.folder = Path(self._folder.name)
        self._saved = saved
        self._words = [
            QEMU,
            *_HARDWARE,
            *("-kernel", str(kernel / "vmlinuz"), "-initrd", str(kernel / "initrd.gz")),
            *("-chardev", f"file,id=console,path={self.folder / 'console'}", "-serial", "chardev:console"),
            *("-chardev", f"socket,id=agent,path={self.folder / 'agent'},server=on,wait=off"),
            *("-qmp", f"unix:{self.folder / 'qmp'},server=on,wait=off"),
            *("-drive", f"if=none,id=root,file={disk},format=qcow2,cache=unsafe,snapshot={'off' if keeps else 'on'}"),
            *(("-incoming", f"exec:cat {saved}") if saved else ()),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with (self.folder / "qemu").open("wb") as said:
            self._process = subprocess.Popen(
                self._words,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - the child calls prctl and nothing that locks
            )
        try:
            self.qmp = Qmp(self.folder / "qmp")
            self.agent = AgentLine(self.folder / "agent")
            if self._saved:
                self._resume()
            else:
                assert self.agent.wait_hello(_BOOT_S), f"the guest does not boot:\n{self.said()}"
        except BaseException as error:
            error.add_note(self.said())
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.agent.close()
        self.qmp.close()
        self._end()

    def said(self) -> str:
        """Give what the guest's kernel and QEMU itself have written."""
        files = [self.folder / "console", self.folder / "qemu"]
        return "\n".join(file.read_text(errors="replace")[-3000:] for file in files if file.exists())

    def save(self, path: Path) -> None:
        """Write the running guest's state into a file and end it; its disk must be one that keeps.

        Args:
            path: The file.
        """
        assert self._process is not None
        self.qmp.do("stop")
        self.qmp.do("migrate-set-parameters", max_bandwidth=1 << 34)
        self.qmp.do("migrate", uri=f"exec:cat > {path}")
        while (status := self.qmp.do("query-migrate")["status"]) != "completed":
            assert status != "failed", "the state could not be written"
            time.sleep(0.05)
        self.qmp.do("quit")
        self._process.wait(30)

    def shell(self, command: str, *, stdin: str = "", deadline_s: float = 90.0, checked: bool = True) -> str:
        """Run a shell command as root in the guest and give what it said.

        Args:
            command: What the shell gets.
            stdin: What the command reads.
            deadline_s: How long it may take, in seconds.
            checked: Whether it must end with 0.
        """
        ran: dict[str, Any] = self.agent.call(
            "shell:run", command=command, stdin=stdin, timeout_s=deadline_s, deadline_s=deadline_s + 20
        )
        assert not checked or ran["code"] == 0, f"{command} ended with {ran['code']}:\n{ran['said']}"
        return str(ran["said"])

    def wait_active(self, unit: str, deadline_s: float) -> None:
        """Wait until a service is up; if it is not in time, fail with what it said.

        Args:
            unit: Its name.
            deadline_s: How long it may take, in seconds.
        """
        end_s = time.monotonic() + deadline_s
        while self.shell(f"systemctl is-active {unit}", checked=False).strip() != "active":
            assert time.monotonic() < end_s, self.shell(f"journalctl --no-pager -u {unit} -n 60", checked=False)
            time.sleep(1)

    def put(self, path: str, text: str, mode: str = "644") -> None:
        """Write a file in the guest, and the folders it lies in."""
        self.shell(f"install -D -m {mode} /dev/stdin {path}", stdin=text)

    def plug(self, driver: str, name: str, **properties: object) -> None:
        """Plug a device into the guest's USB.

        Args:
            driver: QEMU's name of the model, such as usb-kbd.
            name: What it is called here.
            properties: The model's own.
        """
        self.qmp.do("device_add", driver=driver, id=name, bus="usb.0", **properties)

    def unplug(self, name: str) -> None:
        """Pull a device out again."""
        self.qmp.do("device_del", id=name)
        self.qmp.wait_event("DEVICE_DELETED", device=name)

    def _resume(self) -> None:
        end_s = time.monotonic() + _RESUME_S
        while self.qmp.do("query-status")["status"] == "inmigrate":
            assert time.monotonic() < end_s, "the saved guest does not come back"
            time.sleep(0.02)
        # It was saved standing still.
        self.qmp.do("cont")
        # Its clock stands where it was saved.
        self.shell(f"date -s @{time.time():.3f}")

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None
        self._folder.cleanup()


def words_of_the_guest() -> Sequence[str]:
    """Give what a saved guest's hardware depends on."""
    return _HARDWARE
