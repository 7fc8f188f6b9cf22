"""Payments on the pages: plans, packs, the way to Stripe's pages and back, and what is wrong."""

from uuid import UUID, uuid4

import pytest
from services.gateway.tests.pages import Page, address, browser
from services.gateway.tests.stage import Stage, reference_model

from chassis.clock import utc_now
from contracts.billing import (
    BillingChanged,
    Invoice,
    Limits,
    Money,
    PackOffer,
    PaymentProblem,
    PlanOffer,
    PlansChanged,
    SetAutoTopUp,
)
from contracts.credits import AccountChanged

OFFERS = PlansChanged(
    version=1,
    plans=(
        PlanOffer(key="free", name="Free", credits=200, limits=Limits(running=1, open=20, per_minute=60)),
        PlanOffer(
            key="pro",
            name="Pro",
            credits=4000,
            limits=Limits(running=8, open=500, per_minute=300, pin=True),
            prices={
                "month": Money(amount=2900, currency="usd"),
                "year": Money(amount=29000, currency="usd"),
            },
        ),
    ),
    packs=(PackOffer(key="small", credits=500, price=Money(amount=1000, currency="usd")),),
)


async def payer(stage: Stage) -> Page:
    page = await browser(await stage.person())
    await stage.hear(OFFERS)
    return page


def billing(team_id: UUID, **changes: object) -> BillingChanged:
    known = {"team_id": team_id, "version": 9, "plan": "pro", "status": "active", "interval": "month"}
    return BillingChanged.model_validate(known | changes)


async def test_plans_are_compared_and_the_present_one_is_marked(stage: Stage):
    shown = (await (await payer(stage)).get("/credits")).text

    assert shown.count("Your plan</span>") == 1
    assert 'name="plan" value="pro">Choose Pro' in shown
    assert 'name="plan" value="free"' not in shown
    assert "$29<" in shown
    assert "$290<" in shown


async def test_choosing_a_plan_leads_to_the_page_where_it_is_paid_for(stage: Stage):
    page = await payer(stage)
    chosen = await page.post("/billing/checkout", plan="pro", interval="year", key=uuid4().hex)
    bought = await page.post("/billing/top-ups", pack="small", key=uuid4().hex)
    portal = await page.post("/billing/portal")

    assert chosen.headers["hx-redirect"] == "https://checkout.stripe.com/pro"
    assert bought.headers["hx-redirect"] == "https://checkout.stripe.com/small"
    assert portal.headers["hx-redirect"] == "https://billing.stripe.com/portal"


async def test_one_key_of_a_page_serves_each_choice_on_it(stage: Stage):
    page, key = await payer(stage), uuid4().hex
    answers = [
        await page.post("/billing/checkout", plan="pro", interval=interval, key=key)
        for interval in ("month", "year", "month")
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200]


async def test_what_billing_refuses_is_told_in_its_words(stage: Stage):
    page = await payer(stage)
    stage.refuse = "already_subscribed"
    answer = await page.post("/billing/checkout", plan="pro", key=uuid4().hex)

    assert answer.status_code == 409
    assert "No." in answer.text
    assert "hx-redirect" not in answer.headers


async def test_who_comes_back_is_told_what_happens_next_and_sees_it_live(stage: Stage):
    page = await payer(stage)
    back = (await page.get("/credits?paid=plan")).text
    cancelled = (await page.get("/credits?paid=nothing")).text
    made_up = (await page.get("/credits?paid=<script>")).text

    assert "as soon as the payment is confirmed" in back
    assert 'hx-trigger="sse:billing' in back
    assert "Nothing was paid" in cancelled
    assert "<script>" not in made_up.replace("<script src=", "")


async def test_invoices_and_the_card_are_shown_and_a_plan_is_changed_in_the_portal(stage: Stage):
    page = await payer(stage)
    invoice = Invoice(
        id="in_1",
        status="paid",
        total=Money(amount=2900, currency="usd"),
        description="Pro <b>",
        created_at=utc_now(),
        url="https://invoice.stripe.com/1",
    )
    await stage.hear(billing(page.person.team_id, card="visa 4242", invoices=(invoice,)))
    shown = (await page.get("/credits")).text

    assert "visa 4242" in shown
    assert 'href="https://invoice.stripe.com/1"' in shown
    assert "Pro &lt;b&gt;" in shown
    assert 'name="plan"' not in shown
    assert 'hx-post="/billing/portal"' in shown


async def test_a_payment_problem_is_told_on_every_page_to_who_can_mend_it(stage: Stage):
    page = await payer(stage)
    member = await browser(await stage.invited(page.person, address()))
    problem = PaymentProblem(
        code="payment_failed",
        detail="Your payment for Pro failed.",
        since=utc_now(),
        url="https://pay.example/1",
    )
    await stage.hear(billing(page.person.team_id, problem=problem))

    for path in ("/gallery", "/models", "/team"):
        assert 'href="https://pay.example/1"' in (await page.get(path)).text
    assert "Your payment for Pro failed." not in (await member.get("/gallery")).text


async def test_frozen_credits_are_explained_to_everybody(stage: Stage):
    page = await payer(stage)
    team_id = page.person.team_id
    frozen = AccountChanged(team_id=team_id, version=99, available=200, bonus=0, reserved=0, frozen=True)
    await stage.hear(frozen)

    assert "credits are frozen" in (await page.get("/gallery")).text


async def test_a_member_sees_the_plan_and_nothing_to_pay(stage: Stage):
    page = await payer(stage)
    member = await browser(await stage.invited(page.person, address()))
    shown = (await member.get("/credits")).text

    assert "<strong>Free</strong>" in shown
    assert "An owner or admin can change that" in shown
    assert "/billing/" not in shown


@pytest.mark.parametrize("path", ["checkout", "top-ups", "portal", "auto-top-up"])
async def test_a_member_may_not_pay(stage: Stage, path: str):
    member = await browser(await stage.invited(await stage.person(), address()))
    answer = await member.post(f"/billing/{path}", plan="pro", pack="small", key=uuid4().hex)

    assert answer.status_code == 403


async def test_packs_are_bought_by_themselves_within_what_was_said(stage: Stage):
    page = await payer(stage)
    form = {"enabled": "true", "threshold": "150", "pack": "small", "monthly_cap": "30"}
    on = await page.post("/billing/auto-top-up", **form)
    shown = (await page.get("/credits?done=auto")).text
    off = await page.post("/billing/auto-top-up", **(form | {"enabled": "false"}))
    said = [message for message in stage.said if isinstance(message, SetAutoTopUp)]

    assert (on.headers["hx-redirect"], off.headers["hx-redirect"]) == (
        "/credits?done=auto",
        "/credits?done=no-auto",
    )
    assert (said[0].threshold, said[0].pack, said[0].monthly_cap) == (150, "small", 3000)
    assert 'value="150"' in shown
    assert 'value="30"' in shown
    assert said[1].enabled is False


async def test_a_cap_that_is_no_number_is_told(stage: Stage):
    page = await payer(stage)
    answer = await page.post(
        "/billing/auto-top-up", enabled="true", threshold="x", pack="small", monthly_cap=""
    )

    assert answer.status_code == 422
    assert "Threshold" in answer.text


async def test_a_new_team_is_greeted_with_images_that_are_one_press_away(stage: Stage):
    page = await browser(await stage.person())
    references = [
        reference_model(category=name, slug=name) for name in ("fashion", "fitness", "business", "beauty")
    ]
    await stage.hear(*references)
    greeted = (await page.get("/")).text
    form = {"source": f"reference_model:{references[0].id}", "prompt": "a linen coat", "key": uuid4().hex}
    made = await page.post("/generate", **form)
    after = (await page.get("/")).text

    assert "Welcome, Ada" in greeted
    assert greeted.count("Make it</button>") == 3
    assert 'id="first" hx-swap-oob="true"' in made.text
    assert "Welcome, Ada" not in after
