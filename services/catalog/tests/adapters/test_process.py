"""Catalog as an operator runs it: migrate, migrate again, serve."""

import asyncio
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from catalog.adapters.outbound.files import collection
from chassis.testing import listening
from contracts.catalog import PreviewPublished, ReferenceModelChanged


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture
def environment(fresh_database, fresh_vhost):
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": fresh_database.url("catalog"),
        "RABBITMQ_URL": fresh_vhost,
        "HTTP_PORT": str(free_port()),
    }


async def migrate(environment):
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "catalog", "migrate", env=environment, stdout=pipe, stderr=pipe
    )
    said, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    return said.decode()


@asynccontextmanager
async def serving(environment):
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "catalog", "serve", env=environment)
    try:
        yield f"http://127.0.0.1:{environment['HTTP_PORT']}"
    finally:
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def ready(address):
    async with httpx.AsyncClient() as client, asyncio.timeout(30):
        while True:
            with suppress(httpx.TransportError):  # it does not listen yet
                if (await client.get(f"{address}/health/ready")).status_code == 200:
                    return
            await asyncio.sleep(0.1)


async def test_the_whole_collection_is_migrated_once_and_said(environment, fresh_vhost):
    first, again = await migrate(environment), await migrate(environment)
    assert f"{len(collection())} curated models are new or changed" in first
    assert '"0 curated models' in again

    ears = listening(fresh_vhost, ReferenceModelChanged, PreviewPublished)
    async with ears as ear, serving(environment) as address:
        await ready(address)
        heard = [await ear.hear(ReferenceModelChanged) for _ in collection()]

    assert {document.slug for document in heard} == {model.slug for model in collection()}
