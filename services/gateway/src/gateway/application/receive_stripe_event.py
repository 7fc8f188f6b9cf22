"""Take Stripe's webhook in: checked for who sent it and when; only what it is about is passed on."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from chassis.clock import Clock
from chassis.ids import new_id
from contracts.billing import StripeEvent
from gateway.application.ports import Transaction
from gateway.application.receive_callback import Unreadable
from gateway.domain.stripe_signature import NotFromStripe, check

_LONGEST = 255


async def receive_stripe_event(
    header: str, body: bytes, secrets: Sequence[str], transaction: Transaction, clock: Clock
) -> None:
    """Pass on that something has happened, without the body: billing reads from Stripe what it was.

    Stripe signs each try anew, so a signature that comes again is somebody's who listened: it is refused.
    Raises NotFromStripe, Unreadable.
    """
    now = clock()
    signed_at, signature = check(header, body, secrets, now)
    event = _read(body, now)
    async with transaction() as work:
        if await work.throttles.hit(f"stripe:{signature}", signed_at) > 1:
            raise NotFromStripe
        work.outbox.say(event, new_id())


def _read(body: bytes, now: datetime) -> StripeEvent:
    try:
        event = json.loads(body)
        about: dict[str, Any] = event["data"]["object"]
        kind = about.get("object")
        payment = (
            about["id"] if kind in ("payment_intent", "charge") else _name(about, "payment_intent", "charge")
        )
        return StripeEvent(
            event_id=event["id"],
            event_type=event["type"],
            object_id=about.get("id") or "",
            customer=about["id"] if kind == "customer" else _name(about, "customer"),
            payment=payment,
            created_at=datetime.fromtimestamp(event["created"], UTC),
            received_at=now,
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError) as error:
        raise Unreadable from error


def _name(about: dict[str, Any], *fields: str) -> str | None:
    """Find what an object names, as an id or as the whole of it."""
    for field in fields:
        found = about.get(field)
        named = found.get("id") if isinstance(found, dict) else found
        if isinstance(named, str) and len(named) <= _LONGEST:
            return named
    return None
