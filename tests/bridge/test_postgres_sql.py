"""PostgreSQL's dialect: statements that the bridge writes once, as PostgreSQL takes them."""

from yaoma_bridge.number_runs import number_runs
from yaoma_bridge.postgres_sql import columns_statement

_INSERT = "INSERT INTO sealed (log_id, seq, blob) VALUES (?,?,?) ON CONFLICT DO NOTHING"


def test_an_insert_of_many_rows_takes_a_list_for_each_column() -> None:
    """The statement's text does not depend on how many rows there are."""
    made = columns_statement(_INSERT, [[1, 2, b"x"], [1, 3, None]])
    assert made == (
        "INSERT INTO sealed (log_id, seq, blob) SELECT * FROM unnest(%b::bigint[], %b::bigint[], %b::bytea[]) "
        "ON CONFLICT DO NOTHING"
    )


def test_what_no_list_can_hold_goes_row_by_row() -> None:
    """No rows, a column of nothing but NULL, two types in one column, and other statements are left as they are."""
    assert columns_statement(_INSERT, []) is None
    assert columns_statement(_INSERT, [[1, 2, None]]) is None
    assert columns_statement(_INSERT, [[1, 2, b"x"], [1, "3", b"x"]]) is None
    assert columns_statement("UPDATE box SET rseq=? WHERE site=?", [[1, "H1"]]) is None
    assert columns_statement("INSERT INTO epoch VALUES (?, 1, 'made')", [[1]]) is None


def test_keys_that_stand_close_are_one_run() -> None:
    """Runs cover every key, in order, and no wide gap."""
    assert list(number_runs([5, 4, 7, 1000, 1001])) == [(4, 7), (1000, 1001)]
    assert list(number_runs([])) == []
