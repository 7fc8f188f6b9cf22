"""Whoever waits for a verdict is told by the notification, and by a look where it tells nothing."""

import asyncio
from uuid import UUID, uuid4

import pytest
from services.gateway.tests.stage import Stage

from chassis.statement import text
from contracts.catalog import CatalogRefused
from contracts.credits import CreditsHeld
from gateway.adapters.outbound.postgres.event_log import CHANNEL
from gateway.domain.requests import GRANTED, Verdict

SOON = 10.0
_NOTIFY = text(f"select pg_notify('{CHANNEL}', :told)")
_ASKED = text("""
    insert into gateway.requests (id, kind, scope, team_id, user_id, subject, jobs, body_hash,
        message_type, message, created_at, verdict)
    values (:id, 'change_model', :id, :id, :id, :id, '{}', '', 'catalog.update-model.v1', '{}', now(),
        cast(:verdict as jsonb))
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


async def asked(stage: Stage, request_id: UUID, verdict: str | None = None) -> None:
    """Write a request down; whoever waits for its verdict is told nothing."""
    async with stage.database.begin() as connection:
        await connection.execute(_ASKED, {"id": request_id, "verdict": verdict})


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
        await asked(stage, waiting, '{"outcome": "refused", "code": "too_late"}')
        if told is not None:
            await notify(stage, told)
        assert await verdict(SOON) == Verdict("refused", "too_late")


async def test_a_refusal_is_not_taken_for_a_grant_that_comes_with_it(stage: Stage):
    granted, refused = uuid4(), uuid4()
    await asked(stage, granted)
    await asked(stage, refused)
    with stage.news.expect(granted) as one, stage.news.expect(refused) as other:
        no = CatalogRefused(request_id=refused, about=refused, code="model_busy", detail="in training")
        await stage.hear(CreditsHeld(request_id=granted, team_id=granted, holds=()), no)
        assert await one(SOON) == GRANTED
        assert await other(SOON) == Verdict("refused", "model_busy", "in training")
