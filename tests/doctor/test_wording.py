"""Every finding that the doctor can make has its words, and every trouble its next step."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import yaoma.doctor
from yaoma.config.said import Said
from yaoma.core.wording import placeholders
from yaoma.doctor.finding import Finding, Group, Mark, ok, trouble, warning
from yaoma.doctor.report import Report
from yaoma.shell.catalogue import LANGUAGES, load_catalogue

SOURCES = sorted(Path(yaoma.doctor.__file__).parent.glob("*.py"))
#: Ids made of two parts in certificates.py.
BUILT = {f"doctor.{what}_{when}" for what in ("authority", "certificate") for when in ("expired", "not_yet", "expires")}


def calls() -> Iterator[tuple[str, str, set[str]]]:
    """Give mark, id and the names of facts of every finding that stands in the source with its id."""
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) > 1:
                name = node.args[1]
                if node.func.id in set(Mark) and isinstance(name, ast.Constant):
                    facts = {"*"} if any(one.arg is None for one in node.keywords) else set()
                    yield node.func.id, str(name.value), facts | {one.arg for one in node.keywords if one.arg}


def quoted() -> set[str]:
    """Give every id of the doctor's own sections that stands anywhere in the source."""
    return {
        node.value
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("doctor.")
    } - {"doctor.authority", "doctor.certificate", "doctor.json"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue_when_compared_with_the_checks_then_neither_has_an_id_too_many(language: str) -> None:
    """What a check may say is in the catalogue, and nothing is there that no check says."""
    there = {name for name in load_catalogue(language).templates if name.startswith("doctor.")}

    assert quoted() | BUILT == there


@pytest.mark.parametrize("language", LANGUAGES)
def test_finding_when_it_is_no_ok_then_there_is_a_next_step(language: str) -> None:
    """Promise 7 holds for technicians too."""
    templates = load_catalogue(language).templates
    serious = {name for mark, name, _ in calls() if mark != "ok"} | BUILT

    assert len(serious) > 50
    assert [name for name in sorted(serious) if not templates[name].todo] == []


def test_finding_when_its_facts_stand_in_the_source_then_its_words_use_only_those() -> None:
    """No piece of a line is left out for ever because its fact has another name."""
    templates = load_catalogue("en").templates

    checked = 0
    for _, name, facts in calls():
        if name.startswith("doctor.") and "*" not in facts:
            assert placeholders(templates[name].pieces) <= facts, name
            checked += 1
    assert checked > 30


def test_groups_and_marks_when_written_then_each_has_a_word() -> None:
    """No line begins with an id."""
    for language in LANGUAGES:
        templates = load_catalogue(language).templates
        assert {f"doctor_group.{group}" for group in Group} | {f"doctor_mark.{mark}" for mark in Mark} <= set(templates)


def test_verdict_when_there_is_trouble_then_one_line_says_the_first_thing_to_do() -> None:
    """The last line is one line, in both languages, and names the first trouble, not the worst sounding."""
    report = Report([ok(Group.CONFIG, "doctor.config_right", file="f"), trouble(Group.BROKER, "link.name_unknown"),
                     trouble(Group.SERVICE, "doctor.service_absent")])  # fmt: skip

    assert not report.is_ready
    assert report.lines()[-1] == report.verdict()
    assert "\n" not in report.verdict()
    assert "请检查" in report.verdict()
    assert "Check network and name server" in report.verdict()
    assert report.as_json()["first"] == "link.name_unknown"


def test_verdict_when_there_are_only_warnings_then_it_is_ready_and_counts_them() -> None:
    """A warning does not keep the technician at the site."""
    findings: list[Finding] = [ok(Group.CLOCK, "doctor.clock_rtc")]
    assert Report(findings).verdict() == "可以使用 / ready"

    findings.append(warning(Group.CLOCK, "doctor.rtc_absent"))
    report = Report(findings)
    assert report.is_ready
    assert report.verdict() == "可以使用 · 另有 1 处提醒 / ready · warnings: 1"
    assert [line for line in report.lines() if line.startswith("    →")] == [
        "    → 建议加装 DS3231",
        "    → Fit a DS3231",
    ]


def test_fact_when_it_is_said_in_both_languages_then_each_line_has_its_own() -> None:
    """A mistake's expectation is Chinese in the Chinese line and English in the English one."""
    finding = warning(Group.CONFIG, "doctor.config_notice", said=Said("请另存", "save it again"))

    one = Report([finding]).as_json()["findings"][0]

    assert (one["zh"]["line"], one["en"]["line"]) == ("请另存", "save it again")
    assert one["facts"] == {"said": {"zh": "请另存", "en": "save it again"}}
