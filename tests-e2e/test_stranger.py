"""A service that Atelier has never heard of listens and asks, with a queue and rights of its own."""

import ast
import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import pytest
from e2e.client import LOOK_EVERY, Client, Json
from e2e.house import House

from contracts.topology import FACTS

ROOT = Path(__file__).parent.parent
PROGRAM = ROOT / "docs" / "examples" / "spendings.py"
BUS = (ROOT / "docs" / "bus.md").read_text()
COMPLETED = "jobs.job-changed.v1.generate_images.completed"
UPGRADED = ("gateway", "projector", "credits", "jobs", "catalog", "billing")
pytestmark = pytest.mark.timeout(300)


class Stranger:
    """The example as a process, under a user that may do what docs/bus.md lets it do."""

    def __init__(self, house: House, file: Path) -> None:
        self.rabbitmq, self.vhost, self.file = house.stack.nodes.rabbitmq, house.stack.plan.vhost, file
        self.admin = self.rabbitmq.url(self.vhost)
        self._process: asyncio.subprocess.Process | None = None

    def enroll(self) -> None:
        self.rabbitmq.ctl("add_user", "spendings", "secret")
        (command,) = [line for line in BUS.splitlines() if line.startswith("rabbitmqctl set_permissions")]
        configure, write, read = command.split("'")[1::2]
        self.rabbitmq.ctl("set_permissions", "-p", self.vhost, "spendings", configure, write, read)

    async def start(self) -> None:
        place = urlsplit(self.admin)
        url = place._replace(netloc=f"spendings:secret@{place.hostname}:{place.port}").geturl()
        words = [sys.executable, str(PROGRAM), url, str(self.file)]
        self._process = await asyncio.create_subprocess_exec(*words, env=os.environ)

    async def kill(self) -> None:
        assert self._process is not None
        assert self._process.returncode is None, "it has ended by itself"
        self._process.kill()
        await self._process.wait()

    def costs(self) -> dict[str, tuple]:
        if not self.file.exists():
            return {}
        with sqlite3.connect(f"file:{self.file}?mode=ro", uri=True) as store:
            return {row[0]: row[1:] for row in store.execute("select * from costs")}

    async def knows(self, job: Json) -> tuple:
        """Wait until it knows what a job cost, and what one more image would."""
        async with asyncio.timeout(30):
            while None in (known := self.costs().get(job["id"], (None,))):
                await asyncio.sleep(LOOK_EVERY)
        return known

    async def waiting(self, queue: str) -> int:
        async with await aio_pika.connect(self.admin) as connection:
            channel = await connection.channel()
            declared = await channel.declare_queue(queue, passive=True)
            return declared.declaration_result.message_count or 0

    async def is_told(self, exchange: str, key: str, type_: str) -> None:
        """Publish what it cannot read."""
        async with await aio_pika.connect(self.admin) as connection:
            channel = await connection.channel()
            target = (
                await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
            )
            await target.publish(aio_pika.Message(b"no document", type=type_, message_id="m"), key)

    async def leave(self) -> None:
        async with await aio_pika.connect(self.admin) as connection:
            channel = await connection.channel()
            await channel.queue_delete("spendings")
            await channel.queue_delete("spendings.parked")
            await channel.exchange_delete("spendings.parked")
        self.rabbitmq.ctl("delete_user", "spendings")


@pytest.fixture(scope="module")
async def stranger(house: House, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stranger]:
    stranger = Stranger(house, tmp_path_factory.mktemp("stranger") / "costs.sqlite")
    stranger.enroll()
    await stranger.start()
    async with asyncio.timeout(20):
        while "spendings" not in house.stack.nodes.rabbitmq.ctl("list_queues", "-p", stranger.vhost, "name"):
            await asyncio.sleep(LOOK_EVERY)
    yield stranger
    await stranger.kill()
    await stranger.leave()


@pytest.fixture(scope="module")
async def team(house: House) -> Client:
    return await house.team(credits_added=500)


def test_it_depends_on_the_contracts_and_an_amqp_client_alone():
    tree = ast.parse(PROGRAM.read_text())
    named = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    named += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    others = {name.split(".")[0] for name in named} - sys.stdlib_module_names
    assert others == {"contracts", "aio_pika"}


async def test_it_hears_what_a_job_cost_and_asks_what_one_more_image_would(stranger: Stranger, team: Client):
    ended = await team.end(await team.generate("heard by a stranger", 3, quality="high"))
    assert ended["receipt"]["captured"] == 12
    assert await stranger.knows(ended) == (team.team_id, 12, 2)


async def test_what_is_said_while_it_is_down_waits_for_it(stranger: Stranger, team: Client):
    await stranger.kill()
    ended = await team.end(await team.generate("said meanwhile", 2))
    assert ended["id"] not in stranger.costs()
    await stranger.start()
    assert await stranger.knows(ended) == (team.team_id, 4, 2)


@pytest.mark.long
async def test_it_goes_on_while_each_service_is_upgraded(house: House, stranger: Stranger, team: Client):
    for name in UPGRADED:
        await asyncio.to_thread(house.stack.stop_service, name)
        await asyncio.to_thread(house.stack.start_service, name)
        ended = await team.end(await team.generate(f"after the upgrade of {name}", 1))
        assert await stranger.knows(ended) == (team.team_id, 2, 2)
    await house.is_settled()


async def test_what_a_newer_release_says_does_it_no_harm(house: House, stranger: Stranger, team: Client):
    await stranger.is_told(FACTS, COMPLETED, "jobs.job-changed.v2")
    ended = await team.end(await team.generate("after the newer", 1))
    assert await stranger.knows(ended) == (team.team_id, 2, 2)
    assert await stranger.waiting("spendings.parked") == 0
    await house.is_settled()


async def test_what_it_cannot_read_is_parked_and_holds_nothing_up(stranger: Stranger, team: Client):
    await stranger.is_told("", "spendings", "jobs.job-changed.v1")
    async with asyncio.timeout(20):
        while await stranger.waiting("spendings.parked") != 1:
            await asyncio.sleep(LOOK_EVERY)
    ended = await team.end(await team.generate("after the unreadable", 1))
    assert await stranger.knows(ended) == (team.team_id, 2, 2)
