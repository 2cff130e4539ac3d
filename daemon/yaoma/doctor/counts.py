"""Counts: how many records of which kind, verdict and reason lie on the box, month by month; no code, no person."""

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from yaoma.core.record import Record
from yaoma.shell.database import DatabaseError
from yaoma.shell.rebuild import logs_in_order

__all__ = ["counts"]

#: Ids of ours look so; whatever else stands in such a field is counted without being quoted.
_ID: Final = re.compile(r"[A-Za-z][A-Za-z_]{0,63}")


def counts(folder: Path) -> dict[str, Any]:
    """Count every record of every log, copies too.

    Args:
        folder: The state folder.
    """
    logs, kinds, verdicts, months = dict[str, int](), Counter[str](), Counter[str](), Counter[str]()
    problem = ""
    try:
        for log, records in logs_in_order(folder):
            logs[log] = 0
            for record in records:
                logs[log] += 1
                kinds[_id(record.kind)] += 1
                months[_month(record)] += 1
                if "verdict" in record.fields:
                    verdict, reason = _id(record.fields["verdict"]), _id(record.fields.get("reason"))
                    verdicts[f"{verdict} {reason}"] += 1
    except DatabaseError as error:
        problem = error.problem
    return {
        "logs": logs,
        "kinds": dict(sorted(kinds.items())),
        "verdicts": dict(sorted(verdicts.items())),
        "months": dict(sorted(months.items())),
        "problem": problem,
    }


def _id(value: object) -> str:
    return value if isinstance(value, str) and _ID.fullmatch(value) else "?"


def _month(record: Record) -> str:
    try:
        return f"{datetime.fromtimestamp(record.stamp.wall_ms / 1000, UTC):%Y-%m}"
    except (ValueError, OverflowError, OSError):
        return "?"
