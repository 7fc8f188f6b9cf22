"""Lost views come back from what services announce, over the real bus; the event log stays as it is."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from services.gateway.tests.stage import SITE, model, reference_model

from chassis.broker import listen
from chassis.clock import utc_now
from chassis.consumer import Reception
from chassis.database import Database
from chassis.health import Health
from chassis.publisher import Publisher
from chassis.relay import Relay
from chassis.statement import text
from chassis.testing import delivery
from contracts.billing import Limits, PlanChanged
from contracts.credits import AccountChanged, Entry
from contracts.jobs import JobChanged
from contracts.message import Document
from contracts.orders import Operation, Recipe
from gateway.adapters.inbound import bus
from gateway.adapters.outbound.postgres.work import transaction
from gateway.application.project_documents import project_documents
from gateway.application.repair_views import repair_views

VIEWS = (
    "view_jobs",
    "view_models",
    "view_reference_models",
    "view_accounts",
    "view_plans",
    "view_credit_entries",
)
NOW = datetime(2026, 11, 2, tzinfo=UTC)


def documents() -> list[Document]:
    team, user = uuid4(), uuid4()
    job = JobChanged(
        id=uuid4(), team_id=team, user_id=user, version=3, operation=Operation.GENERATE_IMAGES,
        status="processing", quantity=1, recipe=Recipe(prompt="at dawn"), created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    entry = Entry(id=uuid4(), kind="replenish", amount=200, balance_after=200, version=1, at=NOW)
    limits = Limits(running=1, open=20, per_minute=60)
    return [
        job,
        model(team),
        reference_model(),
        AccountChanged(team_id=team, version=1, available=200, bonus=0, reserved=0, entries=(entry,)),
        PlanChanged(team_id=team, version=1, plan="free", status="active", limits=limits),
    ]


@asynccontextmanager
async def repairing(url: str, database: Database) -> AsyncIterator[None]:
    """Let relay and projector run, as between two services."""
    publisher, health = Publisher(url), Health()
    reception = Reception(bus.repairer(transaction(database)), publisher, health)
    tasks = [
        *(asyncio.create_task(line.run()) for line in listen(url, [reception], publisher, health)),
        asyncio.create_task(Relay(database, publisher, health).run()),
    ]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await publisher.close()


async def announce(database: Database, facts: Sequence[Document]) -> None:
    async with database.transaction() as session:
        for fact in facts:
            session.outbox.announce(fact)


async def hear(database: Database, *facts: Document) -> None:
    await project_documents([delivery(fact) for fact in facts], transaction(database), utc_now, SITE)


async def rows(database: Database, query: str) -> list[Any]:
    async with database.reading() as connection:
        return list(await connection.execute(text(query)))


async def shown(database: Database) -> dict[str, list[str]]:
    found = {}
    for view in VIEWS:
        shape = "cast(to_jsonb(v) - 'changed_at' - 'recorded_at' - 'announced' as text)"
        lines = await rows(database, f"select {shape} as row from gateway.{view} v order by 1")
        found[view] = [row.row for row in lines]
    return found


async def log(database: Database) -> tuple[int, int]:
    [row] = await rows(
        database, "select (select count(*) from gateway.event_log) as rows, seq from gateway.log_head"
    )
    return row.rows, row.seq


async def test_wiped_views_are_restored_and_nobody_is_told_anew(database: Database, fresh_vhost: str):
    facts = documents()
    await hear(database, *facts)
    before, told = await shown(database), await log(database)
    assert all(before.values())
    async with database.begin() as connection:
        for view in (*VIEWS, "event_log"):  # also what the log has forgotten is no news when it is repeated
            await connection.execute(text(f"delete from gateway.{view}"))

    async with repairing(fresh_vhost, database):
        await announce(database, facts)
        async with asyncio.timeout(20):
            while await shown(database) != before:
                await asyncio.sleep(0.05)
        await announce(database, facts)
        await asyncio.sleep(0.5)

    assert await shown(database) == before
    assert await log(database) == (0, told[1])


async def test_what_is_newer_than_announced_stays(database: Database):
    job = documents()[0]
    newer = job.model_copy(update={"version": 4, "status": "completed"})
    await hear(database, newer)
    before = await shown(database)
    await repair_views([delivery(job)], transaction(database))
    assert await shown(database) == before


async def versions(database: Database, subject: UUID) -> list[int]:
    query = f"select version from gateway.event_log where subject = '{subject}' order by seq"
    return [row.version for row in await rows(database, query)]


async def test_a_fact_that_its_announcement_has_overtaken_is_still_told_once(database: Database):
    job = next(document for document in documents() if isinstance(document, JobChanged))
    completed = job.model_copy(update={"version": 5, "status": "completed"})
    await hear(database, job)
    await repair_views([delivery(completed)], transaction(database))
    assert await versions(database, job.id) == [3]

    await hear(database, job.model_copy(update={"version": 4}))
    assert await versions(database, job.id) == [3]  # older than what is shown
    await hear(database, completed)
    await hear(database, completed)
    await repair_views([delivery(completed)], transaction(database))
    await hear(database, completed)

    assert await versions(database, job.id) == [3, 5]


async def test_news_of_a_rebuilt_view_are_told(database: Database):
    facts = documents()
    await hear(database, *facts)
    async with database.begin() as connection:
        for view in VIEWS:
            await connection.execute(text(f"delete from gateway.{view}"))
    await repair_views([delivery(fact) for fact in facts], transaction(database))
    told = await log(database)
    await hear(database, *facts)  # once more, as after a lost acknowledgement
    assert (await log(database))[0] == told[0]

    await hear(database, *(fact.model_copy(update={"version": fact.version + 1}) for fact in facts))
    assert (await log(database))[0] == told[0] + len(facts)


async def test_what_was_forgotten_of_a_closed_team_stays_forgotten(database: Database):
    facts = documents()
    job = next(fact for fact in facts if isinstance(fact, JobChanged))
    async with database.begin() as connection:
        closed = "insert into gateway.teams (id, name, created_at, closed_at) values (:id, '', now(), now())"
        await connection.execute(text(closed), {"id": job.team_id})
    await repair_views([delivery(fact) for fact in facts], transaction(database))
    under_way = await shown(database)
    ended = [job.model_copy(update={"version": 4, "status": "cancelled"}), *facts[1:]]
    async with database.begin() as connection:
        await connection.execute(text("delete from gateway.view_jobs"))
    await repair_views([delivery(fact) for fact in ended], transaction(database))

    assert [view for view, lines in under_way.items() if not lines] == ["view_models", "view_plans"]
    assert [view for view, lines in (await shown(database)).items() if not lines] == [
        "view_jobs",
        "view_models",
        "view_plans",
    ]
