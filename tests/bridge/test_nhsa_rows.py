"""Rows of the insurance platform: what a bill becomes, and what is said of a line that can't be written."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.bills import FACTS, ROOT, bill_of, institution, line_of, product, sealed
from yaoma.core.product import PackLevel, ProductFlag
from yaoma_bridge.bill import Bill, BillLine
from yaoma_bridge.errors import ConfigError
from yaoma_bridge.nhsa.institution import nhsa_site
from yaoma_bridge.nhsa.plan import parcels_of, rows_in, ruling_of
from yaoma_bridge.nhsa.profile import Profile, read_profile
from yaoma_bridge.nhsa.values import row_object
from yaoma_bridge.platform import Ruling, RulingKind

NATIONAL = read_profile(ROOT / "config/nhsa/national.toml")


def _objects(bill: Bill, profile: Profile = NATIONAL) -> list[dict[str, object]]:
    """Give the rows of a bill as they are written, call by call."""
    made: list[dict[str, object]] = []
    for parcel in parcels_of(bill, profile):
        doing, rows = rows_in(parcel)
        table = nhsa_site(bill.institution)
        assert table is not None
        made += [
            dict(row_object(bill, row, table, doing, transaction=profile.transaction[doing.do], person=None))
            for row in rows
        ]
    return made


def test_row_when_one_drug_has_three_packs_then_it_holds_three_codes() -> None:
    """One sale row stands for a drug and lot and carries all its codes (DOMAIN.md 2.6, drugtracinfo)."""
    bill = bill_of(lines=[line_of(serial) for serial in (1, 2, 3)])
    (row,) = _objects(bill)
    assert [{"drug_trac_codg": line.text} for line in bill.lines] == row["drugtracinfo"]
    assert ("3.0000", "0", "2026-11-22 12:00:00") == (row["sel_retn_cnt"], row["trdn_flag"], row["sel_retn_time"])


def test_row_when_lots_differ_then_each_has_its_own() -> None:
    """Lot and dates belong to a row, so packs of two lots never share one."""
    rows = _objects(bill_of(lines=[line_of(1), line_of(2, lot="B9", expiry="2028-05-31")]))
    assert ["A123", "B9"] == [row["manu_lotnum"] for row in rows]
    assert len({row["fixmedins_bchno"] for row in rows}) == 2


def test_row_when_a_part_of_a_pack_is_handed_out_then_it_is_marked_and_counted_as_a_part() -> None:
    """trdn_flag is 1 and the quantity is a part of the smallest pack."""
    (row,) = _objects(bill_of(lines=[line_of(units=6)]))
    assert ("1", "0.2500") == (row["trdn_flag"], row["sel_retn_cnt"])


def test_row_when_units_come_back_then_the_quantity_is_not_below_zero() -> None:
    """3506 says by its number that it is a return, so what comes back counts up."""
    (row,) = _objects(bill_of("return_customer", [line_of(units=-12)]))
    assert ("1", "0.5000") == (row["trdn_flag"], row["sel_retn_cnt"])


@pytest.mark.parametrize(
    ("operation", "infno", "change_type"),
    [
        ("count", "3501", None),
        ("receive", "3502", "108"),
        ("return_supplier", "3502", "109"),
        ("transfer_in", "3502", "101"),
        ("transfer_out", "3502", "102"),
        ("destroy", "3502", "105"),
        ("gift_in", "3502", "110"),
        ("gift_out", "3502", "111"),
        ("recall_out", "3502", "107"),
        ("dispense", "3505", None),
        ("dispense_ward", "3505", None),
        ("return_customer", "3506", None),
    ],
)
def test_parcel_when_an_operation_is_sent_then_it_has_its_transaction(
    operation: str, infno: str, change_type: str | None
) -> None:
    """Each operation goes by the transaction and change type of DOMAIN.md 5.1."""
    bill = bill_of(operation)
    (parcel,) = parcels_of(bill, NATIONAL)
    (row,) = _objects(bill)
    assert (infno, change_type) == (parcel.call, row.get("inv_chg_type"))


def test_parcel_when_the_site_leaves_purchases_to_us_then_a_receipt_has_a_purchase_row_without_codes() -> None:
    """3503 takes no codes: they go by 3502 with type 108; both stand for the same line."""
    site = institution(nhsa={"purchases": True})
    bill = bill_of("receive", institution=site, supplier="批发公司", supplier_bill="FH-1")
    purchase, stock = parcels_of(bill, NATIONAL)
    assert ("3503", "3502") == (purchase.call, stock.call)
    rows = _objects(bill)
    assert "drugtracinfo" not in rows[0]
    assert ("批发公司", "FH-1", "示例制药") == (rows[0]["spler_name"], rows[0]["dynt_no"], rows[0]["prdr_name"])


def test_parcel_when_the_purchase_has_gone_before_then_only_the_stock_row_goes_again() -> None:
    """A later part of a bill tells the platform nothing that it has taken: neither a call nor a pack of one."""
    site = institution(nhsa={"purchases": True})
    carton = replace(line_of(99), packs=(line_of(1).code, line_of(2).code))
    calls = {call for one in NATIONAL.transaction.values() for call in (one.infno, one.batch_infno)}
    assert {"3503", "3502"} <= calls
    gone = frozenset({("3503", line_of(1).code), ("3503", line_of(2).code), ("3502", line_of(1).code)})
    for line, keys in ((carton, [line_of(1).code, line_of(2).code]), (replace(carton, gone=gone), [line_of(2).code])):
        parcels = parcels_of(bill_of("receive", [line], institution=site, supplier="批发公司"), NATIONAL)
        assert [key for parcel in parcels if parcel.call == "3502" for key in parcel.codes] == keys
        assert ("3503" in [parcel.call for parcel in parcels]) is (line is carton)


def test_parcel_when_a_container_is_received_then_its_smallest_packs_are_sent() -> None:
    """Insurance counts smallest packs, so a carton's own code is never sent."""
    packs = tuple(f"cn20:8000001{serial:09d}0000" for serial in range(5))
    carton = line_of(99, product=product(9, level=PackLevel.LARGE, packs=5), packs=packs)
    (row,) = _objects(bill_of("receive", [carton]))
    assert [{"drug_trac_codg": key.removeprefix("cn20:")} for key in packs] == row["drugtracinfo"]
    assert "5.0000" == row["cnt"]


@pytest.mark.parametrize(("case_packs", "count"), [(0, "10.0000"), (3, "3.0000")])
def test_row_when_packs_carry_no_code_then_the_cases_code_stands_for_them(case_packs: int, count: str) -> None:
    """Of such a product the case's code is all there is: a whole case counts its packs, a part what was taken."""
    case = product(level=PackLevel.LARGE, packs=10, flags=frozenset({ProductFlag.CASE_CODE}))
    line = line_of(product=case, case_packs=case_packs)
    bill = bill_of(lines=[line])
    assert Ruling() == ruling_of(bill, line, NATIONAL)
    (row,) = _objects(bill)
    assert ([{"drug_trac_codg": line.text}], count, "0") == (row["drugtracinfo"], row["sel_retn_cnt"], row["trdn_flag"])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (line_of(product=None), "product_unknown"),
        (line_of(product=product(aliases=())), "drug_data_missing"),
        (line_of(facts={}), "drug_data_missing"),
        (line_of(lot=""), "lot_data_missing"),
        (line_of(produced=""), "lot_data_missing"),
        (line_of(code="gs1:010690123456789221S0001"), "code_form_unknown"),
        (line_of(code="other:ECODE:ABC"), "code_form_unknown"),
        (line_of(product=product(level=PackLevel.LARGE)), "container_unresolved"),
        (line_of(product=product(name="药" * 201)), "insurance_field_unfit"),
    ],
)
def test_ruling_when_something_is_missing_then_the_line_is_held_with_what_to_do(line: BillLine, reason: str) -> None:
    """A value that nobody knows is never invented: the line is held and says which data are missing."""
    assert Ruling(RulingKind.HELD, reason) == ruling_of(bill_of(lines=[line]), line, NATIONAL)


def test_ruling_when_insurance_pays_then_its_settlement_is_needed() -> None:
    """setl_id is required for insured patients; the till says it."""
    bill = bill_of(payer="insurance")
    assert Ruling(RulingKind.HELD, "bill_data_missing") == ruling_of(bill, bill.lines[0], NATIONAL)
    told = replace(bill, facts={"settlement": "S1", "fee_settlement": "1"})
    assert Ruling() == ruling_of(told, told.lines[0], NATIONAL)
    (row,) = _objects(told)
    assert ("S1", "1", "1") == (row["setl_id"], row["hi_feesetl_type"], row["mdtrt_setl_type"])


@pytest.mark.row("S1-24", part="bridge")
@pytest.mark.row("S3-14", part="bridge")
@pytest.mark.row("S3-19", part="bridge")
def test_row_when_work_injury_insurance_pays_then_it_is_marked_and_is_no_medical_insurance() -> None:
    """工伤 goes through the insurance platform, marked in the remark; no value is invented for its settlement type."""
    bill = bill_of(payer="injury")
    assert Ruling() == ruling_of(bill, bill.lines[0], NATIONAL)
    (row,) = _objects(bill)
    assert ("工伤", "0") == (row["memo"], row["hi_feesetl_type"])
    assert "mdtrt_setl_type" not in row


def test_ruling_when_a_site_has_no_table_then_its_lines_are_held() -> None:
    """A site that nobody described to the insurance platform is held, visibly."""
    bill = bill_of(institution=None)
    assert Ruling(RulingKind.HELD, "institution_unknown") == ruling_of(bill, bill.lines[0], NATIONAL)
    wrong = bill_of(institution=institution(nhsa={"area": "somewhere"}))
    assert Ruling(RulingKind.HELD, "institution_incomplete") == ruling_of(wrong, wrong.lines[0], NATIONAL)


def test_ruling_when_a_pack_is_only_opened_then_insurance_is_told_nothing() -> None:
    """Opening a pack (拆零) is no movement; its portions are, when they are handed out."""
    assert RulingKind.NOT_NEEDED is ruling_of(bill_of("split"), line_of(), NATIONAL).kind


def test_ruling_when_a_passport_was_sealed_then_it_is_held_since_no_word_for_it_is_public() -> None:
    """Of psn_cert_type only 01 is public; a province's file may add others."""
    bill = bill_of(persons=[sealed(b"x", "passport")])
    assert Ruling(RulingKind.HELD, "person_data_missing") == ruling_of(bill, bill.lines[0], NATIONAL)


def test_parcels_when_a_bill_is_huge_then_no_input_is_longer_than_forty_thousand_letters() -> None:
    """`input` takes 40,000 letters; rows and calls are divided, and every code goes out once."""
    bill = bill_of("receive", [line_of(serial) for serial in range(3000)])
    parcels = parcels_of(bill, NATIONAL)
    for parcel in parcels:
        assert len(parcel.codes) * 42 < 40_000
    assert [line.code for line in bill.lines] == [key for parcel in parcels for key in parcel.codes]


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.sampled_from(["A1", "B2"]), st.sampled_from([0, 0, 3, 5])),
        min_size=1,
        max_size=60,
    )
)
def test_parcels_when_made_again_then_they_are_the_same_and_each_code_is_in_one_row(
    drawn: list[tuple[int, str, int]],
) -> None:
    """The same bill gives the same numbers; no code is lost or doubled; row numbers differ and fit the field."""
    lines = [line_of(serial, number, lot=lot, units=units) for serial, (number, lot, units) in enumerate(drawn)]
    bill = bill_of(lines=lines)
    parcels = parcels_of(bill, NATIONAL)
    again = parcels_of(bill, NATIONAL)
    assert [(one.number, one.lines, one.codes, one.facts) for one in parcels] == [
        (one.number, one.lines, one.codes, one.facts) for one in again
    ]
    rows = [row for parcel in parcels for row in rows_in(parcel)[1]]
    assert sorted(line.code for line in lines) == sorted(key for row in rows for key in row.codes)
    numbers = [row.number for row in rows]
    assert len(set(numbers)) == len(numbers)
    assert max(map(len, numbers)) <= 30
    total = sum((Decimal(units) / 24 if units else Decimal(1) for _, _, units in drawn), Decimal(0))
    assert abs(sum((Decimal(row.count) for row in rows), Decimal(0)) - total) < Decimal("0.01")


def test_parcels_when_stored_as_json_then_their_rows_come_back() -> None:
    """What a parcel remembers survives the store."""
    (parcel,) = parcels_of(bill_of(lines=[line_of(1), line_of(2, units=2)]), NATIONAL)
    kept = replace(parcel, facts=json.loads(json.dumps(dict(parcel.facts))))
    assert rows_in(parcel) == rows_in(kept)


def test_profile_when_a_province_extends_it_then_single_fields_change(tmp_path: Path) -> None:
    """A province says only what differs: a path, a field's name, a field more, a field less, a code's form."""
    (tmp_path / "national.toml").write_text((ROOT / "config/nhsa/national.toml").read_text("utf-8"), "utf-8")
    (tmp_path / "province.toml").write_text(
        'name = "province"\nextends = "national.toml"\n[gateway]\npath = "/x/{infno}"\ninput_form = "text"\n'
        'change_envelope = [{ name = "enc_type", value = "SM4" }]\n'
        '[transaction.sell]\nchange_fields = [{ name = "shelf_posi", from = "site.shelf" }, { name = "memo" },'
        ' { name = "rx_flag", value = "0" }]\n[transaction.sell.codes]\ngs1 = "01{gtin}21{serial}"\n',
        "utf-8",
    )
    profile = read_profile(tmp_path / "province.toml")
    fields = {rule.name: rule for rule in profile.transaction["sell"].fields}
    assert "/x/{infno}" == profile.gateway.path
    assert "enc_type" in {rule.name for rule in profile.gateway.envelope}
    assert ("shelf_posi" in fields, "memo" in fields, fields["rx_flag"].value) == (True, False, "0")
    assert 3 == fields["rx_flag"].length
    (row,) = _objects(bill_of(lines=[line_of(code="gs1:010690123456789221S0001")]), profile)
    assert [{"drug_trac_codg": "010690123456789221S0001"}] == row["drugtracinfo"]


def test_profile_when_the_shipped_example_is_read_then_it_says_what_differs() -> None:
    """The example for provinces is a whole file: two signatures, fields more, less and changed."""
    profile = read_profile(ROOT / "config/nhsa/province.example.toml")
    assert ["sm2", "csb"] == [one["kind"] for one in profile.signing]
    envelope = {rule.name: rule.value for rule in profile.gateway.envelope}
    assert ("SM2", "") == (envelope["signtype"], envelope["enc_type"])
    assert "dev_safe_info" not in envelope
    (row,) = _objects(bill_of(facts={}), profile)
    assert "01" == row["psn_cert_type"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('name = "p"\nextends = "national.toml"\n[operation]\nsell = [{ do = "nothing" }]\n', "no transaction"),
        ('name = "p"\nextends = "../national.toml"\n', "extends"),
        ('name = "p"\nextends = "p.toml"\n', "extends"),
        ('name = "p"\nextends = "national.toml"\n[gateway]\nfoo = 1\n', "gateway.foo"),
        ('name = "p"\nextends = "gone.toml"\n', "No such file"),
        ("name = ", "TOML"),
    ],
)
def test_profile_when_it_is_wrong_then_the_sentence_names_the_key(tmp_path: Path, text: str, key: str) -> None:
    """A province's file is written by hand, so each mistake says where it is."""
    (tmp_path / "national.toml").write_text((ROOT / "config/nhsa/national.toml").read_text("utf-8"), "utf-8")
    (tmp_path / "p.toml").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=key):
        read_profile(tmp_path / "p.toml")


def test_facts_when_they_carry_our_own_names_then_the_bill_keeps_its_own() -> None:
    """What a till says can't replace a bill's number or time."""
    (row,) = _objects(bill_of(facts={"number": "X", "till": "Y", "visit": "V1"}, lines=[line_of(facts=FACTS)]))
    assert ("XS-7", "V1") == (row["rtal_docno"], row["mdtrt_sn"])
