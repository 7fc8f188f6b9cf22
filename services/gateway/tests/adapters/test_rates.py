"""The teams' token buckets, shared through Postgres."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from chassis.clock import utc_now
from chassis.statement import text
from gateway.adapters.outbound.postgres.rates import StoredRates
from gateway.domain.rate import Use


async def test_what_processes_took_is_taken_from_one_bucket(database):
    rates, team = StoredRates(database), uuid4()
    assert await rates.exchange({team: Use(60, 40)}) == {team: 20.0}
    [left] = (await rates.exchange({team: Use(60, 15)})).values()
    assert 5 <= left < 6
    [left] = (await rates.exchange({team: Use(60, 0)})).values()
    assert 5 <= left < 7


async def test_nothing_taken_at_once_is_lost(database):
    rates, teams = StoredRates(database), [uuid4() for _ in range(5)]
    await asyncio.gather(*(rates.exchange({team: Use(6000, 10) for team in teams}) for _ in range(20)))
    left = await rates.exchange({team: Use(6000, 0) for team in teams})
    assert all(5800 <= tokens < 6000 for tokens in left.values())


async def test_a_bucket_is_never_more_than_full_and_a_better_plan_counts_at_once(database):
    rates, team = StoredRates(database), uuid4()
    await rates.exchange({team: Use(60, 10)})
    async with database.begin() as connection:
        await connection.execute(text("update gateway.team_rates set at = at - interval '1 hour'"))
    assert await rates.exchange({team: Use(60, 60)}) == {team: 0.0}
    assert (await rates.exchange({team: Use(120, 0)}))[team] == pytest.approx(60, abs=1)
    assert (await rates.exchange({team: Use(30, 0)}))[team] == pytest.approx(30)


async def test_a_bucket_that_nobody_uses_is_forgotten(database, stage):
    rates, team = StoredRates(database), uuid4()
    await rates.exchange({team: Use(60, 10)})
    await rates.forget(utc_now() - timedelta(hours=1))
    assert len(await stage.rows("select 1 from gateway.team_rates")) == 1
    await rates.forget(utc_now() + timedelta(hours=1))
    assert await stage.rows("select 1 from gateway.team_rates") == []
