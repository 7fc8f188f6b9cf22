"""Every story of a paying team, however Stripe's events reach us: the same balances, written out by hand."""

import pytest
from services.billing.tests.world import WAYS, plans

from contracts.billing import PaymentDisputed, PaymentRefunded, PeriodOpened, PlanChanged, TopUpPaid

pytestmark = pytest.mark.parametrize("way", WAYS)
FIRST = "2027-01-24T10:00"
PAID = "2027-01-31T12:00"
"""Two hours after the seven days of trial: the first payment, of a month that began at ten."""


async def paying(told, way, plan="starter", interval="month"):
    """A team whose trial is over: its months begin on the 31st."""
    world = await told(way, FIRST)
    await world.checkout(plan=plan, interval=interval)
    await world.travel(PAID)
    return world


async def test_a_team_tries_a_plan_pays_for_it_and_is_renewed(told, way):
    world = await told(way, FIRST)
    assert (await world.plan(), await world.balance()) == ("free active", 200)
    await world.checkout(plan="starter")
    assert (await world.plan(), await world.balance()) == ("starter trialing", 250)
    await world.travel(PAID)
    assert (await world.plan(), await world.balance()) == ("starter active", 1_000)
    await world.spend(300)
    await world.travel("2027-02-28T12:00")
    await world.spend(1)
    await world.travel("2027-03-31T12:00")
    assert await world.balance() == 1_000
    periods = [(each.credits, f"{each.period_start:%m-%d}") for each in world.of(PeriodOpened)]
    assert sorted(periods, key=lambda each: each[1]) == [
        (200, "01-24"),
        (250, "01-24"),
        (1_000, "01-31"),
        (1_000, "02-28"),
        (1_000, "03-31"),
    ]


async def test_a_plan_bought_in_the_second_of_signing_up_replaces_the_credits_of_free(told, way):
    world = await told(way, "2027-01-24T10:00:00.9")  # to Stripe, which counts whole seconds, it is ten
    await world.checkout(plan="starter")
    assert (await world.plan(), await world.balance()) == ("starter trialing", 250)


async def test_a_better_plan_adds_the_difference_of_the_rest_of_the_month(told, way):
    world = await paying(told, way)
    await world.spend(400)
    await world.travel("2027-02-14T10:00")  # exactly half of the 28 days are left
    await world.change("atelier_pro_month")
    assert await world.plan() == "pro active"
    assert await world.balance() == 600 + 1_500
    (limits,) = {each.limits.running for each in world.of(PlanChanged) if each.plan == "pro"}
    assert limits == 8
    await world.travel("2027-02-28T12:00")
    assert await world.balance() == 4_000


async def test_a_lesser_plan_at_once_takes_nothing_and_brings_less_next_time(told, way):
    world = await paying(told, way, "pro")
    await world.travel("2027-02-14T10:00")
    await world.change("atelier_starter_month", behavior="none")
    assert (await world.plan(), await world.balance()) == ("starter active", 4_000)
    await world.travel("2027-02-28T12:00")
    assert await world.balance() == 1_000


async def test_a_lesser_plan_chosen_in_the_portal_comes_with_the_next_period(told, way, sandbox):
    world = await paying(told, way, "pro")
    await world.travel("2027-02-14T10:00")
    await in_the_portal(world, sandbox, "change", "atelier_starter_month")
    overview = await world.overview()
    assert (await world.plan(), overview.next_plan, await world.balance()) == ("pro active", "starter", 4_000)
    assert overview.next_invoice.total.amount == 900
    await world.travel("2027-02-28T12:00")
    assert (await world.plan(), await world.balance()) == ("starter active", 1_000)


async def test_who_cancels_at_once_is_back_on_free(told, way):
    world = await paying(told, way)
    await world.travel("2027-02-10T10:00")
    await world.client.v1.subscriptions.cancel_async((await world.subscription()).id)
    await world.hear()
    assert (await world.plan(), await world.balance()) == ("free active", 200)
    await world.spend(150)
    await world.travel("2027-03-10T10:01")
    assert await world.balance() == 200


async def test_who_cancels_keeps_the_plan_to_its_end_and_may_return(told, way):
    world = await paying(told, way)
    subscription = await world.subscription()
    await world.client.v1.subscriptions.update_async(subscription.id, {"cancel_at_period_end": True})
    await world.hear()
    assert (await world.plan(), (await world.overview()).next_plan) == ("starter active", "free")
    await world.travel("2027-02-28T12:00")
    assert (await world.plan(), await world.balance()) == ("free active", 200)
    await world.travel("2027-03-05T10:00")
    await world.checkout(plan="pro")  # without a second trial
    assert (await world.plan(), await world.balance()) == ("pro active", 4_000)


async def test_a_renewal_that_cannot_be_paid_has_three_days_and_then_the_limits_of_free(told, way):
    world = await paying(told, way)
    await world.card("pm_card_chargeCustomerFail")
    await world.travel("2027-02-28T12:00")
    assert (await world.plan(), await world.balance()) == ("starter past_due", 1_000)
    assert (await world.overview()).problem.code == "payment_failed"
    await world.travel("2027-03-03T10:01")
    assert (await world.plan(), await world.balance()) == ("free past_due", 200)
    await world.card("pm_card_visa")
    await world.travel("2027-03-12T12:00")  # Stripe has tried again
    assert (await world.plan(), await world.balance()) == ("starter active", 1_000)
    assert (await world.overview()).problem is None
    await world.travel("2027-03-31T12:00")
    assert await world.balance() == 1_000


async def test_a_renewal_that_is_never_paid_ends_the_plan(told, way):
    world = await paying(told, way)
    await world.card("pm_card_chargeCustomerFail")
    await world.travel("2027-02-28T12:00")
    await world.travel("2027-03-20T10:00")  # the last try failed on the 15th: the plan was cancelled
    assert (await world.plan(), await world.balance()) == ("free active", 200)


async def test_refunds_take_back_what_is_unspent_and_never_more_than_there_was(told, way):
    world = await paying(told, way)
    payment = await world.payment()
    await world.spend(300)
    await world.refund(payment, 450)  # half of 9 dollars
    assert await world.balance() == 200
    await world.refund(payment, 225)  # a quarter
    account = await world.account()
    assert (await world.balance(), account.uncollected) == (0, 50)
    await world.refund(payment)  # the rest
    account = await world.account()
    assert (await world.balance(), account.uncollected) == (0, 300)
    assert len(world.of(PaymentRefunded)) == 3


async def test_a_refund_that_fails_gives_its_credits_back_once(told, way, sandbox):
    world = await paying(told, way)
    await world.spend(300)
    await world.refund(await world.payment(), 450)  # half of 9 dollars
    assert await world.balance() == 200
    (refund,) = (await world.client.v1.refunds.list_async({"payment_intent": await world.payment()})).data
    await control(sandbox, "POST", f"/stripe/refunds/{refund.id}/fail", {})
    await world.hear()
    assert await world.balance() == 700
    await world.refund(await world.payment())  # again, and all of it
    account = await world.account()
    assert (await world.balance(), account.uncollected) == (0, 300)
    assert [each.state for each in world.of(PaymentRefunded)] == ["refunded", "failed", "refunded"]


async def test_a_disputed_payment_freezes_until_the_bank_has_decided(told, way, sandbox):
    world = await paying(told, way)
    await world.spend(100)
    dispute = await control(sandbox, "POST", "/stripe/disputes", {"charge": await world.payment()})
    await world.hear()
    assert ((await world.account()).frozen, await world.balance()) == (True, 900)
    assert (await world.overview()).problem.code == "payment_disputed"
    await control(sandbox, "POST", f"/stripe/disputes/{dispute['id']}/close", {"outcome": "won"})
    await world.hear()
    assert ((await world.account()).frozen, await world.balance()) == (False, 900)
    assert {each.state for each in world.of(PaymentDisputed)} == {"opened", "won"}


async def test_a_lost_dispute_takes_the_credits_back(told, way, sandbox):
    world = await paying(told, way)
    await world.spend(100)
    dispute = await control(sandbox, "POST", "/stripe/disputes", {"charge": await world.payment()})
    if way in ("twice", "at once"):  # heard of only when it was over, as well
        await world.hear()
    await control(sandbox, "POST", f"/stripe/disputes/{dispute['id']}/close", {"outcome": "lost"})
    await world.hear()
    account = await world.account()
    assert (account.frozen, account.uncollected, await world.balance()) == (False, 100, 0)


async def test_a_pack_survives_renewals_and_half_of_it_can_go_back(told, way):
    world = await paying(told, way)
    await world.checkout(pack="medium")
    assert await world.balance() == 1_000 + 2_000
    await world.travel("2027-02-28T12:00")
    assert await world.balance() == 1_000 + 2_000
    await world.refund(await world.payment(1), 1_000)  # half of 20 dollars
    assert await world.balance() == 1_000 + 1_000
    assert [each.credits for each in world.of(TopUpPaid)] == [2_000]
    assert len(plans(world.said)) == 3  # free, trialing, active: a pack changes no plan


async def in_the_portal(world, sandbox, action, key):
    """Do something on Stripe's page as the team's owner."""
    page = await world.stripe.open_portal(world.customer, "https://example.org")
    price = (await world.client.v1.prices.list_async({"lookup_keys": [key]})).data[0].id
    form = {"action": action, "subscription": (await world.subscription()).id, "price": price}
    async with sandbox.control.http.post(page.url, data=form) as answer:
        assert answer.status < 400, await answer.text()
    await world.hear()


async def control(sandbox, method, path, body):
    async with sandbox.control.http.request(method, sandbox.control.url + path, json=body) as answer:
        assert answer.status < 300, await answer.text()
        return await answer.json()
