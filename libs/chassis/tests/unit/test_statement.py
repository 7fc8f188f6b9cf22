import pytest

from chassis.statement import text


@pytest.mark.parametrize(
    ("written", "sql", "names"),
    [
        ("select 1", "select 1", ()),
        ("select :a, :b, :a", "select $1, $2, $1", ("a", "b")),
        ("select cast(:a as int[])", "select cast($1 as int[])", ("a",)),
        ("select :a::text, b::int", "select :a::text, b::int", ()),
        (r"select '12\:30', :a", "select '12:30', $1", ("a",)),
        ("select x[:from_:to_]", "select x[:from_:to_]", ()),
        ("values (:a,:a1)", "values ($1,$2)", ("a", "a1")),
    ],
)
def test_a_statement_is_told_with_numbers_for_names(written, sql, names):
    statement = text(written)
    assert (statement.sql, statement.names) == (sql, names)
