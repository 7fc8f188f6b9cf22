"""Take what Stripe says has happened: noted once, then looked at. What it says itself is never believed."""

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from billing.application.look import Source, look
from billing.application.ports import Stripe, Transaction
from chassis.clock import Clock
from contracts.billing import StripeEvent
from contracts.envelope import Delivery

logger = logging.getLogger(__name__)
HEARD = (
    "checkout.session.",
    "customer.deleted",
    "customer.subscription.",
    "customer.updated",
    "invoice.",
    "payment_intent.",
    "payment_method.",
    "charge.",
    "refund.",
    "subscription_schedule.",
)
"""What can change a team's payments, by the beginning of its type."""
PATIENCE = timedelta(minutes=5)
BATCH = 100


async def take_events(
    deliveries: Sequence[Delivery[StripeEvent]], stripe: Stripe, transaction: Transaction, clock: Clock
) -> None:
    """Note the events and look at each team they are about, once however many of them there are."""
    causes: dict[str, Source] = {each.message.event_id: each for each in reversed(deliveries)}
    fresh = await _note([delivery.message for delivery in deliveries], transaction)
    await _follow(fresh, causes, stripe, transaction, clock)


async def keep_events(deliveries: Sequence[Delivery[StripeEvent]], transaction: Transaction) -> None:
    """Note the events, to be taken up once there is a key to read Stripe with."""
    async with transaction() as work:
        for delivery in deliveries:
            await work.events.add(delivery.message)


async def take_waiting(stripe: Stripe, transaction: Transaction, clock: Clock) -> None:
    """Take up events that were noted and came to nothing: what they were about could not be read then."""
    async with transaction() as work:
        waiting = await work.events.waiting(clock() - PATIENCE, BATCH)
    for event in waiting:
        try:
            await _follow([event], {}, stripe, transaction, clock)
        except Exception as error:  # noqa: BLE001 - told, and tried again later; it keeps nobody else waiting
            logger.warning("event %s cannot be followed now: %s", event.event_id, type(error).__name__)


async def team_behind(customer_id: str, stripe: Stripe, transaction: Transaction) -> UUID | None:
    """Find the team of a customer; one that was made for a team and never noted is noted now."""
    async with transaction() as work:
        known = await work.customers.by_customer(customer_id)
    if known is not None:
        return None if known.closed else known.team_id
    team_id = await stripe.team_of(customer_id)
    if team_id is None:
        return None
    async with transaction() as work:
        if await work.subscriptions.lock(team_id) is None:
            return None
        if (await work.customers.find(team_id)).customer_id is not None:
            return None
        await work.customers.bind(team_id, customer_id)
    return team_id


async def _note(events: Sequence[StripeEvent], transaction: Transaction) -> list[StripeEvent]:
    """Note events; returns those that something may follow from."""
    once = {event.event_id: event for event in events}
    fresh = []
    async with transaction() as work:
        for _, event in sorted(once.items()):  # in one order for all, so that nobody waits in a circle
            known = await work.events.add(event)
            if known.state == "waiting" and event.event_type.startswith(HEARD):
                fresh.append(event)
            elif known.state == "waiting":
                await work.events.settle(event.event_id, "ignored", "nothing follows from this type", None)
    return fresh


async def _follow(
    events: Sequence[StripeEvent],
    causes: Mapping[str, Source],
    stripe: Stripe,
    transaction: Transaction,
    clock: Clock,
) -> None:
    about: dict[str | None, list[StripeEvent]] = {}
    for event in events:
        payer = event.customer or (await stripe.customer_of(event.payment) if event.payment else None)
        about.setdefault(payer, []).append(event)
    for customer_id, theirs in about.items():
        team_id = await team_behind(customer_id, stripe, transaction) if customer_id else None
        if team_id is not None:
            await look(team_id, stripe, transaction, clock, causes.get(theirs[0].event_id))
        await _settle(theirs, customer_id, team_id, transaction)


async def _settle(
    events: Sequence[StripeEvent], customer_id: str | None, team_id: UUID | None, transaction: Transaction
) -> None:
    detail = f"no team pays as {customer_id}" if customer_id else "it names no customer"
    async with transaction() as work:
        for event in sorted(events, key=lambda event: event.event_id):
            if team_id is None:
                await work.events.settle(event.event_id, "ignored", detail, None)
            else:
                await work.events.settle(event.event_id, "done", "", team_id)
