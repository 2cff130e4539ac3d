"""Reasons: each that a destination can give has a sentence for the counter in both languages."""

import ast
import tomllib
from collections.abc import Iterator

import pytest

from fakes.bills import ROOT
from yaoma_bridge.web_call import WebTrouble

BRIDGE = ROOT / "daemon/yaoma_bridge"
FILES = [*(BRIDGE / "nhsa").glob("*.py"), BRIDGE / "web_answer.py"]
FILES += [BRIDGE / f"destinations/{name}.py" for name in ("nhsa", "epcis", "webhook", "shanxi")]

#: Which argument of a call is a reason.
_AT = {"Answer": 1, "Ruling": 1, "_CantYetError": 0, "_not_signed_in": 0, "UnreadableError": 0}


def _reasons(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and len(node.args) > _AT.get(node.func.id, 99)
        ):
            yield from _texts(node.args[_AT[node.func.id]])
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "_REASONS":
            assert isinstance(node.value, ast.Dict)
            for value in node.value.values:
                yield from _texts(value)
        elif isinstance(node, ast.Return) and node.value is not None:
            yield from (text for text in _texts(node.value) if "_" in text)


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_reason_when_a_destination_gives_it_then_the_counter_reads_what_to_do(language: str) -> None:
    """A refusal becomes a task on the box, so no reason comes without its sentence."""
    catalogue = tomllib.loads((ROOT / f"config/messages/{language}.toml").read_text("utf-8"))["outcome"]
    reasons = {reason for file in FILES for reason in _reasons(ast.parse(file.read_text("utf-8")))}
    reasons |= {trouble.value for trouble in WebTrouble}
    reasons |= {"despatch_missing", "despatch_extra", "despatch_lot", "despatch_doubtful"}
    assert {"sold_elsewhere", "lot_data_missing", "not_there", "credentials", "http_5xx"} <= reasons, "they are found"
    assert set() == {reason for reason in reasons if reason not in catalogue}
