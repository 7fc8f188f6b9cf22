"""One queue and who handles what arrives on it."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
from opentelemetry.trace import Span, StatusCode

from chassis.acknowledging import Acknowledging
from chassis.batching import Batcher, BatchHandler
from chassis.delivery import Poison, Unheard, delivered, opened_span, read
from chassis.health import Health
from chassis.ladder import climb, park
from chassis.logs import correlation_id
from chassis.metrics import MESSAGES_HANDLED
from chassis.publisher import Publisher
from contracts.message import Message

__all__ = ["BatchHandler", "Consumer", "Poison"]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Consumer:
    """Who handles which message of a queue.

    Each handler takes a batch and is one transaction. At most `prefetch` messages are held unacknowledged,
    at most `batch` handled at once.
    """

    queue: str
    routes: Mapping[type[Message], BatchHandler]
    prefetch: int = 100
    batch: int = 50


class Reception:
    """Receives a queue's messages: acknowledged after the commit, retried or parked when that fails."""

    def __init__(self, consumer: Consumer, publisher: Publisher, health: Health) -> None:
        self.consumer, self._publisher = consumer, publisher
        self.batcher = Batcher(consumer.queue, consumer.batch, health)
        self._known = frozenset(consumer.routes)
        self._acknowledging = Acknowledging()

    async def receive(self, incoming: AbstractIncomingMessage) -> None:
        """Handle one message to its end; whatever happens, it is acknowledged, retried or parked."""
        correlation_id.set(incoming.correlation_id)
        span = opened_span(incoming, self.consumer.queue)
        try:
            outcome = await self._settle(incoming, span)
            MESSAGES_HANDLED.labels(self.consumer.queue, incoming.type or "", outcome).inc()
        finally:
            span.end()

    async def _settle(self, incoming: AbstractIncomingMessage, span: Span) -> str:
        try:
            outcome = await self._outcome(incoming, span)
        except (AMQPError, ChannelInvalidStateError, OSError, TimeoutError) as error:
            # The broker is away: it will deliver this message again, and the second delivery is boring.
            logger.info("%s comes again: %s", incoming.type, error)
            await self._return(incoming)
            return "returned"
        self._acknowledging.handled(incoming)
        return outcome

    async def _outcome(self, incoming: AbstractIncomingMessage, span: Span) -> str:
        try:
            message, *ids = read(incoming, self._known)
            handler = self.consumer.routes[type(message)]
            await self.batcher.submit(handler, delivered(message, (ids[0], ids[1]), span))
        except Unheard:
            return "unheard"
        except Poison as error:
            logger.error("parked %s of %s: %s", incoming.type, self.consumer.queue, error)  # noqa: TRY400
            await park(self._publisher, self.consumer.queue, incoming, str(error))
            return "parked"
        except Exception as error:  # noqa: BLE001 - whatever it is, the message must not be lost
            return await self._retry(incoming, error, span)
        return "handled"

    async def _retry(self, incoming: AbstractIncomingMessage, error: Exception, span: Span) -> str:
        span.set_status(StatusCode.ERROR, str(error))
        span.record_exception(error)
        logger.error("could not handle %s", incoming.type, exc_info=error)
        return await climb(self._publisher, self.consumer.queue, incoming, f"{type(error).__name__}: {error}")

    async def _return(self, incoming: AbstractIncomingMessage) -> None:
        await asyncio.sleep(1)  # so that a broker in trouble is not asked thousands of times a second
        try:
            await incoming.reject(requeue=True)
            self._acknowledging.given_back(incoming)
        except (AMQPError, ChannelInvalidStateError, OSError, RuntimeError) as error:
            logger.debug("its channel is gone already: %s", error)
