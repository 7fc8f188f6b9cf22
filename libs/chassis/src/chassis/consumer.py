"""One queue and who handles what arrives on it."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aio_pika import IncomingMessage
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
from aiormq.abc import DeliveredMessage
from opentelemetry.context import attach
from opentelemetry.trace import Span, StatusCode

from chassis.acknowledging import Acknowledging
from chassis.batching import Batches, BatchHandler
from chassis.delivery import Poison, Unheard, opened_span, read, trace_of
from chassis.health import Health
from chassis.ladder import climb, park
from chassis.logs import correlation_id
from chassis.metrics import MESSAGES_HANDLED
from chassis.pause import Pause
from chassis.publisher import Publisher
from contracts.envelope import Delivery
from contracts.message import Message

__all__ = ["BatchHandler", "Consumer", "Poison"]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Consumer:
    """Who handles which message of a queue.

    Each handler takes a batch and is one transaction. At most `prefetch` messages are held unacknowledged,
    at most `batch` handled at once. A `hot` queue is one that every generation passes: it is consumed on
    aiormq itself, for little more than half of the CPU time; all others through FastStream, which others know
    and keep. What is promised is the same on both. A batch that is not full begins `pause` seconds after the
    one before: what comes more often is handled together, at a fraction of the cost, and that much later.
    """

    queue: str
    routes: Mapping[type[Message], BatchHandler]
    prefetch: int = 100
    batch: int = 50
    hot: bool = False
    pause: float = 0.0


@dataclass(slots=True)
class Arrived:
    """A message under way, and the span that handles it where spans are collected."""

    incoming: DeliveredMessage
    span: Span | None
    delivery: Delivery[Any] | None = None

    @property
    def type(self) -> str:
        """The type the message says it is of."""
        return self.incoming.header.properties.message_type or ""

    def end(self) -> None:
        """Close the span."""
        if self.span is not None:
            self.span.end()


class Reception:
    """Receives a queue's messages: acknowledged after the commit, retried or parked when that fails.

    Takes what is waiting and handles it in one go. It never lingers over the first after a pause, and never
    has two batches under way: the next batch forms during the commit.
    """

    def __init__(self, consumer: Consumer, publisher: Publisher, health: Health) -> None:
        self.consumer, self._publisher = consumer, publisher
        self._known = frozenset(consumer.routes)
        self._batches = Batches(consumer.queue, health)
        self._acknowledging = Acknowledging()
        self._waiting: deque[DeliveredMessage] = deque()
        self._arrived, self._idle = asyncio.Event(), asyncio.Event()
        self._failing: set[asyncio.Task[None]] = set()
        self._idle.set()
        self._resting = False
        self.received = 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing it has received is left to be done."""
        return not self._waiting and not self._failing and self._idle.is_set()

    async def receive(self, incoming: DeliveredMessage) -> None:
        """Let a message wait for the next batch."""
        if self._resting:  # its channel is about to be closed: the broker delivers it to somebody else
            return
        self.received += 1
        self._waiting.append(incoming)
        self._arrived.set()

    async def run(self) -> None:
        """Work for ever."""
        pause = Pause(self.consumer.pause)
        while True:
            await self._arrived.wait()
            await pause.over(full=len(self._waiting) >= self.consumer.batch)
            self._idle.clear()
            try:
                await self._handle(self._taken())
            finally:
                self._idle.set()
            if not self._waiting:
                self._arrived.clear()

    async def rest(self) -> None:
        """Take nothing more, forget what waits, and wait until nothing is under way.

        The broker delivers again what was not taken.
        """
        self._resting = True
        self._waiting.clear()
        await self._idle.wait()
        if self._failing:
            await asyncio.wait(self._failing)
        await self._acknowledging.flushed()

    def _taken(self) -> list[Arrived]:
        size = min(len(self._waiting), self.consumer.batch)
        taken = [self._waiting.popleft() for _ in range(size)]
        # What came over a channel that is closed by now comes again over the next one.
        current = (incoming for incoming in taken if not incoming.channel.is_closed)
        return [Arrived(incoming, opened_span(incoming, self.consumer.queue)) for incoming in current]

    async def _handle(self, arrived: Sequence[Arrived]) -> None:
        readable = list(self._read(arrived))
        handlers = [self.consumer.routes[type(delivery.message)] for _, delivery in readable]
        for handler in dict.fromkeys(handlers):
            batch = [pair for pair, its in zip(readable, handlers, strict=True) if its is handler]
            failures = await self._batches.handle(handler, [delivery for _, delivery in batch])
            self._settle([entry for entry, _ in batch], failures)

    def _read(self, arrived: Sequence[Arrived]) -> Iterator[tuple[Arrived, Delivery[Any]]]:
        for entry in arrived:
            try:
                yield entry, read(entry.incoming, self._known, entry.span)
            except Unheard:
                self._done(entry)
                self._count("unheard", entry.type)
            except Poison as error:
                self._fail(entry, error)

    def _settle(self, batch: Sequence[Arrived], failures: Sequence[Exception | None]) -> None:
        handled: Counter[str] = Counter()
        for entry, failure in zip(batch, failures, strict=True):
            if failure is None:
                self._done(entry)
                handled[entry.type] += 1
            else:
                self._fail(entry, failure)
        for type_, number in handled.items():
            self._count("handled", type_, number)

    def _done(self, entry: Arrived) -> None:
        self._acknowledging.handled(entry.incoming)
        entry.end()

    def _fail(self, entry: Arrived, error: Exception) -> None:
        # Beside the next batch: what fails waits for the broker to have its copy safe.
        task = asyncio.create_task(self._give_up(entry, error))
        self._failing.add(task)
        task.add_done_callback(self._failing.discard)

    async def _give_up(self, entry: Arrived, error: Exception) -> None:
        """Park a message or send it up the ladder; acknowledged only once its copy is safe."""
        # This task's own: what it logs names the request and the trace.
        correlation_id.set(entry.incoming.header.properties.correlation_id)
        attach(trace_of(entry.incoming, entry.span))
        try:
            outcome = await self._moved(entry, error)
        except Exception as trouble:  # noqa: BLE001 - never left unanswered, whatever it is
            # The broker is away: it delivers this message again, and the second delivery is boring.
            # Or no copy can be written of it: after some deliveries the broker parks it itself.
            logger.info("%s comes again: %s", entry.type, trouble)
            outcome = "returned"
            await self._return(entry.incoming)
            entry.end()
        else:
            self._done(entry)
        self._count(outcome, entry.type)

    async def _moved(self, entry: Arrived, error: Exception) -> str:
        incoming, queue = IncomingMessage(entry.incoming), self.consumer.queue
        if isinstance(error, Poison):
            logger.error("parked %s of %s: %s", entry.type, queue, error)
            await park(self._publisher, queue, incoming, str(error))
            return "parked"
        if entry.span is not None:
            entry.span.set_status(StatusCode.ERROR, str(error))
            entry.span.record_exception(error)
        logger.error("could not handle %s", entry.type, exc_info=error)
        return await climb(self._publisher, queue, incoming, f"{type(error).__name__}: {error}")

    async def _return(self, incoming: DeliveredMessage) -> None:
        await asyncio.sleep(1)  # so that a broker in trouble is not asked thousands of times a second
        try:
            await incoming.channel.basic_reject(incoming.delivery_tag or 0, requeue=True)
            self._acknowledging.given_back(incoming)
        except (AMQPError, ChannelInvalidStateError, OSError, RuntimeError) as error:
            logger.debug("its channel is gone already: %s", error)

    def _count(self, outcome: str, type_: str, number: int = 1) -> None:
        MESSAGES_HANDLED.labels(self.consumer.queue, type_, outcome).inc(number)
