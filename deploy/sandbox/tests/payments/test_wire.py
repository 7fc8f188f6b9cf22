"""The wire: form encoding, keys, errors, idempotency, lists, expansion."""

import httpx
import pytest
import stripe
from stripe import HTTPXClient, StripeClient


async def test_a_wrong_key_is_refused(box):
    http = HTTPXClient()
    client = StripeClient("sk_test_wrong", base_addresses={"api": box.stripe_base}, http_client=http)
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key provided"):
        await client.v1.customers.list_async()
    await http.close_async()


async def test_what_is_not_there_is_resource_missing(shop):
    with pytest.raises(stripe.InvalidRequestError) as by_address:
        await shop.api.customers.retrieve_async("cus_none")
    assert (by_address.value.http_status, by_address.value.code) == (404, "resource_missing")
    assert by_address.value.user_message == "No such customer: 'cus_none'"
    with pytest.raises(stripe.InvalidRequestError) as by_name:
        await shop.api.prices.create_async({"product": "prod_none", "unit_amount": 1, "currency": "usd"})
    assert (by_name.value.http_status, by_name.value.param) == (400, "product")


async def test_missing_and_unknown_parameters_are_named(shop):
    with pytest.raises(stripe.InvalidRequestError) as missing:
        await shop.api.products.create_async({})
    assert (missing.value.code, missing.value.param) == ("parameter_missing", "name")
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        await shop.api.products.create_async({"name": "Pro", "colour": "red"})
    assert (unknown.value.code, unknown.value.param) == ("parameter_unknown", "colour")
    assert not (await shop.api.products.list_async()).data


async def test_an_unknown_address_is_a_404(shop):
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL") as error:
        await shop.api.coupons.list_async()
    assert error.value.http_status == 404


async def test_the_same_key_gives_the_same_answer_once(shop):
    options = {"idempotency_key": "once"}
    first = await shop.api.customers.create_async({"email": "a@example.com"}, options)
    second = await shop.api.customers.create_async({"email": "a@example.com"}, options)
    assert second.id == first.id
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert second.last_response.request_id == first.last_response.request_id
    assert len((await shop.api.customers.list_async()).data) == 1
    with pytest.raises(stripe.IdempotencyError) as other:
        await shop.api.customers.create_async({"email": "b@example.com"}, options)
    assert other.value.http_status == 400


async def test_a_refusal_is_replayed_too(shop):
    options = {"idempotency_key": "refused"}
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError):
            await shop.api.customers.create_async({"test_clock": "clock_none"}, options)
    with pytest.raises(stripe.IdempotencyError):
        await shop.api.customers.create_async({}, options)


async def test_lists_are_read_by_cursor_in_both_directions(shop):
    made = [(await shop.api.customers.create_async({"email": f"{n}@example.com"})).id for n in range(5)]
    newest = await shop.api.customers.list_async({"limit": 2})
    assert ([each.id for each in newest.data], newest.has_more) == ([made[4], made[3]], True)
    older = await shop.api.customers.list_async({"limit": 3, "starting_after": made[3]})
    assert ([each.id for each in older.data], older.has_more) == ([made[2], made[1], made[0]], False)
    newer = await shop.api.customers.list_async({"limit": 2, "ending_before": made[1]})
    assert ([each.id for each in newer.data], newer.has_more) == ([made[3], made[2]], True)
    found = await shop.api.customers.list_async({"limit": 2})
    assert [each.id async for each in found.auto_paging_iter()] == made[::-1]


async def test_lists_are_filtered_by_field_and_by_time(shop):
    customer = await shop.customer("2027-01-01 00:00")
    await shop.api.customers.create_async({"email": "b@example.com"})
    found = await shop.api.customers.list_async({"email": "ada@example.com"})
    assert [each.id for each in found.data] == [customer.id]
    edge = customer.created
    later = await shop.api.customers.list_async({"created": {"gte": edge}})
    assert [each.id for each in later.data] == [customer.id]
    assert not (await shop.api.customers.list_async({"created": {"gt": edge}})).data


async def test_expansion_goes_through_lists_and_several_levels(shop):
    customer, price = await shop.customer(), await shop.price("Pro", 1200)
    made = await shop.subscribe(
        customer,
        price,
        expand=["customer", "latest_invoice.payments.data.payment", "items.data.price.product"],
    )
    assert made.customer.email == "ada@example.com"
    assert made["items"].data[0].price.product.name == "Pro"
    assert made.latest_invoice.payments.data[0].status == "paid"
    listed = await shop.api.subscriptions.list_async({"expand": ["data.latest_invoice.customer"]})
    assert listed.data[0].latest_invoice.customer.id == customer.id
    plain = await shop.subscription(made.id)
    assert plain.latest_invoice == made.latest_invoice.id
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        await shop.api.invoices.retrieve_async(made.latest_invoice.id, {"expand": ["payment_intent"]})


async def test_metadata_is_merged_emptied_and_cleared(shop):
    customer = await shop.api.customers.create_async({"metadata": {"team_id": "t1", "2026": "year"}})
    assert customer.metadata.to_dict() == {"team_id": "t1", "2026": "year"}
    changed = await shop.api.customers.update_async(customer.id, {"metadata": {"team_id": "", "plan": "pro"}})
    assert changed.metadata.to_dict() == {"2026": "year", "plan": "pro"}
    assert (await shop.api.customers.update_async(customer.id, {"metadata": ""})).metadata.to_dict() == {}


async def test_a_call_that_is_accepted_and_lost_is_not_done_twice(shop, box):
    await shop.control.put(
        "/stripe/faults",
        json=[
            {"fault": "accept_then_close", "match": {"path": "/v1/customers", "nth": 1}},
            {"fault": "http_500", "match": {"path": "/v1/customers", "nth": 2}, "params": {"accepted": True}},
        ],
    )
    http = HTTPXClient()
    patient = StripeClient(
        box.settings.stripe_key,
        base_addresses={"api": box.stripe_base},
        http_client=http,
        max_network_retries=2,
    )
    made = await patient.v1.customers.create_async({"email": "once@example.com"})
    await http.close_async()
    assert made.last_response.headers["Idempotent-Replayed"] == "true"
    rules = (await shop.control.get("/stripe/faults")).json()
    assert [(rule["seen"], rule["applied"]) for rule in rules] == [(3, 1), (3, 1)]
    await shop.control.put("/stripe/faults", json=[])
    assert len((await shop.api.customers.list_async()).data) == 1


async def test_a_rate_limit_says_so(shop):
    await shop.control.put("/stripe/faults", json=[{"fault": "rate_limited", "times": 1}])
    with pytest.raises(stripe.RateLimitError):
        await shop.api.customers.list_async()
    assert (await shop.api.customers.list_async()).data == []


async def test_a_timeout_can_hide_that_the_call_was_carried_out(shop, box):
    await shop.control.put(
        "/stripe/faults",
        json=[{"fault": "timeout", "times": 1, "params": {"seconds": 0.01, "accepted": True}}],
    )
    async with httpx.AsyncClient(base_url=box.stripe_base, trust_env=False) as raw:
        with pytest.raises(httpx.RemoteProtocolError):
            await raw.post("/v1/customers", auth=(box.settings.stripe_key, ""), data={"name": "Ada"})
    assert [each.name for each in (await shop.api.customers.list_async()).data] == ["Ada"]


async def test_a_rule_that_makes_no_sense_is_refused(shop):
    answer = await shop.control.put("/stripe/faults", json=[{"fault": "explode"}])
    assert answer.status_code == 422
