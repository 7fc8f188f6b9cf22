import pytest

from bench.growing.tokens import Tokens, ids_in

TEAM, JOB = "01a20649-2eaf-77e0-85cb-fa8796f80ee7", "01a20649-56be-76ca-bccd-a68083525c51"


def test_ids_are_found_once_in_the_order_they_come():
    assert ids_in([f"images/{TEAM}/{JOB}/1.png", f'{{"id": "{TEAM}"}}']) == [TEAM, JOB]


def test_a_text_without_anything_of_its_own_stays_as_it_is():
    assert Tokens({}, {}).expression("it's") == "'it''s'"


def test_ids_and_words_become_what_stands_for_them():
    tokens = Tokens({TEAM: "t.id", JOB: "j.id"}, {"ada": "t.name"})
    assert tokens.expression(f'{{"id": "{JOB}", "who": "ada"}}') == (
        """concat('{"id": "', j.id, '", "who": "', t.name, '"}')"""
    )


def test_moments_move_by_whole_minutes():
    moved = Tokens({}, {}, "j.shift").expression("2026-11-23T02:43:09.5+00:00")
    assert moved == (
        "concat(to_char(timestamp '2026-11-23 02:43:00' + j.shift, 'YYYY-MM-DD\"T\"HH24:MI'), ':09.5+00:00')"
    )


@pytest.mark.parametrize("number", [90, 91, 200, 9000])
def test_no_function_gets_more_than_postgres_takes(number: int):
    tokens = Tokens({TEAM: "t.id"}, {})
    written = tokens.expression(f"{TEAM} " * number)
    calls = written.replace("concat(", "(")
    assert written.count("t.id") == number
    assert _most_in_a_call(calls) <= 90


def _most_in_a_call(written: str) -> int:
    """Count what stands between a pair of parentheses, at most."""
    most, open_ = 0, []
    for sign in written:
        if sign == "(":
            open_.append(1)
        elif sign == ",":
            open_[-1] += 1
        elif sign == ")":
            most = max(most, open_.pop())
    return most
