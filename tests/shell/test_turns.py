"""Short turns: the reader of a scanner that types never waits for two threads as long as the kernel buffers."""

import subprocess
import sys


def test_turns_when_kept_short_then_several_fit_into_what_the_kernel_buffers() -> None:
    """64 events are 10 ms at a millisecond a character; ten threads may be before the reader."""
    program = "import sys; from yaoma.shell.turns import keep_turns_short as k; k(); print(sys.getswitchinterval())"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert 0.0001 <= float(said) <= 0.001
