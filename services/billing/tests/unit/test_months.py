from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.months import months_after, months_until

DAYS = st.timedeltas(timedelta(0), timedelta(days=7300))
MOMENTS = DAYS.map(lambda passed: datetime(2020, 1, 1, tzinfo=UTC) + passed)


def day(written):
    return datetime.fromisoformat(written).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("anchor", "months", "expected"),
    [
        ("2026-03-15", 1, "2026-04-15"),
        ("2026-01-31", 1, "2026-02-28"),
        ("2026-01-31", 2, "2026-03-31"),
        ("2026-01-31", 3, "2026-04-30"),
        ("2027-12-31", 2, "2028-02-29"),
        ("2028-02-29", 12, "2029-02-28"),
        ("2026-12-31", 1, "2027-01-31"),
    ],
)
def test_a_month_ends_on_the_anchors_day_or_the_months_last(anchor, months, expected):
    assert months_after(day(anchor), months) == day(expected)


@given(MOMENTS, st.integers(0, 240))
def test_months_join_without_gap_and_without_drift(anchor, months):
    start, end = months_after(anchor, months), months_after(anchor, months + 1)

    assert timedelta(days=28) <= end - start <= timedelta(days=31)
    assert start.day == anchor.day or (start + timedelta(days=1)).day == 1
    assert start.timetz() == anchor.timetz()


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=4000)))
def test_every_moment_lies_in_exactly_the_month_that_is_counted(anchor, passed):
    now = anchor + passed
    months = months_until(anchor, now)

    assert months >= 0
    assert months_after(anchor, months) <= now < months_after(anchor, months + 1)
