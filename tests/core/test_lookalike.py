"""Look-alikes: every kind with its near misses, and which of them may hold their text."""

from dataclasses import fields

import pytest

from yaoma.core.code import PRODUCT_KINDS, Cn20, Gs1, Lookalike, LookalikeKind, Meaning, parse
from yaoma_drivers.symbol import Symbol

TRACE = "83003850000000131888"
EAN = "6901234567892"


def meaning(data: bytes | str, aim: str = "") -> Meaning:
    """Parse one symbol."""
    raw = data.encode() if isinstance(data, str) else data
    return parse(Symbol(raw, "counter", 0, aim=aim))


def kind(data: bytes | str, aim: str = "") -> LookalikeKind:
    """Parse one symbol that has to be a look-alike without text."""
    found = meaning(data, aim)
    assert isinstance(found, Lookalike), found
    assert found.text is None
    return found.kind


@pytest.mark.parametrize(
    ("digits", "aim", "expected", "kept"),
    [
        (EAN, "", LookalikeKind.EAN13, EAN),
        (EAN, "]E0", LookalikeKind.EAN13, EAN),
        ("5901234123457", "]E0", LookalikeKind.EAN13, "5901234123457"),
        ("5901234123457", "", LookalikeKind.EAN13, None),  # may be anybody's card number
        ("5901234123457", "]C0", LookalikeKind.EAN13, None),
        ("5901234123457", "]E4", LookalikeKind.EAN13, None),
        ("6901234567893", "", LookalikeKind.EAN13, None),  # a wrong check digit
        ("6901234567893", "]E0", LookalikeKind.EAN13, None),
        ("1234567890123", "]E0", LookalikeKind.EAN13, None),
        ("1234567890123", "", LookalikeKind.UNKNOWN, None),
        ("0000000000000", "", LookalikeKind.UNKNOWN, None),
        ("012345678905", "]E0", LookalikeKind.EAN13, "0012345678905"),  # UPC-A
        ("012345678905", "", LookalikeKind.UNKNOWN, None),
        ("012345678906", "]E0", LookalikeKind.UNKNOWN, None),
        ("69012341", "", LookalikeKind.EAN8, "69012341"),
        ("40123455", "]E4", LookalikeKind.EAN8, "40123455"),
        ("40123455", "]E0", LookalikeKind.EAN8, None),
        ("40123455", "", LookalikeKind.EAN8, None),
        ("69012342", "", LookalikeKind.UNKNOWN, None),
        ("69012342", "]E4", LookalikeKind.UNKNOWN, None),
        ("00000000", "]E4", LookalikeKind.UNKNOWN, None),
        ("16901234567899", "", LookalikeKind.GTIN14, "16901234567899"),
        ("18901234567897", "]I1", LookalikeKind.GTIN14, "18901234567897"),
        ("18901234567897", "]I0", LookalikeKind.GTIN14, None),
        ("18901234567897", "", LookalikeKind.GTIN14, None),
        ("16901234567891", "]I1", LookalikeKind.UNKNOWN, None),
        ("86901234567898", "]I0", LookalikeKind.GTIN14, "86901234567898"),
        ("86901234567898", "", LookalikeKind.DRUG_STANDARD_CODE, "86901234567898"),
        ("86900001000011", "", LookalikeKind.DRUG_STANDARD_CODE, "86900001000011"),
        ("86901234567891", "]I1", LookalikeKind.DRUG_STANDARD_CODE, "86901234567891"),
        ("86057188888888", "", LookalikeKind.DRUG_STANDARD_CODE, None),  # +86 0571: a telephone number
        ("8690000100001", "", LookalikeKind.CUT_OFF, None),
        ("869000010000111", "", LookalikeKind.CUT_OFF, None),
        ("85001234567890", "", LookalikeKind.CUT_OFF, None),
        ("XR05CBA198A001010100863", "", LookalikeKind.INSURANCE_CODE, "XR05CBA198A001010100863"),
        ("ZA01AAA001A001010100001", "]Q1", LookalikeKind.INSURANCE_CODE, "ZA01AAA001A001010100001"),
        ("XR05CBA198A00101010086", "", LookalikeKind.UNKNOWN, None),
        ("XR05CBA198A0010101008633", "", LookalikeKind.UNKNOWN, None),
        ("YR05CBA198A001010100863", "", LookalikeKind.UNKNOWN, None),
        ("xr05cba198a001010100863", "", LookalikeKind.UNKNOWN, None),
        ("X1234567890123456789012", "", LookalikeKind.UNKNOWN, None),
        ("ZHANGWEI360426199101010", "", LookalikeKind.UNKNOWN, None),
    ],
)
def test_product_code_when_told_then_text_is_kept_only_if_proven(
    digits: str, aim: str, expected: LookalikeKind, kept: str | None
) -> None:
    """A product code is told by length and check digit; its text stays only with a proving identifier or prefix."""
    assert meaning(digits, aim) == Lookalike(expected, len(digits), kept)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("国药准字H20123456", LookalikeKind.APPROVAL_NUMBER),
        ("国药准字Z12345678".encode("gbk"), LookalikeKind.APPROVAL_NUMBER),
        ("批准文号：国药准字 HJ20171234", LookalikeKind.APPROVAL_NUMBER),
        ("批准文号:国药准字S20201234\r\n".encode("gb18030"), LookalikeKind.APPROVAL_NUMBER),
        ("国药准字H2012345", LookalikeKind.CONTROL_CHARACTERS),
        ("国药准字H201234567", LookalikeKind.CONTROL_CHARACTERS),
        ("国药准字20123456", LookalikeKind.CONTROL_CHARACTERS),
        ("国药准字H２０１２３４５６", LookalikeKind.CONTROL_CHARACTERS),
        ("国药准字H20123456".encode("utf-16-le"), LookalikeKind.CONTROL_CHARACTERS),
        ("H20123456", LookalikeKind.UNKNOWN),
        ("00069012345600000015", LookalikeKind.SSCC),
        ("00000000000000000000", LookalikeKind.SSCC),
        ("0006901234560000001", LookalikeKind.UNKNOWN),
        ("24332000000012345678", LookalikeKind.NOT_STARTING_WITH_8),  # an electronic invoice
        ("03003850000000131888", LookalikeKind.NOT_STARTING_WITH_8),
        ("360426199101010071", LookalikeKind.ID_NUMBER),
        ("120103198806018241", LookalikeKind.ID_NUMBER),
        ("11010519491231002X", LookalikeKind.ID_NUMBER),
        ("11010519491231002x", LookalikeKind.ID_NUMBER),
        ("]C0360426199101010071\r", LookalikeKind.ID_NUMBER),
        ("810000199001010019", LookalikeKind.ID_NUMBER),  # Hong Kong residents' begin with 8
        ("130503670401001", LookalikeKind.ID_NUMBER),
        ("110101000229001", LookalikeKind.UNKNOWN),  # 1900 had no 29 February
        ("360426199101010072", LookalikeKind.UNKNOWN),
        ("230307196304054513", LookalikeKind.UNKNOWN),
        ("11010519491231002Y", LookalikeKind.UNKNOWN),
        ("360426199102300071", LookalikeKind.UNKNOWN),
        ("360426179101010071", LookalikeKind.UNKNOWN),
        ("360426219101010071", LookalikeKind.UNKNOWN),
        ("130503671301001", LookalikeKind.UNKNOWN),
        ("830503670401001", LookalikeKind.CUT_OFF),  # no province began with 8 when numbers had 15 digits
        ("123456789012345678901234", LookalikeKind.ANIMAL_CODE),
        ("830038500000001318881234", LookalikeKind.ANIMAL_CODE),
        (TRACE + "88298420000560224025", LookalikeKind.TWO_CODES),
        (TRACE + TRACE, LookalikeKind.TWO_CODES),
        (TRACE + EAN, LookalikeKind.TWO_CODES),
        (EAN + TRACE, LookalikeKind.TWO_CODES),
        (f"{TRACE} {TRACE}", LookalikeKind.TWO_CODES),
        (f"{TRACE}\r\n{EAN}", LookalikeKind.TWO_CODES),
        (f"{EAN}\t{TRACE}\n{TRACE}", LookalikeKind.TWO_CODES),
        (TRACE + "98298420000560224025", LookalikeKind.TOO_MANY_DIGITS),
        ("9" + TRACE + TRACE[1:], LookalikeKind.UNKNOWN),
        (TRACE + "6901234567893", LookalikeKind.TOO_MANY_DIGITS),
        ("6901234567893" + TRACE, LookalikeKind.UNKNOWN),
        (f"{EAN} {EAN}", LookalikeKind.UNKNOWN),
        (f"{EAN}\n{EAN}", LookalikeKind.CONTROL_CHARACTERS),
        (f"{TRACE}\n17", LookalikeKind.CONTROL_CHARACTERS),
        (f"{TRACE} ABC", LookalikeKind.UNKNOWN),
        ("8300385000", LookalikeKind.CUT_OFF),
        (TRACE[:19], LookalikeKind.CUT_OFF),
        (TRACE[:18], LookalikeKind.CUT_OFF),
        ("830038500", LookalikeKind.UNKNOWN),
        (TRACE[1:], LookalikeKind.UNKNOWN),
        (TRACE + "1", LookalikeKind.TOO_MANY_DIGITS),
        (TRACE + "123", LookalikeKind.TOO_MANY_DIGITS),
        (TRACE + "12345", LookalikeKind.TOO_MANY_DIGITS),
        (TRACE + "123456789012", LookalikeKind.TOO_MANY_DIGITS),
        (TRACE * 3, LookalikeKind.TOO_MANY_DIGITS),
        ("9" * 21, LookalikeKind.UNKNOWN),
        ("8300\x003850", LookalikeKind.CONTROL_CHARACTERS),
        (b"\xff\xfe\x80", LookalikeKind.CONTROL_CHARACTERS),
        ("\x1b[A", LookalikeKind.CONTROL_CHARACTERS),
        ("AB\x7f", LookalikeKind.CONTROL_CHARACTERS),
        ("８３００３８５０００００００１３１８８８", LookalikeKind.CONTROL_CHARACTERS),
        ("134512345678901234", LookalikeKind.UNKNOWN),
        ("286412345678901234", LookalikeKind.UNKNOWN),
        ("6222020200112233445", LookalikeKind.UNKNOWN),
        ("A", LookalikeKind.UNKNOWN),
        ("0", LookalikeKind.UNKNOWN),
    ],
)
def test_kind_when_no_product_code_then_told_and_text_dropped(data: bytes | str, expected: LookalikeKind) -> None:
    """Every other kind is told by its shape and holds nothing of the text."""
    assert kind(data) is expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"https://trace.example.cn/q?code={TRACE}", f"cn20:{TRACE}"),
        (f"HTTP://TRACE.EXAMPLE.CN/{TRACE}", f"cn20:{TRACE}"),
        (f"http://a.cn/{TRACE}/x?again={TRACE}", f"cn20:{TRACE}"),
        (f"http://a.cn/{TRACE}?batch=123456789012345678901", f"cn20:{TRACE}"),
        (f"http://a.cn/?c%3D{TRACE}", f"cn20:{TRACE}"),
        ("http://a.cn/8300385%30000000131888", "cn20:83003850000000131888"),
        (f"http://a.cn/01/123/{TRACE}", f"cn20:{TRACE}"),
        ("https://id.gs1.org/01/06901234567892/21/S0001", "gs1:010690123456789221S0001"),
        ("https://a.cn/x/01/6901234567892/10/L1/21/S%2F1/?17=270331&x=1#y", "gs1:010690123456789221S/1"),
        ("https://a.cn/01/69012341/21/83003850", "gs1:01000000690123412183003850"),
    ],
)
def test_url_when_it_holds_one_code_then_read(url: str, expected: str) -> None:
    """A web address with one 20-digit run, or a GS1 Digital Link with serial, gives its code (DOMAIN.md 1.5)."""
    found = meaning(url)
    assert isinstance(found, Cn20 | Gs1)
    assert found.key == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a.cn/", LookalikeKind.URL_WITHOUT_CODE),
        ("http://", LookalikeKind.URL_WITHOUT_CODE),
        ("http://[", LookalikeKind.URL_WITHOUT_CODE),
        (f"http://a.cn/1{TRACE}", LookalikeKind.URL_WITHOUT_CODE),
        (f"http://a.cn/{TRACE}1", LookalikeKind.URL_WITHOUT_CODE),
        ("http://a.cn/93003850000000131888", LookalikeKind.URL_WITHOUT_CODE),
        ("http://a.cn/%83003850000000131888", LookalikeKind.URL_WITHOUT_CODE),  # %83 is an escape
        (f"http://a.cn/%EF%BC%98{TRACE}", LookalikeKind.URL_WITHOUT_CODE),  # a full-width 8 lengthens the run
        ("http://a.cn/01/15/x", LookalikeKind.URL_WITHOUT_CODE),  # a date path
        ("http://a.cn/01", LookalikeKind.URL_WITHOUT_CODE),
        (f"http://a.cn/{TRACE}/88298420000560224025", LookalikeKind.URL_AMBIGUOUS),
        (f"https://a.cn/01/06901234567892/21/{TRACE}", LookalikeKind.URL_AMBIGUOUS),
        ("https://a.cn/01/06901234567893/21/S1", LookalikeKind.GS1_BROKEN),
        ("https://a.cn/01/06901234567892/21", LookalikeKind.GS1_BROKEN),
        ("https://a.cn/01/06901234567892/21/A%20B", LookalikeKind.GS1_BROKEN),
        ("https://a.cn/01/06901234567892/21/A%1D10B", LookalikeKind.GS1_BROKEN),
        ("https://a.cn/01/06901234567892/21/S1?17=270231", LookalikeKind.GS1_BROKEN),
        ("ftp://a.cn/83003850000000131888", LookalikeKind.UNKNOWN),
        ("a.cn/83003850000000131888", LookalikeKind.UNKNOWN),
    ],
)
def test_url_when_it_holds_none_or_several_then_nothing_is_guessed(url: str, expected: LookalikeKind) -> None:
    """No run, a longer run, two different runs or a broken link give no code, and the address is not kept."""
    assert kind(url) is expected


def test_url_when_a_digital_link_has_no_serial_then_it_is_a_product() -> None:
    """A Digital Link without serial names a product; a Chinese GTIN stays, a foreign one does not."""
    url = "https://a.cn/01/06901234567892"
    assert meaning(url) == Lookalike(LookalikeKind.GS1_PRODUCT, len(url), "0106901234567892")
    assert kind("https://a.cn/01/18901234567897/10/L1") is LookalikeKind.GS1_PRODUCT


def test_lookalike_when_text_is_given_for_another_kind_then_refused_silently() -> None:
    """A look-alike can't be made to hold text of a kind that names no product."""
    for value in LookalikeKind:
        if value in PRODUCT_KINDS:
            assert Lookalike(value, 3, "abc").text == "abc"
            continue
        with pytest.raises(ValueError, match="holds no text") as caught:
            Lookalike(value, 18, "360426199101010071")
        assert "3604" not in str(caught.value)


def test_lookalike_when_its_fields_change_then_privacy_is_thought_about_again() -> None:
    """Kind, length and text are all that a look-alike holds."""
    assert [f.name for f in fields(Lookalike)] == ["kind", "length", "text"]
