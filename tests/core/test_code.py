"""What a symbol means: the published trace codes, the order of the readings, and the keys of the journal."""

import pickle
import subprocess
import sys
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from yaoma.core.code import (
    Cn20,
    CodeError,
    Gs1,
    Lookalike,
    LookalikeKind,
    Meaning,
    Other,
    OtherPattern,
    TraceCode,
    from_key,
    parse,
    preload,
)
from yaoma_drivers.symbol import ReadFault, Symbol

AI82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"

SPLIT_VECTORS = [
    ("83003850000000131888", "8300385", "000000013", "1888"),
    ("88298420000560224025", "8829842", "000056022", "4025"),
    ("87577040000000015130", "8757704", "000000001", "5130"),
    ("86092470000000045784", "8609247", "000000004", "5784"),
    ("86092470000000045783", "8609247", "000000004", "5783"),
    ("86443150000000180533", "8644315", "000000018", "0533"),
    ("86443160000000568910", "8644316", "000000056", "8910"),
    ("84312420000002824318", "8431242", "000000282", "4318"),
]

OTHER_VECTORS = [
    "81012350000000157474",
    "87005160000000000881",
    "87796580000023200900",
    "87004720000000005994",
    "87709840000000015538",
    "87057140000055033456",
    "89400130000122611086",
    "89597060000000049772",
    "89829001000000156110",
    "89012345678901234567",
    "81000000000000000001",
    "82000000000000000001",
    "82000000000000000002",
    *[f"8300000000000000000{n}" for n in range(1, 7)],
]


def meaning(data: bytes | str, aim: str = "", patterns: tuple[OtherPattern, ...] = ()) -> Meaning:
    """Parse one symbol of a plain scanner."""
    raw = data.encode() if isinstance(data, str) else data
    return parse(Symbol(raw, "counter", 1_000, aim=aim), patterns)


def kind(data: bytes | str, aim: str = "") -> LookalikeKind:
    """Parse one symbol that has to be a look-alike."""
    found = meaning(data, aim)
    assert isinstance(found, Lookalike)
    return found.kind


@pytest.mark.row("S2-26")
@pytest.mark.parametrize(("digits", "product", "serial", "check"), SPLIT_VECTORS)
def test_cn20_when_published_with_its_parts_then_splits_7_9_4(
    digits: str, product: str, serial: str, check: str
) -> None:
    """A published code splits into product, serial and check digits as published (DOMAIN.md 1.8)."""
    code = meaning(digits)
    assert isinstance(code, Cn20)
    assert (code.product, code.serial, code.check) == (product, serial, check)
    assert code.key == f"cn20:{digits}"
    assert code.product_key == f"cn20:{product}"


@pytest.mark.parametrize("digits", OTHER_VECTORS)
def test_cn20_when_published_then_read(digits: str) -> None:
    """Every other published or artificial code of DOMAIN.md 1.8 is a Chinese trace code."""
    assert meaning(digits) == Cn20(digits)


@pytest.mark.row("S4-16")
def test_gs1_when_the_constructed_vector_then_all_fields_are_read() -> None:
    """The constructed GS1 vector of DOMAIN.md 1.8 gives GTIN, expiry, lot and serial."""
    code = meaning("01069012345678921727033110A123\x1d21S0001", "]d2")
    assert code == Gs1("06901234567892", "S0001", lot="A123", expiry=date(2027, 3, 31), separators_seen=True)


def test_ean13_when_the_negative_vector_then_it_is_a_commodity_barcode() -> None:
    """The EAN-13 of DOMAIN.md 1.8 is no trace code, and its text is kept because it names a Chinese product."""
    assert meaning("6901234567892") == Lookalike(LookalikeKind.EAN13, 13, "6901234567892")


@pytest.mark.parametrize("blanks", [b" %b", b"%b\r\n", b"\t%b\t ", b"\r\n%b", b"%b\n"])
def test_cn20_when_blanks_stand_at_the_ends_then_they_do_not_matter(blanks: bytes) -> None:
    """Space, CR, LF and Tab at the ends are the scanner's habit and no part of the code."""
    assert meaning(blanks % b"83003850000000131888") == Cn20("83003850000000131888")


@pytest.mark.parametrize("aim", ["", "]C0", "]d1", "]Q1", "]Q0", "]h0", "]I1", "]A0", "]Z0", "]X0", "]C2"])
def test_cn20_when_the_symbology_can_hold_it_then_read(aim: str) -> None:
    """Twenty digits are a trace code in every carrier without FNC1, told by the driver or left in the data."""
    assert meaning("83003850000000131888", aim) == Cn20("83003850000000131888")
    assert meaning(f"{aim}83003850000000131888") == Cn20("83003850000000131888")


@pytest.mark.parametrize("aim", ["]C1", "]d2", "]Q3", "]e0", "]J1"])
@pytest.mark.parametrize("digits", ["83003850000000131888", "80041234567890123456"])
def test_cn20_when_the_symbology_says_gs1_then_stops(aim: str, digits: str) -> None:
    """Twenty digits with 8 in a symbol that says GS1 are not guessed to be a Chinese code: 8004 is an asset."""
    assert kind(digits, aim) is LookalikeKind.GS1_BROKEN
    assert kind(aim + digits) is LookalikeKind.GS1_BROKEN
    assert kind("\x1d" + digits) is LookalikeKind.GS1_BROKEN


def test_cn20_when_the_symbology_is_ean_then_the_read_is_faulty() -> None:
    """An EAN symbol can't hold twenty digits, so text and identifier come from different reads."""
    assert kind("83003850000000131888", "]E0") is LookalikeKind.READ_FAULT
    assert kind("83003850000000131888", "]E4") is LookalikeKind.READ_FAULT


def test_aim_when_driver_and_data_name_one_then_the_drivers_counts() -> None:
    """The identifier in the data is split off even if the driver has named one."""
    assert meaning("]C083003850000000131888", "]d1") == Cn20("83003850000000131888")
    assert kind("]C083003850000000131888", "]d2") is LookalikeKind.GS1_BROKEN


@pytest.mark.row("S1-21")
@pytest.mark.parametrize(
    "data",
    [
        "8300385000000013188",  # 19
        "830038500000001318888",  # 21
        "93003850000000131888",
        "00003850000000131888",
        "8300385000000013188O",
        "8300385000000013188X",
        "-3003850000000131888",
        "8300385 000000013188",
        "8300385_000000013188",
        "８３００３８５０００００００１３１８８８",
        "8３００３８５０００００００１３１８８８",
        "٨٣٠٠٣٨٥٠٠٠٠٠٠٠١٣١٨٨٨",
        "8300385000000013188\u00b2",
        "8300385000000013188\u2460",
        "8300385000\x0000013188",
        "83003850000000131888\x00",
        "\x1b83003850000000131888",
        "83003850000000131888\x7f",
        "\x0b83003850000000131888",
        "\u00a083003850000000131888",
        "83003850000000131888\x1d",
    ],
)
def test_cn20_when_almost_right_then_it_is_no_code(data: str) -> None:
    """A digit more or less, another first digit, digits of other scripts and control bytes never give a code."""
    assert isinstance(meaning(data), Lookalike)
    with pytest.raises(CodeError):
        Cn20(data)


@pytest.mark.parametrize("fault", [ReadFault.DROPPED, ReadFault.UNTERMINATED])
def test_symbol_when_the_driver_lost_a_part_then_it_is_a_read_fault(fault: ReadFault) -> None:
    """A fault that the driver knows decides before any text, with the length that was read."""
    assert parse(Symbol(b"", "counter", 0, fault=fault, length=7)) == Lookalike(LookalikeKind.READ_FAULT, 7)


def test_symbol_when_overlong_then_too_long() -> None:
    """More than 256 bytes are too long, whether the driver says so or only the length does."""
    overlong = Symbol(b"", "counter", 0, fault=ReadFault.OVERLONG, length=300)
    assert parse(overlong) == Lookalike(LookalikeKind.TOO_LONG, 300)
    assert parse(Symbol(b"", "counter", 0, length=257)) == Lookalike(LookalikeKind.TOO_LONG, 257)
    assert kind("A" * 256) is LookalikeKind.UNKNOWN


@pytest.mark.parametrize("data", ["", " ", "\r\n", "]C0", "]C0\r\n"])
def test_symbol_when_nothing_is_left_then_empty(data: str) -> None:
    """Blanks and an AIM identifier alone are an empty scan."""
    assert kind(data) is LookalikeKind.EMPTY


def test_length_when_a_lookalike_then_counts_what_the_scanner_read() -> None:
    """The length is that of the scan, with blanks and identifier, since the text is gone."""
    assert meaning("]C012345\r\n") == Lookalike(LookalikeKind.UNKNOWN, 10)


codes = st.one_of(
    st.from_regex(r"8[0-9]{19}", fullmatch=True).map(Cn20),
    st.builds(
        Gs1,
        st.sampled_from(["06901234567892", "00012345678905", "18901234567897"]),
        st.text(AI82, min_size=1, max_size=20),
        lot=st.none() | st.text(AI82, min_size=1, max_size=20),
        expiry=st.none() | st.dates(),
        may_be_glued=st.booleans(),
    ),
    st.builds(
        Other,
        st.from_regex(r"[a-z0-9][a-z0-9_-]{0,31}", fullmatch=True),
        st.from_regex(r"[!-~]([ -~]{0,254}[!-~])?", fullmatch=True),
    ),
)


@given(codes)
@example(Gs1("06901234567892", "%2F?/(01)21:"))
@example(Other("ma", "MA.156.M0:1:2"))
def test_key_when_read_back_then_names_the_same_pack(code: TraceCode) -> None:
    """Every key gives a code with that key, of the same form."""
    again = from_key(code.key)
    assert type(again) is type(code)
    assert again.key == code.key
    if not isinstance(code, Other):
        assert again.product_key == code.product_key


@given(st.text() | st.from_regex(r"(cn20|gs1|other):[ -~]*", fullmatch=True))
@example("cn20:")
@example("cn20:83003850000000131888\n")
@example("gs1:010690123456789221S\n")
def test_key_when_anything_then_it_is_canonical_or_refused(key: str) -> None:
    """There is exactly one spelling of a key; anything else is refused."""
    try:
        code = from_key(key)
    except CodeError:
        return
    assert code.key == key


@pytest.mark.parametrize(
    "key",
    [
        "",
        "83003850000000131888",
        "cn20:93003850000000131888",
        "CN20:83003850000000131888",
        "gs1:01069012345678922",
        "gs1:010690123456789321S0001",
        "gs1:010690123456789221",
        "gs1:0106901234567892211234567890123456789012",
        "gs1:010690123456789210LOT",
        "gs1:010690123456789221A B",
        "gs1:010000000000000021S1",
        "other:acme",
        "other::x",
        "other:ACME:x",
        "other:acme:",
        "other:acme: x",
        "id:360426199101010071",
    ],
)
def test_key_when_malformed_then_the_error_is_silent_about_the_text(key: str) -> None:
    """A refused key is told by form and length only, with nothing behind it in the chain."""
    with pytest.raises(CodeError) as caught:
        from_key(key)
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    assert error.form in ("cn20", "gs1", "other", "key")
    assert str(error) == f"not a trace code of the form {error.form} ({error.length} characters)"
    again = pickle.loads(pickle.dumps(error))
    assert (again.form, again.length, str(again)) == (error.form, error.length, str(error))


def test_gs1_when_the_lot_breaks_the_character_set_then_refused() -> None:
    """Lot and serial obey the same rules."""
    with pytest.raises(CodeError):
        Gs1("06901234567892", "S1", lot="A B")
    with pytest.raises(CodeError):
        Gs1("06901234567892", "S1", lot="")


def test_key_when_a_pattern_is_known_then_its_product_is_found_again() -> None:
    """The product of another standard's code comes back with the pattern, and is empty without it."""
    pattern = OtherPattern("acme", r"AC[0-9]{8}", "other:acme")
    assert from_key("other:acme:AC12345678", [pattern]).product_key == "other:acme"
    assert from_key("other:acme:AC12345678").product_key == ""
    assert from_key("other:beta:AC12345678", [pattern]).product_key == ""


def run_python(program: str) -> str:
    """Run a program in a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


LOADED = "import sys; print([name for name in ('biip', 'stdnum', 'ssl', 'decimal') if name in sys.modules])"


def test_import_when_no_gs1_was_scanned_then_biip_is_not_loaded() -> None:
    """The heavy libraries wait for the first symbol that needs them (SCANNERS.md 8)."""
    program = (
        "from yaoma.core.code import parse; from yaoma_drivers.symbol import Symbol\n"
        "for data in (b'83003850000000131888', b'6901234567892', b'1234', b'http://a.cn/1'):\n"
        "    parse(Symbol(data, 's', 0))\n"
    )
    assert run_python(program + LOADED) == "[]"


def test_preload_when_called_then_biip_and_stdnum_are_loaded() -> None:
    """After `preload` the first GS1 code and the first ID number wait for no import."""
    preload()
    loaded = run_python("from yaoma.core.code import preload; preload()\n" + LOADED)
    assert "'biip'" in loaded
    assert "'stdnum'" in loaded
