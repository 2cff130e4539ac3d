"""What can be opened from the daemon's place: in its namespace, under its device filter, as its user or as root."""

import json
import subprocess

__all__ = ["tried"]

_PROBE = """
import errno, json, os, sys
flags = {"r": os.O_RDONLY, "w": os.O_WRONLY | os.O_CREAT}
answers = []
for path, mode in json.loads(sys.argv[1]):
    try:
        os.close(os.open(path, flags[mode] | os.O_NONBLOCK, 0o600))
    except OSError as error:
        answers.append(errno.errorcode[error.errno])
    else:
        answers.append("OK")
print(json.dumps(answers))
"""
_AS_THE_SERVICE = (
    "setpriv --reuid=yaoma --regid=yaoma --groups=dialout,video --bounding-set=-all --inh-caps=-all --no-new-privs"
)


def tried(paths: list[list[str]], *, as_root: bool) -> list[str]:
    """Try to open files and give OK or the error of each.

    Args:
        paths: Path and mode, `r` or `w`; with `w` a file is made if there is none.
        as_root: With all rights of root: what is refused then, no group or mode could allow.
    """
    script = (
        "echo $$ > /sys/fs/cgroup/system.slice/yaoma.service/cgroup.procs;"
        ' exec nsenter --target "$(systemctl show -P MainPID yaoma)" --mount --'
        f' {"" if as_root else _AS_THE_SERVICE} /usr/bin/python3 -I -c "$1" "$2"'
    )
    said = subprocess.run(
        ["/bin/sh", "-c", script, "sh", _PROBE, json.dumps(paths)], capture_output=True, check=True, text=True
    )
    answers: list[str] = json.loads(said.stdout)
    return answers
