"""Webhooks: signatures, endpoints, retries, and everything that goes wrong with them."""

import pytest
import stripe

KINDS = ["product.created", "product.updated", "price.created"]


@pytest.fixture
async def endpoint(shop, hook):
    return await shop.api.webhook_endpoints.create_async({"url": hook.url, "enabled_events": KINDS})


async def happen(shop, count: int = 4) -> list[str]:
    """Let things happen to products, and return the ids of their events, oldest first."""
    product = await shop.api.products.create_async({"name": "0"})
    for name in range(1, count):
        await shop.api.products.update_async(product.id, {"name": str(name)})
    found = await shop.api.events.list_async({"types": KINDS, "limit": 100})
    return [event.id for event in found.data][::-1]


def read(shop, sent, secret):
    """Read a webhook as the package does, which checks its signature."""
    headers, body = sent
    return shop.client.construct_event(body, headers["Stripe-Signature"], secret)


async def ids_of(shop, hook, endpoint) -> list[str]:
    """Return the ids of the events that came, in the order in which they came."""
    return [read(shop, sent, endpoint.secret).id for sent in hook.received]


async def test_a_webhook_carries_the_signature_the_package_checks(shop, hook, endpoint):
    product = await shop.api.products.create_async({"name": "Pro"})
    await hook.arrived(1)
    headers, body = hook.received[0]
    sent = headers["Stripe-Signature"]
    event = shop.client.construct_event(body, sent, endpoint.secret)
    assert (event.type, event.data.object.id, event.api_version) == (
        "product.created",
        product.id,
        "2026-10-28.endive",
    )
    for wrong in (body + b" ", body):
        secret = endpoint.secret if wrong != body else "whsec_other"
        with pytest.raises(stripe.SignatureVerificationError):
            shop.client.construct_event(wrong, sent, secret)
    retrieved = await shop.api.webhook_endpoints.retrieve_async(endpoint.id)
    assert "secret" not in retrieved.to_dict()


async def test_an_endpoint_hears_only_what_it_asked_for_while_it_is_there(shop, hook, endpoint):
    endpoints = shop.api.webhook_endpoints
    await endpoints.update_async(endpoint.id, {"enabled_events": ["product.updated"]})
    await happen(shop, 2)
    assert await hook.types(1) == ["product.updated"]
    await endpoints.update_async(endpoint.id, {"disabled": True})
    await happen(shop, 2)
    await endpoints.delete_async(endpoint.id)
    await happen(shop, 2)
    assert not (await endpoints.list_async()).data
    deliveries = (await shop.control.get("/stripe/deliveries")).json()
    assert [each["type"] for each in deliveries] == ["product.updated"]


async def test_a_webhook_is_sent_again_until_it_is_taken(shop, hook, endpoint):
    await shop.control.put("/stripe/webhooks", json={"retry_seconds": 0.01})
    hook.answers = [500, 404, 302, 200]
    await shop.api.products.create_async({"name": "Pro"})
    assert await hook.types(4) == ["product.created"] * 4
    delivery = (await shop.control.get("/stripe/deliveries")).json()[0]
    assert [attempt.get("status") for attempt in delivery["attempts"]][:3] == [500, 404, 302]


async def test_what_is_lost_stays_lost_and_is_still_listed(shop, hook, endpoint):
    await shop.control.put(
        "/stripe/faults", json=[{"fault": "webhook_lost", "match": {"event": "product.*"}}]
    )
    price = await shop.price("Pro", 1200)
    assert await hook.types(1) == ["price.created"]
    lost = (await shop.control.get("/stripe/deliveries", params={"state": "lost"})).json()
    assert [each["type"] for each in lost] == ["product.created"]
    events = await shop.api.events.list_async({"type": "product.created"})
    assert [event.data.object.id for event in events.data] == [price.product]
    await shop.control.post(f"/stripe/deliveries/{lost[0]['id']}/redeliver")
    assert await hook.types() == ["price.created", "product.created"]


async def test_a_webhook_can_come_twice_and_forged(shop, hook, endpoint):
    rules = [
        {"fault": "webhook_duplicated", "match": {"event": "product.created"}, "params": {"copies": 3}},
        {"fault": "webhook_forged", "match": {"event": "product.updated"}},
    ]
    await shop.control.put("/stripe/faults", json=rules)
    ids = await happen(shop, 2)
    await hook.arrived(4)
    seen = []
    for sent in hook.received:
        try:
            seen.append(read(shop, sent, endpoint.secret).id)
        except stripe.SignatureVerificationError:
            seen.append("forged")
    assert sorted(seen) == sorted([ids[0]] * 3 + ["forged"])


async def test_what_is_held_comes_in_the_order_asked_for(shop, hook, endpoint):
    await shop.control.put("/stripe/webhooks", json={"hold": True})
    ids = await happen(shop, 6)
    assert hook.received == []
    flushed = await shop.control.post("/stripe/webhooks/flush", json={"order": "reversed"})
    assert flushed.json() == {"flushed": 6}
    assert await ids_of(shop, hook, endpoint) == ids[::-1]


async def test_a_seed_shuffles_the_same_way_every_time(shop, hook, endpoint):
    await shop.control.put("/stripe/webhooks", json={"hold": True})
    seen = []
    for _ in range(2):
        hook.received.clear()
        fresh = (await happen(shop, 6))[-6:]
        await shop.control.post("/stripe/webhooks/flush", json={"order": "shuffled", "seed": 7})
        seen.append([fresh.index(key) for key in await ids_of(shop, hook, endpoint)])
    assert seen[0] == seen[1]
    assert sorted(seen[0]) == [0, 1, 2, 3, 4, 5]
    assert seen[0] != [0, 1, 2, 3, 4, 5]


async def test_one_kind_can_be_held_back_until_others_have_come(shop, hook, endpoint):
    await shop.control.put(
        "/stripe/faults", json=[{"fault": "webhook_held", "match": {"event": "product.created"}}]
    )
    await happen(shop, 2)
    assert await hook.types(1) == ["product.updated"]
    await shop.control.post("/stripe/webhooks/flush", json={})
    assert await hook.types() == ["product.updated", "product.created"]


async def test_late_ones_can_be_hurried(shop, hook, endpoint):
    await shop.control.put("/stripe/faults", json=[{"fault": "webhook_late", "params": {"seconds": 3600}}])
    await shop.api.products.create_async({"name": "Pro"})
    assert hook.received == []
    await shop.control.post("/stripe/webhooks/flush", json={})
    assert await hook.types(1) == ["product.created"]
