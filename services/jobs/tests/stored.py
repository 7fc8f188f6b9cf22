"""Jobs opened and looked up in the database."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from services.jobs.tests.stories import rules

from chassis.testing import delivery
from contracts.credits import CreditsHeld, Hold
from contracts.orders import Operation, Order, Recipe
from jobs.application.open_jobs import open_jobs
from jobs.domain.job import Job


def held(team: UUID, *jobs: UUID, operation=Operation.GENERATE_IMAGES, **recipe) -> CreditsHeld:
    holds = tuple(
        Hold(
            job_id=job,
            amount=8,
            unit_price=2,
            price_version=1,
            expires_at=datetime(2026, 6, 1, tzinfo=UTC),
            order=Order(job_id=job, operation=operation, quantity=4, recipe=Recipe(**recipe)),
        )
        for job in jobs
    )
    return CreditsHeld(request_id=uuid4(), team_id=team, holds=holds)


async def opened(begin, clock, team: UUID, count: int, **order) -> list[UUID]:
    ids = [uuid4() for _ in range(count)]
    await open_jobs([delivery(held(team, id_, **order)) for id_ in ids], begin, clock, rules())
    return ids


async def job(begin, id_: UUID) -> Job:
    async with begin() as work:
        return (await work.jobs.lock([id_]))[id_]
