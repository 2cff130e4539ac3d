"""Holds what a calibration has found against the options in force: what they hide, what contradicts, what would fit."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, get_args

from yaoma_drivers.calibration import Advice, Calibration, Parity, Profile
from yaoma_drivers.line_identity import usb_vendor_of
from yaoma_drivers.profile import profiles_of_vendor
from yaoma_drivers.wrapping_options import WrappingOptions

__all__ = ["with_options"]

_COMPARED: Final = ("layout", "prefix", "suffix", "case", "gs_as")
#: Of eight bits the parity can't be told: the line takes it off.
_OF_SEVEN_BITS: Final = ("data_bits", "parity")
_SEVEN: Final = 7


def with_options(
    calibration: Calibration, driver: str, options: WrappingOptions, *, written: Mapping[str, Any]
) -> Calibration:
    """Complete what was found.

    Args:
        calibration: What was found.
        driver: The scanner's driver.
        options: The options in force, those of an earlier calibration too.
        written: Those that stand in the configuration itself; they go before any calibration.
    """
    if calibration.profile is None:
        return calibration
    calibration = _through_the_line(calibration, options)
    profile, advice = calibration.profile or Profile(), dict(calibration.advice)
    if fitting := _fitting(driver, options):
        advice[Advice.PROFILE_FITS] = {"profiles": ", ".join(fitting)}
    if contrary := _contrary(profile, options, written):
        advice[Advice.OPTIONS_FIRST] = {"options": ", ".join(contrary)}
    return Calibration(profile, {one: advice[one] for one in Advice if one in advice})


def _through_the_line(calibration: Calibration, options: WrappingOptions) -> Calibration:
    """Keep seven bits that the line was opened with: behind them nothing shows that the scanner sends them."""
    parity: Parity = getattr(options, "parity", "none")
    if getattr(options, "data_bits", 8) != _SEVEN or parity not in get_args(Parity) or calibration.profile is None:
        return calibration
    advice = {**calibration.advice, Advice.LINE_SETTINGS: {"data_bits": _SEVEN, "parity": parity}}
    return Calibration(replace(calibration.profile, data_bits=7, parity=parity), advice)


def _fitting(driver: str, options: WrappingOptions) -> tuple[str, ...]:
    """Name the profiles of the maker, if none of them is configured."""
    device, chosen = getattr(options, "device", None), getattr(options, "profile", "")
    if device is None or chosen not in {None, "plain"}:
        return ()
    return profiles_of_vendor(usb_vendor_of(device), driver)


def _contrary(profile: Profile, options: WrappingOptions, written: Mapping[str, Any]) -> list[str]:
    """Name the options of the configuration under which the scanner would be read wrong."""
    compared = (*_COMPARED, *(_OF_SEVEN_BITS if profile.data_bits == _SEVEN else ()))
    names = [name for name in compared if name in written and getattr(options, name) != getattr(profile, name)]
    if "terminators" in written and profile.terminator and not _ends(profile.terminator, written["terminators"]):
        names.append("terminators")
    by_silence = ("gap_ends_symbol", "idle_ends_symbol")
    return names + [name for name in by_silence if name in written and getattr(profile, name) and not written[name]]


def _ends(terminator: str, named: object) -> bool:
    ends = set(named) if isinstance(named, list | tuple) else set()
    return terminator in ends or (terminator == "CRLF" and bool(ends & {"CR", "LF"}))
