"""What is said of identities: complete in both languages, and never more than the last four."""

from datetime import date
from enum import StrEnum

import pytest

from yaoma.core.identity import Identity, IdentityProblem, read_identity, shown
from yaoma.core.person_statement import StatementProblem, StatementReason
from yaoma.core.wording import placeholders
from yaoma.shell.catalogue import LANGUAGES, load_catalogue


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("section", "ids"),
    [("identity_fault", IdentityProblem), ("statement_fault", StatementProblem), ("statement", StatementReason)],
)
def test_texts_when_code_can_ask_for_one_then_it_is_there(language: str, section: str, ids: type[StrEnum]) -> None:
    """Every problem has its sentence and its next step, every reason its words."""
    catalogue = load_catalogue(language)

    for one in ids:
        said = catalogue.refusal(f"{section}.{one.value}")
        assert said.line, one
        assert f"{section}.{one.value}" not in said.line
        assert said.todo or section == "statement", one


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_when_an_identity_is_shown_then_only_its_last_four_can_be(language: str) -> None:
    """No sentence about an identity has a place for more than that."""
    catalogue = load_catalogue(language)
    identity = read_identity(b"11010519491231002X", date(2026, 11, 22))
    assert isinstance(identity, Identity)
    places = {
        place
        for name, template in catalogue.templates.items()
        if name.startswith(("identity", "statement"))
        for place in placeholders(template.pieces)
    }

    assert places == {"last_four", "product", "reason", "operator"}
    assert "****002X" in catalogue.text("identity", "shown", {"last_four": shown(identity)}).line
