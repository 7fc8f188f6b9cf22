import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from e2e.receiver import Receiver, receiving
from fastapi import FastAPI
from services.gateway.tests.outgoing import LOCAL, Post
from services.gateway.tests.signer import Signer
from services.gateway.tests.stage import Stage, make_stage

from chassis.database import Database
from chassis.testing import FreshDatabase, empty
from gateway.adapters.outbound.postgres.all_tables import SCHEMA
from gateway.adapters.outbound.receivers import HttpReceivers

HEADS = {
    "log_head": "seq = 0, pruned_to = 0",
    "webhook_head": "seq = 0",
    "audit_head": "looked_at = '1970-01-01T00:00:00Z'",
}


@pytest.fixture(scope="session")
def schemas() -> tuple[str, ...]:
    return ("gateway",)


@pytest.fixture(scope="module")
def gateway_url(fresh_database: FreshDatabase) -> str:
    return fresh_database.url("gateway")


@pytest.fixture(scope="module")
async def connected(gateway_url: str) -> AsyncIterator[Database]:
    database = Database(gateway_url, "gateway", pool_size=6)
    yield database
    await database.close()


@pytest.fixture
async def database(connected: Database) -> AsyncIterator[Database]:
    yield connected
    await empty(connected, SCHEMA, HEADS)


@pytest.fixture
def signer() -> Iterator[Signer]:
    signer = Signer()
    signer.start()
    yield signer
    signer.stop()


@pytest.fixture(scope="session")
def door() -> FastAPI:
    """To build the routes takes longer than most tests: everybody comes in by one door."""
    nowhere = "postgresql://nowhere"
    return make_stage(Database(nowhere, "gateway"), nowhere, Signer()).app


@pytest.fixture
async def stage(database: Database, gateway_url: str, signer: Signer, door: FastAPI) -> AsyncIterator[Stage]:
    stage = make_stage(database, gateway_url, signer, door)
    async with stage.news.running():
        playing = asyncio.create_task(stage.play())
        yield stage
        playing.cancel()
        await asyncio.wait([playing])
        if not playing.cancelled() and (error := playing.exception()):
            raise error


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def post(stage: Stage) -> AsyncIterator[Post]:
    receivers = HttpReceivers(LOCAL, patience=1)
    yield Post(stage, receivers)
    await receivers.close()
