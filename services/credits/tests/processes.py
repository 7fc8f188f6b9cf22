"""The service as processes of its own, as operators and supervisors run it."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from services.credits.tests.stories import ask

from chassis.clock import utc_now
from contracts.credits import HoldCredits


def variables(database_url: str, rabbitmq_url: str) -> dict[str, str]:
    """Say what the environment of a process must name."""
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": database_url,
        "RABBITMQ_URL": rabbitmq_url,
        "HTTP_PORT": str(free_port()),
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def run(environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "credits", *arguments,
        env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


@asynccontextmanager
async def serving(environment: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    status, output = await run(environment, "migrate")
    assert status == 0, output
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "credits", "serve", env=environment)
    try:
        await ready(environment)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def ready(environment: dict[str, str], within: float = 40) -> None:
    url = f"http://127.0.0.1:{environment['HTTP_PORT']}/health/ready"
    async with asyncio.timeout(within), httpx.AsyncClient() as client:
        while True:
            try:
                if (await client.get(url)).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.2)


def now_asked(team_id: UUID, *orders: Any, **terms: Any) -> HoldCredits:
    return ask(team_id, *orders, not_after=utc_now() + timedelta(minutes=15), **terms)


async def given_credits(environment: dict[str, str], credits: int) -> UUID:
    team = uuid4()
    status, output = await run(
        environment, "adjust", "--team", str(team), "--amount", str(credits), "--reason", "a test"
    )
    assert (status, output) == (0, f"team {team}: {credits} credits can be spent (version 1)\n")
    return team
