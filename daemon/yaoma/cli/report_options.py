"""Report options: which days, which form, which file; and everything that a report is made from."""

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from yaoma.cli.list_files import opened
from yaoma.cli.policy_lines import shown, shown_lines
from yaoma.cli.report import CommandError
from yaoma.config.chosen_policy import chosen_policy
from yaoma.config.model import Config
from yaoma.core.allowlist import Allowlist
from yaoma.core.product import Product
from yaoma.core.report_facts import Facts
from yaoma.core.report_gather import LEAD_MS, Knowledge, gather
from yaoma.core.report_period import Period, PeriodError
from yaoma.core.report_rates import Site
from yaoma.shell.catalogue import load_catalogue
from yaoma.shell.list_file import ListRefusedError, load_list
from yaoma.shell.operations import load_operations
from yaoma.shell.report_outcomes import Outcomes, read_outcomes
from yaoma.shell.report_source import ReportSource
from yaoma.shell.report_words import ReportWords
from yaoma_link.identity import IdentityError, load_verifiers

__all__ = ["Material", "PeriodOptions", "ReportFormat", "chosen_period"]

_CHINA = timezone(timedelta(hours=8))


class ReportFormat(StrEnum):
    """How a report is written."""

    TABLE = "table"
    CSV = "csv"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class PeriodOptions:
    """The days that were asked for.

    Args:
        day: One day, or empty.
        month: One month, or empty.
        first: First day, or empty.
        last: Last day, or empty.
    """

    day: str = ""
    month: str = ""
    first: str = ""
    last: str = ""


def chosen_period(asked: PeriodOptions, today: date, default: Period) -> Period:
    """Give the days that were asked for.

    Args:
        asked: What was asked for; a last day alone asks for nothing.
        today: The day at the counter, up to which a first day alone reaches.
        default: The days if nothing was asked for.

    Raises:
        CommandError: If that is no period, or more than one.
    """
    if sum(map(bool, (asked.day, asked.month, asked.first or asked.last))) > 1:
        raise CommandError("--day、--month、--from/--to 只能选一种 / give a day, a month, or --from and --to")
    try:
        if asked.day:
            return Period.of_day(asked.day)
        if asked.month:
            return Period.of_month(asked.month)
        if asked.first:
            return Period.between(asked.first, asked.last or today.isoformat())
    except PeriodError as error:
        raise CommandError(f"日期有误 / not a period: {error}") from None
    if asked.last:
        raise CommandError("--to 需要 --from / --to needs --from")
    return default


class Material:
    """What a report is made from; each part is read when it is first wanted.

    Args:
        config: The box's configuration.
        folder: The state folder.
        language: `zh-CN` or `en`.

    Raises:
        CommandError: If there is no journal.
    """

    def __init__(self, config: Config, folder: Path, language: str) -> None:
        if not (folder / "journal.db").exists():
            raise CommandError(f"{folder}: 没有日志 / there is no journal here; name the state folder with --state")
        self.config = config
        self.folder = folder
        self.language = language
        self._open = ExitStack()
        self.now = datetime.now(_CHINA)
        self.today = self.now.date()
        self.operations = load_operations()
        self._catalogue = load_catalogue(language)
        self.words = ReportWords(self._catalogue, self.operations)
        self._holder = chosen_policy(config)
        self.policy = self._holder.current

    @cached_property
    def source(self) -> ReportSource:
        """The logs."""
        return ReportSource(self.folder)

    @cached_property
    def outcomes(self) -> Outcomes:
        """What became of records."""
        return read_outcomes(self.folder / "site.db")

    @cached_property
    def allowlist(self) -> Allowlist | None:
        """The product list, or None if there is none that can be believed; a report goes without names then."""
        if (self.config.state.folder / "list.db").exists():
            return self._open.enter_context(opened(self.config)).current
        try:
            return load_list(self.config.allowlist.file, load_verifiers(self.config.keys.list), self.config.site)
        except (ListRefusedError, IdentityError):
            return None

    def close(self) -> None:
        """Close what was opened."""
        self._open.close()

    def policy_text(self) -> str:
        """Give the rules that count, each with where it comes from."""
        title = f"{self.policy.title.said(self.language)} ({self.policy.id} {self.policy.version})"
        return "\n".join([title, *shown_lines(shown(self._holder), [self._catalogue])]) + "\n"

    def product(self, key: str) -> Product | None:
        """Give the product behind a product key or drug id, or None if the list does not know it."""
        if self.allowlist is None:
            return None
        return self.allowlist.product(key) or next(iter(self.allowlist.of_drug(key)), None)

    def site(self, period: str) -> Site:
        """Say whose report it is.

        Args:
            period: The days, as text.
        """
        return Site(
            site=self.config.site,
            box=self.config.box,
            period=period,
            made=self.now.strftime("%Y-%m-%d %H:%M:%S"),
            today=self.today,
            language=self.language,
            policy=self.policy,
            directions={name: operation.direction for name, operation in self.operations.items()},
            products=self.product,
            list_version=self.allowlist.version if self.allowlist else 0,
        )

    def facts(self, period: Period) -> Facts:
        """Count what happened in a period.

        Raises:
            DatabaseError: If a log or site.db can't be read.
        """
        kind = self.policy.institution
        knowledge = Knowledge(
            delivered=self.outcomes,
            institution=kind.value if kind else "",
        )
        return gather(self.source.between(period.from_ms - LEAD_MS, period.to_ms), period, knowledge)
