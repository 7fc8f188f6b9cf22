"""Stripe's events: noted once, looked into, and shown to operators when nothing follows from them."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from services.billing.tests.adapters.test_stories import control
from stripe import APIError

from billing.adapters.outbound.postgres.work import transaction
from billing.application.list_events import list_events
from billing.application.take_events import keep_events, take_events, take_waiting
from chassis.testing import delivery
from contracts.billing import StripeEvent

NOW = datetime(2027, 1, 24, 10, tzinfo=UTC)


def event(type_: str = "invoice.paid", customer: str | None = None, **fields: object) -> StripeEvent:
    return StripeEvent(
        event_id=f"evt_{uuid4().hex}",
        event_type=type_,
        object_id="in_1",
        customer=customer,
        created_at=NOW,
        received_at=NOW,
        **fields,
    )


async def states(world) -> list[tuple[str, str]]:
    return [(each.state, each.detail) for each in await list_events(None, 50, transaction(world.billing))]


async def test_an_event_of_an_unknown_team_is_kept_and_has_no_effect(told):
    world = await told("twice", "2027-01-24T10:00")
    stranger = await world.client.v1.customers.create_async({"name": "Eve"})
    for customer in ("cus_unknown", stranger.id):
        await world.take(event(customer=customer))
    await world.take(event(customer=None))

    assert sorted(await states(world)) == sorted(
        [
            ("ignored", "no team pays as cus_unknown"),
            ("ignored", f"no team pays as {stranger.id}"),
            ("ignored", "it names no customer"),
        ]
    )


async def test_an_event_of_an_unknown_type_is_kept_and_has_no_effect(told):
    world = await told("twice", "2027-01-24T10:00")
    said = len(world.said)
    await world.take(event("issuing_card.created", world.customer))
    await world.wait()

    assert await states(world) == [("ignored", "nothing follows from this type")]
    assert len(world.said) == said


async def test_an_event_that_comes_again_is_noted_once(told):
    world = await told("twice", "2027-01-24T10:00")
    one = event(customer=world.customer)
    await world.take(one, one)
    await world.take(one)

    assert await states(world) == [("done", "")]


async def test_a_customer_that_was_made_and_never_noted_is_found_by_its_team(told):
    world = await told("twice", "2027-01-24T10:00")
    async with transaction(world.billing)() as work:
        await work.customers.release(world.team)
    await world.checkout_as_it_was_left(plan="starter")

    assert (await world.plan(), await world.balance()) == ("starter trialing", 250)


async def test_while_stripe_is_away_an_event_waits_and_is_taken_up_later(told, sandbox):
    world = await told("twice", "2027-01-24T10:00")
    one = event(customer=world.customer)
    await control(sandbox, "PUT", "/stripe/faults", [{"fault": "http_500", "match": {"method": "GET"}}])
    with pytest.raises(APIError):
        await world.take(one)
    await control(sandbox, "PUT", "/stripe/faults", [])
    assert await states(world) == [("waiting", "")]
    await take_waiting(world.stripe, transaction(world.billing), lambda: NOW + timedelta(minutes=6))

    assert await states(world) == [("done", "")]


async def test_without_a_key_events_wait(store):
    await keep_events([delivery(event(customer="cus_1"))], store.transaction)

    (known,) = await list_events("waiting", 50, store.transaction)
    assert known.event.customer == "cus_1"
    assert await list_events("done", 50, store.transaction) == []


async def test_an_event_that_only_names_a_payment_finds_its_team(told):
    world = await told("twice", "2027-01-24T10:00")
    await world.checkout(pack="small")
    await take_events(
        [delivery(event("refund.created", payment=await world.payment()))],
        world.stripe,
        transaction(world.billing),
        world.now,
    )

    assert ("done", "") in await states(world)
