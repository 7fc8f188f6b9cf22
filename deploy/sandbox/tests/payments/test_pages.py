"""The hosted pages: checkout, portal, invoice, as a browser without script sees them."""

import re

import pytest
import stripe

from .conftest import PAID, at

DONE = "http://127.0.0.1:1/done?session_id={CHECKOUT_SESSION_ID}"
BACK = "http://127.0.0.1:1/plans"


async def checkout(shop, price, **fields):
    return await shop.api.checkout.sessions.create_async(
        {
            "mode": "subscription",
            "success_url": DONE,
            "cancel_url": BACK,
            "line_items": [{"price": price.id, "quantity": 1}],
            "client_reference_id": "team-1",
            "metadata": {"team_id": "team-1"},
        }
        | fields
    )


async def session(shop, key):
    return await shop.api.checkout.sessions.retrieve_async(key, {"expand": ["line_items", "subscription"]})


async def test_a_person_subscribes(shop, browser):
    price = await shop.price("Pro", 1200)
    made = await checkout(shop, price, subscription_data={"metadata": {"team_id": "team-1"}})
    assert (made.status, made.payment_status, made.amount_total) == ("open", "unpaid", 1200)
    page = await browser.get(made.url)
    assert "<h1>Subscribe</h1>" in page.text
    assert "Pay $12.00</button>" in page.text
    assert f'href="{BACK}">Cancel</a>' in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text
    before = len(await shop.events())
    paid = await browser.post(made.url, data={"action": "pay", "card": "visa", "email": "ada@example.com"})
    assert paid.status_code == 303
    assert paid.headers["Location"] == f"http://127.0.0.1:1/done?session_id={made.id}"
    done = await session(shop, made.id)
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    assert (done.client_reference_id, done.customer_details.email) == ("team-1", "ada@example.com")
    assert [(each.price.id, each.quantity) for each in done.line_items.data] == [(price.id, 1)]
    assert done.subscription.status == "active"
    assert done.subscription.metadata.to_dict() == {"team_id": "team-1"}
    assert done.subscription.customer == done.customer
    assert (await shop.events())[before:] == [
        "customer.created",
        "payment_method.attached",
        "customer.subscription.created",
        "invoice.created",
        *PAID,
        "customer.subscription.updated",
        "checkout.session.completed",
    ]


async def test_a_declined_card_leaves_the_checkout_open(shop, browser):
    made = await checkout(shop, await shop.price("Pro", 1200))
    for form in (
        {"action": "decline", "card": "visa", "email": "ada@example.com"},
        {"action": "pay", "card": "chargeDeclinedInsufficientFunds", "email": "ada@example.com"},
        {"action": "pay", "card": "chargeCustomerFail", "email": "ada@example.com"},
    ):
        refused = await browser.post(made.url, data=form)
        assert refused.status_code == 402
        assert 'role="alert"' in refused.text
    assert (await session(shop, made.id)).status == "open"
    assert not (await shop.api.subscriptions.list_async({"status": "all"})).data
    assert not (await shop.api.customers.list_async()).data
    assert (await shop.events()).count("charge.failed") == 3
    paid = await browser.post(made.url, data={"action": "pay", "card": "visa", "email": "ada@example.com"})
    assert paid.status_code == 303


async def test_a_session_is_paid_once(shop, browser):
    made = await checkout(shop, await shop.price("Pro", 1200))
    form = {"action": "pay", "card": "visa", "email": "ada@example.com"}
    assert [(await browser.post(made.url, data=form)).status_code for _ in range(2)] == [303, 200]
    assert len((await shop.api.subscriptions.list_async()).data) == 1


async def test_a_trial_starts_without_a_payment(shop, browser):
    customer = await shop.customer("2027-01-01 00:00", card=None)
    price = await shop.price("Pro", 1200)
    made = await checkout(
        shop, price, customer=customer.id, subscription_data={"trial_period_days": 14, "metadata": {"a": "b"}}
    )
    assert "Start trial</button>" in (await browser.get(made.url)).text
    await browser.post(made.url, data={"action": "pay", "card": "chargeCustomerFail"})
    done = await session(shop, made.id)
    assert (done.payment_status, done.subscription.status) == ("no_payment_required", "trialing")
    assert done.subscription.trial_end == at("2027-01-15 00:00")
    await shop.go("2027-01-15 01:00")
    assert (await shop.subscription(done.subscription.id)).status == "past_due"


async def test_a_pack_is_bought_once_and_its_card_kept(shop, browser):
    customer, pack = await shop.customer(card=None), await shop.price("1,000 credits", 1500, None)
    made = await checkout(
        shop,
        pack,
        mode="payment",
        customer=customer.id,
        payment_intent_data={"metadata": {"pack": "1000"}, "setup_future_usage": "off_session"},
        invoice_creation={"enabled": True, "invoice_data": {"metadata": {"pack": "1000"}}},
    )
    before = len(await shop.events())
    await browser.post(made.url, data={"action": "pay", "card": "visa"})
    done = await session(shop, made.id)
    assert (done.status, done.payment_status, done.subscription) == ("complete", "paid", None)
    intent = await shop.api.payment_intents.retrieve_async(done.payment_intent)
    assert (intent.metadata.to_dict(), intent.amount_received) == ({"pack": "1000"}, 1500)
    kept = await shop.api.payment_methods.list_async({"customer": customer.id})
    assert [each.id for each in kept.data] == [intent.payment_method]
    invoice = (await shop.invoices(customer))[0]
    assert (invoice.id, invoice.status, invoice.total, invoice.billing_reason) == (
        done.invoice,
        "paid",
        1500,
        "manual",
    )
    events = (await shop.events())[before:]
    assert events.count("payment_intent.succeeded") == 1
    assert events[-1] == "checkout.session.completed"


async def test_a_bank_debit_is_decided_days_later(shop, browser):
    pack = await shop.price("1,000 credits", 1500, None)
    seen = []
    for method in ("sepa", "sepa_fails"):
        made = await checkout(shop, pack, mode="payment", payment_method_types=["card", "sepa_debit"])
        await browser.post(made.url, data={"action": "pay", "card": method, "email": "ada@example.com"})
        assert (await session(shop, made.id)).payment_status == "unpaid"
        await shop.control.post("/stripe/clock", json={"days": 3.1})
        seen.append(((await session(shop, made.id)).payment_status, (await shop.events())[-1]))
    assert seen == [
        ("paid", "checkout.session.async_payment_succeeded"),
        ("unpaid", "checkout.session.async_payment_failed"),
    ]


async def test_a_session_expires(shop, browser):
    price = await shop.price("Pro", 1200)
    early, late = await checkout(shop, price), await checkout(shop, price)
    await shop.api.checkout.sessions.expire_async(early.id)
    with pytest.raises(stripe.InvalidRequestError, match="expired"):
        await shop.api.checkout.sessions.expire_async(early.id)
    await shop.control.post("/stripe/clock", json={"days": 1.1})
    assert (await session(shop, late.id)).status == "expired"
    for made in (early, late):
        assert "This checkout is expired." in (await browser.get(made.url)).text
    assert (await shop.events()).count("checkout.session.expired") == 2


async def test_modes_and_prices_must_fit(shop):
    monthly, once = await shop.price("Pro", 1200), await shop.price("Pack", 500, None)
    with pytest.raises(stripe.InvalidRequestError, match="one-time prices"):
        await checkout(shop, monthly, mode="payment")
    with pytest.raises(stripe.InvalidRequestError, match="at least one recurring"):
        await checkout(shop, once)


class Portal:
    """The portal's page of one customer."""

    def __init__(self, browser, url: str) -> None:
        self._browser = browser
        self.url = url

    async def read(self) -> str:
        return (await self._browser.get(self.url)).text

    async def do(self, action: str, **form: str) -> str:
        answer = await self._browser.post(self.url, data={"action": action} | form, follow_redirects=True)
        return answer.text


@pytest.fixture
async def plans(shop):
    return await shop.price("Basic", 1200), await shop.price("Pro", 4900)


@pytest.fixture
async def subscribed(shop, plans):
    """Return a customer of Basic, half through a month of 31 days."""
    customer = await shop.customer("2027-01-01 00:00")
    made = await shop.subscribe(customer, plans[0])
    await shop.go("2027-01-16 12:00")
    return customer, made


@pytest.fixture
async def portal(shop, browser, plans, subscribed):
    configuration = await shop.api.billing_portal.configurations.create_async(
        {
            "features": {
                "subscription_update": {
                    "enabled": True,
                    "default_allowed_updates": ["price"],
                    "proration_behavior": "always_invoice",
                    "products": [{"product": plan.product, "prices": [plan.id]} for plan in plans],
                    "schedule_at_period_end": {"conditions": [{"type": "decreasing_item_amount"}]},
                },
                "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
                "payment_method_update": {"enabled": True},
                "invoice_history": {"enabled": True},
            }
        }
    )
    opened = await shop.api.billing_portal.sessions.create_async(
        {"customer": subscribed[0].id, "configuration": configuration.id, "return_url": BACK}
    )
    return Portal(browser, opened.url)


async def test_the_portal_shows_what_there_is(portal):
    page = await portal.read()
    for shown in (
        "Basic",
        "Renews on 1 February 2027",
        "Visa ending in 4242",
        "$12.00",
        "Cancel subscription",
    ):
        assert shown in page
    assert 'aria-label="Change to Pro, $49.00 per month"' in page
    assert f'href="{BACK}">Return</a>' in page


async def test_an_upgrade_in_the_portal_is_paid_at_once(shop, portal, plans, subscribed):
    customer, made = subscribed
    page = await portal.do("change", subscription=made.id, price=plans[1].id)
    assert "Your change is saved." in page
    assert [each.total for each in await shop.invoices(customer)] == [1200, 1850]
    assert (await shop.subscription(made.id))["items"].data[0].price.id == plans[1].id


async def test_an_upgrade_with_a_dead_card_changes_nothing(shop, portal, plans, subscribed):
    customer, made = subscribed
    await portal.do("card", card="chargeCustomerFail")
    page = await portal.do("change", subscription=made.id, price=plans[1].id)
    assert "Your card was declined. Nothing was changed." in page
    assert len(await shop.invoices(customer)) == 1


async def test_a_downgrade_in_the_portal_waits_and_can_be_taken_back(shop, portal, plans, subscribed):
    customer, made = subscribed
    basic, pro = plans
    await portal.do("change", subscription=made.id, price=pro.id)
    page = await portal.do("change", subscription=made.id, price=basic.id)
    assert "Changes to Basic ($12.00 per month) on 1 February 2027." in page
    assert (await shop.subscription(made.id)).schedule is not None
    assert "Renews on" in await portal.do("keep", subscription=made.id)
    await portal.do("change", subscription=made.id, price=basic.id)
    await shop.go("2027-03-01 01:00")
    assert [each.total for each in await shop.invoices(customer)] == [1200, 1850, 1200, 1200]


async def test_leaving_and_coming_back_in_the_portal(shop, portal, subscribed):
    made = subscribed[1]
    assert "Ends on 1 February 2027." in await portal.do("cancel", subscription=made.id)
    assert (await shop.subscription(made.id)).cancel_at_period_end
    assert "Renews on 1 February 2027." in await portal.do("keep", subscription=made.id)
    assert not (await shop.subscription(made.id)).cancel_at_period_end


async def test_a_card_the_bank_refuses_is_not_saved(shop, portal, subscribed):
    page = await portal.do("card", card="chargeDeclined")
    assert "Your card was declined. Nothing was changed." in page
    assert "Visa ending in 4242" in page
    assert "Mastercard ending in 4444" in await portal.do("card", card="mastercard")


async def test_a_stranger_cannot_change_anothers_subscription(shop, portal, browser, plans):
    other = await shop.subscribe(await shop.customer(), plans[0])
    assert "belongs to somebody else" in await portal.do("cancel", subscription=other.id)
    assert not (await shop.subscription(other.id)).cancel_at_period_end
    assert (await browser.get(re.sub("bps_.*", "bps_none", portal.url))).status_code == 404


async def test_an_open_invoice_is_paid_on_its_page(shop, browser):
    customer = await shop.customer("2027-01-01 00:00")
    made = await shop.subscribe(customer, await shop.price("Pro", 1200))
    dead = {"invoice_settings": {"default_payment_method": "pm_card_chargeCustomerFail"}}
    await shop.api.customers.update_async(customer.id, dead)
    await shop.go("2027-02-01 01:00")
    url = (await shop.invoices(customer))[-1].hosted_invoice_url
    assert "Pay $12.00</button>" in (await browser.get(url)).text
    assert (await browser.post(url, data={"card": "chargeCustomerFail"})).status_code == 402
    paid = await browser.post(url, data={"card": "visa"}, follow_redirects=True)
    assert "<strong>paid</strong>" in paid.text
    assert (await shop.subscription(made.id)).status == "active"
