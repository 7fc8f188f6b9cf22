"""Products, prices, customers, payment methods."""

import pytest
import stripe


async def test_a_lookup_key_moves_from_price_to_price_when_asked(shop):
    product = await shop.api.products.create_async({"name": "Pro", "metadata": {"plan": "pro"}})
    fields = {"product": product.id, "currency": "usd", "lookup_key": "pro_month"}
    monthly = {"recurring": {"interval": "month"}}
    first = await shop.api.prices.create_async(fields | monthly | {"unit_amount": 4900})
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        await shop.api.prices.create_async(fields | monthly | {"unit_amount": 5900})
    second = await shop.api.prices.create_async(
        fields | monthly | {"unit_amount": 5900, "transfer_lookup_key": True}
    )
    assert (await shop.api.prices.retrieve_async(first.id)).lookup_key is None
    found = await shop.api.prices.list_async({"lookup_keys": ["pro_month"], "expand": ["data.product"]})
    assert [(each.id, each.unit_amount, each.product.name) for each in found.data] == [
        (second.id, 5900, "Pro")
    ]
    assert (second.type, second.recurring.interval, second.recurring.interval_count) == (
        "recurring",
        "month",
        1,
    )


async def test_prices_and_products_are_archived_not_lost(shop):
    price = await shop.price("Old", 900)
    await shop.api.prices.update_async(price.id, {"active": False})
    await shop.api.products.update_async(price.product, {"active": False, "name": "Older"})
    assert not (await shop.api.prices.list_async({"active": True})).data
    archived = await shop.api.products.list_async({"active": False})
    assert [each.name for each in archived.data] == ["Older"]
    customer = await shop.customer()
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        await shop.subscribe(customer, price)


@pytest.mark.parametrize(
    ("card", "last4", "brand"),
    [("pm_card_visa", "4242", "visa"), ("pm_card_mastercard", "4444", "mastercard")],
)
async def test_a_test_card_is_attached(shop, card, last4, brand):
    customer = await shop.customer(card=card)
    key = customer.invoice_settings.default_payment_method
    method = await shop.api.payment_methods.retrieve_async(key)
    assert (method.card.last4, method.card.brand, method.customer) == (last4, brand, customer.id)
    listed = await shop.api.customers.payment_methods.list_async(customer.id)
    assert [each.id for each in listed.data] == [key]


async def test_a_bank_that_refuses_a_card_refuses_to_attach_it(shop):
    with pytest.raises(stripe.CardError) as refused:
        await shop.customer(card="pm_card_chargeDeclined")
    assert refused.value.http_status == 402
    assert (refused.value.code, refused.value.error.decline_code) == ("card_declined", "generic_decline")
    assert not (await shop.api.customers.list_async()).data


async def test_another_default_card_takes_the_place_of_the_first(shop):
    customer = await shop.customer()
    method = await shop.api.payment_methods.create_async({"type": "card", "card": {"token": "tok_amex"}})
    await shop.api.payment_methods.attach_async(method.id, {"customer": customer.id})
    settings = {"invoice_settings": {"default_payment_method": method.id}}
    changed = await shop.api.customers.update_async(customer.id, settings)
    assert changed.invoice_settings.default_payment_method == method.id
    token = {"invoice_settings": {"default_payment_method": "pm_card_chargeCustomerFail"}}
    worse = await shop.api.customers.update_async(customer.id, token)
    found = await shop.api.payment_methods.retrieve_async(worse.invoice_settings.default_payment_method)
    assert found.card.last4 == "0341"
    await shop.api.payment_methods.detach_async(found.id)
    assert (
        await shop.api.customers.retrieve_async(customer.id)
    ).invoice_settings.default_payment_method is None


async def test_a_deleted_customer_ends_its_subscriptions(shop):
    customer = await shop.customer()
    made = await shop.subscribe(customer, await shop.price("Pro", 1200))
    await shop.api.customers.delete_async(customer.id)
    assert (await shop.subscription(made.id)).status == "canceled"
    gone = await shop.api.customers.retrieve_async(customer.id)
    assert gone.to_dict() == {"id": customer.id, "object": "customer", "deleted": True}
    assert [each.status for each in await shop.invoices(customer)] == ["paid"]
    with pytest.raises(stripe.InvalidRequestError):
        await shop.subscribe(customer, await shop.price("Max", 9900))
    events = await shop.events()
    assert events.index("customer.deleted") == events.index("customer.subscription.deleted") + 1
