"""A small service on the real bus: what is said arrives, once in effect, whatever breaks in between."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any
from uuid import uuid4

import aio_pika
import pytest
from prometheus_client import REGISTRY

from chassis import ladder, topology
from chassis.broker import listen
from chassis.consumer import Consumer, Poison, Reception
from chassis.database import NOBODYS, Database
from chassis.health import Health
from chassis.publisher import Publisher
from chassis.relay import Relay
from chassis.statement import text
from chassis.testing import Bus, listening
from contracts.credits import CaptureCredits, CreditsSettled, ReleaseCredits
from contracts.envelope import Delivery

QUEUE = "credits.commands"


def release(reason: str = "test") -> ReleaseCredits:
    return ReleaseCredits(job_id=uuid4(), team_id=uuid4(), reason=reason)


def settled(command: ReleaseCredits) -> CreditsSettled:
    return CreditsSettled(
        job_id=command.job_id, team_id=command.team_id, outcome="released", held=1, captured=0, released=1
    )


class Releasing:
    """Handles releases: a row and a fact each, or the trouble that the reason asks for."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.batches: list[int] = []
        self.tries: Counter[str] = Counter()

    async def __call__(self, deliveries: Sequence[Delivery[ReleaseCredits]]) -> None:
        self.batches.append(len(deliveries))
        async with self.database.transaction() as session:
            for delivery in deliveries:
                self._trouble(delivery.message)
            for delivery in await session.inbox.fresh(deliveries, "test"):
                note = {"subject": str(delivery.message.job_id)}
                await session.connection.execute(text("insert into credits.notes values (:subject)"), note)
                session.outbox.add(settled(delivery.message), delivery)

    def _trouble(self, command: ReleaseCredits) -> None:
        self.tries[command.reason] += 1
        if command.reason == "poison":
            raise Poison("never")
        if command.reason == "cancelled" and self.tries["cancelled"] < 3:
            raise asyncio.CancelledError
        if command.reason == "bug" or (command.reason == "once" and self.tries["once"] < 3):
            raise RuntimeError(command.reason)


Run = Callable[[str, Database, Health], AbstractAsyncContextManager[Releasing]]


@asynccontextmanager
async def served(url: str, database: Database, health: Health, *, hot: bool) -> AsyncIterator[Releasing]:
    """Let a service of one queue and a relay run; its health is red until both work."""
    releasing = Releasing(database)
    publisher = Publisher(url)
    consumer = Consumer(QUEUE, {ReleaseCredits: releasing}, prefetch=50, batch=20, hot=hot)
    [listening] = listen(url, [Reception(consumer, publisher, health)], publisher, health)
    health.starting(listening.part)
    tasks = [
        asyncio.create_task(listening.run()),
        asyncio.create_task(Relay(database, publisher, health).run()),
    ]
    try:
        async with asyncio.timeout(10):
            while not health.ready:
                await asyncio.sleep(0.02)
        yield releasing
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await publisher.close()


@pytest.fixture(params=["direct", "faststream"])
def running(request: pytest.FixtureRequest) -> Run:
    """Listen in each of the two ways, which promise the same."""
    return partial(served, hot=request.param == "direct")


@pytest.fixture
async def bus(fresh_vhost: str) -> AsyncIterator[Bus]:
    async with listening(fresh_vhost, CreditsSettled) as bus:
        yield bus


@pytest.fixture
async def soon(bus: Bus) -> str:
    """A rung of the ladder on which nobody waits long."""
    await topology.declare_rung(bus.channel, "retry.soon", 300)
    return "retry.soon"


async def parked(url: str) -> list[aio_pika.abc.AbstractIncomingMessage]:
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        queue = await channel.get_queue(f"{QUEUE}.parked", ensure=False)
        found = []
        while message := await queue.get(fail=False, no_ack=True):
            found.append(message)
        return found


async def parked_soon(url: str) -> aio_pika.abc.AbstractIncomingMessage:
    async with asyncio.timeout(10):
        while not (found := await parked(url)):
            await asyncio.sleep(0.1)
    return found[0]


async def test_a_command_is_handled_and_its_fact_said(
    fresh_vhost: str, database: Database, bus: Bus, running: Run
):
    async with running(fresh_vhost, database, Health()):
        command = release()
        await bus.say(command)
        assert (await bus.hear(CreditsSettled)).job_id == command.job_id


async def test_what_waits_is_handled_in_batches(fresh_vhost: str, database: Database, bus: Bus, running: Run):
    async with running(fresh_vhost, database, Health()) as releasing:
        commands = [release() for _ in range(60)]
        await asyncio.gather(*(bus.say(command) for command in commands))
        heard = [await bus.hear(CreditsSettled) for _ in commands]
    assert {fact.job_id for fact in heard} == {command.job_id for command in commands}
    assert max(releasing.batches) > 1
    assert max(releasing.batches) <= 20


async def test_the_second_delivery_is_boring(fresh_vhost: str, database: Database, bus: Bus, running: Run):
    async with running(fresh_vhost, database, Health()):
        command, message_id = release(), uuid4()
        for _ in range(3):
            await bus.say(command, message_id)
        assert len(await bus.silence(1)) == 1


async def test_one_bad_message_fails_alone(fresh_vhost: str, database: Database, bus: Bus, running: Run):
    async with running(fresh_vhost, database, Health()):
        commands = [release() for _ in range(10)]
        await asyncio.gather(*(bus.say(command) for command in [*commands, release("poison")]))
        heard = {(await bus.hear(CreditsSettled)).job_id for _ in commands}
        assert heard == {command.job_id for command in commands}
        assert (await parked_soon(fresh_vhost)).headers["x-reason"] == "never"


async def test_a_failing_message_climbs_the_ladder_and_succeeds(
    fresh_vhost: str, database: Database, bus: Bus, running: Run, soon: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ladder, "RUNGS", ("retry.5s", soon))
    async with running(fresh_vhost, database, Health()) as releasing:
        command = release("once")
        await bus.say(command)
        assert (await bus.hear(CreditsSettled, within=20)).job_id == command.job_id
        assert releasing.tries["once"] == 3


async def test_a_handler_that_was_cancelled_from_within_does_not_end_its_queue(
    fresh_vhost: str, database: Database, bus: Bus, running: Run, soon: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ladder, "RUNGS", (soon,) * 3)
    async with running(fresh_vhost, database, Health()):
        await bus.say(cancelled := release("cancelled"))
        await bus.say(next_ := release())
        heard = [await bus.hear(CreditsSettled, within=15) for _ in range(2)]
    assert {fact.job_id for fact in heard} == {cancelled.job_id, next_.job_id}


async def test_past_the_last_rung_a_message_is_parked_with_its_reason(
    fresh_vhost: str, database: Database, bus: Bus, running: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ladder, "RUNGS", ())
    async with running(fresh_vhost, database, Health()):
        command, message_id = release("bug"), uuid4()
        await bus.say(command, message_id)
        kept = await parked_soon(fresh_vhost)
    assert kept.headers["x-reason"] == "RuntimeError: bug"
    assert kept.message_id == str(message_id)
    assert ReleaseCredits.model_validate_json(kept.body) == command


@pytest.mark.parametrize("body", [b"not json", b"{}"])
async def test_an_unreadable_command_is_parked_at_once(
    fresh_vhost: str, database: Database, bus: Bus, running: Run, body: bytes
):
    async with running(fresh_vhost, database, Health()):
        exchange = await bus.channel.get_exchange("commands", ensure=False)
        message = aio_pika.Message(
            body, type=ReleaseCredits.type, message_id=str(uuid4()), correlation_id=str(uuid4())
        )
        await exchange.publish(message, ReleaseCredits.type)
        assert (await parked_soon(fresh_vhost)).body == body


async def test_a_command_nobody_handles_is_parked_not_lost(
    fresh_vhost: str, database: Database, bus: Bus, running: Run
):
    async with running(fresh_vhost, database, Health()):
        await bus.say(CaptureCredits(job_id=uuid4(), team_id=uuid4(), quantity=1))
        assert "unknown command" in str((await parked_soon(fresh_vhost)).headers["x-reason"])


async def test_an_unroutable_command_stays_in_the_outbox_and_holds_nothing_back(
    fresh_vhost: str, database: Database, bus: Bus, running: Run
):
    async with running(fresh_vhost, database, Health()):
        async with database.transaction() as session:
            session.outbox.add(release())
            await session.outbox.write(session.connection, database._insert, NOBODYS)
            await session.connection.execute(text("update credits.outbox set routing_key = 'nobody'"))
            session.outbox._messages.clear()
            fact = settled(release())
            session.outbox.add(fact)
        assert (await bus.hear(CreditsSettled)).job_id == fact.job_id
        async with asyncio.timeout(5):
            while not (stuck := await _outbox(database)) or stuck[0].attempts == 0:
                await asyncio.sleep(0.05)
        assert [row.routing_key for row in stuck] == ["nobody"]
        assert "DeliveryError" in stuck[0].last_error or "NO_ROUTE" in stuck[0].last_error
        await asyncio.sleep(0.6)  # looked at again meanwhile, and not yet due
        assert (REGISTRY.get_sample_value("atelier_outbox_oldest_seconds") or 0) > 0.5


async def test_a_message_that_costs_the_channel_holds_nothing_back(
    fresh_vhost: str, database: Database, bus: Bus, running: Run
):
    async with running(fresh_vhost, database, Health()):
        async with database.transaction() as session:
            session.outbox.add(fact := settled(release()))
            session.outbox.add(release())
            await session.outbox.write(session.connection, database._insert, NOBODYS)
            session.outbox._messages.clear()
            elsewhere = "update credits.outbox set exchange = 'not-declared' where exchange = 'commands'"
            await session.connection.execute(text(elsewhere))
        assert (await bus.hear(CreditsSettled)).job_id == fact.job_id
        async with asyncio.timeout(5):
            while len(stuck := await _outbox(database)) != 1 or not stuck[0].attempts:
                await asyncio.sleep(0.05)
        assert (stuck[0].exchange, stuck[0].last_error.split(":")[0]) == (
            "not-declared",
            "ChannelNotFoundEntity",
        )


async def test_a_trace_nobody_can_read_does_not_end_its_queue(
    fresh_vhost: str, database: Database, bus: Bus, running: Run
):
    async with running(fresh_vhost, database, Health()):
        exchange = await bus.channel.get_exchange("commands", ensure=False)
        odd: list[Any] = [bytearray(b"\xff\xfe"), 5, None, {"a": [1, "Zoë"]}]
        for trace in odd:
            message = aio_pika.Message(
                (command := release()).model_dump_json().encode(),
                type=command.type,
                message_id=str(uuid4()),
                correlation_id=str(uuid4()),
                headers={"traceparent": trace},
            )
            await exchange.publish(message, command.type)
            assert (await bus.hear(CreditsSettled)).job_id == command.job_id


async def _outbox(database: Database) -> Any:
    async with database.reading() as connection:
        return (await connection.execute(text("select * from credits.outbox"))).all()


async def test_nothing_is_lost_when_the_broker_is_killed(
    nodes: Any, fresh_vhost: str, database: Database, bus: Bus, running: Run
):
    health = Health()
    async with running(fresh_vhost, database, health):
        await asyncio.sleep(2)  # a quorum queue is safe about a second after its declaration, not before
        async with database.transaction() as session:
            for command in (before := [release() for _ in range(5)]):
                session.outbox.add(command)
        await asyncio.to_thread(nodes.rabbitmq.kill)
        async with database.transaction() as session:
            for command in (during := [release() for _ in range(5)]):
                session.outbox.add(command)
        async with asyncio.timeout(15):
            while health.ready:
                await asyncio.sleep(0.05)
        await asyncio.to_thread(nodes.rabbitmq.start)
        wanted = {str(command.job_id) for command in before + during}
        async with asyncio.timeout(60):
            while not wanted <= set(await _notes(database)):
                await asyncio.sleep(0.2)
            while not health.ready:
                await asyncio.sleep(0.1)
    assert sorted(await _notes(database)) == sorted(wanted)


async def _notes(database: Database) -> list[str]:
    async with database.reading() as connection:
        return list((await connection.execute(text("select subject from credits.notes"))).scalars())


async def test_nothing_is_lost_when_the_database_is_killed(
    nodes: Any, fresh_vhost: str, database: Database, bus: Bus, running: Run
):
    health = Health()
    async with running(fresh_vhost, database, health):
        await asyncio.to_thread(nodes.postgres.kill)
        commands = [release() for _ in range(5)]
        for command in commands:
            await bus.say(command)
        async with asyncio.timeout(15):
            while health.ready:
                await asyncio.sleep(0.05)
        await asyncio.to_thread(nodes.postgres.start)
        heard = {(await bus.hear(CreditsSettled, within=30)).job_id for _ in commands}
        assert heard == {command.job_id for command in commands}
        assert await bus.silence() == []
        async with asyncio.timeout(15):
            while not health.ready:
                await asyncio.sleep(0.05)
