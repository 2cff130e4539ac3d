"""Settings: the configuration file, its mistakes, and whether the box goes on with an older one."""

from yaoma.config.load import Reading
from yaoma.doctor.finding import Finding, Group, ok, trouble, warning

__all__ = ["check_settings"]

_CONFIG = Group.CONFIG


def check_settings(reading: Reading, stand_in: Reading | None = None) -> list[Finding]:
    """Name each mistake with key and line.

    Args:
        reading: The technician's file.
        stand_in: The last good configuration, if the box would go on with it.
    """
    findings = [
        trouble(
            _CONFIG,
            "doctor.config_mistake",
            key=mistake.key,
            line=mistake.line or 0,
            expected=mistake.expected,
            found=mistake.found,
            file=str(reading.path),
        )
        for mistake in reading.mistakes
    ]
    if findings and stand_in is not None:
        findings.append(warning(_CONFIG, "doctor.config_last_good", file=str(stand_in.path)))
    elif findings:
        findings.append(warning(_CONFIG, "doctor.config_no_last_good"))
    findings += [warning(_CONFIG, "doctor.config_notice", said=notice.said) for notice in reading.notices]
    return findings or [ok(_CONFIG, "doctor.config_right", file=str(reading.path))]
