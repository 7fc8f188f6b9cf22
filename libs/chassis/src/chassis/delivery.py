"""What arrives from the bus, read into the classes of the contracts."""

from typing import Any
from uuid import UUID

from aiormq import spec
from aiormq.abc import DeliveredMessage
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, set_span_in_context
from pydantic import ValidationError

from chassis import telemetry
from contracts import Command, Message, message_class
from contracts.envelope import Delivery
from contracts.topology import COMMANDS


class Poison(Exception):
    """A message that can never be handled: it is parked at once, with this as the reason."""


class Unheard(Exception):
    """A fact this release does not know or does not care for: acknowledged and counted."""


def read(incoming: DeliveredMessage, known: frozenset[type[Message]], span: Span | None) -> Delivery[Any]:
    """Read a message and its envelope; raises Unheard or Poison. Dispatches on the `type` property only.

    What it causes continues the span that handles it, or where there is none the trace it came with.
    """
    properties = incoming.header.properties
    wanted = message_class(properties.message_type or "")
    if wanted is None or wanted not in known:
        is_command = incoming.exchange == COMMANDS or (wanted is not None and issubclass(wanted, Command))
        raise Poison(f"unknown command {properties.message_type}") if is_command else Unheard
    try:
        ids = UUID(properties.message_id), UUID(properties.correlation_id)
        message = wanted.model_validate_json(incoming.body)
    except (ValidationError, ValueError, TypeError) as error:
        raise Poison(f"unreadable {properties.message_type}: {error}") from None
    traceparent = _traceparent(properties) if span is None else telemetry.traceparent_of(span)
    return Delivery(message, *ids, traceparent)


def opened_span(incoming: DeliveredMessage, queue: str) -> Span | None:
    """Start the span that handles a message, as a child of whoever said it; None when nobody collects."""
    if not telemetry.is_collected():
        return None
    properties = incoming.header.properties
    attributes = {
        "messaging.system": "rabbitmq",
        "messaging.destination.name": queue,
        "messaging.message.id": properties.message_id or "",
        "messaging.message.conversation_id": properties.correlation_id or "",
        "atelier.subject": str((properties.headers or {}).get("ce-subject", "")),
    }
    return telemetry.tracer(__name__).start_span(
        f"handle {properties.message_type}",
        context=telemetry.context_of(_traceparent(properties)),
        kind=SpanKind.CONSUMER,
        attributes=attributes,
    )


def trace_of(incoming: DeliveredMessage, span: Span | None) -> Context:
    """Return the trace a message belongs to; without a span of our own, the one it came with."""
    if span is not None:
        return set_span_in_context(span)
    return telemetry.context_of(_traceparent(incoming.header.properties))


def _traceparent(properties: spec.Basic.Properties) -> str | None:
    value: Any = (properties.headers or {}).get("traceparent")
    return value if isinstance(value, str) else None  # whoever sent anything else is no trace of ours
