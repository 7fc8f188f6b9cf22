"""What other tests steer Stripe with."""

import pytest


async def test_stripe_is_steered_from_other_tests(shop, hook, box):
    steer = box.stripe
    await steer.webhooks(hold=True)
    endpoint = {"url": hook.url, "enabled_events": ["charge.dispute.closed", "charge.refunded"]}
    await shop.api.webhook_endpoints.create_async(endpoint)
    customer = await shop.customer()
    price = await shop.price("Pro", 1200)
    made = [await shop.subscribe(customer, price, expand=["latest_invoice.payments"]) for _ in range(2)]
    first, second = (each.latest_invoice.payments.data[0].payment.payment_intent for each in made)
    opened = await steer.dispute(first, amount=700)
    await steer.close_dispute(opened["id"], "won")
    assert (await steer.refund(second, amount=300))["amount"] == 300
    assert [each["state"] for each in await steer.deliveries()] == ["held", "held"]
    assert await steer.flush("reversed") == 2
    assert await hook.types() == ["charge.refunded", "charge.dispute.closed"]
    with pytest.raises(ValueError, match="already closed"):
        await steer.close_dispute(opened["id"], "lost")


async def test_a_reset_forgets_everything_but_the_endpoint_of_the_settings(shop, box):
    before = await box.stripe.advance(40)
    await box.stripe.collecting(retry_days=[1])
    await box.stripe.faults({"fault": "slow"})
    await box.stripe.reset()
    assert await box.stripe.advance(0) < before
    assert (await shop.control.get("/stripe/collecting")).json() == {
        "retry_days": [3, 5, 7],
        "after_retries": "cancel",
        "renewal_seconds": 3600,
        "upcoming_days": 7,
    }
    assert (await shop.control.get("/stripe/faults")).json() == []
    assert not await shop.events()
