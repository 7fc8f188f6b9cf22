"""Take what Stripe says has happened: noted once, then looked at. What it says itself is never believed."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from billing.application.look import Source, look
from billing.application.ports import Stripe, Transaction
from chassis.clock import Clock
from contracts.billing import StripeEvent
from contracts.envelope import Delivery

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
    about: dict[UUID, list[StripeEvent]] = {}
    causes: dict[UUID, Source] = {}
    for delivery in deliveries:
        team_id = await _note(delivery.message, stripe, transaction)
        if team_id is not None:
            about.setdefault(team_id, []).append(delivery.message)
            causes.setdefault(team_id, delivery)
    for team_id, events in about.items():
        await look(team_id, stripe, transaction, clock, causes[team_id])
        async with transaction() as work:
            for event in events:
                await work.events.settle(event.event_id, "done", "", team_id)


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
        team_id = await _note(event, stripe, transaction)
        if team_id is not None:
            await look(team_id, stripe, transaction, clock)
            async with transaction() as work:
                await work.events.settle(event.event_id, "done", "", team_id)


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


async def _note(event: StripeEvent, stripe: Stripe, transaction: Transaction) -> UUID | None:
    """Note an event; returns the team to look at, None when there is nothing to do about it."""
    async with transaction() as work:
        known = await work.events.add(event)
        if known.state != "waiting":
            return None
        if not event.event_type.startswith(HEARD):
            await work.events.settle(event.event_id, "ignored", "nothing follows from this type", None)
            return None
    customer_id = event.customer or (await stripe.customer_of(event.payment) if event.payment else None)
    team_id = await team_behind(customer_id, stripe, transaction) if customer_id else None
    if team_id is None:
        async with transaction() as work:
            detail = f"no team pays as {customer_id}" if customer_id else "it names no customer"
            await work.events.settle(event.event_id, "ignored", detail, None)
    return team_id
