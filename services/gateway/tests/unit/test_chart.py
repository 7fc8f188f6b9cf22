from datetime import date, timedelta

from gateway.adapters.inbound.dashboard.chart import bars

LAST = date(2026, 11, 22)


def test_the_highest_day_fills_the_drawing_and_the_least_can_be_seen():
    drawn = bars({LAST: 500, LAST - timedelta(days=1): 250, LAST - timedelta(days=2): 1}, LAST, 4)

    assert [(bar.amount, bar.x, bar.y, bar.height) for bar in drawn] == [
        (0, 0, 100, 0),
        (1, 10, 98, 2),
        (250, 20, 50, 50),
        (500, 30, 0, 100),
    ]


def test_nothing_spent_draws_nothing():
    assert {bar.height for bar in bars({}, LAST, 30)} == {0}


def test_what_came_back_on_balance_draws_no_bar():
    assert [bar.height for bar in bars({LAST: -5}, LAST, 1)] == [0]
