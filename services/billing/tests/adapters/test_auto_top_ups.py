"""Packs that are bought by themselves: one at a time, once each time the credits run low, up to the cap."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from services.billing.tests.adapters.test_stories import control
from services.billing.tests.world import World
from stripe import APIConnectionError

from billing.adapters.outbound.postgres.work import transaction
from billing.application.buy_packs import Shop, buy_packs, finish_purchases
from billing.application.set_auto_top_up import set_auto_top_up
from chassis.testing import delivery, take_said
from contracts.billing import BillingChanged, BillingRefused, SetAutoTopUp, TopUpPaid
from contracts.credits import LowBalance

OPENED = "2027-01-10T10:00"


async def wants(world: World, **changes: object):
    wish = {"enabled": True, "threshold": 100, "pack": "small", "monthly_cap": 1_500} | changes
    command = SetAutoTopUp(request_id=uuid4(), team_id=world.team, **wish)
    await set_auto_top_up(delivery(command), world.stripe, transaction(world.billing), world.now)
    (answer,) = await take_said(world.billing)
    if isinstance(answer, BillingChanged):
        await world.pass_on([answer])
    return answer


async def ready(told) -> World:
    world = await told("twice", OPENED)
    await world.checkout(pack="small")  # which keeps the card
    assert await world.balance() == 700
    return world


async def low(world: World, **more: object) -> LowBalance:
    version = (await world.account()).version
    told = {"spendable": 50, "threshold": 100, "at": world.now(), "version": version} | more
    return LowBalance(team_id=world.team, **told)


async def bought(world: World) -> int:
    intents = await world.client.v1.payment_intents.list_async({"customer": world.customer, "limit": 100})
    return len([each for each in intents.data if "purchase" in (each.metadata or {}).to_dict()])


async def test_nothing_is_bought_unless_it_is_wished(told):
    world = await ready(told)
    await world.buy(await low(world))
    await wants(world, enabled=False)
    await world.buy(await low(world))

    assert await bought(world) == 0


async def test_a_pack_is_bought_once_for_each_time_the_credits_run_low(told):
    world = await ready(told)
    assert (await wants(world)).auto_top_up.is_on
    first = await low(world)
    world.moment += timedelta(seconds=1)
    await world.buy(first, first)
    await world.buy(first)
    assert (await bought(world), await world.balance()) == (1, 1_200)
    assert (await world.overview()).auto_top_up.spent_this_month == 600
    world.moment += timedelta(hours=1)
    await world.buy(await low(world))
    assert (await bought(world), await world.balance()) == (2, 1_700)
    await world.hear()
    assert [each.credits for each in world.of(TopUpPaid)] == [500, 500, 500]


@pytest.mark.parametrize("hours", [-1, 1])
async def test_what_the_clock_of_credits_says_decides_nothing(told, hours):
    world = await ready(told)
    await wants(world)
    for packs in (1, 2):
        heard = await low(world, at=world.now() + timedelta(hours=hours))
        await world.buy(heard)
        await world.buy(heard)
        assert await bought(world) == packs


async def test_a_message_that_comes_again_is_the_same_purchase_also_without_a_version(told):
    world = await ready(told)
    await wants(world)
    heard, shop = (
        delivery(await low(world, version=0)),
        Shop(world.stripe, transaction(world.billing), world.now),
    )
    await buy_packs([heard, heard], shop)
    await buy_packs([heard], shop)
    assert await bought(world) == 1


async def test_a_team_that_is_low_by_both_thresholds_gets_one_pack(told):
    world = await ready(told)
    await wants(world)
    own = await low(world)
    common = await low(world, spendable=10, threshold=20, version=own.version + 1)
    await world.buy(own, common)
    assert await bought(world) == 1


async def test_no_more_is_bought_than_the_cap_of_the_month_allows(told):
    world = await ready(told)
    await wants(world, monthly_cap=1_100)
    for _ in range(3):
        world.moment += timedelta(hours=1)
        await world.buy(await low(world))
    assert await bought(world) == 1
    await world.wait()
    overview = await world.overview()
    assert (overview.auto_top_up.is_on, overview.problem.code) == (False, "auto_top_up_stopped")
    assert overview.problem.detail == (
        "Automatic top-ups wait until 01 February 2027: another pack would exceed the monthly cap."
    )


async def test_who_is_still_low_when_a_new_month_begins_gets_a_pack_by_itself(told):
    world = await ready(told)
    await wants(world, monthly_cap=1_100)
    for _ in range(2):
        world.moment += timedelta(hours=1)
        await world.buy(await low(world))
    await world.spend(1_150)
    await world.travel("2027-01-31T23:59")
    assert (await world.balance(), world.of(LowBalance)) == (50, [])  # nothing is listened for meanwhile
    await world.travel("2027-02-01T00:01")
    overview = await world.overview()
    assert (overview.auto_top_up.is_on, overview.auto_top_up.spent_this_month) == (True, 0)
    (heard,) = world.of(LowBalance)
    world.moment += timedelta(seconds=1)
    await world.buy(heard)
    assert (await bought(world), await world.balance()) == (2, 550)


async def test_many_processes_that_hear_of_it_at_once_buy_one_pack(told):
    world = await ready(told)
    await wants(world)
    heard = await low(world)
    world.moment += timedelta(seconds=1)
    await asyncio.gather(*(world.buy(heard) for _ in range(4)))

    assert (await bought(world), await world.balance()) == (1, 1_200)


async def test_a_card_that_is_declined_stops_it_with_a_notice_until_it_is_wished_anew(told):
    world = await ready(told)
    await wants(world)
    await world.card("pm_card_chargeCustomerFail")
    world.moment += timedelta(hours=1)
    await world.buy(await low(world))
    overview = await world.overview()
    assert (overview.auto_top_up.enabled, overview.auto_top_up.is_on) == (True, False)
    assert overview.problem.code == "auto_top_up_stopped"
    assert overview.problem.detail == "Automatic top-ups have stopped: Your card was declined."
    world.moment += timedelta(hours=1)
    await world.buy(await low(world))
    assert (await bought(world), await world.balance()) == (1, 700)  # tried once, and never again

    await world.card("pm_card_visa")
    await wants(world)
    world.moment += timedelta(hours=1)
    await world.buy(await low(world))
    assert await world.balance() == 1_200


async def test_an_answer_that_is_lost_is_asked_for_again_and_not_paid_twice(told, sandbox):
    world = await ready(told)
    await wants(world)
    lost = {"fault": "accept_then_close", "match": {"method": "POST", "path": "/v1/payment_intents"}}
    await control(sandbox, "PUT", "/stripe/faults", [lost])
    heard = await low(world)
    world.moment += timedelta(seconds=1)
    with pytest.raises(APIConnectionError):
        await world.buy(heard)
    await control(sandbox, "PUT", "/stripe/faults", [])
    world.moment += timedelta(minutes=3)
    await finish_purchases(Shop(world.stripe, transaction(world.billing), world.now))
    await world.wait()

    assert (await bought(world), await world.balance()) == (1, 1_200)


async def test_what_cannot_be_wished_is_refused_with_a_reason(told):
    world = await told("twice", OPENED)
    refused = await wants(world)
    assert isinstance(refused, BillingRefused)
    assert refused.code == "no_card"
    await world.checkout(pack="small")
    codes = [
        (await wants(world, **changes)).code
        for changes in ({"pack": "huge"}, {"threshold": 0}, {"monthly_cap": 599})
    ]
    assert codes == ["pack_not_found", "threshold_too_low", "cap_too_low"]
