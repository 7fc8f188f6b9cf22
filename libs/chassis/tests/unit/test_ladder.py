"""Where a message goes that could not be handled, and what travels with it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aio_pika
import pytest

from chassis.ladder import climb, park, returned

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


@dataclass
class Incoming:
    headers: dict[str, Any] = field(default_factory=dict)
    body: bytes = b'{"n": 1}'
    content_type: str = "application/json"
    message_id: str = "m-1"
    correlation_id: str = "c-1"
    type: str = "jobs.cancel.v1"
    timestamp: datetime = AT


@dataclass
class Published:
    """Notes what was sent where."""

    sent: list[tuple[str, str, aio_pika.Message]] = field(default_factory=list)

    async def publish(self, exchange: str, routing_key: str, message: aio_pika.Message) -> None:
        self.sent.append((exchange, routing_key, message))


@pytest.mark.parametrize(
    ("attempt", "end", "exchange", "headers"),
    [
        (None, "retried", "retry.5s", {"x-attempt": 1, "x-reason": "boom"}),
        (1, "retried", "retry.30s", {"x-attempt": 2, "x-reason": "boom"}),
        (2, "retried", "retry.5m", {"x-attempt": 3, "x-reason": "boom"}),
        (3, "parked", "parked", {"x-attempt": 3, "x-reason": "boom"}),
    ],
)
async def test_a_message_climbs_rung_by_rung_and_is_parked_past_the_last(attempt, end, exchange, headers):
    publisher = Published()
    incoming = Incoming({} if attempt is None else {"x-attempt": attempt, "x-reason": "before"})
    assert await climb(publisher, "jobs", incoming, "boom") == end
    ((to, key, message),) = publisher.sent
    assert (to, key, message.headers) == (exchange, "jobs", headers)


async def test_a_copy_is_the_same_message_but_for_what_the_broker_noted():
    publisher = Published()
    noted = {"x-death": [{}], "x-first-death-queue": "jobs", "x-delivery-count": 2, "x-acquired-count": 1}
    await park(publisher, "jobs", Incoming({"traceparent": "t-1", **noted}), "boom")
    ((_, _, message),) = publisher.sent
    assert message.headers == {"traceparent": "t-1", "x-reason": "boom"}
    assert (message.body, message.content_type, message.type) == (
        b'{"n": 1}',
        "application/json",
        "jobs.cancel.v1",
    )
    assert (message.message_id, message.correlation_id, message.timestamp) == ("m-1", "c-1", AT)
    assert message.delivery_mode is aio_pika.DeliveryMode.PERSISTENT


async def test_a_reason_is_kept_short_enough_for_a_header():
    publisher = Published()
    await climb(publisher, "jobs", Incoming(), "x" * 5000)
    await park(publisher, "jobs", Incoming(), "x" * 5000)
    assert [message.headers["x-reason"] for _, _, message in publisher.sent] == ["x" * 1000] * 2


def test_a_parked_message_returns_as_it_was_before_it_failed():
    message = returned(Incoming({"traceparent": "t-1", "x-attempt": 3, "x-reason": "boom"}))
    assert message.headers == {"traceparent": "t-1", "x-attempt": 0}
    assert (message.message_id, message.body) == ("m-1", b'{"n": 1}')
