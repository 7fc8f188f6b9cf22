"""Whoever waits for a verdict is told by the notification, and by a look where it tells nothing."""

import asyncio
from uuid import UUID, uuid4

import pytest
from services.gateway.tests.stage import Stage

from chassis.statement import text
from gateway.adapters.outbound.postgres.event_log import CHANNEL
from gateway.domain.requests import GRANTED, Verdict

SOON = 10.0
_NOTIFY = text(f"select pg_notify('{CHANNEL}', :told)")
_SETTLED = text("""
    insert into gateway.requests
        (id, kind, scope, team_id, user_id, subject, jobs, body_hash, created_at, verdict)
    values (:id, 'cancel_job', :id, :id, :id, :id, '{}', '', now(), cast(:verdict as jsonb))
""")


@pytest.fixture(autouse=True)
async def listening(stage: Stage) -> None:
    """What is told before anybody listens is told to nobody."""
    async with asyncio.timeout(SOON):
        while await stage.rows("select from pg_stat_activity where query ilike 'listen%'") == []:
            await asyncio.sleep(0.01)


async def notify(stage: Stage, told: str) -> None:
    async with stage.database.begin() as connection:
        await connection.execute(_NOTIFY, {"told": told})


async def settle(stage: Stage, request_id: UUID) -> None:
    """Store a verdict that nobody is told of."""
    refused = '{"outcome": "refused", "code": "too_late"}'
    async with stage.database.begin() as connection:
        await connection.execute(_SETTLED, {"id": request_id, "verdict": refused})


async def test_a_grant_is_told_without_a_look(stage: Stage):
    granted, other = uuid4(), uuid4()
    with stage.news.expect(granted) as told, stage.news.expect(other) as nothing:
        await notify(stage, f"granted {uuid4()} {granted}")
        assert await told(SOON) == GRANTED  # no row tells of it
        assert await nothing(0.1) is None


@pytest.mark.parametrize("told", ["", "granted", None], ids=["told of more", "told of others", "not told"])
async def test_what_no_notification_tells_is_looked_for(stage: Stage, told: str | None):
    waiting = uuid4()
    with stage.news.expect(waiting) as verdict:
        await settle(stage, waiting)
        if told is not None:
            await notify(stage, told)
        assert await verdict(SOON) == Verdict("refused", "too_late")
