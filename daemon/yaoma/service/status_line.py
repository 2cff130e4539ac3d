"""The status line: how the box does, in one line of both languages, for `systemctl status`."""

from collections.abc import Collection, Sequence

from yaoma.service.work import Trouble
from yaoma.shell.catalogue import Catalogue

__all__ = ["status_line"]


def status_line(
    chinese: Catalogue,
    english: Catalogue,
    *,
    trouble: Trouble | None,
    is_connected: bool,
    lost: Sequence[str] = (),
    late: Collection[str] = (),
    safe_mode: bool = False,
    last_good: bool = False,
) -> str:
    """Write the line; it has no figures that change with each scan, so it is sent only when something happens.

    Args:
        chinese: The Chinese texts.
        english: The English texts.
        trouble: Why the box is out of service, or None.
        is_connected: Whether the broker is there.
        lost: Scanners that don't work.
        late: Workers that make no progress.
        safe_mode: Only built-in drivers are used.
        last_good: The last good configuration is used because the new one can't be.
    """
    left, right = ["正常"], ["in service"]
    if trouble is not None:
        left = [f"暂停服务（{chinese.text('cause', trouble.cause).line}）"]
        right = [f"OUT OF SERVICE ({english.text('cause', trouble.cause).line})"]
    left.append("在线" if is_connected else "离线")
    right.append("online" if is_connected else "offline")
    if lost:
        left.append(f"扫码枪断开：{'、'.join(lost)}")
        right.append(f"scanner lost: {', '.join(lost)}")
    if safe_mode:
        left.append("安全模式")
        right.append("safe mode")
    if last_good:
        left.append(chinese.text("config", "last_good").line)
        right.append(english.text("config", "last_good").line)
    if late:
        names = sorted(late)
        left.append(f"部件停滞：{'、'.join(names)}")
        right.append(f"no progress: {', '.join(names)}")
    return f"{'，'.join(left)} / {', '.join(right)}"
