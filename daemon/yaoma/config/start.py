"""Start: which configuration the daemon runs on, and telling beside the file what became of it (DESIGN.md 11)."""

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from yaoma.config.files import missing_files
from yaoma.config.last_good import keep_last_good, last_good
from yaoma.config.load import ConfigError, Loaded, Reading, read
from yaoma.config.mistake import sentence_of
from yaoma.config.result_file import write_result
from yaoma.config.said import Said

__all__ = ["Start", "begin"]

log = logging.getLogger("yaoma.config")

_IN_USE: Final = Said("正常：此配置已启用。", "OK: this configuration is in use.")
_STAND_IN: Final = Said(
    "此配置不能使用（{why}）。盒子仍按上一份可用的配置运行。请改正后重启。",
    "This configuration can't be used ({why}). The box goes on with the last good one. Correct it and restart.",
)
_OUT_OF_SERVICE: Final = Said(
    "此配置不能使用（{why}）。没有可代替的上一份配置（站点、设备名、服务器须相同），盒子暂停服务。请改正后重启。",
    "This configuration can't be used ({why}). There is no last good one for the same site, box and broker: "
    "the box is out of service. Correct it and restart.",
)


@dataclass(slots=True)
class Start:
    """One attempt to run.

    Args:
        reading: The technician's file.
        loaded: What the daemon runs on.
        why: Why it is not the technician's file; None if it is.
    """

    reading: Reading
    loaded: Loaded
    why: Said | None = None
    _is_ready: bool = field(default=False)

    def ready(self) -> None:
        """The box got ready: keep the file as last good one and say so beside it; a second call does nothing."""
        if self._is_ready:
            return
        self._is_ready = True
        if self.why is None:
            keep_last_good(self.reading, self.loaded.config)
            notices = (*self.reading.notices, *missing_files(self.loaded.config, self.reading.places))
            write_result(self.reading.path, _IN_USE, notices=notices)

    def instead(self, why: Said) -> "Start | None":
        """Give another attempt after this one failed before it was ready, or None if there is nothing to run on.

        Args:
            why: What stopped it.
        """
        if self._is_ready:
            return None
        if self.why is not None:
            both = Said(f"{self.why.zh}；{why.zh}", f"{self.why.en}; {why.en}")
            write_result(self.reading.path, _OUT_OF_SERVICE.fill({"why": both}), self.reading.mistakes)
            return None
        return _stand_in(self.reading, why)


def begin(path: Path) -> Start:
    """Choose what to run on: the file, or the last good one if the file has mistakes.

    Args:
        path: The technician's file.

    Raises:
        ConfigError: If neither can be used.
    """
    reading = read(path)
    for notice in reading.notices:
        log.warning("look at the configuration: hint=%s", notice)
    if reading.loaded is not None:
        return Start(reading, reading.loaded)
    start = _stand_in(reading, sentence_of(reading.mistakes))
    if start is None:
        raise ConfigError(path, reading.mistakes)
    for mistake in reading.mistakes:
        log.error("mistake in the configuration: problem=%s", mistake)
    return start


def _stand_in(reading: Reading, why: Said) -> Start | None:
    kept = last_good(reading)
    # A file that failed although it has no mistake may be the last good one itself.
    if kept is None or kept.loaded is None or kept.raw == reading.raw:
        write_result(reading.path, _OUT_OF_SERVICE.fill({"why": why}), reading.mistakes, reading.notices)
        return None
    said = _STAND_IN.fill({"why": why})
    log.error("the configuration can't be used: problem=%s", said)
    write_result(reading.path, said, reading.mistakes, reading.notices)
    return Start(reading, replace(kept.loaded, stands_in=why), why)
