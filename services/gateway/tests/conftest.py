import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from e2e.receiver import Receiver
from services.gateway.tests.outgoing import LOCAL, Post
from services.gateway.tests.signer import Signer
from services.gateway.tests.stage import Stage, make_stage
from sqlalchemy import text

from chassis.database import Database
from chassis.migrate import upgrade
from chassis.testing import FreshDatabase, in_thread
from gateway.adapters.outbound.postgres.all_tables import SCHEMA
from gateway.adapters.outbound.receivers import HttpReceivers


@pytest.fixture(scope="module")
def gateway_url(fresh_database: FreshDatabase) -> str:
    url = fresh_database.url("gateway")
    in_thread(lambda: upgrade(url, "gateway"))
    return url


@pytest.fixture
async def database(gateway_url: str) -> AsyncIterator[Database]:
    database = Database(gateway_url, "gateway", pool_size=6)
    yield database
    async with database.engine.begin() as connection:
        for table in reversed(SCHEMA.sorted_tables):
            if table.name not in ("log_head", "audit_head", "webhook_head"):
                await connection.execute(text(f"delete from {table}"))
        await connection.execute(text("update gateway.log_head set seq = 0, pruned_to = 0"))
        await connection.execute(text("update gateway.webhook_head set seq = 0"))
        await connection.execute(text("update gateway.audit_head set looked_at = '1970-01-01T00:00:00Z'"))
    await database.close()


@pytest.fixture
def signer() -> Iterator[Signer]:
    signer = Signer()
    signer.start()
    yield signer
    signer.stop()


@pytest.fixture
async def stage(database: Database, gateway_url: str, signer: Signer) -> AsyncIterator[Stage]:
    stage = make_stage(database, gateway_url, signer)
    async with stage.news.running():
        playing = asyncio.create_task(stage.play())
        yield stage
        playing.cancel()
        await asyncio.wait([playing])
        if not playing.cancelled() and (error := playing.exception()):
            raise error


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


@pytest.fixture
async def post(stage: Stage) -> AsyncIterator[Post]:
    receivers = HttpReceivers(LOCAL, patience=1)
    yield Post(stage, receivers)
    await receivers.close()
