"""What billing promises of plans and Free months."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from billing.application.announce_plans import announce_plans
from billing.application.open_months import BATCH, open_months
from billing.application.open_team import open_team
from billing.application.set_limits import UnknownTeam, set_limits
from chassis.testing import delivery
from contracts.billing import Limits, PeriodOpened, PlanChanged
from contracts.gateway import TeamOpened

TEAM = UUID(int=1)
OPENED = datetime(2026, 1, 31, 9, 30, 10, 700_000, tzinfo=UTC)
BEGUN = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
"""What time it may be at Stripe when the team is opened: no plan bought then begins before Free does."""
RAISED = {"running": 5, "open": 50, "per_minute": 600}


def at(moment):
    return lambda: moment


async def opened(store, *teams, when=OPENED):
    facts = [delivery(TeamOpened(team_id=team, name="Ada", owner_email="ada@example.org")) for team in teams]
    await open_team(facts, store.transaction, at(when))
    return await store.said()


async def months(store, when):
    more = await open_months(store.transaction, at(when))
    return more, await store.said()


async def test_a_new_team_gets_the_free_plan_and_its_first_credits(store):
    plan, period = await opened(store, TEAM)

    assert isinstance(plan, PlanChanged)
    assert isinstance(period, PeriodOpened)
    assert (plan.version, plan.plan, plan.status) == (1, "free", "active")
    assert plan.limits == Limits(running=1, open=20, per_minute=60)
    assert (period.credits, period.plan, period.period_start) == (200, "free", BEGUN)


async def test_a_team_that_is_heard_of_again_gets_nothing_more(store):
    await opened(store, TEAM, TEAM)

    assert await opened(store, TEAM, when=OPENED + timedelta(days=40)) == []


async def test_a_batch_with_known_and_new_teams_serves_the_new_ones(store):
    await opened(store, TEAM)
    plan, period = await opened(store, TEAM, UUID(int=2))

    assert (plan.team_id, period.team_id) == (UUID(int=2), UUID(int=2))


async def test_the_next_month_opens_when_the_last_is_over_and_only_once(store):
    await opened(store, TEAM)
    early = await months(store, datetime(2026, 2, 28, 9, 30, 9, tzinfo=UTC))
    more, (period,) = await months(store, datetime(2026, 2, 28, 9, 30, 10, tzinfo=UTC))
    again = await months(store, datetime(2026, 2, 28, 9, 31, tzinfo=UTC))

    assert (early, more, again) == ((False, []), False, (False, []))
    assert period.source_ref == f"free:{TEAM}:2026-02-28T09:30:00Z"
    assert period.period_end == datetime(2026, 3, 31, 9, 30, tzinfo=UTC)


async def test_raised_limits_are_said_as_a_higher_version_and_survive_the_month(store):
    await opened(store, TEAM)
    await set_limits(TEAM, RAISED, store.transaction)
    (plan,) = await store.said()
    await months(store, OPENED + timedelta(days=30))
    await set_limits(TEAM, RAISED, store.transaction)

    assert (plan.version, plan.limits) == (2, Limits(**RAISED))
    assert await store.said() == []


async def test_limits_that_are_left_out_stay(store):
    await opened(store, TEAM)

    assert await set_limits(TEAM, {"open": 30}, store.transaction) == Limits(
        running=1, open=30, per_minute=60
    )


async def test_limits_of_an_unknown_team_are_refused(store):
    with pytest.raises(UnknownTeam):
        await set_limits(uuid4(), RAISED, store.transaction)
    assert await store.said() == []


async def test_more_teams_than_a_batch_are_served_by_asking_again(store):
    teams = [uuid4() for _ in range(BATCH + 1)]
    await opened(store, *teams)
    later = OPENED + timedelta(days=31)
    (first, said), (second, rest) = await months(store, later), await months(store, later)

    assert (first, second) == (True, False)
    assert {period.team_id for period in (*said, *rest)} == set(teams)


async def test_several_processes_open_each_month_once(store):
    teams = [uuid4() for _ in range(20)]
    await opened(store, *teams)
    later = at(OPENED + timedelta(days=31))
    await asyncio.gather(*(open_months(store.transaction, later) for _ in range(4)))

    assert sorted(period.team_id for period in await store.said()) == sorted(teams)


async def test_several_processes_that_hear_of_one_team_open_it_once(store):
    fact = TeamOpened(team_id=TEAM, name="Ada", owner_email="ada@example.org")
    await asyncio.gather(*(open_team([delivery(fact)], store.transaction, at(OPENED)) for _ in range(4)))

    assert [type(message) for message in await store.said()] == [PlanChanged, PeriodOpened]


async def test_all_plans_are_announced_a_page_at_a_time(store):
    teams = [UUID(int=n) for n in (1, 2, 3)]
    plans = [said for said in await opened(store, *teams) if isinstance(said, PlanChanged)]

    assert await announce_plans(None, 2, store.transaction) == teams[:2]
    assert await announce_plans(teams[1], 2, store.transaction) == teams[2:]
    assert await announce_plans(teams[2], 2, store.transaction) == []
    assert await store.said() == sorted(plans, key=lambda plan: plan.team_id)
