"""Plans, pages to pay on, and what a team pays, as clients ask for them."""

from datetime import UTC, datetime

import pytest
from services.gateway.tests.stage import Stage

from contracts.billing import (
    BillingChanged,
    Invoice,
    Limits,
    Money,
    OpenCheckout,
    PackOffer,
    PlanOffer,
    PlansChanged,
    SetAutoTopUp,
)

ON = {"enabled": True, "threshold": 100, "pack": "small", "monthly_cap": 3000}


def offers(version: int = 1) -> PlansChanged:
    usd = Money(amount=2900, currency="usd")
    plan = PlanOffer(
        key="pro",
        name="Pro",
        credits=4000,
        limits=Limits(running=8, open=500, per_minute=300),
        prices={"month": usd},
    )
    return PlansChanged(
        version=version, plans=(plan,), packs=(PackOffer(key="small", credits=500, price=usd),)
    )


async def test_anyone_in_a_team_compares_the_plans(stage: Stage):
    ada = await stage.person()
    await stage.hear(offers())
    answer = await ada.client.get("/api/plans")

    assert answer.status_code == 200
    assert answer.json()["plans"][0]["prices"] == {"month": {"amount": 2900, "currency": "usd"}}
    assert answer.json()["packs"][0]["key"] == "small"


async def test_a_team_that_never_paid_sees_its_plan(stage: Stage):
    ada = await stage.person()
    billing = (await ada.client.get("/api/billing")).json()

    assert (billing["plan"], billing["status"], billing["invoices"]) == ("free", "active", [])
    assert billing["auto_top_up"]["enabled"] is False


async def test_a_team_sees_what_it_pays_and_another_does_not(stage: Stage):
    ada, eve = await stage.person(), await stage.person()
    invoice = Invoice(
        id="in_1",
        status="paid",
        total=Money(amount=900, currency="usd"),
        created_at=datetime(2026, 11, 1, tzinfo=UTC),
        url="https://invoice.stripe.com/i/in_1",
    )
    paid = BillingChanged(
        team_id=ada.team_id, version=2, plan="starter", interval="month", status="active", invoices=(invoice,)
    )
    await stage.hear(paid)

    assert (await ada.client.get("/api/billing")).json()["invoices"][0]["url"] == invoice.url
    assert (await eve.client.get("/api/billing")).json()["plan"] == "free"
    events = (await ada.client.get("/api/events")).json()["data"]
    assert "billing.changed" not in {event["type"] for event in events}


async def test_the_page_to_pay_on_is_answered_and_answered_again(stage: Stage):
    ada = await stage.person()
    body = {"plan": "pro", "interval": "year"}
    answers = [
        await ada.client.post("/api/billing/checkout", json=body, headers={"Idempotency-Key": "k"})
        for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert {answer.json()["url"] for answer in answers} == {"https://checkout.stripe.com/pro"}
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    [command] = [message for message in stage.said if isinstance(message, OpenCheckout)]
    assert (command.team_id, command.plan, command.interval) == (ada.team_id, "pro", "year")
    assert command.success_url.endswith("/credits")


async def test_a_pack_and_the_portal_have_pages_too(stage: Stage):
    ada = await stage.person()
    body = {"pack": "small", "success_url": "https://example.org/thanks"}
    pack = await ada.client.post("/api/billing/top-ups", json=body)
    portal = await ada.client.post("/api/billing/portal", json={})

    assert pack.json() == {"url": "https://checkout.stripe.com/small"}
    assert portal.json() == {"url": "https://billing.stripe.com/portal"}


@pytest.mark.parametrize(
    ("code", "status"),
    [("payments_not_configured", 409), ("plan_not_found", 404), ("already_subscribed", 409)],
)
async def test_what_billing_refuses_is_told_with_its_code(stage: Stage, code: str, status: int):
    ada = await stage.person()
    stage.refuse = code
    answer = await ada.client.post("/api/billing/checkout", json={"plan": "pro"})

    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"plan": "pro", "interval": "week"},
        {"plan": "pro", "team_id": "x"},
        {"plan": "pro", "success_url": "javascript:alert(1)"},
        {"plan": "pro", "success_url": "http:///nowhere"},
    ],
)
async def test_a_wrong_wish_to_pay_is_refused_before_anybody_hears_of_it(stage: Stage, body):
    ada = await stage.person()
    answer = await ada.client.post("/api/billing/checkout", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [message for message in stage.said if isinstance(message, OpenCheckout)] == []


async def test_packs_bought_by_themselves_are_switched_on_and_off(stage: Stage):
    ada = await stage.person()
    on = await ada.client.put("/api/billing/auto-top-up", json=ON)

    assert on.status_code == 200
    assert (on.json()["enabled"], on.json()["threshold"], on.json()["pack"]) == (True, 100, "small")
    [command] = [message for message in stage.said if isinstance(message, SetAutoTopUp)]
    assert command.monthly_cap == 3000
    off = await ada.client.put("/api/billing/auto-top-up", json={"enabled": False})
    assert off.status_code == 200


async def test_a_threshold_is_needed_to_switch_it_on(stage: Stage):
    ada = await stage.person()
    answer = await ada.client.put("/api/billing/auto-top-up", json={"enabled": True, "pack": "small"})

    assert answer.status_code == 422


@pytest.mark.parametrize("scopes", [["read"], ["read", "generate", "models"]])
async def test_a_key_without_the_scope_sees_plans_and_no_payments(stage: Stage, scopes):
    ada = await stage.person()
    await stage.hear(offers())
    made = await ada.client.post("/api/api-keys", json={"name": "k", "scopes": scopes})
    async with stage.client(Authorization=f"Bearer {made.json()['secret']}") as client:
        statuses = [
            (await client.get("/api/plans")).status_code,
            (await client.get("/api/billing")).status_code,
            (await client.post("/api/billing/checkout", json={"plan": "pro"})).status_code,
            (await client.post("/api/billing/top-ups", json={"pack": "small"})).status_code,
            (await client.post("/api/billing/portal", json={})).status_code,
            (await client.put("/api/billing/auto-top-up", json=ON)).status_code,
        ]

    assert statuses == [200, 403, 403, 403, 403, 403]


async def test_a_key_for_billing_pays(stage: Stage):
    ada = await stage.person()
    made = await ada.client.post("/api/api-keys", json={"name": "k", "scopes": ["billing"]})
    async with stage.client(Authorization=f"Bearer {made.json()['secret']}") as client:
        assert (await client.get("/api/billing")).status_code == 200
        assert (await client.post("/api/billing/checkout", json={"plan": "pro"})).status_code == 201
