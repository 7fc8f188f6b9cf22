"""A whole process: starts before its broker does, works, and stops in order."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from chassis.testing import FreshDatabase, listening
from contracts.credits import CreditsSettled, ReleaseCredits

PROGRAM = """
import asyncio, os, sys
from uuid import UUID, uuid4
from chassis.consumer import Consumer
from chassis.database import Database
from chassis.service import Service, run
from chassis.settings import ServiceSettings, load
from contracts.credits import CreditsSettled, ReleaseCredits

settings = load(ServiceSettings)
database = Database(settings.database_url, "credits")

async def release(deliveries):
    async with database.transaction() as session:
        for delivery in deliveries:
            command = delivery.message
            session.outbox.add(CreditsSettled(job_id=command.job_id, team_id=command.team_id,
                outcome="released", held=1, captured=0, released=1), delivery)

async def say_goodbye():
    async with database.transaction() as session:
        session.outbox.add(CreditsSettled(job_id=UUID(int=0), team_id=uuid4(), outcome="released", held=1,
            captured=0, released=1))

consumers = [Consumer("credits.commands", {ReleaseCredits: release})]
drain = float(os.environ.get("DRAIN", "0"))
asyncio.run(run(Service("test", settings, database, consumers, drain=drain, finishing=[say_goodbye])))
"""


GOODBYE = UUID(int=0)


@asynccontextmanager
async def started(
    tables: str, url: str, port: int, drain: float = 0
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Let the program run; whatever becomes of the test, it ends."""
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": tables,
        "RABBITMQ_URL": url,
        "HTTP_PORT": str(port),
        "DRAIN": str(drain),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, env=environment, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def readiness(port: int, wanted: int) -> None:
    async with httpx.AsyncClient() as http, asyncio.timeout(60):
        while True:
            try:
                if (await http.get(f"http://127.0.0.1:{port}/health/ready")).status_code == wanted:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


async def test_a_process_waits_for_its_broker_works_and_stops_when_told(
    nodes: Any, fresh_database: FreshDatabase, tables: str, fresh_vhost: str, unused_tcp_port: int
):
    await asyncio.sleep(2)  # a quorum queue is safe about a second after its declaration, not before
    await asyncio.to_thread(nodes.rabbitmq.kill)
    async with started(tables, fresh_vhost, unused_tcp_port) as process:
        await readiness(unused_tcp_port, 503)
        await asyncio.to_thread(nodes.rabbitmq.start)
        await readiness(unused_tcp_port, 200)
        command = ReleaseCredits(job_id=uuid4(), team_id=uuid4(), reason="test")
        async with listening(fresh_vhost, CreditsSettled) as bus:
            await bus.say(command)
            assert (await bus.hear(CreditsSettled)).job_id == command.job_id
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(20):
                output, _ = await process.communicate()
            assert process.returncode == 0, output.decode()
            assert (await bus.hear(CreditsSettled)).job_id == GOODBYE
    assert fresh_database.query("select count(*) from credits.outbox") == "0"


async def test_a_process_is_not_ready_while_its_broker_says_nothing(tables: str, unused_tcp_port: int):
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    silent = f"amqp://a:b@127.0.0.1:{server.sockets[0].getsockname()[1]}/v"
    seen: list[int] = []
    async with started(tables, silent, unused_tcp_port):
        await readiness(unused_tcp_port, 503)
        async with httpx.AsyncClient() as http:
            while len(seen) < 20:
                answer = await http.get(f"http://127.0.0.1:{unused_tcp_port}/health/ready")
                seen.append(answer.status_code)
                await asyncio.sleep(0.1)
    server.close()
    assert set(seen) == {503}


async def test_a_process_that_leaves_says_so_and_ends_each_connection_with_its_answer(
    tables: str, fresh_vhost: str, unused_tcp_port: int
):
    async with started(tables, fresh_vhost, unused_tcp_port, drain=60) as process:
        await readiness(unused_tcp_port, 200)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{unused_tcp_port}") as http:
            before = await http.get("/health/live")
            process.send_signal(signal.SIGTERM)
            await readiness(unused_tcp_port, 503)
            after = await http.get("/health/live")
        assert (before.status_code, "Connection" in before.headers) == (200, False)
        assert (after.status_code, after.headers["Connection"]) == (200, "close")
        process.send_signal(signal.SIGTERM)  # a second one ends the waiting
        async with asyncio.timeout(30):
            await process.wait()
        assert process.returncode == 0


@pytest.fixture
def unused_tcp_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
