"""Print font: finds a face with Chinese characters among the fonts of the system."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["Face", "FontMissingError", "PrintFont", "find_font"]

_TIMEOUT_S: Final = 20
#: The simplified Chinese face in Noto's collections, after Japanese and Korean.
_NOTO_SC: Final = 2
_WHERE: Final = Path("/usr/share/fonts")
#: Regular, bold and the face in the file, for systems without fontconfig; best first.
_KNOWN: Final = (
    ("opentype/noto/NotoSansCJK-Regular.ttc", "opentype/noto/NotoSansCJK-Bold.ttc", _NOTO_SC),
    ("noto-cjk/NotoSansCJK-Regular.ttc", "noto-cjk/NotoSansCJK-Bold.ttc", _NOTO_SC),
    ("truetype/wqy/wqy-microhei.ttc", "truetype/wqy/wqy-microhei.ttc", 0),
    ("truetype/wqy/wqy-zenhei.ttc", "truetype/wqy/wqy-zenhei.ttc", 0),
    ("truetype/droid/DroidSansFallbackFull.ttf", "truetype/droid/DroidSansFallbackFull.ttf", 0),
)
_INDEX_MASK: Final = 0xFFFF  # fontconfig keeps the instance of a variable font in the upper bits


class FontMissingError(Exception):
    """No font of the system has Chinese characters."""

    def __init__(self) -> None:
        super().__init__(
            "没有中文字体，请安装：sudo apt install fonts-noto-cjk / no font with Chinese characters was found; "
            "install one: sudo apt install fonts-noto-cjk"
        )


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a font file.

    Args:
        file: The file.
        index: Which face of a collection (`.ttc`); 0 for a file that holds one.
    """

    file: Path
    index: int = 0


@dataclass(frozen=True, slots=True)
class PrintFont:
    """The two faces that pages are printed in.

    Args:
        regular: For small text.
        bold: For what is read from a distance.
    """

    regular: Face
    bold: Face


def find_font(*, fontconfig: str | None = "fc-match", where: Path = _WHERE) -> PrintFont:
    """Find a sans-serif font with simplified Chinese.

    Args:
        fontconfig: The program that is asked first; None asks none.
        where: Below which folder the usual files are looked for if fontconfig finds nothing.

    Raises:
        FontMissingError: There is none.
    """
    program = shutil.which(fontconfig) if fontconfig else None
    if program is not None:
        regular, bold = _matched(program, "sans:lang=zh-cn"), _matched(program, "sans:lang=zh-cn:bold")
        if regular and bold:
            return PrintFont(regular, bold)
    for regular_name, bold_name, index in _KNOWN:
        regular_file, bold_file = where / regular_name, where / bold_name
        if regular_file.is_file() and bold_file.is_file():
            return PrintFont(Face(regular_file, index), Face(bold_file, index))
    raise FontMissingError


def _matched(program: str, pattern: str) -> Face | None:
    """Ask fontconfig; it always names some font, so what that font can write is asked too."""
    told = _output([program, "--format", r"%{file}\n%{index}\n%{lang}", pattern])
    file, index, languages = [*told.split("\n"), "", "", ""][:3]
    if "zh-cn" not in languages.split("|") or not Path(file).is_file():
        return None
    return Face(Path(file), int(index) & _INDEX_MASK if index.isdecimal() else 0)


def _output(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the system's own program with constant arguments
            command, capture_output=True, check=False, timeout=_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")
