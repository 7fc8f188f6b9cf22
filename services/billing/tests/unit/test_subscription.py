from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from billing.domain.plans import PLANS
from billing.domain.subscription import Subscription
from contracts.billing import Limits

TEAM = UUID(int=1)
OPENED = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


def test_the_plans_are_those_of_the_price_page():
    assert {plan.name: (plan.credits, *plan.limits.model_dump().values()) for plan in PLANS.values()} == {
        "free": (200, 1, 20, 60, False),
        "starter": (1_000, 3, 100, 120, False),
        "pro": (4_000, 8, 500, 300, False),
        "business": (20_000, 20, 2_000, 1_200, False),
    }


def test_a_free_team_starts_with_its_first_month_of_credits():
    free = Subscription.free(TEAM, OPENED)
    period = free.period()

    assert (free.document().version, free.document().plan) == (1, "free")
    assert period.source_ref == f"free:{TEAM}:2026-01-31T09:30:00Z"
    assert (period.kind, period.credits) == ("reset", 200)
    assert period.period_end == datetime(2026, 2, 28, 9, 30, tzinfo=UTC)


def test_a_month_that_nobody_opened_in_time_is_left_out():
    late = Subscription.free(TEAM, OPENED).current(datetime(2026, 5, 2, tzinfo=UTC))

    assert late.period_start == datetime(2026, 4, 30, 9, 30, tzinfo=UTC)
    assert late.period_end == datetime(2026, 5, 31, 9, 30, tzinfo=UTC)


def test_the_same_limits_again_are_no_new_version():
    free = Subscription.free(TEAM, OPENED)
    raised = free.allowing(Limits(running=5, open=50, per_minute=600))

    assert (raised.version, raised.allowing(raised.limits).version) == (2, 2)


@given(st.timedeltas(timedelta(0), timedelta(days=3650)))
def test_the_months_of_a_team_follow_each_other_under_different_references(passed):
    subscription = Subscription.free(TEAM, OPENED + passed)
    periods = [subscription.period()]
    for _ in range(30):
        subscription = subscription.current(subscription.period_end + timedelta(minutes=5))
        periods.append(subscription.period())

    assert all(before.period_end == after.period_start for before, after in pairwise(periods))
    assert len({period.source_ref for period in periods}) == len(periods)
