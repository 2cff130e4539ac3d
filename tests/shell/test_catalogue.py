"""The message catalogue that ships: complete in both languages, short, and never a judgement on chemistry."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

from yaoma.core.control_sheet import SheetRefusal
from yaoma.core.reason import CLASSES, Degraded, VerdictClass
from yaoma.core.site_list import ListRefusal
from yaoma.core.wording import placeholders
from yaoma.service.containment import Broken
from yaoma.service.uplink_state import Trouble
from yaoma.shell.catalogue import LANGUAGES, Catalogue, CatalogueError, Text, load_catalogue
from yaoma.shell.operations import load_operations
from yaoma.shell.port_worker import BEHIND, FULL, HALF_SENT, LATE
from yaoma.shell.resources import config_file
from yaoma_drivers.errors import DeviceReason
from yaoma_drivers.port import PortReason
from yaoma_drivers.signal import Signal
from yaoma_link.report import ConnectFault

CHINESE = re.compile(r"[\u4e00-\u9fff]")

#: Ids that the recorder and the ticket commands use as plain texts.
CAUSES = ("journal_recovering", "disk_full", "disk_error", "site_behind", "no_config", "starting")
REFUSALS = ("ticket_already_open", "no_open_ticket", "operation_unknown", "ticket_empty", "station_unknown")


@pytest.fixture(params=LANGUAGES)
def catalogue(request: pytest.FixtureRequest) -> Catalogue:
    """Each language in turn."""
    return load_catalogue(request.param)


def expected() -> set[str]:
    """Every id that code can ask for."""

    def of(section: str, ids: type[StrEnum] | tuple[str, ...]) -> set[str]:
        return {f"{section}.{one}" for one in ids}

    return (
        {f"reason.{reason}" for reason in CLASSES}
        | of("degraded", Degraded)
        | of("signal", Signal)
        | of("cause", CAUSES)
        | of("refusal", REFUSALS)
        | of("device", DeviceReason)
        | of("device", Broken)
        | of("link", ConnectFault)
        | of("link", ("online", "offline", "connecting"))
        | {str(trouble.value) for trouble in Trouble}
        | of("list_refused", ListRefusal)
        | of("sheet_refused", SheetRefusal)
        | of("ticket", ("opened", "closed", "cancelled"))
        | of("pass_on", PortReason)
        | of("pass_on", (BEHIND, FULL, HALF_SENT, LATE))
    )


def test_catalogue_when_loaded_then_no_id_is_missing(catalogue: Catalogue) -> None:
    """Every reason, flag, signal, cause, refusal, device and uplink trouble has an entry."""
    assert expected() - catalogue.templates.keys() == set()


def test_catalogue_when_a_reason_is_not_a_pass_then_it_says_what_to_do(catalogue: Catalogue) -> None:
    """Promise 7: whatever is not a plain PASS has a next step, and so has every trouble of the box."""
    must = {f"reason.{reason}" for reason, classes in CLASSES.items() if classes != {VerdictClass.PASS}}
    must |= {name for name in catalogue.templates if name.split(".")[0] in {"cause", "refusal", "uplink", "degraded"}}
    must |= {f"signal.{signal}" for signal in Signal if signal is not Signal.PASS}
    must |= {name for name in catalogue.templates if name.split(".")[0] == "pass_on"}
    must |= {f"device.{reason}" for reason in (*DeviceReason, *Broken)} | {f"link.{fault}" for fault in ConnectFault}

    assert [name for name in sorted(must) if not catalogue.templates[name].todo] == []


def test_catalogue_when_compared_then_both_languages_have_the_same_ids_and_facts() -> None:
    """Nothing is said in one language only, and no fact is lost in the other."""
    chinese, english = (load_catalogue(language).templates for language in LANGUAGES)

    assert chinese.keys() == english.keys()
    for name, template in chinese.items():
        other = english[name]
        assert placeholders(template.pieces) == placeholders(other.pieces), name
        assert [bool(part) for part in (template.headline, template.todo, template.lamp)] == [
            bool(part) for part in (other.headline, other.todo, other.lamp)
        ], name


def test_catalogue_when_read_as_text_then_it_never_judges_chemistry() -> None:
    """Neither file holds a word that says a drug is what it claims to be, or is not (DESIGN.md 2)."""
    for language in LANGUAGES:
        text = config_file(f"messages/{language}.toml").read_text("utf-8").lower()
        for word in ("假药", "正品", "真药", "fake", "genuine", "counterfeit", "authentic"):
            assert word not in text


def test_headline_when_chinese_then_it_has_at_most_8_characters() -> None:
    """It is read from two metres away (SCANNERS.md 6.2)."""
    for name, template in load_catalogue("zh-CN").templates.items():
        assert len(CHINESE.findall(template.headline)) <= 8, name
        assert len(template.headline) <= 9, name
    for name, template in load_catalogue("en").templates.items():
        assert len(template.headline) <= 24, name


def test_headline_when_a_verdict_is_shown_then_there_is_one(catalogue: Catalogue) -> None:
    """Reasons and signals are never without a headline, signals never without a lamp."""
    for reason, classes in CLASSES.items():
        for verdict in classes:
            assert catalogue.reason(reason, verdict=verdict).headline, reason
    assert all(catalogue.lamp(signal) and catalogue.signal(signal).headline for signal in Signal)


@pytest.mark.parametrize(
    ("operation", "headlines"),
    [
        ("receive", ("禁止入库", "Stop: do not receive")),
        ("dispense", ("停止发药", "Stop: do not hand out")),
        ("vaccinate", ("停止接种", "Stop: do not vaccinate")),
        ("count", ("停止操作", "Stop")),
        ("", ("停止操作", "Stop")),
    ],
)
def test_headline_when_stopped_then_it_forbids_what_is_being_done(operation: str, headlines: tuple[str, str]) -> None:
    """Nobody who unpacks a delivery reads that handing out is to stop, whatever the reason."""
    stops = [reason for reason, classes in CLASSES.items() if VerdictClass.STOP in classes]

    catalogues = [load_catalogue(language) for language in LANGUAGES]

    assert len(stops) >= 4
    for reason in stops:
        said = [one.reason(reason, {}, VerdictClass.STOP, operation).headline for one in catalogues]
        assert tuple(said) == headlines, reason


def test_headline_when_it_is_for_an_operation_then_there_is_such_an_operation(catalogue: Catalogue) -> None:
    """A typing error in the catalogue would leave the general headline in its place."""
    named = {name.removeprefix("stop.") for name in catalogue.templates if name.startswith("stop.")}

    assert named
    assert named <= load_operations().keys()


def test_lamp_when_signals_are_compared_then_no_two_are_alike(catalogue: Catalogue) -> None:
    """Position and pattern alone tell the signals apart."""
    assert len({catalogue.lamp(signal) for signal in Signal}) == len(Signal)


def test_device_when_several_go_by_its_name_then_the_keys_that_tell_them_apart_are_named(catalogue: Catalogue) -> None:
    """Two scanners with one serial number are told apart by `port`; one with its own number by `serial`."""
    text = catalogue.text("device", DeviceReason.AMBIGUOUS, {"device": "serial S1"})

    assert "serial S1" in text.line
    assert "port" in text.todo
    assert "serial" in text.todo


def test_technical_fault_when_put_in_words_then_it_never_tells_to_set_the_pack_aside() -> None:
    """A bad read or a 69码 is no suspicion (DESIGN.md 2)."""
    catalogue = load_catalogue("zh-CN")
    faults = [catalogue.reason(reason) for reason, classes in CLASSES.items() if VerdictClass.FAULT in classes]

    assert len(faults) > 20
    for text in faults:
        assert not any(
            word in f"{text.headline}{text.line}{text.todo}" for word in ("停止", "单独存放", "上报", "可疑")
        )


def test_reason_when_filled_then_facts_stand_in_the_line() -> None:
    """The facts of a verdict find their places."""
    facts: dict[str, str | int] = {"product": "阿莫西林", "list_version": 1842, "place": 12}

    assert load_catalogue("zh-CN").reason("in_list", facts) == Text(
        "通过", "名单内 · 阿莫西林 · 版本 1842 · 第 12 盒", ""
    )
    assert load_catalogue("zh-CN").reason("repeat_scan", {"seconds": 8}).line == "本盒 8 秒前已扫 · 未重复计数"


def test_reason_when_policy_lets_it_pass_then_the_headline_says_so() -> None:
    """Without a list the same reason may be a REVIEW or a flagged PASS; the words differ."""
    catalogue = load_catalogue("en")

    assert catalogue.reason("list_missing", verdict=VerdictClass.PASS).headline == "Recorded, not checked"
    assert catalogue.reason("list_missing", verdict=VerdictClass.REVIEW).headline == "No list, please check"
    assert catalogue.reason("list_missing") == catalogue.reason("list_missing", verdict=VerdictClass.REVIEW)


def test_text_when_the_id_is_unknown_then_it_says_so_and_raises_nothing(catalogue: Catalogue) -> None:
    """A reason of a newer version gets a sentence that names it, and a next step."""
    text = catalogue.reason("from_the_future", {"x": 1})

    assert "reason.from_the_future" in text.line
    assert text.headline
    assert text.todo


def test_signal_when_out_of_service_then_the_cause_says_what_to_do(catalogue: Catalogue) -> None:
    """The headline is that of the signal; line and next step are those of the cause."""
    text = catalogue.signal(Signal.OUT_OF_SERVICE, "disk_full")

    assert text.headline == catalogue.signal(Signal.OUT_OF_SERVICE).headline
    assert (text.line, text.todo) == (
        catalogue.text("cause", "disk_full").line,
        catalogue.text("cause", "disk_full").todo,
    )


@pytest.mark.parametrize("name", ["no_open_ticket", "busy", "bad_request", "state_unavailable", *CAUSES])
def test_refusal_when_the_box_is_out_of_service_then_the_cause_is_said(catalogue: Catalogue, name: str) -> None:
    """A ticket command is refused by its own ids or by the box's trouble; both have a next step."""
    text = catalogue.refusal(name)

    assert text.todo
    assert name not in text.line


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 秒"), (59.9, "59 秒"), (61, "1 分钟"), (7200, "2 小时"), (90_000, "1 天"), (-5, "0 秒")],
)
def test_age_when_written_then_the_largest_unit_counts(seconds: float, text: str) -> None:
    """How long ago is said in one unit."""
    assert load_catalogue("zh-CN").age(seconds) == text


@pytest.mark.parametrize(
    "spoilt",
    [
        'language = "en"',
        'language = "zh-CN"',
        "no toml",
        'language = "zh-CN"\n[unit]\nsecond="s"\nminute="m"\nhour="h"\nday="d"\n[reason.x]\nlines = "typo"',
        'language = "zh-CN"\n[unit]\nsecond="s"\nminute="m"\nhour="h"\nday="d"\n[reason]\nx = 1',
        'language = "zh-CN"\nreason = 1\n[unit]\nsecond="s"\nminute="m"\nhour="h"\nday="d"',
    ],
)
def test_load_when_the_file_is_no_catalogue_then_it_is_refused(tmp_path: Path, spoilt: str) -> None:
    """A typo or another language's file is found at the start, not at the counter."""
    file = tmp_path / "messages.toml"
    file.write_text(spoilt)

    with pytest.raises(CatalogueError):
        load_catalogue("zh-CN", file)


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"action": "open", "argument": "dispense"}, "开始一张新单 · 销售/使用"),
        ({"action": "operator", "argument": "LI"}, "工号 LI"),
        ({"action": "close", "argument": ""}, "完成单据"),
    ],
)
def test_control_code_when_obeyed_then_it_is_told_in_words(facts: dict[str, str], line: str) -> None:
    """The operation is named, the operator stands there once, and no id is shown."""
    assert load_catalogue("zh-CN").reason("control_done", facts).line == line
