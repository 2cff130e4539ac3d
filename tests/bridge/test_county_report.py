"""County report: institutions, devices and rates by the formulas of the box's own reports, in every form."""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pypdfium2
import pytest

from fakes.box import START_MS, BoxLog
from fakes.centre_folder import CentreFolder
from fakes.scripted_platform import ScriptedPlatform
from fakes.stepped_bridge import register
from fakes.ticketed import Counter, code_of
from fakes.uploading_bridge import UploadingBridge
from yaoma.core.canonical import Json
from yaoma.core.operation import Direction
from yaoma.core.record import ClockState, Entry, Kind, Record
from yaoma.core.report_page import Column, ColumnKind, Page, Table
from yaoma.core.report_period import Period
from yaoma_bridge.centre_facts import CentreFacts
from yaoma_bridge.county_facts import InstitutionFacts, county_facts
from yaoma_bridge.platform import Answer, AnswerState
from yaoma_bridge.report_xlsx import as_xlsx
from yaoma_link.topics import BoxName, Channel

A, B, C, D = (code_of(number) for number in range(1, 5))
INFO = {"version": "0.1.0", "model": "Raspberry Pi 5", "scanners": ["left", "right"], "list": 7}
NOVEMBER = Period.of_month("2026-11")
SECOND = BoxName("H2", "counter-1")


@pytest.fixture
def platform() -> ScriptedPlatform:
    """Give a platform that accepts the first bill and refuses the second."""
    platform = ScriptedPlatform()
    platform.answers = [Answer(AnswerState.ACCEPTED), Answer(AnswerState.REFUSED, "sold_elsewhere")]
    return platform


@pytest.fixture
def bridge(tmp_path: Path, platform: ScriptedPlatform, log: BoxLog) -> Iterator[UploadingBridge]:
    """Give a bridge with one institution that scans and one that types."""
    register(tmp_path / "boxes", log.name)
    register(tmp_path / "boxes", SECOND)
    running = UploadingBridge(tmp_path, platform)
    running.take(json.dumps(INFO).encode(), name=log.name, channel=Channel.INFO)
    counter = Counter(log)
    counter.sell(A, B, operation="receive")
    counter.sell(A)
    running.take(log.payload(), name=log.name)
    other = BoxLog(SECOND, "log2")
    typist = Counter(other)
    typist.open("receive")
    typist.scan(C, source="hand")
    typist.scan(D, source="scanner")
    typist.close()
    running.take(other.payload(), name=SECOND)
    running.bill()
    running.upload()
    yield running
    running.close()


@pytest.fixture
def centre(tmp_path: Path) -> CentreFolder:
    """Give the centre's configuration beside the bridge's store."""
    centre = CentreFolder(tmp_path)
    centre.institution("H1", "第一大药房")
    centre.institution("H2", "镇卫生院", kind="medical", more='[report]\nkind = "primary"\n')
    return centre


def _counted(bridge: UploadingBridge, folder: Path, period: Period = NOVEMBER) -> dict[str, InstitutionFacts]:
    with bridge.store.reading() as tx:
        found = county_facts(tx, CentreFacts(folder / "institutions"), "default", period)
    return {one.site: one for one in found}


@pytest.mark.row("S0-05", part="bridge")
@pytest.mark.row("S0-21", part="bridge")
def test_rates_are_those_of_the_formula_and_who_is_below_is_named(
    bridge: UploadingBridge, centre: CentreFolder, tmp_path: Path
) -> None:
    """A typed code is in the denominator only; a rate below its target makes the institution stand on the list."""
    found = _counted(bridge, tmp_path)
    judged = {site: {one.name: one for one in facts.judged(date(2026, 11, 22))} for site, facts in found.items()}
    assert (judged["H1"]["scan_in"].rate.n, judged["H1"]["scan_in"].rate.d) == (2, 2)
    assert (judged["H2"]["scan_in"].rate.n, judged["H2"]["scan_in"].rate.d) == (1, 2)
    assert not judged["H1"]["scan_in"].is_below
    assert judged["H2"]["scan_in"].is_below
    assert judged["H2"]["stored"].rate.per_mille == 1000
    assert found["H2"].typed == 1
    assert found["H1"].boxes[0].scanners == ("left", "right")


@pytest.mark.row("S1-27", part="bridge")
def test_upload_rates_and_refusals_are_those_of_the_platform(
    bridge: UploadingBridge, centre: CentreFolder, tmp_path: Path
) -> None:
    """Accepted counts, refused does not, and the reason stands beside the institution."""
    found = _counted(bridge, tmp_path)
    accepted = {site: facts.upload.accepted("scripted") for site, facts in found.items()}
    total = sum(rate.n for rate in accepted.values()), sum(rate.d for rate in accepted.values())
    refused = sum((facts.refusals["scripted", "sold_elsewhere"] for facts in found.values()), 0)
    assert total == (sum(rate.d for rate in accepted.values()) - refused, 5)
    assert refused > 0


def test_another_month_counts_nothing(bridge: UploadingBridge, centre: CentreFolder, tmp_path: Path) -> None:
    """Tickets that were closed in November are not in October, and no rate is made of nothing."""
    found = _counted(bridge, tmp_path, Period.of_month("2026-10"))
    assert all(one.rate.per_mille is None for facts in found.values() for one in facts.judged(date(2026, 11, 22)))


def test_a_copy_counts_once_and_a_record_of_an_untrusted_clock_on_its_right_day(
    bridge: UploadingBridge, centre: CentreFolder, log: BoxLog, tmp_path: Path
) -> None:
    """What a log carried over is not counted twice; what was restated stands on its restated day."""
    again = BoxLog(log.name, "log9")
    for record in log.records:
        again.add(Record.copied(record))
    bridge.take(again.payload(), name=log.name)
    late = BoxLog(BoxName("H3", "counter-1"), "log3")
    register(tmp_path / "boxes", late.name)
    boot = "fedcba9876543210"
    ticket: dict[str, str] = {"ticket": "t1", "station": "s", "operation": "receive"}
    late.add(Entry(Kind.TICKET, {"action": "open", **ticket}), boot=boot, clock=ClockState.UNTRUSTED, wall_ms=1000)
    scan = {"code": A, "verdict": "PASS", "reason": "in_list", "source": "scanner", **ticket}
    late.add(Entry(Kind.SCAN, {**scan}), boot=boot, clock=ClockState.UNTRUSTED, wall_ms=2000)
    late.add(
        Entry(Kind.TICKET, {"action": "close", "packs": 1, **ticket}),
        boot=boot,
        clock=ClockState.UNTRUSTED,
        wall_ms=3000,
    )
    moved: dict[str, Json] = {"was": "untrusted", "now": "synced", "shift_ms": START_MS}
    late.add(Entry(Kind.CLOCK, {**moved}), boot=boot, wall_ms=START_MS + 4000)
    bridge.take(late.payload(), name=late.name)
    bridge.follow()
    found = _counted(bridge, tmp_path)
    assert found["H1"].scan[Direction.IN].rate.d == 2
    assert found["H3"].scan[Direction.IN].rate.n == 1


@pytest.mark.row("S0-24", part="bridge")
@pytest.mark.parametrize("form", ["table", "csv", "html", "xlsx", "pdf"])
def test_the_monthly_file_comes_in_every_form(
    bridge: UploadingBridge, centre: CentreFolder, tmp_path: Path, form: str
) -> None:
    """The month's register names institutions, devices and who is below the target, whatever reads it."""
    out = tmp_path / f"county.{form}"
    centre.ask("report", "county", "--month", "2026-11", "--format", form, "--out", str(out))
    content = out.read_bytes()
    if form == "xlsx":
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            text = "".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))
    elif form == "pdf":
        pages = pypdfium2.PdfDocument(content)
        text = "".join(page.get_textpage().get_text_range() for page in pages)
    else:
        text = content.decode()
    for wanted in ("第一大药房", "镇卫生院", "left, right", "Raspberry Pi 5", "未达标机构", "50.0 %"):
        assert wanted.replace(" ", "") in text.replace(" ", "").replace("\r\n", ""), wanted


def test_a_workbook_keeps_codes_and_never_makes_a_formula() -> None:
    """Twenty digits stay text, and a name that begins with = stays a name."""
    columns = [Column("code", ColumnKind.CODE), Column("name"), Column("packs", ColumnKind.NUMBER)]
    page = Page("x", "t", [], [Table("a/b", columns, [["cn20:81234567890123456789", "=1+1", 3]])])
    with zipfile.ZipFile(io.BytesIO(as_xlsx(page))) as book:
        sheet = book.read("xl/worksheets/sheet2.xml").decode()
        texts = book.read("xl/sharedStrings.xml").decode()
    assert "<f>" not in sheet
    assert "cn20:81234567890123456789" in texts
    assert "=1+1" in texts
    assert "<v>3</v>" in sheet
