"""The reader of policies: what is right is read as it stands, what is wrong is listed whole."""

import pickle
import tomllib
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yaoma.config.toml_text import key_text, value_text
from yaoma.core.policy import Bilingual, InstitutionKind, Policy, UncodedGoods
from yaoma.core.policy_layer import PolicyError, PolicyLayer, PolicyMistake, compose, origins
from yaoma.core.policy_rule import RULES, TECHNICAL
from yaoma.core.policy_text import TYPE, read_layer
from yaoma.core.product import ProductFlag
from yaoma.core.reason import CLASSES, DEFAULT_CLASS, Reason, VerdictClass
from yaoma.shell.resources import config_file

OPERATIONS = {"dispense", "receive", "vaccinate"}
DEFAULT = config_file("policies/default.toml").read_text("utf-8")

HEAD = f"""
type = "{TYPE}"
id = "county"
version = 3
base = "default"
title = {{ zh = "县", en = "County" }}
"""

WHY = 'why = { zh = "因为", en = "because" }\n'


def layer(text: str) -> PolicyLayer:
    """What a county's file says, given its rules."""
    return read_layer(HEAD + text, OPERATIONS)


def county(text: str, kind: InstitutionKind | None = None) -> Policy:
    """The policy of a county, given its rules."""
    return compose([read_layer(DEFAULT), layer(text)], kind)


def mistakes(text: str) -> tuple[PolicyMistake, ...]:
    """Everything that is wrong with a text."""
    with pytest.raises(PolicyError) as caught:
        read_layer(text, OPERATIONS)
    return caught.value.mistakes


def kinds(rules: str) -> dict[str, str]:
    """The kind of each mistake of a county's rules, by key."""
    return {one.key: one.kind for one in mistakes(HEAD + rules)}


def test_policy_when_it_says_something_then_that_counts_and_the_rest_is_the_defaults() -> None:
    """Value by value, with its origin."""
    text = f'[rule.scan_in_target]\nvalue = 900\nrows = ["S0-02"]\n{WHY}'
    policy = county(text)
    found = {one.name: one for one in origins([read_layer(DEFAULT), layer(text)], None)}

    assert (policy.id, policy.version, policy.title) == ("county", 3, Bilingual("县", "County"))
    assert (policy.scan_in_target, policy.scan_out_target) == (900, 1000)
    assert (found["scan_in_target"].policy, found["scan_out_target"].policy) == ("county", "default")
    assert found["scan_in_target"].line.rows == ("S0-02",)
    assert [one.name for one in found.values()][: len(RULES)] == list(RULES)


@pytest.mark.row("S2-01")
def test_policy_when_kinds_differ_then_each_has_its_own_and_a_value_above_replaces_all() -> None:
    """What is said by kind of institution counts for that kind only; a later value stands for every kind."""
    by_kind = f'[rule.emergency_hours]\nby_institution.hospital = 24\nrows = ["S2-14"]\n{WHY}'
    for_all = f'[rule.emergency_hours]\nvalue = 6\nrows = ["S2-14"]\n{WHY}'
    below = layer(by_kind)

    assert county(by_kind, InstitutionKind.HOSPITAL).emergency_hours == 24
    assert county(by_kind, InstitutionKind.PHARMACY).emergency_hours == 0
    assert county(by_kind).emergency_hours == 0
    chain = [read_layer(DEFAULT), below, layer(for_all)]
    assert compose(chain, InstitutionKind.HOSPITAL).emergency_hours == 6


def test_policy_when_every_kind_of_value_is_set_then_it_is_read() -> None:
    """Dates, sets, texts, classes and choices become what the verdict asks."""
    policy = county(
        f"""
[rule.starts]
value = {{ village = 2026-12-31 }}
rows = ["S0-03"]
{WHY}
[rule.exempt]
value = ["herbal", "oxygen"]
rows = ["S4-01"]
{WHY}
[rule.uncoded_goods]
value = "refuse"
rows = ["S0-10"]
{WHY}
[rule.uncoded_until]
value = 2026-02-28
rows = ["S4-13"]
{WHY}
[rule.receipt_text]
value = {{ zh = "码 {{codes}}", en = "{{product}}: {{codes}}" }}
rows = ["S1-17"]
{WHY}
[rule.smallest_only_operations]
value = ["dispense"]
rows = ["S4-05"]
{WHY}
[rule.hold_off_ms]
value = 500
{WHY}
[severity.lot_mismatch]
value = "STOP"
rows = ["S1-13"]
{WHY}
"""
    )

    assert dict(policy.starts) == {InstitutionKind.VILLAGE: date(2026, 12, 31)}
    assert policy.exempt == {ProductFlag.HERBAL, ProductFlag.OXYGEN}
    assert (policy.uncoded_goods, policy.uncoded_until) == (UncodedGoods.REFUSE, date(2026, 2, 28))
    assert policy.receipt_text.said("zh-CN") == "码 {codes}"
    assert policy.receipt_text.said("en") == "{product}: {codes}"
    assert policy.smallest_only_operations == {"dispense"}
    assert policy.hold_off_ms == 500
    assert policy.severity_of(Reason.LOT_MISMATCH, VerdictClass.PASS) is VerdictClass.STOP
    assert policy.severity_of("somebody_elses", VerdictClass.PASS) is VerdictClass.PASS


def test_policy_when_several_things_are_wrong_then_all_are_listed() -> None:
    """Each with key, what was expected and what was found, in both languages; a near name is offered."""
    found = mistakes(
        'type = "yaoma/list/v1"\nid = "Über"\nversion = 0\nbse = "default"\ntitle = "x"\n'
        '[rule.scan_in_targt]\nvalue = 1\n[rule.scan_in_target]\nvalue = 95.5\nrows = ["S0-29", "S5-01", "x"]\n'
        "[severity.not_in_lst]\n[surprise]\n"
    )
    by_key = {one.key: one for one in found}

    assert set(by_key) == {
        "type", "id", "version", "bse", "base", "title", "surprise", "rule.scan_in_targt", "rule.scan_in_target.value",
        "rule.scan_in_target.rows.0", "rule.scan_in_target.rows.1", "rule.scan_in_target.rows.2",
        "rule.scan_in_target.why", "severity.not_in_lst",
    }  # fmt: skip
    assert by_key["bse"].hint == Bilingual("是不是 base？", "did you mean base?")
    assert by_key["rule.scan_in_targt"].hint == Bilingual("是不是 scan_in_target？", "did you mean scan_in_target?")
    assert by_key["severity.not_in_lst"].hint == Bilingual("是不是 not_in_list？", "did you mean not_in_list?")
    assert by_key["rule.scan_in_target.value"].found == Bilingual("95.5", "95.5")
    assert by_key["rule.scan_in_target.value"].expected.en == "a whole number from 0 to 1000"
    assert all(one.key in str(one) for one in found)


def test_rule_when_it_names_no_row_then_it_is_refused_unless_it_is_technical() -> None:
    """Nobody sets a rule without saying what it serves; four technical ones serve nothing in the matrix."""
    for name in RULES:
        text = HEAD + DEFAULT[DEFAULT.index(f"[rule.{name}]") :].split("\n\n")[0].replace("rows = ", "# rows = ")
        if name in TECHNICAL:
            read_layer(text)
        else:
            assert {one.kind for one in mistakes(text)} == {"no_row"}, name
    assert len(TECHNICAL) == 4


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("starts", "{ clinic = 2026-01-01 }"),
        ("starts", '{ village = "2026-01-01" }'),
        ("starts", "{ village = 2026-01-01T00:00:00Z }"),
        ("exempt", '["vaccines"]'),
        ("exempt", '["herbal", "herbal"]'),
        ("exempt", '"herbal"'),
        ("scan_in_target", "1001"),
        ("scan_in_target", "true"),
        ("scan_in_target", "0x" + "f" * 5000),
        ("headquarters_receipts", "1"),
        ("receive_without_shipment", '"FAULT"'),
        ("receive_without_shipment", "[]"),
        ("uncoded_goods", '"keep"'),
        ("uncoded_until", '"never"'),
        ("receipt_text", '{ zh = "{product}", en = "{codes}" }'),
        ("receipt_text", '{ zh = "{codes!r}", en = "{codes}" }'),
        ("receipt_text", '{ zh = "{codes", en = "{codes}" }'),
        ("receipt_text", '{ zh = "{codes.x}", en = "{codes}" }'),
        ("receipt_text", '{ zh = "{codes}" }'),
        ("training_codes_prefixes", '["8"]'),
        ("training_codes_prefixes", "[8100000]"),
        ("smallest_only_operations", '["Sell it"]'),
    ],
)
def test_value_when_it_is_none_that_the_rule_can_have_then_it_is_refused(rule: str, value: str) -> None:
    """Nothing is bent into shape."""
    assert kinds(f'[rule.{rule}]\nvalue = {value}\nrows = ["S4-27"]\n{WHY}') == {f"rule.{rule}.value": "bad_value"}


def test_operation_when_nobody_knows_it_then_it_is_refused() -> None:
    """A slip in an operation's id would switch a rule off without a word."""
    text = f'[rule.smallest_only_operations]\nvalue = ["dispence"]\nrows = ["S4-05"]\n{WHY}'

    assert kinds(text) == {"rule.smallest_only_operations.value.dispence": "unknown"}
    assert read_layer(HEAD + text).lines


def test_kind_of_institution_when_unknown_or_out_of_place_then_it_is_refused() -> None:
    """A table of dates by kind has no kinds beside it."""
    rows = f'rows = ["S2-14"]\n{WHY}'

    assert kinds(f"[rule.emergency_hours]\nby_institution.clinic = 1\n{rows}") == {
        "rule.emergency_hours.by_institution.clinic": "unknown",
        "rule.emergency_hours.value": "missing",
    }
    assert kinds(f"[rule.starts]\nvalue = {{}}\nby_institution.village = {{}}\n{rows}") == {
        "rule.starts.by_institution": "not_by_institution"
    }
    assert kinds(f"[rule.emergency_hours]\n{rows}") == {"rule.emergency_hours.value": "missing"}


@pytest.mark.parametrize("reason", sorted(CLASSES))
def test_severity_when_the_reason_can_not_have_it_then_it_is_refused(reason: str) -> None:
    """A policy chooses within what the reason allows, and never twice for the same thing."""
    outside = [one for one in VerdictClass if one not in CLASSES[reason]]
    governed = {Reason.NO_SHIPMENT, Reason.LIST_MISSING}
    for one in outside:
        text = f'[severity.{reason}]\nvalue = "{one.value}"\nrows = ["S4-27"]\n{WHY}'
        key = f"severity.{reason}" if reason in governed else f"severity.{reason}.value"
        assert list(kinds(text)) == [key]
    if reason in DEFAULT_CLASS and reason not in governed:
        text = f'[severity.{reason}]\nvalue = "{DEFAULT_CLASS[reason].value}"\nrows = ["S4-27"]\n{WHY}'
        assert county(text).severity[reason] is DEFAULT_CLASS[reason]


def test_lowest_policy_when_it_leaves_a_rule_out_then_it_is_named() -> None:
    """Nothing is filled in silently below the default."""
    first, second = DEFAULT.split("[rule.exempt]")
    short = first + second[second.index("[rule.never_exempt]") :]
    with pytest.raises(PolicyError) as caught:
        compose([read_layer(short)], None)

    assert [one.key for one in caught.value.mistakes] == ["rule.exempt"]


@pytest.mark.parametrize("text", ["a = ", "[" * 3000, "a = " + "[" * 5000, "a = 1" + "0" * 5000, "\x00"])
def test_text_when_it_is_no_toml_then_it_is_said(text: str) -> None:
    """One mistake, no traceback."""
    assert [one.kind for one in mistakes(text)] == ["syntax"]


def test_error_when_pickled_then_it_comes_back_whole() -> None:
    """It may cross a process."""
    with pytest.raises(PolicyError) as caught:
        read_layer("")

    assert pickle.loads(pickle.dumps(caught.value)).mistakes == caught.value.mistakes


@given(st.text())
def test_any_text_is_a_policy_or_a_list_of_mistakes(text: str) -> None:
    """Nothing else is ever raised, and each mistake is said in both languages."""
    for one in mistakes(text):
        assert one.expected.zh
        assert one.found.en


_SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.booleans(), st.integers(), st.floats(), st.text(max_size=80), st.dates(), st.datetimes(), st.just(10**40),
    st.sampled_from(["STOP", "hospital", "herbal", "S1-13"]),
)  # fmt: skip
_NAMES = st.text(max_size=5) | st.sampled_from(["zh", "en", "value", "rows", "why", "hospital", "by_institution"])
_ANYTHING = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3)
)


@given(st.data())
def test_any_value_at_any_key_is_read_or_explained(data: st.DataObject) -> None:
    """A good file with one key replaced by anything gives a policy or sentences, never a crash."""
    fields = tomllib.loads(DEFAULT)
    rule = fields["rule"][data.draw(st.sampled_from(sorted(RULES)))]
    reason = fields["severity"][data.draw(st.sampled_from(sorted(fields["severity"])))]
    place = data.draw(st.sampled_from([fields, fields["rule"], fields["severity"], rule, reason, rule["why"]]))
    place[data.draw(st.sampled_from([*place, "x", "by_institution"]))] = data.draw(_ANYTHING)
    text = "".join(f"{key_text(name)} = {value_text(value)}\n" for name, value in fields.items())
    try:
        compose([read_layer(text)], None)
    except PolicyError as error:
        for one in error.mistakes:
            assert one.expected.zh
            assert str(one)
