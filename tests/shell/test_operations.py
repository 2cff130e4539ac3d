"""The operations table that ships, and what is refused in one."""

from pathlib import Path

import pytest

from yaoma.core.ticket import VERIFY
from yaoma.shell.operations import Direction, OperationsError, load_operations

#: DESIGN.md 2, the check that puts a return back on the shelf (DOMAIN.md 5.1), and the wards (S1-22).
IDS = """
    receive return_supplier dispense dispense_ward vaccinate return_customer transfer_in transfer_out
    wholesale move split gift_in gift_out count sample damage destroy recall_out check_return verify
"""


@pytest.mark.row("S3-01")
def test_operations_when_loaded_then_they_are_those_of_the_design() -> None:
    """All of them have both names and a direction; a scan without ticket is one of them."""
    operations = load_operations()

    assert sorted(operations) == sorted(IDS.split())
    assert VERIFY in operations
    assert operations["receive"].direction is Direction.IN
    assert operations["dispense"].direction is Direction.OUT
    assert operations["count"].direction is Direction.NONE
    assert (operations["split"].name("zh-CN"), operations["split"].name("en")) == ("拆零", "Split pack")


@pytest.mark.parametrize(
    "spoilt",
    [
        "[x]\nzh='a'\nen='b'",
        "[x]\nzh='a'\nen='b'\ndirection='up'",
        "[x]\nzh=''\nen='b'\ndirection='in'",
        "x = 1",
        "[x",
    ],
)
def test_operations_when_an_entry_is_malformed_then_the_table_is_refused(tmp_path: Path, spoilt: str) -> None:
    """A half-known operation must not reach a ticket."""
    file = tmp_path / "operations.toml"
    file.write_text(spoilt)

    with pytest.raises(OperationsError):
        load_operations(file)
