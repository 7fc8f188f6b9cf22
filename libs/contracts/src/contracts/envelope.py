"""What travels around a message: its identity, where it came from, and what caused it.

AMQP properties and headers: `message_id`, `correlation_id`, `type`, `timestamp`; headers `causation_id`,
`ce-source`, `ce-time`, `ce-subject`, `traceparent`. The names follow CloudEvents 1.0.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from contracts.message import Message

M_co = TypeVar("M_co", bound=Message, covariant=True)


@dataclass(frozen=True, slots=True)
class Delivery(Generic[M_co]):
    """One message as it arrived.

    `message_id` is stable across republishing; `correlation_id` follows a request until its verdict;
    `traceparent` is the W3C context of the span that handles this delivery.
    """

    message: M_co
    message_id: UUID
    correlation_id: UUID
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a message is said, when it is not said in answer to another one."""

    correlation_id: UUID
    message_id: UUID | None = None
    traceparent: str | None = None
