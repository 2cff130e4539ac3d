"""TraceCode: the codes that can identify one pack, as values, with the key under which the journal writes them."""

import re
from dataclasses import field
from datetime import date
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from yaoma.core.checked_value import dataclass

__all__ = ["Cn20", "CodeError", "Gs1", "Other", "TraceCode", "is_cn20", "is_gtin"]

CN20_DIGITS: Final = 20
GTIN14_DIGITS: Final = 14
MAX_OTHER_CHARS: Final = 256

# GS1 "character set 82" (AI encodable character set 82), at most 20 of them in a serial number or lot.
_AI82_FIELD: Final = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]{1,20}")
_STANDARD: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_OTHER_TEXT: Final = re.compile(rf"(?! )[ -~]{{1,{MAX_OTHER_CHARS}}}(?<! )")


class CodeError(ValueError):
    """A value was no trace code of the form that it claims.

    The text is not part of the error, since what is no trace code may be somebody's identity (promise 5).

    Args:
        form: The claimed form: `cn20`, `gs1`, `other` or `key`.
        length: How many characters there were.
    """

    def __init__(self, form: str, length: int) -> None:
        super().__init__(f"not a trace code of the form {form} ({length} characters)")
        self.form = form
        self.length = length

    def __reduce__(self) -> tuple[type["CodeError"], tuple[str, int]]:
        """Pickle by the facts; the default would pass the sentence as the only argument."""
        return type(self), (self.form, self.length)


def is_cn20(text: str) -> bool:
    """Say whether a text has the shape of the Chinese code: 20 ASCII digits, the first an 8 (DOMAIN.md 1.1)."""
    return len(text) == CN20_DIGITS and text.isascii() and text.isdecimal() and text[0] == "8"


def is_gtin(text: str) -> bool:
    """Say whether ASCII digits end in their GS1 mod-10 check digit and are not all zero (GS1 7.9.1)."""
    if not (text.isascii() and text.isdecimal() and text.strip("0")):
        return False
    threes, ones = text[-2::-2], text[-1::-2]
    return (3 * sum(map(int, threes)) + sum(map(int, ones))) % 10 == 0


@dataclass(frozen=True, slots=True)
class Cn20:
    """The 20-digit code of 码上放心: 7 digits product, 9 digits serial, 4 check digits (DOMAIN.md 1.1).

    The check digits come from a secret algorithm: offline they are never verified, only kept.

    Args:
        digits: All 20 digits.
        key: The canonical form in the journal.
        product_key: The key of the product in the allowlist.

    Raises:
        CodeError: These are not 20 ASCII digits that begin with 8.
    """

    digits: str
    key: str = field(init=False, repr=False, compare=False)
    product_key: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what does not have the shape; spell the keys once, since a scan asks for them ten times."""
        if not is_cn20(self.digits):
            raise CodeError("cn20", len(self.digits))
        object.__setattr__(self, "key", f"cn20:{self.digits}")
        object.__setattr__(self, "product_key", f"cn20:{self.digits[:7]}")

    @property
    def product(self) -> str:
        """The 7-digit product code 药品标识码; each package level has its own (DOMAIN.md 1.3)."""
        return self.digits[:7]

    @property
    def serial(self) -> str:
        """The 9-digit serial number."""
        return self.digits[7:16]

    @property
    def check(self) -> str:
        """The last four digits, unverified."""
        return self.digits[16:]


@dataclass(frozen=True, slots=True)
class Gs1:
    """A GS1 code with GTIN and serial number (DOMAIN.md 1.4).

    Args:
        gtin: 14 digits with a valid check digit.
        serial: AI 21, 1-20 characters of GS1's character set 82, as they stood in the symbol.
        lot: AI 10, or None.
        expiry: AI 17; day 00 is the last day of the month. None if the symbol has none.
        produced: AI 11, as `expiry`.
        separators_seen: The scanner delivered at least one GS after the first field, so it does not drop them.
            False also where brackets or a URL path mark the fields; then no GS is needed.
        may_be_glued: A lost GS may have run fields together, so serial or lot may be wrong
            (SCANNERS.md 1.1 no. 5; the rule stands at `yaoma.core.gs1`). A suspicion: never trusted silently.

    Raises:
        CodeError: The GTIN is no valid GTIN-14, or serial or lot break the character set or length.
    """

    gtin: str
    serial: str
    lot: str | None = None
    expiry: date | None = None
    produced: date | None = None
    separators_seen: bool = False
    may_be_glued: bool = False

    def __post_init__(self) -> None:
        """Refuse what the GS1 rules refuse."""
        gtin_holds = len(self.gtin) == GTIN14_DIGITS and is_gtin(self.gtin)
        fields = [self.serial] if self.lot is None else [self.serial, self.lot]
        if not (gtin_holds and all(_AI82_FIELD.fullmatch(field) for field in fields)):
            raise CodeError("gs1", len(self.gtin) + len(self.serial))

    @property
    def key(self) -> str:
        """The canonical form in the journal: GTIN and serial only, since these two name the pack."""
        return f"gs1:01{self.gtin}21{self.serial}"

    @property
    def product_key(self) -> str:
        """The key of the product in the allowlist."""
        return f"gs1:01{self.gtin}"


@dataclass(frozen=True, slots=True)
class Other:
    """A code of another standard, legal but not checkable here (NMPAB/T 1002; DOMAIN.md 1.1, 1.2).

    Args:
        standard: The id of the standard from the signed allowlist: `a-z 0-9 _ -`, at most 32 characters.
        text: The code, printable ASCII, 1-256 characters, no blank at either end.
        product_key: What the matching pattern says; empty if the code came from its key alone.

    Raises:
        CodeError: `standard` or `text` break these rules.
    """

    standard: str
    text: str
    product_key: str = ""

    def __post_init__(self) -> None:
        """Refuse what could not be read back from the key."""
        if not (_STANDARD.fullmatch(self.standard) and _OTHER_TEXT.fullmatch(self.text)):
            raise CodeError("other", len(self.text))

    @property
    def key(self) -> str:
        """The canonical form in the journal."""
        return f"other:{self.standard}:{self.text}"


TraceCode = Cn20 | Gs1 | Other
