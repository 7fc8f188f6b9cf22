"""The bench in the gateway's place: asks for holds on the bus and hears the facts on the gateway's queue."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle
from uuid import UUID, uuid4

from bench.driving.ear import hearing
from chassis.frames import Outgoing
from chassis.publisher import Publisher
from contracts.billing import PeriodOpened
from contracts.credits import AccountChanged, CreditsHeld, HoldCredits, HoldDeclined
from contracts.message import Command, Message
from contracts.orders import Operation, Order, Recipe, Size, Terms
from contracts.topology import COMMANDS, FACTS

HEARD_ON, UNHEARD = "gateway.projector", ("jobs.facts", "catalog.facts")
PLENTY = 1_000_000_000
TOGETHER, AT_ONCE = 200, 4
PATIENCE = 120


@dataclass
class Bus:
    """What the bench says and hears; `heard` is when the answer to a correlation id came."""

    publisher: Publisher
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

    def hear(self, type_: str, correlation_id: str) -> None:
        """Note an answer."""
        if type_ == self.kind.type:
            self.heard.setdefault(correlation_id, time.perf_counter())
            if len(self.heard) == self.wanted:
                self.complete.set()
        elif type_ == HoldDeclined.type:
            self.declined.append(correlation_id)
            self.complete.set()

    async def all_heard(self) -> None:
        """Wait for every answer; raises RuntimeError on a decline and TimeoutError when they stop coming."""
        async with asyncio.timeout(PATIENCE):
            await self.complete.wait()
        if self.declined:
            raise RuntimeError(f"declined: {self.declined[0]}")

    async def say(self, messages: Sequence[Outgoing]) -> None:
        """Publish messages in one write, as a relay does, and wait for their confirms."""
        if failures := [failure for failure in await self.publisher.publish_all(messages) if failure]:
            raise failures[0]

    async def say_all(self, messages: Sequence[Outgoing]) -> None:
        """Publish messages as fast as the broker takes them: others are on their way while it confirms."""
        batches = iter([messages[start : start + TOGETHER] for start in range(0, len(messages), TOGETHER)])

        async def say_rest() -> None:
            for batch in batches:
                await self.say(batch)

        await asyncio.gather(*(say_rest() for _ in range(AT_ONCE)))


@asynccontextmanager
async def on_the_bus(url: str) -> AsyncIterator[Bus]:
    """Take the gateway's place: one connection to speak, one to hear."""
    bus = Bus(Publisher(url))
    async with hearing(url, HEARD_ON, bus.hear):
        yield bus
    await bus.publisher.close()


async def empty(bus: Bus, names: Sequence[str] = UNHEARD) -> None:
    """Empty queues, by default those of services that do not run here."""
    channel = await bus.publisher.channel()
    for name in names:
        await (await channel.get_queue(name)).purge()


async def give_credits(bus: Bus, teams: Sequence[UUID]) -> None:
    """Give every team more credits than it can spend here, as billing would."""
    now = datetime.now(UTC)
    bus.kind = AccountChanged
    bus.expect(len(teams))
    await bus.say_all([wire(_period(team, now)) for team in teams])
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


def wire(message: Message) -> Outgoing:
    """Write a message as the relay does; its correlation id is its subject, where that is a request."""
    is_command = isinstance(message, Command)
    return Outgoing(
        exchange=COMMANDS if is_command else FACTS,
        routing_key=message.routing_key,
        type=message.type,
        message_id=str(uuid4()),
        correlation_id=message.subject if is_command else str(uuid4()),
        timestamp=datetime.now(UTC),
        headers={"ce-source": "gateway", "ce-subject": message.subject},
        body=message.model_dump_json().encode(),
    )


async def throughput(bus: Bus, requests: Sequence[HoldCredits]) -> float:
    """Say all requests as fast as the broker confirms them; returns holds per second until all are heard."""
    messages = [wire(request) for request in requests]
    bus.expect(len(messages))
    began = time.perf_counter()
    await bus.say_all(messages)
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
        sayings.add(asyncio.create_task(bus.say([message])))
    await asyncio.gather(*sayings)
    await bus.all_heard()
    return [
        (bus.heard[message.correlation_id] - at) * 1000 for message, at in zip(messages, due, strict=True)
    ]
