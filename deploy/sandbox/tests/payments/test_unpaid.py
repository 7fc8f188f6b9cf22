"""A subscription whose payment fails: tried again, paid by hand, or at its end."""

import pytest
import stripe

from .conftest import at


async def test_a_refused_renewal_is_tried_for_fifteen_days_then_ends_the_subscription(shop):
    customer, price = await shop.customer("2027-01-01 00:00"), await shop.price("Pro", 1200)
    made = await shop.subscribe(customer, price)
    dead = {"invoice_settings": {"default_payment_method": "pm_card_chargeCustomerFail"}}
    await shop.api.customers.update_async(customer.id, dead)
    seen = []
    for moment in ("02-01 01:00", "02-04 01:00", "02-09 01:00", "02-16 00:59", "02-16 01:00"):
        await shop.go(f"2027-{moment}")
        invoice = (await shop.invoices(customer))[-1]
        status = (await shop.subscription(made.id)).status
        seen.append((status, invoice.status, invoice.attempt_count, invoice.next_payment_attempt))
    assert seen == [
        ("past_due", "open", 1, at("2027-02-04 01:00")),
        ("past_due", "open", 2, at("2027-02-09 01:00")),
        ("past_due", "open", 3, at("2027-02-16 01:00")),
        ("past_due", "open", 3, at("2027-02-16 01:00")),
        ("canceled", "open", 4, None),
    ]
    events = await shop.events()
    assert events.count("invoice.payment_failed") == 4
    assert events.count("customer.subscription.deleted") == 1
    assert "invoice.payment_succeeded" in events


async def test_a_better_card_is_charged_at_the_next_try(shop):
    customer, price = await shop.customer("2027-01-01 00:00"), await shop.price("Pro", 1200)
    made = await shop.subscribe(customer, price)
    for card, moment, status in (
        ("pm_card_chargeCustomerFail", "2027-02-02 00:00", "past_due"),
        ("pm_card_mastercard", "2027-02-04 01:00", "active"),
    ):
        settings = {"invoice_settings": {"default_payment_method": card}}
        await shop.api.customers.update_async(customer.id, settings)
        await shop.go(moment)
        assert (await shop.subscription(made.id)).status == status
    assert [each.status for each in await shop.invoices(customer)] == ["paid", "paid"]


async def test_an_open_invoice_can_be_paid_by_hand(shop):
    customer, price = await shop.customer("2027-01-01 00:00"), await shop.price("Pro", 1200)
    made = await shop.subscribe(customer, price)
    dead = {"invoice_settings": {"default_payment_method": "pm_card_chargeCustomerFail"}}
    await shop.api.customers.update_async(customer.id, dead)
    await shop.go("2027-02-02 00:00")
    invoice = (await shop.invoices(customer))[-1]
    with pytest.raises(stripe.CardError) as refused:
        await shop.api.invoices.pay_async(invoice.id)
    assert refused.value.code == "card_declined"
    again = await shop.api.invoices.retrieve_async(invoice.id)
    assert (again.attempt_count, again.next_payment_attempt) == (1, at("2027-02-04 01:00"))
    method = await shop.api.payment_methods.attach_async("pm_card_visa", {"customer": customer.id})
    paid = await shop.api.invoices.pay_async(invoice.id, {"payment_method": method.id})
    assert (paid.status, paid.amount_remaining) == ("paid", 0)
    assert (await shop.subscription(made.id)).status == "active"
    with pytest.raises(stripe.InvalidRequestError) as twice:
        await shop.api.invoices.pay_async(invoice.id)
    assert twice.value.code == "invoice_already_paid"


async def test_a_subscription_can_be_called_unpaid_instead(shop):
    await shop.control.put("/stripe/collecting", json={"after_retries": "unpaid", "retry_days": [1]})
    customer, price = await shop.customer("2027-01-01 00:00"), await shop.price("Pro", 1200)
    made = await shop.subscribe(customer, price)
    dead = {"invoice_settings": {"default_payment_method": "pm_card_chargeCustomerFail"}}
    await shop.api.customers.update_async(customer.id, dead)
    await shop.go("2027-03-02 00:00")
    assert (await shop.subscription(made.id)).status == "unpaid"
    assert [each.status for each in await shop.invoices(customer)] == ["paid", "open", "draft"]


async def test_a_first_payment_that_fails_leaves_it_incomplete_for_23_hours(shop):
    customer = await shop.customer("2027-01-01 00:00", card="pm_card_chargeCustomerFail")
    made = await shop.subscribe(customer, await shop.price("Pro", 1200))
    assert made.status == "incomplete"
    await shop.go("2027-01-01 23:00")
    assert (await shop.subscription(made.id)).status == "incomplete_expired"
    assert [each.status for each in await shop.invoices(customer)] == ["void"]
    with pytest.raises(stripe.CardError):
        await shop.subscribe(customer, await shop.price("Max", 9900), payment_behavior="error_if_incomplete")
