"""Pages to pay on: opened once for a request, refused with a reason, and bound to nothing by themselves."""

from uuid import uuid4

import pytest

from billing.adapters.outbound.postgres.work import transaction
from billing.adapters.outbound.stripe import catalog as stripe_catalog
from billing.adapters.outbound.stripe.catalog import StripeCatalog
from billing.application.open_checkout import open_checkout
from billing.application.open_portal import open_portal
from billing.application.open_team import open_team
from billing.domain import plans
from chassis.clock import utc_now
from chassis.testing import delivery, take_said
from contracts.billing import BillingRefused, CheckoutOpened, OpenCheckout, OpenPortal, PortalOpened
from contracts.gateway import TeamOpened

OPENED = "2027-01-24T10:00"


def asking(team, **wanted: object) -> OpenCheckout:
    known = {
        "request_id": uuid4(),
        "team_id": team,
        "success_url": "https://a/ok",
        "cancel_url": "https://a/no",
    }
    return OpenCheckout.model_validate(known | wanted)


async def answer(world, command):
    opens = open_portal if isinstance(command, OpenPortal) else open_checkout
    await opens(delivery(command), world.stripe, transaction(world.billing))
    (said,) = await take_said(world.billing)
    return said


async def test_the_same_request_is_answered_with_the_same_page(told):
    world = await told("twice", OPENED)
    command = asking(world.team, plan="pro")
    first, second = await answer(world, command), await answer(world, command)

    assert isinstance(first, CheckoutOpened)
    assert first == second


async def test_a_new_page_for_a_plan_closes_the_one_before(told):
    world = await told("twice", OPENED)
    first = await answer(world, asking(world.team, plan="pro"))
    await answer(world, asking(world.team, pack="small"))
    second = await answer(world, asking(world.team, plan="starter", interval="year"))
    sessions = await world.client.v1.checkout.sessions.list_async({"customer": world.customer})

    assert first.url != second.url
    assert sorted((each.mode, each.status) for each in sessions.data) == [
        ("payment", "open"),
        ("subscription", "expired"),
        ("subscription", "open"),
    ]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"plan": "free"}, "plan_not_found"),
        ({"plan": "gold"}, "plan_not_found"),
        ({"pack": "gold"}, "pack_not_found"),
        ({}, "nothing_chosen"),
        ({"plan": "pro", "pack": "small"}, "nothing_chosen"),
    ],
)
async def test_what_cannot_be_bought_is_refused(told, wanted, code):
    world = await told("twice", OPENED)
    refused = await answer(world, asking(world.team, **wanted))

    assert isinstance(refused, BillingRefused)
    assert refused.code == code


async def test_who_has_a_plan_is_sent_to_the_portal(told):
    world = await told("twice", OPENED)
    await world.checkout(plan="starter")
    refused = await answer(world, asking(world.team, plan="pro"))
    portal = await answer(world, OpenPortal(request_id=uuid4(), team_id=world.team, return_url="https://a/b"))

    assert refused.code == "already_subscribed"
    assert isinstance(portal, PortalOpened)


async def test_without_stripe_everything_is_free_and_nothing_can_be_bought(store):
    team = uuid4()
    opened = TeamOpened(team_id=team, name="Ada", owner_email="ada@example.org")
    await open_team([delivery(opened)], store.transaction, utc_now)
    await store.said()
    await open_checkout(delivery(asking(team, plan="pro")), None, store.transaction)
    await open_portal(
        delivery(OpenPortal(request_id=uuid4(), team_id=team, return_url="https://a/b")),
        None,
        store.transaction,
    )

    assert {each.code for each in await store.said()} == {"payments_not_configured"}


async def test_plans_are_synced_once_and_a_changed_price_is_a_new_one(client, sandbox, monkeypatch):
    catalog = StripeCatalog(client)
    assert await catalog.sync() == []
    dearer = plans.PACKS | {"small": plans.Pack("small", 500, 700)}
    monkeypatch.setattr(stripe_catalog, "PACKS", dearer)
    assert await catalog.sync() == ["price atelier_pack_small was 600, is 700 usd"]
    assert await catalog.sync() == []
    monkeypatch.undo()
    assert await catalog.sync() == ["price atelier_pack_small was 700, is 600 usd"]
    sold = await client.v1.prices.list_async({"lookup_keys": ["atelier_pack_small"], "active": True})
    assert [each.unit_amount for each in sold.data] == [600]
