"""A subscription that changes: better and lesser plans, years, trials, and what each change is billed."""

import pytest
import stripe

from .conftest import PAID, at
from .reading import item, lines


async def test_an_upgrade_invoiced_at_once_credits_the_old_and_charges_the_new(shop):
    customer, basic = await shop.customer("2027-01-01 00:00"), await shop.price("Basic", 1200)
    pro = await shop.price("Pro", 4900)
    made = await shop.subscribe(customer, basic)
    await shop.go("2027-01-16 12:00")  # half of 31 days
    before = len(await shop.events())
    changed = await shop.api.subscriptions.update_async(
        made.id,
        {
            "items": [{"id": item(made).id, "price": pro.id}],
            "proration_behavior": "always_invoice",
            "expand": ["latest_invoice"],
        },
    )
    invoice = changed.latest_invoice
    assert (invoice.billing_reason, invoice.status, invoice.total) == ("subscription_update", "paid", 1850)
    assert lines(invoice) == [(-600, True, basic.id), (2450, True, pro.id)]
    assert {line.period.start for line in invoice.lines.data} == {at("2027-01-16 12:00")}
    assert {line.period.end for line in invoice.lines.data} == {at("2027-02-01 00:00")}
    assert (item(changed).id, item(changed).price.id) == (item(made).id, pro.id)
    assert item(changed).current_period_end == at("2027-02-01 00:00")
    assert (await shop.events())[before:] == [
        "customer.subscription.updated",
        "invoiceitem.created",
        "invoiceitem.created",
        "invoice.created",
        *PAID,
    ]
    await shop.go("2027-02-01 01:00")
    assert lines((await shop.invoices(customer))[-1]) == [(4900, False, pro.id)]


async def test_prorations_wait_for_the_next_invoice_by_default(shop):
    customer, basic = await shop.customer("2027-01-01 00:00"), await shop.price("Basic", 1200)
    pro = await shop.price("Pro", 4900)
    made = await shop.subscribe(customer, basic)
    await shop.go("2027-01-16 12:00")
    await shop.api.subscriptions.update_async(made.id, {"items": [{"id": item(made).id, "price": pro.id}]})
    assert len(await shop.invoices(customer)) == 1
    await shop.go("2027-02-01 01:00")
    renewal = (await shop.invoices(customer))[-1]
    assert lines(renewal) == [(-600, True, basic.id), (2450, True, pro.id), (4900, False, pro.id)]
    assert renewal.amount_paid == 6750


async def downgraded(shop, proration):
    """A customer who takes a cheaper plan in the middle of a month."""
    customer, pro = await shop.customer("2027-01-01 00:00"), await shop.price("Pro", 4900)
    basic = await shop.price("Basic", 1200)
    made = await shop.subscribe(customer, pro)
    await shop.go("2027-01-16 12:00")
    change = {"items": [{"id": item(made).id, "price": basic.id}], "proration_behavior": proration}
    await shop.api.subscriptions.update_async(made.id, change)
    return customer


async def test_without_proration_only_the_next_period_changes(shop):
    customer = await downgraded(shop, "none")
    await shop.go("2027-02-01 01:00")
    assert [invoice.total for invoice in await shop.invoices(customer)] == [4900, 1200]


async def test_a_credit_stays_on_the_balance_until_it_is_used(shop):
    customer = await downgraded(shop, "always_invoice")
    assert (await shop.api.customers.retrieve_async(customer.id)).balance == -1850
    await shop.go("2027-03-01 01:00")
    found = [(each.total, each.amount_paid, each.status) for each in await shop.invoices(customer)]
    assert found == [(4900, 4900, "paid"), (-1850, 0, "paid"), (1200, 0, "paid"), (1200, 550, "paid")]


async def test_from_monthly_to_yearly_a_new_period_begins_at_once(shop):
    customer, monthly = await shop.customer("2027-01-01 00:00"), await shop.price("Pro", 1200)
    yearly = await shop.price("Pro a year", 12000, "year")
    made = await shop.subscribe(customer, monthly)
    await shop.go("2027-01-16 12:00")
    changed = await shop.api.subscriptions.update_async(
        made.id, {"items": [{"id": item(made).id, "price": yearly.id}], "expand": ["latest_invoice"]}
    )
    assert lines(changed.latest_invoice) == [(-600, True, monthly.id), (12000, False, yearly.id)]
    assert (changed.latest_invoice.status, changed.latest_invoice.total) == ("paid", 11400)
    assert changed.billing_cycle_anchor == at("2027-01-16 12:00")
    assert item(changed).current_period_end == at("2028-01-16 12:00")


async def test_a_downgrade_by_schedule_waits_for_the_end_of_the_period(shop):
    customer, pro = await shop.customer("2027-01-31 00:00"), await shop.price("Pro", 4900)
    basic = await shop.price("Basic", 1200)
    made = await shop.subscribe(customer, pro)
    schedules = shop.api.subscription_schedules
    schedule = await schedules.create_async({"from_subscription": made.id})
    now = {"start_date": at("2027-01-31 00:00"), "end_date": at("2027-02-28 00:00")}
    await schedules.update_async(
        schedule.id,
        {
            "phases": [
                {"items": [{"price": pro.id, "quantity": 1}]} | now,
                {"items": [{"price": basic.id, "quantity": 1}], "iterations": 1},
            ]
        },
    )
    preview = await shop.api.invoices.create_preview_async({"subscription": made.id})
    assert preview.total == 1200
    await shop.go("2027-02-27 23:59")
    assert item(await shop.subscription(made.id)).price.id == pro.id
    await shop.go("2027-02-28 01:00")
    assert item(await shop.subscription(made.id)).price.id == basic.id
    await shop.go("2027-03-31 01:00")
    assert [each.total for each in await shop.invoices(customer)] == [4900, 1200, 1200]
    assert (await schedules.retrieve_async(schedule.id)).status == "released"
    assert (await shop.subscription(made.id)).status == "active"


@pytest.mark.parametrize(("behavior", "first"), [("create_prorations", 600), ("none", 0)])
async def test_an_anchor_shortens_the_first_period(shop, behavior, first):
    customer, price = await shop.customer("2027-01-16 12:00"), await shop.price("Pro", 1200)
    made = await shop.subscribe(
        customer, price, billing_cycle_anchor=at("2027-02-01 00:00"), proration_behavior=behavior
    )
    assert (made.status, item(made).current_period_end) == ("active", at("2027-02-01 00:00"))
    await shop.go("2027-02-01 01:00")
    assert [each.total for each in await shop.invoices(customer)] == [first, 1200]
    assert item(await shop.subscription(made.id)).current_period_end == at("2027-03-01 00:00")


async def test_a_trial_costs_nothing_then_everything(shop):
    customer, price = await shop.customer("2027-01-01 00:00"), await shop.price("Pro", 1200)
    made = await shop.subscribe(customer, price, trial_period_days=14)
    assert (made.status, made.trial_end) == ("trialing", at("2027-01-15 00:00"))
    assert item(made).current_period_end == at("2027-01-15 00:00")
    await shop.go("2027-01-12 00:00")
    assert "customer.subscription.trial_will_end" in await shop.events()
    await shop.go("2027-01-15 01:00")
    found = [(each.billing_reason, each.total, each.status) for each in await shop.invoices(customer)]
    assert found == [("subscription_create", 0, "paid"), ("subscription_cycle", 1200, "paid")]
    now = await shop.subscription(made.id)
    assert (now.status, item(now).current_period_end) == ("active", at("2027-02-15 00:00"))


async def test_a_trial_can_end_early(shop):
    customer, price = await shop.customer("2027-01-01 00:00"), await shop.price("Pro", 1200)
    made = await shop.subscribe(customer, price, trial_period_days=14)
    await shop.go("2027-01-05 00:00")
    changed = await shop.api.subscriptions.update_async(made.id, {"trial_end": "now"})
    assert (changed.status, item(changed).current_period_end) == ("active", at("2027-02-05 00:00"))
    assert [each.total for each in await shop.invoices(customer)] == [0, 1200]


async def test_a_trial_can_be_made_longer(shop):
    customer, price = await shop.customer("2027-01-01 00:00"), await shop.price("Pro", 1200)
    made = await shop.subscribe(customer, price, trial_period_days=14)
    longer = await shop.api.subscriptions.update_async(made.id, {"trial_end": at("2027-01-25 00:00")})
    assert (longer.status, item(longer).current_period_end) == ("trialing", at("2027-01-25 00:00"))
    await shop.go("2027-01-25 01:00")
    assert [each.total for each in await shop.invoices(customer)] == [0, 1200]
    assert item(await shop.subscription(made.id)).current_period_end == at("2027-02-25 00:00")


async def test_an_upgrade_whose_payment_fails_is_past_due_or_refused_as_asked(shop):
    customer, basic = await shop.customer("2027-01-01 00:00"), await shop.price("Basic", 1200)
    pro = await shop.price("Pro", 4900)
    made = await shop.subscribe(customer, basic)
    dead = {"invoice_settings": {"default_payment_method": "pm_card_chargeCustomerFail"}}
    await shop.api.customers.update_async(customer.id, dead)
    await shop.go("2027-01-16 12:00")
    fields = {"items": [{"id": item(made).id, "price": pro.id}], "proration_behavior": "always_invoice"}
    with pytest.raises(stripe.CardError):
        await shop.api.subscriptions.update_async(
            made.id, fields | {"payment_behavior": "error_if_incomplete"}
        )
    same = await shop.subscription(made.id)
    assert (same.status, item(same).price.id) == ("active", basic.id)
    changed = await shop.api.subscriptions.update_async(made.id, fields)
    assert (changed.status, item(changed).price.id) == ("past_due", pro.id)
    assert [(each.total, each.status) for each in await shop.invoices(customer)] == [
        (1200, "paid"),
        (1850, "open"),
    ]


async def test_a_preview_says_what_a_change_would_cost_and_changes_nothing(shop):
    customer, basic = await shop.customer("2027-01-01 00:00"), await shop.price("Basic", 1200)
    pro = await shop.price("Pro", 4900)
    made = await shop.subscribe(customer, basic)
    await shop.go("2027-01-16 12:00")
    details = {"items": [{"id": item(made).id, "price": pro.id}]}
    preview = shop.api.invoices.create_preview_async
    plain = await preview({"customer": customer.id, "subscription": made.id})
    assert (plain.total, plain.period_end) == (1200, at("2027-02-01 00:00"))
    later = await preview({"subscription": made.id, "subscription_details": details})
    assert [amount for amount, _, _ in lines(later)] == [-600, 2450, 4900]
    at_once = details | {"proration_behavior": "always_invoice"}
    now = await preview({"subscription": made.id, "subscription_details": at_once})
    assert (now.total, [amount for amount, _, _ in lines(now)]) == (1850, [-600, 2450])
    assert item(await shop.subscription(made.id)).price.id == basic.id
    assert len(await shop.invoices(customer)) == 1
    await shop.api.subscriptions.update_async(made.id, {"cancel_at_period_end": True})
    with pytest.raises(stripe.InvalidRequestError) as none:
        await preview({"subscription": made.id})
    assert none.value.code == "invoice_upcoming_none"
