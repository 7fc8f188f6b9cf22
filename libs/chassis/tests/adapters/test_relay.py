"""What a relay tells of itself: whether the broker takes anything, and nothing about a single message."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from aio_pika.exceptions import DeliveryError
from aiormq import spec

from chassis import relay as under_test
from chassis.database import Database
from chassis.frames import Outgoing
from chassis.health import Health
from chassis.outbox import Written
from chassis.publisher import Publisher
from chassis.relay import Relay
from chassis.statement import text
from contracts.credits import ReleaseCredits

LOST = TimeoutError("no confirm within 10 s")
REFUSED = DeliveryError(None, spec.Basic.Nack(1))


class Broker(Publisher):
    """Answers as it is told to."""

    def __init__(self) -> None:
        super().__init__("amqp://nobody")
        self.answers: dict[str, BaseException] = {}
        self.always: BaseException | None = None
        self.taken: list[str] = []

    async def publish_all(self, messages: Sequence[Outgoing]) -> list[BaseException | None]:
        failures = [self.always or self.answers.get(message.headers["ce-subject"]) for message in messages]
        self.taken += [
            m.headers["ce-subject"] for m, failed in zip(messages, failures, strict=True) if not failed
        ]
        return failures


@dataclass
class NotedHealth(Health):
    """Remembers each turn."""

    turns: list[str] = field(default_factory=list)

    def up(self, part: str) -> None:
        if self.parts.get(part, "starting"):
            self.turns.append("up")
        super().up(part)

    def down(self, part: str, reason: object) -> None:
        if not self.parts.get(part):
            self.turns.append(str(reason))
        super().down(part, reason)


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
async def elsewhere(tables: str) -> AsyncIterator[Database]:
    """The same schema, as another process has it."""
    database = Database(tables, "credits", pool_size=2)
    yield database
    await database.close()


@asynccontextmanager
async def relaying(database: Database, broker: Broker) -> AsyncIterator[NotedHealth]:
    health = NotedHealth()
    health.starting("relay")
    task = asyncio.create_task(Relay(database, broker, health).run())
    try:
        yield health
    finally:
        task.cancel()
        await asyncio.wait([task])


def release() -> ReleaseCredits:
    return ReleaseCredits(job_id=uuid4(), team_id=uuid4(), reason="test")


async def said(database: Database, *messages: ReleaseCredits) -> None:
    async with database.transaction() as session:
        for message in messages:
            session.outbox.add(message)


async def until(met, within: float = 20) -> None:
    async with asyncio.timeout(within):
        while not met():
            await asyncio.sleep(0.01)


async def left(database: Database) -> int:
    [row] = await database.read("select count(*) as left from credits.outbox")
    return int(row["left"])


async def is_empty(database: Database) -> None:
    async with asyncio.timeout(20):
        while await left(database):
            await asyncio.sleep(0.01)


async def test_what_was_just_written_is_sent_without_being_looked_for(
    database: Database, broker: Broker, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(under_test, "SWEEP_EVERY", 3600)
    async with relaying(database, broker) as health:
        await until(lambda: health.ready)
        messages = [release() for _ in range(500)]
        await said(database, *messages)
        await until(lambda: len(broker.taken) == len(messages))
        assert broker.taken == [message.subject for message in messages]
        await is_empty(database)


async def test_what_does_not_fit_into_memory_is_sent_from_the_outbox(
    database: Database, broker: Broker, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(under_test, "AT_HAND", 3)
    async with relaying(database, broker) as health:
        await until(lambda: health.ready)
        messages = [release() for _ in range(5)]
        await said(database, *messages)
        await until(lambda: sorted(broker.taken) == sorted(message.subject for message in messages))


async def test_what_a_process_that_died_has_not_sent_is_swept_up_by_another(
    database: Database, elsewhere: Database, broker: Broker
):
    dead: list[Written] = []
    elsewhere.hand_over = dead.extend
    await said(elsewhere, message := release())
    assert [written.headers["ce-subject"] for _, written in dead] == [message.subject]
    async with relaying(database, broker) as health:
        await until(lambda: health.ready)
        assert broker.taken == []  # it might still live
        await until(lambda: broker.taken == [message.subject])
        await is_empty(database)


async def test_what_was_said_while_the_relay_stops_is_sent_at_its_end(database: Database, broker: Broker):
    relay, message = Relay(database, broker, NotedHealth()), release()
    await said(database, message)
    await relay.flush()
    assert broker.taken == [message.subject]
    assert await left(database) == 0


async def tries(database: Database) -> list[int]:
    async with database.reading() as connection:
        return list((await connection.execute(text("select attempts from credits.outbox"))).scalars())


async def test_a_relay_is_ready_before_it_rests(
    database: Database, broker: Broker, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(under_test, "SWEEP_EVERY", 3600)
    async with relaying(database, broker) as health:
        await until(lambda: health.ready)


async def test_a_message_that_is_refused_leaves_the_relay_ready(database: Database, broker: Broker):
    async with relaying(database, broker) as health:
        await until(lambda: health.ready)
        stuck, other = release(), release()
        broker.answers[stuck.subject] = REFUSED
        await said(database, stuck)
        await said(database, other)
        await until(lambda: broker.taken == [other.subject])
        async with asyncio.timeout(20):
            while await tries(database) not in ([2], [3]):
                await asyncio.sleep(0.05)
        assert health.turns == ["up"]


async def test_a_broker_that_confirms_nothing_turns_readiness_red_until_it_does(
    database: Database, broker: Broker
):
    async with relaying(database, broker) as health:
        await until(lambda: health.ready)
        broker.always = LOST
        first, second = release(), release()
        await said(database, first, second)
        await until(lambda: not health.ready)
        async with asyncio.timeout(20):
            while min(await tries(database)) < 2:
                await asyncio.sleep(0.05)
        assert not health.ready
        broker.always = None
        await until(lambda: health.ready and len(broker.taken) == 2, within=40)
        assert health.turns == ["up", "TimeoutError: no confirm within 10 s", "up"]
