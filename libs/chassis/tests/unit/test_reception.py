"""What waits in a queue's reception is handled together, and acknowledged afterwards."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from aiormq import spec
from aiormq.abc import DeliveredMessage
from pamqp.header import ContentHeader

from chassis.consumer import Consumer, Reception
from chassis.health import Health
from chassis.logs import JsonLines
from chassis.publisher import Publisher
from contracts.credits import ReleaseCredits
from contracts.envelope import Delivery
from contracts.jobs import CancelJob
from contracts.message import Message


@dataclass(eq=False)
class Channel:
    is_closed: bool = False
    acknowledged: list[tuple[int, bool]] = field(default_factory=list)

    async def basic_ack(self, tag: int, multiple: bool = False) -> None:
        self.acknowledged.append((tag, multiple))


class Handler:
    """Notes which teams it was given together; once told to, it waits before it goes on."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.started, self.go_on = asyncio.Event(), asyncio.Event()
        self.go_on.set()

    async def __call__(self, deliveries: Sequence[Delivery[Any]]) -> None:
        self.batches.append([each.message.team_id.int for each in deliveries])
        self.started.set()
        await self.go_on.wait()


def cancel(team: int) -> CancelJob:
    return CancelJob(request_id=uuid4(), team_id=UUID(int=team), job_id=uuid4())


def release(team: int) -> ReleaseCredits:
    return ReleaseCredits(team_id=UUID(int=team), job_id=uuid4(), reason="test")


def arrived(channel: Channel, tag: int, message: Message) -> DeliveredMessage:
    properties = spec.Basic.Properties(
        message_type=message.type, message_id=str(uuid4()), correlation_id=str(uuid4())
    )
    body = message.model_dump_json().encode()
    where = spec.Basic.Deliver("tag", tag, False, "commands", message.type)
    return DeliveredMessage(where, ContentHeader(0, len(body), properties), body, channel)


def reception(*routes: tuple[type[Message], Handler], batch: int = 10, pause: float = 0.0) -> Reception:
    consumer = Consumer("jobs.commands", dict(routes), batch=batch, pause=pause)
    return Reception(consumer, Publisher("amqp://nobody"), Health())


@asynccontextmanager
async def working(reception: Reception) -> AsyncIterator[None]:
    task = asyncio.create_task(reception.run())
    try:
        async with asyncio.timeout(10):
            yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def acknowledged(channel: Channel, last: int) -> None:
    while (last, True) not in channel.acknowledged:
        await asyncio.sleep(0)


async def test_what_waits_is_handled_together_up_to_the_size_of_a_batch_in_its_order():
    handler, channel = Handler(), Channel()
    waiting = reception((CancelJob, handler), batch=3)
    for n in range(7):
        await waiting.receive(arrived(channel, n + 1, cancel(n)))
    async with working(waiting):
        await acknowledged(channel, 7)
    assert handler.batches == [[0, 1, 2], [3, 4, 5], [6]]


async def test_one_batch_is_handled_at_a_time_and_the_next_forms_meanwhile():
    handler, channel = Handler(), Channel()
    handler.go_on.clear()
    waiting = reception((CancelJob, handler))
    async with working(waiting):
        await waiting.receive(arrived(channel, 1, cancel(0)))
        await handler.started.wait()
        for n in range(1, 5):
            await waiting.receive(arrived(channel, n + 1, cancel(n)))
        await asyncio.sleep(0)
        assert (handler.batches, channel.acknowledged) == ([[0]], [])
        handler.go_on.set()
        await acknowledged(channel, 5)
    assert handler.batches == [[0], [1, 2, 3, 4]]


async def test_after_a_pause_what_came_meanwhile_is_handled_together():
    handler, channel = Handler(), Channel()
    waiting = reception((CancelJob, handler), batch=3, pause=0.2)
    async with working(waiting):
        for n in range(3):
            await waiting.receive(arrived(channel, n + 1, cancel(n)))
            await asyncio.sleep(0.01)
        await acknowledged(channel, 3)
    assert handler.batches == [[0], [1, 2]]


async def test_each_handler_is_given_its_own_of_a_batch():
    one, other, channel = Handler(), Handler(), Channel()
    waiting = reception((CancelJob, one), (ReleaseCredits, other))
    for tag, message in enumerate([cancel(0), release(1), cancel(2), release(3)], 1):
        await waiting.receive(arrived(channel, tag, message))
    async with working(waiting):
        await acknowledged(channel, 4)
    assert (one.batches, other.batches) == ([[0, 2]], [[1, 3]])


async def test_what_came_over_a_channel_that_is_gone_is_left_to_come_again():
    handler, gone, channel = Handler(), Channel(), Channel()
    waiting = reception((CancelJob, handler))
    await waiting.receive(arrived(gone, 1, cancel(0)))
    gone.is_closed = True
    await waiting.receive(arrived(channel, 1, cancel(1)))
    async with working(waiting):
        await acknowledged(channel, 1)
    assert (handler.batches, gone.acknowledged) == ([[1]], [])


async def test_at_the_end_what_is_under_way_is_finished_and_the_rest_forgotten():
    handler, channel = Handler(), Channel()
    handler.go_on.clear()
    waiting = reception((CancelJob, handler), batch=1)
    async with working(waiting):
        for n in range(2):
            await waiting.receive(arrived(channel, n + 1, cancel(n)))
        await handler.started.wait()
        resting = asyncio.create_task(waiting.rest())
        await asyncio.sleep(0)
        assert not resting.done()
        handler.go_on.set()
        await resting
    assert (handler.batches, channel.acknowledged) == ([[0]], [(1, True)])


class Broker:
    """Takes what is parked."""

    async def publish(self, *_arguments: object) -> None:
        return


async def test_what_is_logged_of_a_failure_names_the_trace_and_the_request_it_came_with():
    channel, trace_id = Channel(), "0af7651916cd43dd8448eb211c80319c"
    failing = Reception(Consumer("jobs.commands", {CancelJob: Handler()}), Broker(), Health())
    incoming = arrived(channel, 1, cancel(0))
    incoming.header.properties.headers = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
    incoming.header.properties.message_id = "no id"
    lines = []
    logging.getLogger("chassis.consumer").addHandler(handler := Lines(lines))
    async with working(failing):
        await failing.receive(incoming)
        await acknowledged(channel, 1)
    logging.getLogger("chassis.consumer").removeHandler(handler)
    (line,) = lines
    assert line["message"].startswith("parked jobs.cancel.v1 of jobs.commands: unreadable")
    assert (line["trace_id"], line["correlation_id"]) == (trace_id, incoming.header.properties.correlation_id)


class Lines(logging.Handler):
    """Writes what is logged as a service would."""

    def __init__(self, lines: list[dict[str, object]]) -> None:
        super().__init__()
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(JsonLines("jobs").format(record)))
