"""What arrives from the bus, read into the classes of the contracts."""

from typing import Any
from uuid import UUID

from aio_pika.abc import AbstractIncomingMessage
from opentelemetry.trace import Span, SpanKind
from pydantic import ValidationError

from chassis.telemetry import context_of, traceparent_of, tracer
from contracts import Command, Message, message_class
from contracts.envelope import Delivery


class Poison(Exception):
    """A message that can never be handled: it is parked at once, with this as the reason."""


class Unheard(Exception):
    """A fact this release does not know or does not care for: acknowledged and counted."""


def read(incoming: AbstractIncomingMessage, known: frozenset[type[Message]]) -> tuple[Message, UUID, UUID]:
    """Read a message and its ids; raises Unheard or Poison. Dispatches on the `type` property only."""
    wanted = message_class(incoming.type or "")
    if wanted is None or wanted not in known:
        is_command = incoming.exchange == "commands" or (wanted is not None and issubclass(wanted, Command))
        raise Poison(f"unknown command {incoming.type}") if is_command else Unheard(incoming.type)
    try:
        ids = UUID(incoming.message_id), UUID(incoming.correlation_id)
        return (wanted.model_validate_json(incoming.body), *ids)
    except (ValidationError, ValueError, TypeError) as error:
        raise Poison(f"unreadable {incoming.type}: {error}") from None


def opened_span(incoming: AbstractIncomingMessage, queue: str) -> Span:
    """Start the span that handles a message, as a child of whoever said it."""
    attributes = {
        "messaging.system": "rabbitmq",
        "messaging.destination.name": queue,
        "messaging.message.id": incoming.message_id or "",
        "messaging.message.conversation_id": incoming.correlation_id or "",
        "atelier.subject": str(incoming.headers.get("ce-subject", "")),
    }
    context = context_of(_text(incoming.headers.get("traceparent")))
    return tracer(__name__).start_span(
        f"handle {incoming.type}", context=context, kind=SpanKind.CONSUMER, attributes=attributes
    )


def delivered(message: Message, ids: tuple[UUID, UUID], span: Span) -> Delivery[Any]:
    """Put a message and its envelope together; what it causes continues the handling span."""
    return Delivery(message, ids[0], ids[1], traceparent_of(span))


def _text(value: Any) -> str | None:  # noqa: ANN401 - headers carry anything
    return value.decode() if isinstance(value, bytes) else value
