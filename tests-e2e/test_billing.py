"""A team pays: through the gateway, on Stripe's pages, and by what Stripe's webhooks bring about."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from e2e.client import Client
from e2e.house import House
from e2e.till import Till, page
from e2e.witness import heard, secrets_found


@pytest.fixture
async def till(house: House) -> AsyncIterator[Till]:
    till = Till(house)
    yield till
    await till.lose_webhooks()
    await till.close()


async def shown(look: Callable[[], Awaitable[bool]], within: float = 60) -> None:
    """Wait until what was paid for is seen."""
    async with asyncio.timeout(within):
        while not await look():
            await asyncio.sleep(1)  # a plan allows so many requests a minute


async def has(client: Client, available: int, open_limit: int = 20) -> None:
    async def look() -> bool:
        balance = await client.balance()
        return (balance["available"], balance["open_limit"]) == (available, open_limit)

    await shown(look)


async def test_a_plan_and_a_pack_are_paid_for_and_seen(house: House, till: Till):
    client = await house.team()
    plans = await client.get("/api/plans")
    assert [plan["key"] for plan in plans["plans"]] == ["free", "starter", "pro", "business"]
    assert (await till.pay(await page(client, "checkout", plan="starter"))).status_code == 200
    await has(client, 250, open_limit=100)
    billing = await client.get("/api/billing")
    assert (billing["plan"], billing["status"], billing["problem"]) == ("starter", "trialing", None)
    assert billing["next_invoice"]["total"] == {"amount": 900, "currency": "usd"}
    again = await client.post("/api/billing/checkout", {"plan": "pro"})
    assert (again.status_code, again.json()["code"]) == (409, "already_subscribed")

    assert (await till.pay(await page(client, "top-ups", pack="small"))).status_code == 200
    await has(client, 750, open_limit=100)
    invoices = (await client.get("/api/billing"))["invoices"]
    assert [invoice["total"]["amount"] for invoice in invoices] == [600, 0]
    assert (await till.api.get(await page(client, "portal"))).status_code == 200
    await house.is_settled()


async def test_a_card_that_is_declined_changes_nothing(house: House, till: Till):
    client = await house.team()
    refused = await till.pay(await page(client, "top-ups", pack="small"), "pm_card_chargeDeclined")

    assert refused.status_code == 402
    assert (await client.balance())["available"] == 200


async def test_webhooks_that_are_all_lost_are_made_up_for(house: House, till: Till):
    client = await house.team()
    await till.lose_webhooks({"fault": "webhook_lost"})
    await till.pay(await page(client, "checkout", plan="starter"))
    await till.pay(await page(client, "top-ups", pack="medium"))
    assert (await client.balance())["available"] == 200
    healed = await house.operate("billing", "reconcile")
    assert f"team {client.team_id}: billing.plan-changed.v1, billing.period-opened.v1" in healed
    await has(client, 2_250, open_limit=100)

    assert "1 teams healed" in healed
    assert "0 teams healed" in await house.operate("billing", "reconcile")


async def test_packs_are_bought_when_the_credits_run_low_up_to_the_cap(house: House, till: Till):
    client = await house.team()
    on = {"enabled": True, "threshold": 900, "pack": "small", "monthly_cap": 700}
    without = await client.change("PUT", "/api/billing/auto-top-up", on)
    assert (without.status_code, without.json()["code"]) == (409, "no_card")
    await till.pay(await page(client, "top-ups", pack="small"))
    await has(client, 700)
    switched = await client.change("PUT", "/api/billing/auto-top-up", on)
    assert switched.json()["enabled"] is True
    await has(client, 1_200)  # below the threshold from the start: one pack at once, and no second

    job = await client.generate("below the threshold again", 1)
    await client.end(job)
    await house.operate("credits", "adjust", "--team", client.team_id, "--amount=-500", "--reason", "spent")
    await has(client, 698)
    assert (await client.get("/api/billing"))["auto_top_up"]["spent_this_month"] == 600
    await house.is_settled()


async def test_a_forged_webhook_is_refused_and_kept_nowhere(house: House):
    before = house.query("select count(*) from billing.stripe_events")
    async with httpx.AsyncClient(base_url=house.stack.url) as stranger:
        signature = {"Stripe-Signature": "t=1,v1=00"}
        answer = await stranger.post("/api/webhooks/stripe", content=b"{}", headers=signature)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_signature")
    assert house.query("select count(*) from billing.stripe_events") == before


async def test_no_secret_and_no_card_is_written_down_anywhere(house: House, till: Till):
    client = await house.team()
    await till.pay(await page(client, "top-ups", pack="small"))
    await has(client, 700)
    spoken = {"billing.open-checkout.v1", "billing.stripe-event.v1", "billing.top-up-paid.v1",
              "billing.billing-changed.v1", "credits.account-changed.v1"}  # fmt: skip
    assert heard(house.stack) >= spoken
    assert secrets_found(house.stack) == []
    assert await house.parked() == {}


async def test_a_secret_that_is_written_down_is_found(house: House):
    house.query("insert into witness.said values ('billing', 'leak', 'pm_card_visa')")
    try:
        assert secrets_found(house.stack) == ["billing said leak"]
    finally:
        house.query("delete from witness.said where type = 'leak'")
