"""Where a message goes that could not be handled: up the ladder of delays, then to its parked queue."""

import aio_pika
from aio_pika.abc import AbstractIncomingMessage, HeadersType

from chassis.publisher import Publisher
from contracts.topology import PARKED, RETRY_DELAYS

RUNGS = tuple(RETRY_DELAYS)
_FROM_BROKER = ("x-death", "x-first-death", "x-last-death", "x-delivery-count", "x-acquired-count")


async def climb(publisher: Publisher, queue: str, incoming: AbstractIncomingMessage, reason: str) -> str:
    """Send a copy to the next rung, or park it past the last; returns `retried` or `parked`."""
    attempt = int(str(incoming.headers.get("x-attempt", 0)))
    if attempt >= len(RUNGS):
        await park(publisher, queue, incoming, reason)
        return "parked"
    headers: HeadersType = {"x-attempt": attempt + 1, "x-reason": reason[:1000]}
    await publisher.publish(RUNGS[attempt], queue, copy_of(incoming, headers))
    return "retried"


async def park(publisher: Publisher, queue: str, incoming: AbstractIncomingMessage, reason: str) -> None:
    """Keep a message in its parked queue, with the reason, until an operator decides."""
    await publisher.publish(PARKED, queue, copy_of(incoming, {"x-reason": reason[:1000]}))


def returned(incoming: AbstractIncomingMessage) -> aio_pika.Message:
    """Copy a parked message as it was before it failed the first time."""
    copy = copy_of(incoming, {"x-attempt": 0})
    copy.headers.pop("x-reason", None)
    return copy


def copy_of(incoming: AbstractIncomingMessage, headers: HeadersType) -> aio_pika.Message:
    """Copy a message under its own id; what the broker noted about its travels is left out."""
    kept = {name: value for name, value in incoming.headers.items() if not name.startswith(_FROM_BROKER)}
    return aio_pika.Message(
        incoming.body,
        headers={**kept, **headers},
        content_type=incoming.content_type,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=incoming.message_id,
        correlation_id=incoming.correlation_id,
        type=incoming.type,
        timestamp=incoming.timestamp,
    )
