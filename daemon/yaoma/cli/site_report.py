"""`yaoma report`: rates, the daily sheet, recalls, evidence and lists; works without the daemon."""

import sys
import zipfile
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from yaoma import __version__
from yaoma.cli.command_options import DEFAULT_CONFIG, ConfigOption
from yaoma.cli.report import CommandError, loaded
from yaoma.cli.report_options import Material, PeriodOptions, ReportFormat, chosen_period
from yaoma.core.code import from_key
from yaoma.core.report_balance import balance_of, balance_page
from yaoma.core.report_csv import as_csv
from yaoma.core.report_daily import daily_page, devices_page
from yaoma.core.report_history import pack_page, recall_page
from yaoma.core.report_html import as_html
from yaoma.core.report_lists import differences_page, outages_page, overrides_page
from yaoma.core.report_page import Page
from yaoma.core.report_period import Period
from yaoma.core.report_rates import rates_page
from yaoma.core.report_stock import no_code_page, signals_page
from yaoma.core.report_text import as_text
from yaoma.core.trace_code import CodeError, is_cn20
from yaoma.shell.database import DatabaseError
from yaoma.shell.print_output import PrintUnavailableError
from yaoma.shell.report_outcomes import open_tasks
from yaoma.shell.report_qr import matrix_of, png_of
from yaoma.shell.report_trace import trace_lot, trace_pack, trace_product, trace_supplier

__all__ = ["report"]

_PRODUCT_DIGITS = 7


class Kind(StrEnum):
    """Which report."""

    RATES = "rates"
    DAILY = "daily"
    RECALL = "recall"
    PACK = "pack"
    OUTAGES = "outages"
    OVERRIDES = "overrides"
    DIFFERENCES = "differences"
    DEVICES = "devices"
    BALANCE = "balance"
    NOCODE = "nocode"
    SIGNALS = "signals"
    INSPECTION = "inspection"


Draft = Callable[[Material, Period], Page]


def report(  # noqa: PLR0917 - Typer passes by name
    kind: Annotated[Kind, typer.Argument(help="Which report.")] = Kind.RATES,
    code: Annotated[str, typer.Argument(help="For `pack`: the code, 20 digits or as the journal writes it.")] = "",
    day: Annotated[str, typer.Option(help="One day, such as 2026-11-22.")] = "",
    month: Annotated[str, typer.Option(help="One month, such as 2026-11.")] = "",
    first: Annotated[str, typer.Option("--from", help="The first day.")] = "",
    last: Annotated[str, typer.Option("--to", help="The last day; today if left out.")] = "",
    form: Annotated[ReportFormat | None, typer.Option("--format", help="By the file's name, or else a table.")] = None,
    out: Annotated[Path | None, typer.Option(help="The file to write; standard output if left out.")] = None,
    qr: Annotated[Path | None, typer.Option(help="For `daily`: the checkpoint's QR code as a PNG file.")] = None,
    product: Annotated[str, typer.Option(help="For `recall`: 7 digits, or the key of a product.")] = "",
    lot: Annotated[str, typer.Option(help="For `recall`: a lot.")] = "",
    supplier: Annotated[str, typer.Option(help="For `recall`: a supplier, as despatch notes name it.")] = "",
    language: Annotated[Literal["zh-CN", "en"] | None, typer.Option(help="Instead of the box's own.")] = None,
    state: Annotated[Path | None, typer.Option(help="The state folder, instead of the configuration's.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write a report: rates with their formula, the daily sheet, a recall, evidence, lists, an inspection pack.

    Without days: `daily` is of today, `outages` of as many days as the policy says, `recall` and `pack` of all times,
    the others of this month.

    Examples: yaoma report --month 2026-11 · yaoma report daily --out today.html · yaoma report recall --lot A2301 ·
    yaoma report pack 83003850000000131888 · yaoma report inspection --out pack.zip
    """
    settings = loaded(config).config
    material = Material(settings, state or settings.state.folder, language or settings.language)
    period = chosen_period(PeriodOptions(day, month, first, last), material.today, _default(kind, material))
    try:
        if kind is Kind.INSPECTION:
            _write_inspection(material, period, out)
            return
        if kind is Kind.PACK:
            page = _pack(material, code)
        elif kind is Kind.RECALL:
            page = _recall(material, product=product, lot=lot, supplier=supplier)
        else:
            page = _PAGES[kind](material, period)
        if qr is not None:
            _write(qr, png_of(matrix_of(page.proof)))
    except DatabaseError as error:
        raise CommandError(f"读不了日志 / can't be read: {error}") from error
    except PrintUnavailableError as error:
        raise CommandError(str(error)) from error
    finally:
        material.close()
    _put(page, form or _form_of(out), out)


def _default(kind: Kind, material: Material) -> Period:
    today = material.today
    if kind is Kind.DAILY:
        return Period(today, today)
    if kind is Kind.OUTAGES:
        return Period(today - timedelta(days=material.policy.evidence_days), today)
    return Period(today.replace(day=1), today)


def _rates(material: Material, period: Period) -> Page:
    facts = material.facts(period)
    return rates_page(facts, material.site(str(period)), material.words)


def _daily(material: Material, period: Period) -> Page:
    facts, tasks = material.facts(period), open_tasks(material.folder / "site.db")
    proof = material.source.newest_checkpoint()
    return daily_page(facts, tasks, material.site(str(period)), material.words, proof)


def _outages(material: Material, period: Period) -> Page:
    site, proof = material.site(str(period)), material.source.newest_checkpoint()
    return outages_page(material.facts(period), site, material.words, proof)


def _overrides(material: Material, period: Period) -> Page:
    return overrides_page(material.facts(period), material.site(str(period)), material.words)


def _differences(material: Material, period: Period) -> Page:
    return differences_page(material.facts(period), material.site(str(period)), material.words)


def _devices(material: Material, period: Period) -> Page:
    facts, config = material.facts(period), material.config
    info = [
        ("software", __version__),
        ("devices_configured", ", ".join(f"{one.name} ({one.driver})" for one in config.scanner)),
        ("network_address", f"{config.broker.host}:{config.broker.port}"),
    ]
    return devices_page(facts, info, material.site(str(period)), material.words)


def _balance(material: Material, period: Period) -> Page:
    site, source = material.site(str(period)), material.source
    found = balance_of(source.between(0, period.to_ms), period, site.directions)
    return balance_page(found, site, material.words, source.newest_checkpoint())


def _nocode(material: Material, _: Period) -> Page:
    return no_code_page(material.source.having('"kind":"stock"'), material.site(""), material.words)


def _signals(material: Material, period: Period) -> Page:
    site, proof = material.site(str(period)), material.source.newest_checkpoint()
    return signals_page(material.facts(period), site, material.words, proof)


_PAGES: dict[Kind, Draft] = {
    Kind.RATES: _rates,
    Kind.DAILY: _daily,
    Kind.OUTAGES: _outages,
    Kind.OVERRIDES: _overrides,
    Kind.DIFFERENCES: _differences,
    Kind.DEVICES: _devices,
    Kind.BALANCE: _balance,
    Kind.NOCODE: _nocode,
    Kind.SIGNALS: _signals,
}


def _pack(material: Material, code: str) -> Page:
    key = f"cn20:{code}" if is_cn20(code) else code
    try:
        key = from_key(key).key
    except CodeError:
        # The text is not repeated: what is no trace code may be somebody's identity.
        raise CommandError("请给出 20 位追溯码 / give a trace code: 20 digits, or as the journal writes it") from None
    flow = trace_pack(material.source, key)
    return pack_page(flow, material.outcomes, material.site(""), material.words)


def _recall(material: Material, *, product: str, lot: str, supplier: str) -> Page:
    if sum(map(bool, (product, lot, supplier))) != 1:
        raise CommandError("请给出 --product、--lot、--supplier 之一 / give one of --product, --lot and --supplier")
    if product:
        digits = len(product) == _PRODUCT_DIGITS and product.isascii() and product.isdecimal()
        key = f"cn20:{product}" if digits else product
        known, found = material.product(key), trace_product(material.source, key)
        what = f"{material.words.say('product')} {key} {known.name if known else ''}".strip()
    elif lot:
        what, found = f"{material.words.say('lot')} {lot}", trace_lot(material.source, lot)
    else:
        what, found = f"{material.words.say('supplier')} {supplier}", trace_supplier(material.source, supplier)
    proof = material.source.newest_checkpoint()
    return recall_page(found, what, material.site(""), material.words, proof)


def _write_inspection(material: Material, period: Period, out: Path | None) -> None:
    """Write every report of a period into one archive, for an inspection (S4-23)."""
    if out is None:
        raise CommandError("请用 --out 指定文件，例如 --out 检查.zip / name the file with --out, such as pack.zip")
    try:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for draft in _PAGES.values():
                page = draft(material, period)
                archive.writestr(f"{page.name}.html", as_html(page, matrix_of(page.proof)))
                archive.writestr(f"{page.name}.csv", as_csv(page))
            archive.writestr("checkpoint.txt", material.source.newest_checkpoint())
            archive.writestr("policy.txt", material.policy_text())
    except OSError as error:
        raise CommandError(f"{out}: {error.strerror}") from error


def _form_of(out: Path | None) -> ReportFormat:
    suffix = out.suffix.lower() if out else ""
    return {".csv": ReportFormat.CSV, ".html": ReportFormat.HTML, ".htm": ReportFormat.HTML}.get(
        suffix, ReportFormat.TABLE
    )


def _put(page: Page, form: ReportFormat, out: Path | None) -> None:
    match form:
        case ReportFormat.CSV:
            text = as_csv(page)
        case ReportFormat.HTML:
            text = as_html(page, matrix_of(page.proof))
        case ReportFormat.TABLE:
            text = as_text(page)
    if out is not None:
        _write(out, text.encode())
        return
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
