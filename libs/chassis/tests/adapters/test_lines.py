"""Both kinds of lines: nothing is dropped at the start or the end, and a lost consumer does not stay lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from aiormq.abc import AbstractChannel
from aiormq.exceptions import ChannelNotFoundEntity

from chassis import broker, topology
from chassis.broker import ConsumersLost, Listening, listen
from chassis.consumer import Consumer, Reception
from chassis.direct_line import DirectLine
from chassis.faststream_line import FastStreamLine
from chassis.health import Health
from chassis.lines import Line
from chassis.publisher import Publisher
from chassis.testing import Bus, listening
from contracts.credits import ReleaseCredits
from contracts.envelope import Delivery

QUEUE = "credits.commands"
KINDS = {"direct": DirectLine, "faststream": FastStreamLine}


@dataclass
class NotedHealth(Health):
    """Remembers why it was red."""

    reasons: list[str] = field(default_factory=list)

    def down(self, part: str, reason: object) -> None:
        self.reasons.append(str(reason))
        super().down(part, reason)


class Handler:
    """Notes whose messages it has handled; where told so, waits before it ends."""

    def __init__(self) -> None:
        self.handled: list[UUID] = []
        self.started, self.go_on = asyncio.Event(), asyncio.Event()
        self.go_on.set()

    async def __call__(self, deliveries: Sequence[Delivery[ReleaseCredits]]) -> None:
        self.started.set()
        await self.go_on.wait()
        self.handled += [delivery.message.job_id for delivery in deliveries]


@dataclass(frozen=True)
class Running:
    """A listening under way, with what one looks at from outside."""

    listening: Listening
    reception: Reception
    task: asyncio.Task[None]
    health: NotedHealth

    @property
    def channel(self) -> AbstractChannel:
        assert self.listening._line is not None
        return self.listening._line.channels[0]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def bus(fresh_vhost: str) -> AsyncIterator[Bus]:
    async with listening(fresh_vhost) as bus:
        yield bus


@asynccontextmanager
async def running(url: str, kind: str, handler: Handler, prefetch: int = 50) -> AsyncIterator[Running]:
    publisher, health = Publisher(url), NotedHealth()
    consumer = Consumer(QUEUE, {ReleaseCredits: handler}, prefetch, 20, hot=kind == "direct")
    reception = Reception(consumer, publisher, health)
    [listening] = listen(url, [reception], publisher, health)
    health.starting(listening.part)
    task = asyncio.create_task(listening.run())
    try:
        await until(lambda: health.ready)
        yield Running(listening, reception, task, health)
    finally:
        if not task.cancelling():
            task.cancel()
        await asyncio.wait([task])
        await publisher.close()


async def until(met: Callable[[], bool], within: float = 20) -> None:
    async with asyncio.timeout(within):
        while not met():
            await asyncio.sleep(0.02)


def release() -> ReleaseCredits:
    return ReleaseCredits(job_id=uuid4(), team_id=uuid4(), reason="test")


async def said(bus: Bus, number: int) -> list[UUID]:
    """Say commands one after the other, and tell their jobs."""
    commands = [release() for _ in range(number)]
    for command in commands:
        await bus.say(command)
    return [command.job_id for command in commands]


async def test_all_that_waited_before_the_start_is_handled(fresh_vhost: str, bus: Bus, kind: str):
    for _ in range(5):
        waiting = await said(bus, 60)
        handler = Handler()
        async with running(fresh_vhost, kind, handler, prefetch=20):
            await until(lambda handler=handler: len(handler.handled) == 60)
        assert handler.handled == waiting


async def test_at_the_end_what_is_under_way_is_acknowledged_and_the_rest_left(
    fresh_vhost: str, bus: Bus, kind: str
):
    handler = Handler()
    handler.go_on.clear()
    async with running(fresh_vhost, kind, handler) as first:
        [under_way] = await said(bus, 1)
        await handler.started.wait()
        waiting = await said(bus, 4)
        first.task.cancel()
        await until(lambda: first.reception._resting)
        handler.go_on.set()
    assert handler.handled == [under_way]
    other = Handler()
    async with running(fresh_vhost, kind, other):
        await until(lambda: len(other.handled) == 4)
    assert other.handled == waiting


async def silently(channel: AbstractChannel, _url: str) -> None:
    await channel.basic_cancel(*channel.consumers)


async def with_its_channel(channel: AbstractChannel, _url: str) -> None:
    with pytest.raises(ChannelNotFoundEntity):
        await channel.queue_declare("nowhere", passive=True)


async def with_its_queue(channel: AbstractChannel, url: str) -> None:
    await channel.queue_delete(QUEUE)
    await topology.declare(url)


@pytest.mark.parametrize("lose", [silently, with_its_channel, with_its_queue])
async def test_a_consumer_that_is_lost_while_its_connection_lives_is_noticed_and_replaced(
    fresh_vhost: str,
    bus: Bus,
    kind: str,
    lose: Callable[[AbstractChannel, str], Awaitable[None]],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(broker, "CHECK_EVERY", 0.5)
    handler = Handler()
    async with running(fresh_vhost, kind, handler) as there:
        lost, there.health.reasons[:] = there.channel, []
        await lose(lost, fresh_vhost)
        await until(lambda: bool(there.health.reasons))
        jobs = await said(bus, 3)
        await until(lambda: handler.handled == jobs and there.health.ready)
        assert there.channel is not lost


async def test_a_consumer_that_is_lost_while_another_replicas_consumes_is_noticed_and_replaced(
    fresh_vhost: str, bus: Bus, kind: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(broker, "CHECK_EVERY", 0.5)
    handler, busy = Handler(), Handler()
    busy.go_on.clear()
    async with running(fresh_vhost, kind, busy, prefetch=1), running(fresh_vhost, kind, handler) as there:
        lost = there.channel
        await silently(lost, fresh_vhost)
        jobs = await said(bus, 3)
        await until(lambda: len(handler.handled) == 2 and there.health.ready)
        assert there.channel is not lost
        busy.go_on.set()
        await until(lambda: len(busy.handled) == 1)
    assert sorted(busy.handled + handler.handled) == sorted(jobs)


async def test_a_reception_that_ends_ends_the_process(fresh_vhost: str, bus: Bus, kind: str):
    async with running(fresh_vhost, kind, Handler()) as there:

        def broken(_: object) -> None:
            raise ZeroDivisionError

        there.reception._done = broken
        await said(bus, 1)
        async with asyncio.timeout(10):
            await asyncio.wait([there.task])
        assert isinstance(there.task.exception(), ZeroDivisionError)


async def test_a_line_that_breaks_at_once_is_not_renewed_without_a_breath(monkeypatch: pytest.MonkeyPatch):
    began: list[float] = []

    class BrittleLine:
        def __init__(self) -> None:
            self.broken, self.channels = asyncio.Event(), ()

        async def serve(self, _: Sequence[Reception]) -> None:
            began.append(time.monotonic())
            self.broken.set()

        async def close(self) -> None:
            return

    publisher, health = Publisher("amqp://nobody"), NotedHealth()
    task = asyncio.create_task(Listening("consumers", BrittleLine, [], publisher, health).run())
    await until(lambda: len(began) == 5)
    task.cancel()
    await asyncio.wait([task])
    pauses = [after - before for before, after in pairwise(began)]
    assert all(pause >= least for pause, least in zip(pauses, [0.2, 0.4, 0.8, 1.0], strict=True))


async def test_consumers_that_never_come_back_end_the_process(
    fresh_vhost: str, kind: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(broker, "CHECK_EVERY", 0.2)
    monkeypatch.setattr(broker, "GIVE_UP_AFTER", 0.8)

    class DeafLine(KINDS[kind]):
        async def serve(self, receptions: Sequence[Reception]) -> None:
            await super().serve(receptions)
            await silently(self.channels[0], fresh_vhost)

    publisher, health = Publisher(fresh_vhost), NotedHealth()
    reception = Reception(Consumer(QUEUE, {ReleaseCredits: Handler()}), publisher, health)
    lines: list[Line] = []

    def new_line() -> Line:
        lines.append(DeafLine(fresh_vhost))
        return lines[-1]

    with pytest.raises(ConsumersLost, match=QUEUE):
        async with asyncio.timeout(20):
            await Listening("consumers", new_line, [reception], publisher, health).run()
    await publisher.close()
    assert len(lines) > 1
    assert all(channel.is_closed for line in lines for channel in line.channels)
    assert not health.ready


async def test_listening_ends_when_told_also_while_a_library_holds_on_to_a_question(
    kind: str, fresh_vhost: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(broker, "CHECK_EVERY", 0.1)
    asked, let_go = asyncio.Event(), asyncio.Event()

    class Stubborn(Publisher):
        async def look_at(self, queue: str) -> tuple[int, int]:  # noqa: ARG002 - as its parent
            asked.set()
            while not let_go.is_set():
                with suppress(asyncio.CancelledError):
                    await let_go.wait()
            return 0, 1

    publisher, health = Stubborn(fresh_vhost), NotedHealth()
    reception = Reception(Consumer(QUEUE, {ReleaseCredits: Handler()}), publisher, health)
    task = asyncio.create_task(
        Listening("consumers", lambda: KINDS[kind](fresh_vhost), [reception], publisher, health).run()
    )
    await asked.wait()
    task.cancel()
    ended, _ = await asyncio.wait([task], timeout=30)
    let_go.set()
    assert ended
    await publisher.close()


async def test_whoever_asks_about_a_queue_may_leave_and_the_next_is_answered(fresh_vhost: str):
    publisher = Publisher(fresh_vhost)
    assert await publisher.look_at(QUEUE) == (0, 0)
    for _ in range(20):
        asking = asyncio.create_task(publisher.look_at(QUEUE))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])
        assert asking.cancelled()
    assert await publisher.look_at(QUEUE) == (0, 0)
    async with asyncio.timeout(10):
        await publisher.close()
