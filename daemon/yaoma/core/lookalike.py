"""Lookalike: a symbol that is no trace code but is often scanned by mistake, and how each kind is told."""

import importlib
import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from yaoma.core.trace_code import is_cn20, is_gtin

__all__ = ["PRODUCT_KINDS", "Lookalike", "LookalikeKind", "is_chinese_gtin", "kind_of_bytes", "of_text"]


class LookalikeKind(StrEnum):
    """What the symbol is instead; the ids are stable, records and message catalogues use them."""

    EAN13 = "ean13"  # 商品条码, 69码
    EAN8 = "ean8"
    GTIN14 = "gtin14"  # ITF-14 on cartons
    DRUG_STANDARD_CODE = "drug_standard_code"  # 本位码
    INSURANCE_CODE = "insurance_code"  # 医保药品编码
    APPROVAL_NUMBER = "approval_number"  # 国药准字
    SSCC = "sscc"  # logistics label
    ID_NUMBER = "id_number"  # 居民身份证
    ANIMAL_CODE = "animal_code"  # 兽药追溯码
    TWO_CODES = "two_codes"
    CUT_OFF = "cut_off"
    TOO_MANY_DIGITS = "too_many_digits"
    NOT_STARTING_WITH_8 = "not_starting_with_8"
    GS1_PRODUCT = "gs1_product"  # GTIN without serial number
    GS1_BROKEN = "gs1_broken"
    URL_WITHOUT_CODE = "url_without_code"
    URL_AMBIGUOUS = "url_ambiguous"
    CONTROL_CHARACTERS = "control_characters"
    TOO_LONG = "too_long"
    READ_FAULT = "read_fault"
    EMPTY = "empty"
    CONTROL_CODE = "control_code"  # from one of our sheets, where it commands nothing
    CONTROL_CODE_BROKEN = "control_code_broken"
    UNKNOWN = "unknown"  # also payment codes and insurance QR codes: opaque on purpose


#: The kinds whose text names a product and nobody; no other text may ever be kept (DESIGN.md 3, promise 5).
PRODUCT_KINDS: Final = frozenset(
    {
        LookalikeKind.EAN13,
        LookalikeKind.EAN8,
        LookalikeKind.GTIN14,
        LookalikeKind.DRUG_STANDARD_CODE,
        LookalikeKind.INSURANCE_CODE,
        LookalikeKind.GS1_PRODUCT,
    }
)


@dataclass(frozen=True, slots=True)
class Lookalike:
    """A symbol that is no trace code.

    Args:
        kind: What it is instead.
        length: How many bytes the scanner read, with blanks at the ends and AIM identifier if it sent them.
        text: The product code, for `PRODUCT_KINDS` whose symbology or prefix is proven; otherwise None.

    Raises:
        ValueError: Text was given for a kind that must not hold any; the text is not part of the error.
    """

    kind: LookalikeKind
    length: int
    text: str | None = None

    def __post_init__(self) -> None:
        """Keep the promise that only product codes hold text."""
        if self.text is not None and self.kind not in PRODUCT_KINDS:
            raise ValueError(f"a look-alike of kind {self.kind} holds no text")


CUT_OFF_MIN_DIGITS: Final = 10
CN20_DIGITS: Final = 20
ANIMAL_CODE_DIGITS: Final = 24
TWO_CN20_DIGITS: Final = 40
CN20_AND_EAN13_DIGITS: Final = 33
EAN13_DIGITS: Final = 13
GTIN14_DIGITS: Final = 14
# The years in which holders of an 18-digit number can have been born; core knows no clock.
ID_BIRTH_YEARS: Final = range(1850, 2100)

_ID18: Final = re.compile(r"[1-9][0-9]{16}[0-9Xx]")
_ID15: Final = re.compile(r"[1-7][0-9]{14}")
_INSURANCE_CODE: Final = re.compile(r"[XZ][A-Z][0-9]{2}[A-Z]{2}[A-Z][0-9]{3}[A-Z][0-9]{12}")
_APPROVAL_NUMBER: Final = re.compile(r"(?:批准文号)?[:：]?\s*国药准字\s*[A-Z]{1,2}[0-9]{8}")


def is_chinese_gtin(text: str) -> bool:
    """Say whether a GTIN of 8, 13 or 14 digits holds its check digit and a GS1 prefix of China, 690-699.

    Only such a number is believed to be a product code without an AIM identifier that proves the symbology: any
    other one may be somebody's card or telephone number.
    """
    start = 1 if len(text) == GTIN14_DIGITS else 0
    return is_gtin(text) and text[start : start + 2] == "69"


def of_text(text: str, *, aim: str, length: int) -> Lookalike:
    """Tell what a text of printable ASCII is that is no trace code (DOMAIN.md 1.7).

    Args:
        text: Without blanks at the ends and without AIM identifier.
        aim: The AIM identifier, or an empty string.
        length: How many bytes the scanner read.
    """
    if _is_id_number(text):
        return Lookalike(LookalikeKind.ID_NUMBER, length)
    if _are_codes_side_by_side(text.split()):
        return Lookalike(LookalikeKind.TWO_CODES, length)
    if text.isascii() and text.isdecimal():
        return _product_number(text, aim, length) or Lookalike(_kind_of_digits(text), length)
    if _INSURANCE_CODE.fullmatch(text):
        return Lookalike(LookalikeKind.INSURANCE_CODE, length, text)
    return Lookalike(LookalikeKind.UNKNOWN, length)


def kind_of_bytes(data: bytes) -> LookalikeKind:
    """Tell what bytes are that hold control characters or no ASCII; never a code, also not in full-width digits."""
    if _are_codes_side_by_side([part.decode("ascii", errors="replace") for part in data.split()]):
        return LookalikeKind.TWO_CODES
    for encoding in ("utf-8", "gb18030"):
        if _APPROVAL_NUMBER.fullmatch(data.decode(encoding, errors="replace")):
            return LookalikeKind.APPROVAL_NUMBER
    return LookalikeKind.CONTROL_CHARACTERS


def _is_id_number(text: str) -> bool:
    """Tell a resident ID number: GB 11643 with check digit and real date, or the old 15 digits (DOMAIN.md 6).

    `stdnum.cn.ric.validate` also looks the place up in a file; core does no I/O, and a person from a county that
    the file does not know is still a person. So only its two calculations are used.
    """
    if _ID15.fullmatch(text):
        return _is_real_date("19" + text[6:12])
    if not (_ID18.fullmatch(text) and _is_real_date(text[6:14])):
        return False
    # Imported late: it pulls in ssl and pydoc, and the first look-alike is early enough.
    check_digit: str = importlib.import_module("stdnum.cn.ric").calc_check_digit(text)
    return text[-1].upper() == check_digit


def _is_real_date(yyyymmdd: str) -> bool:
    year, month, day = int(yyyymmdd[:4]), int(yyyymmdd[4:6]), int(yyyymmdd[6:])
    if year not in ID_BIRTH_YEARS:
        return False
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _product_number(digits: str, aim: str, length: int) -> Lookalike | None:
    """Tell the numbers of 8, 12, 13 and 14 digits that name a product; keep the text only if that is proven."""
    chinese = is_chinese_gtin(digits)
    proven = False
    kind = None
    match len(digits):
        case 8 if is_gtin(digits):
            kind, proven = LookalikeKind.EAN8, aim == "]E4"
        case 12 if is_gtin(digits) and aim == "]E0":
            return Lookalike(LookalikeKind.EAN13, length, f"0{digits}")
        case 13 if is_gtin(digits) or digits.startswith("69") or aim == "]E0":
            kind, proven = LookalikeKind.EAN13, aim == "]E0" and is_gtin(digits)
        case 14 if is_gtin(digits) and (aim.startswith("]I") or not digits.startswith("86")):
            kind, proven = LookalikeKind.GTIN14, aim == "]I1"
        case 14 if digits.startswith("86"):
            # Class 9 is drugs. Other digits after 86 may be a telephone number with country and area code.
            kind, proven = LookalikeKind.DRUG_STANDARD_CODE, digits.startswith("869")
            chinese = False
    if kind is None:
        return None
    return Lookalike(kind, length, digits if proven or chinese else None)


def _kind_of_digits(digits: str) -> LookalikeKind:
    """Tell a run of digits that names no product by its length and first digit."""
    count = len(digits)
    if count == CN20_DIGITS:
        return LookalikeKind.SSCC if digits.startswith("00") else LookalikeKind.NOT_STARTING_WITH_8
    if _is_two_codes(digits):
        return LookalikeKind.TWO_CODES
    if count == ANIMAL_CODE_DIGITS:
        return LookalikeKind.ANIMAL_CODE
    if digits[0] != "8" or count < CUT_OFF_MIN_DIGITS:
        return LookalikeKind.UNKNOWN
    return LookalikeKind.CUT_OFF if count < CN20_DIGITS else LookalikeKind.TOO_MANY_DIGITS


def _are_codes_side_by_side(parts: list[str]) -> bool:
    """Tell trace codes that a blank or a line end separates, with or without an EAN-13 among them."""
    trace_codes = sum(map(is_cn20, parts))
    eans = sum(len(part) == EAN13_DIGITS and is_gtin(part) for part in parts)
    return trace_codes > 0 and len(parts) > 1 and trace_codes + eans == len(parts)


def _is_two_codes(digits: str) -> bool:
    """Tell two trace codes run together (40 digits), or a trace code and an EAN-13 in either order (33)."""
    if len(digits) == TWO_CN20_DIGITS:
        return is_cn20(digits[:20]) and is_cn20(digits[20:])
    if len(digits) != CN20_AND_EAN13_DIGITS:
        return False
    return (is_cn20(digits[:20]) and is_gtin(digits[20:])) or (is_cn20(digits[13:]) and is_gtin(digits[:13]))
