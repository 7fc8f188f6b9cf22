"""Money outside of subscriptions: intents, refunds, disputes."""

import pytest
import stripe


async def pay(shop, customer, cents: int, **fields):
    """Charge the saved card of a customer who is away, as an automatic top-up does."""
    return await shop.api.payment_intents.create_async(
        {
            "amount": cents,
            "currency": "usd",
            "customer": customer.id,
            "payment_method": customer.invoice_settings.default_payment_method,
            "off_session": True,
            "confirm": True,
        }
        | fields
    )


async def test_a_saved_card_is_charged_while_its_holder_is_away(shop):
    customer = await shop.customer()
    paid = await pay(shop, customer, 1500, metadata={"pack": "1000"}, expand=["latest_charge"])
    assert (paid.status, paid.amount_received, paid.metadata.to_dict()) == (
        "succeeded",
        1500,
        {"pack": "1000"},
    )
    charge = paid.latest_charge
    assert (charge.paid, charge.amount, charge.payment_method_details.card.last4) == (True, 1500, "4242")
    assert (await shop.events())[-3:] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]


async def test_a_decline_says_why(shop):
    customer = await shop.customer(card="pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError) as refused:
        await pay(shop, customer, 1500)
    error = refused.value.error
    assert (refused.value.http_status, error.code, error.decline_code) == (
        402,
        "card_declined",
        "generic_decline",
    )
    assert error.payment_intent.status == "requires_payment_method"
    assert error.payment_intent.last_payment_error.decline_code == "generic_decline"
    assert (await shop.events())[-2:] == ["charge.failed", "payment_intent.payment_failed"]


async def test_a_card_that_wants_its_holder_is_declined_while_the_holder_is_away(shop):
    customer = await shop.customer(card="pm_card_authenticationRequired")
    with pytest.raises(stripe.CardError) as refused:
        await pay(shop, customer, 1500)
    assert refused.value.code == "authentication_required"
    assert refused.value.error.decline_code == "authentication_required"


async def test_a_holder_who_is_there_confirms_on_a_page(shop, browser):
    customer = await shop.customer(card="pm_card_authenticationRequired")
    made = await pay(shop, customer, 1500, off_session=False)
    assert made.status == "requires_action"
    page = made.next_action.redirect_to_url.url
    assert "Complete authentication" in (await browser.get(page)).text
    await browser.post(page, data={"action": "complete"})
    assert (await shop.api.payment_intents.retrieve_async(made.id)).status == "succeeded"


async def test_an_invoice_waits_for_the_holder_whom_the_bank_wants_to_ask(shop, browser):
    customer = await shop.customer(card="pm_card_threeDSecure2Required")
    made = await shop.subscribe(customer, await shop.price("Pro", 1200), expand=["latest_invoice.payments"])
    assert (made.status, made.latest_invoice.status) == ("incomplete", "open")
    assert "invoice.payment_action_required" in await shop.events()
    key = made.latest_invoice.payments.data[0].payment.payment_intent
    intent = await shop.api.payment_intents.retrieve_async(key)
    assert intent.status == "requires_action"
    await browser.post(intent.next_action.redirect_to_url.url, data={"action": "fail"})
    assert (await shop.api.payment_intents.retrieve_async(key)).status == "requires_payment_method"
    with pytest.raises(stripe.CardError) as refused:
        await shop.api.invoices.pay_async(made.latest_invoice.id)
    assert refused.value.code == "invoice_payment_intent_requires_action"
    await browser.post(intent.next_action.redirect_to_url.url, data={"action": "complete"})
    assert (await shop.subscription(made.id)).status == "active"


async def test_an_intent_can_be_confirmed_later_or_given_up(shop):
    customer = await shop.customer()
    fields = {"amount": 900, "currency": "usd", "customer": customer.id}
    made = await shop.api.payment_intents.create_async(fields)
    assert made.status == "requires_payment_method"
    key = customer.invoice_settings.default_payment_method
    paid = await shop.api.payment_intents.confirm_async(made.id, {"payment_method": key})
    assert paid.status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError) as late:
        await shop.api.payment_intents.cancel_async(made.id)
    assert late.value.code == "payment_intent_unexpected_state"
    other = await shop.api.payment_intents.create_async(fields)
    assert (await shop.api.payment_intents.cancel_async(other.id)).status == "canceled"


async def test_a_charge_is_refunded_in_parts_until_nothing_is_left(shop):
    customer = await shop.customer()
    paid = await pay(shop, customer, 1500)
    before = len(await shop.events())
    refund = shop.api.refunds.create_async
    first = await refund({"payment_intent": paid.id, "amount": 500, "metadata": {"why": "late"}})
    charge = await shop.api.charges.retrieve_async(paid.latest_charge, {"expand": ["refunds"]})
    assert (charge.amount_refunded, charge.refunded, [each.id for each in charge.refunds.data]) == (
        500,
        False,
        [first.id],
    )
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        await refund({"charge": charge.id, "amount": 1001})
    rest = await refund({"charge": charge.id})
    assert (rest.amount, rest.status) == (1000, "succeeded")
    with pytest.raises(stripe.InvalidRequestError) as again:
        await refund({"charge": charge.id})
    assert again.value.code == "charge_already_refunded"
    listed = await shop.api.refunds.list_async({"payment_intent": paid.id})
    assert [each.amount for each in listed.data] == [1000, 500]
    one = ["refund.created", "charge.refunded", "refund.updated", "charge.refund.updated"]
    assert (await shop.events())[before:] == one + one


async def test_the_invoice_behind_a_refund_is_found_by_its_payment(shop):
    customer = await shop.customer()
    made = await shop.subscribe(customer, await shop.price("Pro", 1200))
    payments = await shop.api.invoice_payments.list_async({"invoice": made.latest_invoice})
    assert [(each.status, each.amount_paid) for each in payments.data] == [("paid", 1200)]
    intent = payments.data[0].payment.payment_intent
    answer = await shop.control.post("/stripe/refunds", json={"charge": intent, "amount": 400})
    refund = answer.json()
    assert (refund["amount"], refund["payment_intent"]) == (400, intent)
    found = await shop.api.invoice_payments.list_async(
        {"payment": {"type": "payment_intent", "payment_intent": refund["payment_intent"]}}
    )
    assert [each.invoice for each in found.data] == [made.latest_invoice]
    assert (await shop.api.invoices.retrieve_async(made.latest_invoice)).status == "paid"


@pytest.mark.parametrize(
    ("outcome", "last"),
    [
        ("lost", ["charge.dispute.closed"]),
        ("won", ["charge.dispute.closed", "charge.dispute.funds_reinstated"]),
    ],
)
async def test_a_dispute_is_opened_and_decided(shop, outcome, last):
    customer = await shop.customer()
    paid = await pay(shop, customer, 1500)
    before = len(await shop.events())
    opened = (await shop.control.post("/stripe/disputes", json={"charge": paid.id})).json()
    assert (opened["status"], opened["amount"], opened["payment_intent"]) == ("needs_response", 1500, paid.id)
    assert (await shop.api.charges.retrieve_async(paid.latest_charge)).disputed
    with pytest.raises(stripe.InvalidRequestError, match="charged back"):
        await shop.api.refunds.create_async({"charge": paid.latest_charge})
    closed = await shop.control.post(f"/stripe/disputes/{opened['id']}/close", json={"outcome": outcome})
    assert closed.json()["status"] == outcome
    found = await shop.api.disputes.list_async({"payment_intent": paid.id})
    assert [each.status for each in found.data] == [outcome]
    assert (await shop.events())[before:] == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        *last,
    ]
    again = await shop.control.post(f"/stripe/disputes/{opened['id']}/close", json={"outcome": "won"})
    assert again.status_code == 409


async def test_evidence_decides_a_dispute_as_in_test_mode(shop):
    customer = await shop.customer(card="pm_card_createDispute")
    paid = await pay(shop, customer, 1500)
    dispute = (await shop.api.disputes.list_async({"charge": paid.latest_charge})).data[0]
    evidence = {"evidence": {"uncategorized_text": "winning_evidence"}, "submit": True}
    assert (await shop.api.disputes.update_async(dispute.id, evidence)).status == "won"


async def test_a_manual_invoice_takes_what_was_waiting(shop):
    customer = await shop.customer()
    fields = {"customer": customer.id, "amount": 700, "currency": "usd", "description": "Setup"}
    await shop.api.invoice_items.create_async(fields)
    draft = await shop.api.invoices.create_async({"customer": customer.id})
    assert (draft.status, draft.billing_reason, draft.total) == ("draft", "manual", 700)
    paid = await shop.api.invoices.pay_async(draft.id)
    assert (paid.status, paid.lines.data[0].description) == ("paid", "Setup")


async def test_a_refund_that_does_not_arrive_leaves_its_charge_as_it_was(shop):
    paid = await pay(shop, await shop.customer(), 1500)
    refund = await shop.api.refunds.create_async({"payment_intent": paid.id})
    before = len(await shop.events())
    failed = await shop.control.post(f"/stripe/refunds/{refund.id}/fail")
    assert (failed.json()["status"], failed.json()["failure_reason"]) == ("failed", "lost_or_stolen_card")
    charge = await shop.api.charges.retrieve_async(paid.latest_charge, {"expand": ["refunds"]})
    assert (charge.amount_refunded, charge.refunded, charge.refunds.data[0].status) == (0, False, "failed")
    assert (await shop.events())[before:] == ["refund.failed", "refund.updated", "charge.refund.updated"]
    assert (await shop.control.post(f"/stripe/refunds/{refund.id}/fail")).status_code == 409
    assert (await shop.api.refunds.create_async({"charge": charge.id})).amount == 1500
