"""Calibration: what the sheet has shown of each scanner, and whether it was shown to those that type."""

from yaoma.config.calibration_file import CalibrationFileError, read_calibration
from yaoma.config.inventory import device_named
from yaoma.config.load import Loaded
from yaoma.doctor.finding import Finding, Group, ok, trouble, warning
from yaoma_drivers.calibration import Advice
from yaoma_drivers.hid_options import HidOptions
from yaoma_drivers.wrapping_options import WrappingOptions

__all__ = ["check_calibrations"]


def check_calibrations(loaded: Loaded) -> list[Finding]:
    """Repeat the advice of each scanner's calibration; say which scanner has none, or another scanner's.

    Args:
        loaded: The configuration.
    """
    findings = []
    for one in loaded.config.scanner:
        options = loaded.options[one.name]
        if not isinstance(options, WrappingOptions) or not (one.calibration or isinstance(options, HidOptions)):
            continue
        if one.calibration is None:
            findings.append(warning(Group.SCANNER, "doctor.scanner_uncalibrated", scanner=one.name))
            if isinstance(options, HidOptions) and options.gap_ends_symbol:
                findings.append(warning(Group.SCANNER, f"scanner_advice.{Advice.NO_TERMINATOR}", one.name))
            continue
        try:
            stored = read_calibration(one.calibration)
        except CalibrationFileError as error:
            findings.append(trouble(Group.SCANNER, "doctor.calibration_unusable", scanner=one.name, found=error.found))
            continue
        if stored.device and stored.device != device_named(options):
            findings.append(warning(Group.SCANNER, "doctor.calibration_of_other", scanner=one.name))
        for advice, facts in stored.advice.items():
            # What stands for GS is put back: a fact, and nothing to do.
            say = ok if advice is Advice.GS_AS else warning
            findings.append(_with_name(say(Group.SCANNER, f"scanner_advice.{advice}", **facts), one.name))
        if not stored.advice:
            findings.append(ok(Group.SCANNER, "doctor.scanner_calibrated", scanner=one.name))
    return findings


def _with_name(finding: Finding, scanner: str) -> Finding:
    return Finding(finding.group, finding.mark, finding.id, finding.facts, scanner)
