"""Subscriptions over time: first periods, renewals, endings."""

import pytest
import stripe

from .conftest import PAID, at
from .reading import item, lines


async def test_the_first_period_is_paid_at_once(shop):
    customer, price = await shop.customer("2027-01-01 00:00"), await shop.price("Pro", 1200)
    before = len(await shop.events())
    made = await shop.subscribe(customer, price, metadata={"team_id": "t1"}, expand=["latest_invoice"])
    invoice = made.latest_invoice
    assert (made.status, made.billing_cycle_anchor) == ("active", at("2027-01-01 00:00"))
    assert (item(made).current_period_start, item(made).current_period_end) == (
        at("2027-01-01 00:00"),
        at("2027-02-01 00:00"),
    )
    assert (invoice.billing_reason, invoice.status, invoice.amount_paid) == (
        "subscription_create",
        "paid",
        1200,
    )
    details = invoice.parent.subscription_details
    assert (details.subscription, details.metadata.to_dict()) == (made.id, {"team_id": "t1"})
    assert lines(invoice) == [(1200, False, price.id)]
    assert invoice.lines.data[0].period.to_dict() == {
        "start": at("2027-01-01 00:00"),
        "end": at("2027-02-01 00:00"),
    }
    assert (await shop.events())[before:] == [
        "customer.subscription.created",
        "invoice.created",
        *PAID,
        "customer.subscription.updated",
    ]


async def test_a_renewal_is_drafted_at_the_boundary_and_paid_an_hour_later(shop):
    customer = await shop.customer("2027-01-01 00:00")
    made = await shop.subscribe(customer, await shop.price("Pro", 1200))
    await shop.go("2027-02-01 00:30")
    draft = (await shop.invoices(customer))[-1]
    assert (draft.status, draft.billing_reason) == ("draft", "subscription_cycle")
    assert draft.automatically_finalizes_at == at("2027-02-01 01:00")
    assert item(await shop.subscription(made.id)).current_period_end == at("2027-03-01 00:00")
    before = len(await shop.events())
    await shop.go("2027-02-01 01:00")
    paid = (await shop.invoices(customer))[-1]
    assert (paid.id, paid.status, paid.status_transitions.paid_at) == (
        draft.id,
        "paid",
        at("2027-02-01 01:00"),
    )
    assert (paid.period_start, paid.period_end) == (at("2027-01-01 00:00"), at("2027-02-01 00:00"))
    assert (await shop.events())[before:] == [
        "test_helpers.test_clock.advancing",
        *PAID,
        "test_helpers.test_clock.ready",
    ]


async def test_the_31st_comes_back_after_shorter_months(shop):
    customer = await shop.customer("2027-10-31 10:00")
    await shop.subscribe(customer, await shop.price("Pro", 1200))
    await shop.go("2028-06-01 00:00")
    starts = [invoice.lines.data[0].period.start for invoice in await shop.invoices(customer)]
    assert starts == [
        at("2027-10-31 10:00"),
        at("2027-11-30 10:00"),
        at("2027-12-31 10:00"),
        at("2028-01-31 10:00"),
        at("2028-02-29 10:00"),
        at("2028-03-31 10:00"),
        at("2028-04-30 10:00"),
        at("2028-05-31 10:00"),
    ]


async def test_a_yearly_plan_of_the_29th_of_february_is_renewed_on_the_28th(shop):
    customer = await shop.customer("2028-02-29 00:00")
    await shop.subscribe(customer, await shop.price("Pro", 12000, "year"))
    await shop.go("2032-03-01 00:00")
    found = [(each.lines.data[0].period.start, each.total) for each in await shop.invoices(customer)]
    assert found == [
        (at("2028-02-29 00:00"), 12000),
        (at("2029-02-28 00:00"), 12000),
        (at("2030-02-28 00:00"), 12000),
        (at("2031-02-28 00:00"), 12000),
        (at("2032-02-29 00:00"), 12000),
    ]


async def test_it_ends_with_its_period_unless_the_customer_comes_back(shop):
    customer, price = await shop.customer("2027-01-01 00:00"), await shop.price("Pro", 1200)
    made = await shop.subscribe(customer, price)
    update = shop.api.subscriptions.update_async
    leaving = await update(made.id, {"cancel_at_period_end": True})
    assert (leaving.status, leaving.cancel_at) == ("active", at("2027-02-01 00:00"))
    staying = await update(made.id, {"cancel_at_period_end": False})
    assert (staying.cancel_at, staying.canceled_at) == (None, None)
    await update(made.id, {"cancel_at_period_end": True})
    await shop.go("2027-02-02 00:00")
    ended = await shop.subscription(made.id)
    assert (ended.status, ended.ended_at) == ("canceled", at("2027-02-01 00:00"))
    assert ended.canceled_at == at("2027-01-01 00:00")
    assert len(await shop.invoices(customer)) == 1
    assert "customer.subscription.deleted" in await shop.events()


async def test_ending_now_can_give_the_unused_time_back_as_credit(shop):
    customer, price = await shop.customer("2027-01-01 00:00"), await shop.price("Pro", 1200)
    made = await shop.subscribe(customer, price)
    await shop.go("2027-01-16 12:00")
    ended = await shop.api.subscriptions.cancel_async(made.id, {"prorate": True, "invoice_now": True})
    assert (ended.status, ended.cancellation_details.reason) == ("canceled", "cancellation_requested")
    assert [each.total for each in await shop.invoices(customer)] == [1200, -600]
    assert (await shop.api.customers.retrieve_async(customer.id)).balance == -600
    with pytest.raises(stripe.InvalidRequestError):
        await shop.api.subscriptions.cancel_async(made.id)


async def test_a_clock_takes_its_customers_with_it_when_it_goes(shop):
    customer = await shop.customer("2027-01-01 00:00")
    made = await shop.subscribe(customer, await shop.price("Pro", 1200))
    await shop.api.test_helpers.test_clocks.delete_async(shop.clock)
    assert (await shop.subscription(made.id)).status == "canceled"
    assert (await shop.api.customers.retrieve_async(customer.id)).deleted


async def test_without_a_test_clock_the_sandbox_keeps_the_time(shop):
    customer = await shop.customer()
    made = await shop.subscribe(customer, await shop.price("Pro", 1200))
    assert len(await shop.invoices(customer)) == 1
    await shop.control.post("/stripe/clock", json={"days": 32})
    assert [each.status for each in await shop.invoices(customer)] == ["paid", "paid"]
    now = (await shop.control.get("/stripe/clock")).json()["now"]
    assert item(await shop.subscription(made.id)).current_period_end > now
