"""Slots are few and shared: a small team never waits for a big one, whichever process hands them out."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from services.jobs.tests.stories import NOW, held, hold, rules

from chassis.database import Database
from chassis.testing import FreshDatabase, delivery
from contracts.billing import Limits, PlanChanged
from jobs.adapters.outbound.keeping_tables import METADATA
from jobs.adapters.outbound.postgres import transaction
from jobs.application.dispatch_jobs import dispatch_jobs
from jobs.application.open_jobs import open_jobs
from jobs.application.work import Transaction
from jobs.domain.calls import Failed
from jobs.domain.effects import Submit
from jobs.domain.job import Job

SLOTS = 3
RULES = rules(provider_slots=SLOTS)
BROKEN = Failed("provider_error", "it ends here")


@pytest.fixture
async def dispatchers(fresh_database: FreshDatabase) -> AsyncIterator[list[Transaction]]:
    """Two replicas, each with connections of its own."""
    tables = ", ".join(str(table) for table in METADATA.tables.values() if table.name != "dispatcher")
    fresh_database.query(f"truncate {tables}; update jobs.dispatcher set failures = 0, open_until = null")
    databases = [Database(fresh_database.url("jobs"), "jobs", pool_size=2) for _ in range(2)]
    yield [transaction(database) for database in databases]
    for database in databases:
        await database.close()


def now():
    return NOW


async def queue(begin: Transaction, team: UUID, count: int, running: int) -> None:
    limits = Limits(running=running, open=2000, per_minute=60)
    plan = PlanChanged(team_id=team, version=1, plan="pro", status="active", limits=limits)
    async with begin() as work:
        await work.shelf.learn_plans([plan])
    facts = [held(*(hold() for _ in range(10)), team=team) for _ in range(count // 10)]
    await open_jobs([delivery(fact) for fact in facts], begin, now, RULES)


async def start(begin: Transaction, capacity: int = 40) -> list[Job]:
    effects = await dispatch_jobs(begin, now, RULES, capacity)
    return [effect.job for effect in effects if isinstance(effect, Submit)]


async def end(begin: Transaction, id_: UUID) -> None:
    """Free the slot of a job."""
    async with begin() as work:
        job = (await work.jobs.lock([id_]))[id_]
        job.result(job.attempts[-1].id, BROKEN, NOW, RULES)
        await work.jobs.save([job])


async def next_starts(begin: Transaction, running: list[Job], count: int) -> list[UUID]:
    """Free one slot after the other and note whose job is next."""
    teams: list[UUID] = []
    while len(teams) < count:
        started = await start(begin)
        teams += [job.team_id for job in started]
        running += started
        await end(begin, running.pop(0).id)
    return teams


@pytest.mark.parametrize("ahead", [False, True], ids=["at once", "after the slots are taken"])
async def test_a_small_team_starts_among_the_next_five(dispatchers: list[Transaction], ahead: bool):
    begin, (big, *small) = dispatchers[0], [uuid4() for _ in range(3)]
    await queue(begin, big, 1000, running=10)
    running = await start(begin) if ahead else []
    for team in small:
        await queue(begin, team, 10, running=10)

    teams = await next_starts(begin, running, 30)
    assert all(team in teams[:5] for team in small)
    shares = Counter(teams)
    assert all(shares[team] >= 8 for team in small)  # and from then on each has its third of the slots


async def test_two_dispatchers_exceed_no_limit(dispatchers: list[Transaction], fresh_database: FreshDatabase):
    teams = [uuid4() for _ in range(3)]
    for team, count in zip(teams, (1000, 10, 10), strict=True):
        await queue(dispatchers[0], team, count, running=2)

    started: list[UUID] = []
    running: list[Job] = []
    while len(started) < 60:
        freed = [running.pop(0).id for _ in range(min(2, len(running)))]
        rounds = await asyncio.gather(
            *(end(begin, id_) for begin, id_ in zip(dispatchers, freed, strict=False)),
            *(start(begin) for begin in dispatchers * 2),
        )
        jobs = [job for found in rounds if found for job in found]
        started += [job.id for job in jobs]
        running += jobs
        occupied = busy(fresh_database)
        assert sum(occupied.values()) <= SLOTS
        assert max(occupied.values(), default=0) <= 2
    assert len(started) == len(set(started))


def busy(fresh_database: FreshDatabase) -> dict[str, int]:
    """Count the slots each team has."""
    rows = fresh_database.query(
        "select team_id || ' ' || count(*) from jobs.jobs"
        " where state in ('submitting', 'running', 'storing') group by team_id"
    )
    return {team: int(count) for team, count in (row.split() for row in rows.splitlines())}
