"""Subscriptions over time: periods, prorations, trials, refused renewals, endings."""

import pytest
import stripe

from .conftest import PAID, at


def item(subscription):
    return subscription["items"].data[0]


def lines(invoice):
    """Return the lines of an invoice: amount, whether it is a proration, price."""
    return [
        (line.amount, line.parent.subscription_item_details.proration, line.pricing.price_details.price)
        for line in invoice.lines.data
    ]


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


async def test_without_proration_only_the_next_period_changes(shop):
    customer, pro = await shop.customer("2027-01-01 00:00"), await shop.price("Pro", 4900)
    basic = await shop.price("Basic", 1200)
    made = await shop.subscribe(customer, pro)
    await shop.go("2027-01-16 12:00")
    await shop.api.subscriptions.update_async(
        made.id, {"items": [{"id": item(made).id, "price": basic.id}], "proration_behavior": "none"}
    )
    await shop.go("2027-02-01 01:00")
    assert [invoice.total for invoice in await shop.invoices(customer)] == [4900, 1200]


async def test_a_credit_stays_on_the_balance_until_it_is_used(shop):
    customer, pro = await shop.customer("2027-01-01 00:00"), await shop.price("Pro", 4900)
    basic = await shop.price("Basic", 1200)
    made = await shop.subscribe(customer, pro)
    await shop.go("2027-01-16 12:00")
    await shop.api.subscriptions.update_async(
        made.id, {"items": [{"id": item(made).id, "price": basic.id}], "proration_behavior": "always_invoice"}
    )
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
