"""The child process that asks zbar: grey pictures in, readings out; it may die, and then a new one is begun.

zbar is C code that aborts on some pictures (DECODE.md 8). It must not take the box with it.
"""

import resource
import signal
import struct
import sys
from typing import BinaryIO, Final

from pyzbar import pyzbar

__all__ = ["ANSWER", "CODE", "MOST_PIXELS", "POINT", "QUESTION", "main"]

#: Width and height; the pixels follow.
QUESTION: Final = struct.Struct("<II")
#: How many codes were read.
ANSWER: Final = struct.Struct("<I")
#: Of one code: its length and the number of its corners; both follow.
CODE: Final = struct.Struct("<II")
POINT: Final = struct.Struct("<ii")
MOST_PIXELS: Final = 4_000_000
#: It ends by itself if a picture takes so long: whoever asked has gone on.
_PICTURE_S: Final = 5
_MEMORY_BYTES: Final = 512 * 1024 * 1024


def main(questions: BinaryIO, answers: BinaryIO) -> int:
    """Answer pictures until there are no more; the exit code is 1 if one was cut off or too large.

    Args:
        questions: Each a QUESTION and its pixels.
        answers: Each an ANSWER and its codes.
    """
    while True:
        head = questions.read(QUESTION.size)
        if not head:
            return 0
        width, height = QUESTION.unpack(head) if len(head) == QUESTION.size else (0, 0)
        pixels = questions.read(width * height) if 0 < width * height <= MOST_PIXELS else b""
        if not pixels or len(pixels) != width * height:
            return 1
        signal.alarm(_PICTURE_S)
        # QR alone: of linear codes zbar sees none that the other stages do not (DECODE.md 1), and it believes one row.
        found = pyzbar.decode((pixels, width, height), symbols=[pyzbar.ZBarSymbol.QRCODE])
        signal.alarm(0)
        answers.write(ANSWER.pack(len(found)))
        for code in found:
            answers.write(CODE.pack(len(code.data), len(code.polygon)) + code.data)
            answers.writelines(POINT.pack(corner.x, corner.y) for corner in code.polygon)
        answers.flush()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(main(sys.stdin.buffer, sys.stdout.buffer))
