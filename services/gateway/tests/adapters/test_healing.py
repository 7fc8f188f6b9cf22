"""Healing asks credits once for what the receipt says; findings last until they are healed."""

import asyncio
from datetime import datetime, timedelta

import pytest
from services.gateway.tests.audited import FREED, MINUTES, NONE, House, shown

from chassis.clock import utc_now
from chassis.database import Database
from chassis.statement import text
from contracts.credits import CaptureCredits, ReleaseCredits
from gateway.application.audit import audit
from gateway.application.heal_holds import heal_holds


@pytest.fixture
async def house(database: Database) -> House:
    return await House.furnished(database)


async def test_healing_asks_credits_once_for_what_the_receipt_says(house: House):
    delivered, failed, untold = [await house.begun() for _ in range(3)]
    await house.ended(delivered)
    await house.hear(house.job(failed, "failed", 2, FREED), house.job(untold, "completed", 2))
    await house.look()
    remedies = await heal_holds(house.transaction, utc_now, limit=20)

    assert sorted(remedies, key=lambda remedy: remedy.type) == [
        CaptureCredits(job_id=delivered, team_id=house.team_id, quantity=3),
        ReleaseCredits(job_id=failed, team_id=house.team_id, reason="audit: failed"),
    ]
    assert sorted(await house.said()) == ["credits.capture.v1", "credits.release.v1"]
    await house.look()
    assert await heal_holds(house.transaction, utc_now, limit=20) == []
    assert len(await house.said()) == 2


async def test_what_comes_back_is_not_healed_twice(house: House):
    job_id = await house.begun()
    await house.ended(job_id)
    await house.look()
    assert len(await heal_holds(house.transaction, utc_now, limit=20)) == 1
    await house.settled(job_id)
    await house.look()
    async with house.database.transaction() as session:
        await session.connection.execute(
            text("delete from gateway.view_credit_entries where job_id = :id and kind <> 'reserve'"),
            {"id": job_id},
        )

    found = await audit(house.transaction, utc_now, NONE)
    assert ("open_hold", job_id) in shown(found.findings)
    assert await heal_holds(house.transaction, utc_now, limit=20) == []


async def test_healing_is_bounded_and_two_healers_share_the_work(house: House):
    jobs = [await house.begun() for _ in range(5)]
    for job_id in jobs:
        await house.ended(job_id)
    await house.look()
    assert len(await heal_holds(house.transaction, utc_now, limit=2)) == 2
    rest = await asyncio.gather(*(heal_holds(house.transaction, utc_now, limit=20) for _ in range(3)))

    assert sorted(len(remedies) for remedies in rest) == [0, 0, 3]
    assert len(await house.said()) == 5


async def test_a_suspicion_is_not_healed(house: House):
    job_id = await house.begun()
    await house.ended(job_id)
    await house.look(grace=MINUTES)

    assert await heal_holds(house.transaction, utc_now, limit=20) == []


async def test_findings_remember_when_they_were_first_seen(house: House):
    job_id = await house.begun()
    await house.ended(job_id)
    await house.look()
    async with house.transaction() as work:
        [first] = await work.findings.standing()
    await house.look(timedelta(minutes=5))
    async with house.transaction() as work:
        [again] = await work.findings.standing()

    assert isinstance(first.first_seen_at, datetime)
    assert again.first_seen_at == first.first_seen_at
