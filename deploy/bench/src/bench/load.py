"""The bench in the gateway's place: asks for holds on the bus and hears the facts on the gateway's queue."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle
from uuid import UUID, uuid4

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractIncomingMessage

from contracts.billing import PeriodOpened
from contracts.credits import AccountChanged, CreditsHeld, HoldCredits, HoldDeclined
from contracts.message import Command, Message
from contracts.orders import Operation, Order, Recipe, Size, Terms
from contracts.topology import COMMANDS, FACTS

HEARD_ON, UNHEARD = "gateway.projector", ("jobs.facts", "catalog.facts")
PLENTY = 1_000_000_000
TOGETHER = 200
PATIENCE = 120


@dataclass
class Bus:
    """What the bench says and hears; `heard` is when the answer to a correlation id came."""

    channel: AbstractChannel
    exchanges: dict[str, AbstractExchange]
    kind: type[Message] = CreditsHeld
    heard: dict[str, float] = field(default_factory=dict)
    declined: list[str] = field(default_factory=list)
    wanted: int = 0
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    def expect(self, answers: int) -> None:
        """Start to count answers."""
        self.heard.clear()
        self.complete.clear()
        self.wanted = answers

    async def hear(self, incoming: AbstractIncomingMessage) -> None:
        """Note an answer."""
        if incoming.type == self.kind.type and incoming.correlation_id:
            self.heard.setdefault(incoming.correlation_id, time.perf_counter())
            if len(self.heard) == self.wanted:
                self.complete.set()
        elif incoming.type == HoldDeclined.type:
            self.declined.append(incoming.body.decode())
            self.complete.set()

    async def all_heard(self) -> None:
        """Wait for every answer; raises RuntimeError on a decline and TimeoutError when they stop coming."""
        async with asyncio.timeout(PATIENCE):
            await self.complete.wait()
        if self.declined:
            raise RuntimeError(f"declined: {self.declined[0]}")

    async def say(self, message: aio_pika.Message, exchange: str, key: str) -> None:
        """Publish one message and wait for its confirm."""
        await self.exchanges[exchange].publish(message, key, mandatory=True)

    async def say_all(self, messages: Sequence[aio_pika.Message], exchange: str, key: str) -> None:
        """Publish messages, their confirms pipelined."""
        for start in range(0, len(messages), TOGETHER):
            some = messages[start : start + TOGETHER]
            await asyncio.gather(*(self.say(message, exchange, key) for message in some))


@asynccontextmanager
async def on_the_bus(url: str) -> AsyncIterator[Bus]:
    """Take the gateway's place: one connection to speak, one to hear."""
    async with await aio_pika.connect(url) as speaking, await aio_pika.connect(url) as hearing:
        channel = await speaking.channel(publisher_confirms=True, on_return_raises=True)
        exchanges = {name: await channel.get_exchange(name, ensure=False) for name in (COMMANDS, FACTS)}
        bus = Bus(channel, exchanges)
        ears = await hearing.channel()
        await ears.set_qos(prefetch_count=1000)
        queue = await ears.get_queue(HEARD_ON)
        await queue.consume(bus.hear, no_ack=True)
        yield bus


async def empty(bus: Bus) -> None:
    """Empty the queues of services that do not run here."""
    for name in UNHEARD:
        await (await bus.channel.get_queue(name)).purge()


async def give_credits(bus: Bus, teams: Sequence[UUID]) -> None:
    """Give every team more credits than it can spend here, as billing would."""
    now = datetime.now(UTC)
    bus.kind = AccountChanged
    bus.expect(len(teams))
    await bus.say_all([wire(_period(team, now)) for team in teams], FACTS, PeriodOpened.type)
    await bus.all_heard()
    bus.kind = CreditsHeld


def _period(team: UUID, now: datetime) -> PeriodOpened:
    end = now + timedelta(days=30)
    return PeriodOpened(
        team_id=team,
        source_ref=f"bench:{team}",
        kind="reset",
        credits=PLENTY,
        period_start=now,
        period_end=end,
        plan="business",
    )


def asked(teams: Sequence[UUID], number: int) -> list[HoldCredits]:
    """Make so many requests for an image each, the teams in turn, as the gateway would ask."""
    not_after = datetime.now(UTC) + timedelta(minutes=15)
    recipe = Recipe(
        model_id=uuid4(),
        prompt="a lighthouse above the sea at dusk, long exposure, soft light",
        size=Size(width=1024, height=1024),
    )
    users = cycle(teams)
    return [
        HoldCredits(
            request_id=uuid4(),
            team_id=next(users),
            orders=(
                Order(
                    job_id=uuid4(),
                    operation=Operation.GENERATE_IMAGES,
                    quantity=1,
                    user_id=uuid4(),
                    recipe=recipe,
                ),
            ),
            terms=Terms(not_after=not_after),
        )
        for _ in range(number)
    ]


def wire(message: Message) -> aio_pika.Message:
    """Write a message as the relay does; its correlation id is its subject, where that is a request."""
    correlation = message.subject if isinstance(message, Command) else str(uuid4())
    return aio_pika.Message(
        message.model_dump_json().encode(),
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=str(uuid4()),
        correlation_id=correlation,
        type=message.type,
        headers={"ce-source": "gateway", "ce-subject": message.subject},
    )


async def throughput(bus: Bus, requests: Sequence[HoldCredits]) -> float:
    """Say all requests as fast as the broker confirms them; returns holds per second until all are heard."""
    messages = [wire(request) for request in requests]
    bus.expect(len(messages))
    began = time.perf_counter()
    await bus.say_all(messages, COMMANDS, HoldCredits.type)
    await bus.all_heard()
    return len(messages) / (max(bus.heard.values()) - began)


async def latencies(bus: Bus, requests: Sequence[HoldCredits], rate: float) -> list[float]:
    """Say `rate` requests a second, whatever the answers; returns the milliseconds each took to be heard.

    An open loop: a request that is late to be said counts from when it was due.
    """
    messages = [wire(request) for request in requests]
    bus.expect(len(messages))
    began = time.perf_counter() + 0.1
    due = [began + n / rate for n in range(len(messages))]
    sayings = set()
    for message, at in zip(messages, due, strict=True):
        await asyncio.sleep(max(0, at - time.perf_counter()))
        sayings.add(asyncio.create_task(bus.say(message, COMMANDS, HoldCredits.type)))
    await asyncio.gather(*sayings)
    await bus.all_heard()
    return [
        (bus.heard[str(message.correlation_id)] - at) * 1000
        for message, at in zip(messages, due, strict=True)
    ]
