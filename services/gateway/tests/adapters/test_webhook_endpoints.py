"""Where clients want their webhooks: kept, changed, disabled with notice, never a private address."""

import asyncio
from datetime import timedelta
from uuid import uuid4

from services.gateway.tests.outgoing import Post, deliveries, low, plan, register

from contracts.gateway import WebhookEndpointDisabled
from gateway.adapters.outbound.receivers import HttpReceivers


async def test_an_endpoint_that_is_gone_is_disabled_at_once_with_notice(stage, post, receiver):
    ada = await stage.person()
    receiver.answers["hook"] = 410
    endpoint = await register(ada, receiver.url())
    await stage.hear(low(ada, 3), low(ada, 2))
    await post.send()
    [shown] = (await ada.client.get("/api/webhook-endpoints")).json()["data"]
    reason = "The endpoint answered 410: it is gone."
    assert (shown["enabled"], shown["disabled_reason"]) == (False, reason)
    assert {one["status"] for one in await deliveries(ada, endpoint)} == {"failed"}
    async with asyncio.timeout(5):
        while not (notices := [said for said in stage.said if isinstance(said, WebhookEndpointDisabled)]):
            await asyncio.sleep(0.01)
    await stage.hear(*notices)
    event = (await ada.client.get("/api/events")).json()["data"][-1]
    assert event["type"] == "webhook_endpoint.disabled"
    assert event["data"] == {"endpoint_id": endpoint["id"], "url": endpoint["url"], "reason": reason}
    [refused] = [await ada.client.post(f"/api/webhook-endpoints/{endpoint['id']}/test")]
    assert (refused.status_code, refused.json()["code"]) == (409, "endpoint_disabled")


async def test_a_disabled_endpoint_is_told_by_mail_to_those_who_can_enable_it(stage, post, receiver):
    owner = f"{uuid4().hex[:8]}@example.com"
    ada = await stage.person(owner)
    admin, member = (f"{uuid4().hex[:8]}@example.com" for _ in range(2))
    await stage.invited(ada, admin, "admin")
    await stage.invited(ada, member)
    receiver.answers["hook"] = 410
    endpoint = await register(ada, receiver.url())
    await stage.hear(low(ada, 3), low(ada, 2))
    await post.send()
    written = "select recipient, body from gateway.letters where subject = 'A webhook endpoint was disabled'"
    letters = {row.recipient: row.body for row in await stage.rows(written)}
    assert letters.keys() & {owner, admin, member} == {owner, admin}
    assert endpoint["url"] in letters[owner]
    assert "The endpoint answered 410: it is gone." in letters[owner]
    assert "http://atelier/webhooks" in letters[owner]


async def test_days_of_failure_disable_an_endpoint_and_enabling_it_starts_with_what_happens_then(
    stage, post, receiver
):
    ada = await stage.person()
    receiver.answers["hook"] = 500
    endpoint = await register(ada, receiver.url(), types=["account.low_balance"])
    for day in range(4):
        await stage.hear(*(low(ada, 10 * day + n) for n in range(3)))
        post.later = timedelta(days=day)
        await post.send()
    [shown] = (await ada.client.get("/api/webhook-endpoints")).json()["data"]
    assert shown["disabled_reason"].startswith("Nothing has been taken since ")
    await stage.hear(low(ada, 90))
    assert await post.send() == 0
    receiver.answers["hook"], tried = 204, len(receiver.got)
    path = f"/api/webhook-endpoints/{endpoint['id']}"
    enabled = (await ada.client.patch(path, json={"enabled": True})).json()
    assert (enabled["enabled"], enabled["failing_since"], enabled["disabled_reason"]) == (True, None, None)
    await stage.hear(low(ada, 91))
    await post.send()
    assert [event["data"]["spendable"] for event in receiver.bodies()[tried:]] == [91]


async def test_a_new_secret_signs_beside_the_old_one(stage, post, receiver):
    ada = await stage.person()
    endpoint = await register(ada, receiver.url())
    path = f"/api/webhook-endpoints/{endpoint['id']}/rotate-secret"
    rotated = (await ada.client.post(path, headers={"Idempotency-Key": "r1"})).json()
    again = await ada.client.post(path, headers={"Idempotency-Key": "r1"})
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (rotated, "true")
    await stage.hear(low(ada, 3))
    await post.send()
    assert len(receiver.headers()[0]["webhook-signature"].split(" ")) == 2
    assert receiver.verify(rotated["secret"]) == receiver.verify(endpoint["secret"])
    post.later = timedelta(hours=24, seconds=1)
    await stage.hear(low(ada, 2))
    await post.send()
    assert len(receiver.headers()[1]["webhook-signature"].split(" ")) == 1


async def test_a_ping_tries_an_endpoint_whatever_it_wants(stage, post, receiver):
    ada = await stage.person()
    endpoint = await register(ada, receiver.url(), types=["account.low_balance"])
    path = f"/api/webhook-endpoints/{endpoint['id']}/test"
    first = await ada.client.post(path, headers={"Idempotency-Key": "p1"})
    second = await ada.client.post(path, headers={"Idempotency-Key": "p1"})
    assert first.status_code == second.status_code == 202
    assert first.json()["id"] == second.json()["id"]
    await post.send()
    [sent] = receiver.bodies()
    assert (sent["type"], sent["data"]) == ("webhook_endpoint.ping", {"endpoint_id": endpoint["id"]})
    assert receiver.headers()[0]["webhook-id"] == first.json()["id"]


REFUSED = {
    "http://10.0.0.1/hook": "address_refused",
    "https://no-such-name.invalid/hook": "address_refused",
    "http://user:secret@127.0.0.1:8080/hook": "address_refused",
    "https://": "invalid_request",
    "ftp://studio.example/hook": "invalid_request",
    "file:///etc/passwd": "invalid_request",
}


async def test_an_address_where_nothing_may_be_sent_is_refused_when_it_is_saved(stage, receiver):
    ada = await stage.person()
    endpoint = await register(ada, receiver.url())
    for url, code in REFUSED.items():
        for refused in (
            await ada.client.post("/api/webhook-endpoints", json={"url": url}),
            await ada.client.patch(f"/api/webhook-endpoints/{endpoint['id']}", json={"url": url}),
        ):
            assert (refused.status_code, refused.json()["code"]) == (422, code), url
    [shown] = (await ada.client.get("/api/webhook-endpoints")).json()["data"]
    assert shown["url"] == endpoint["url"]


async def test_an_address_is_checked_again_when_it_is_used(stage, receiver):
    ada = await stage.person()
    endpoint = await register(ada, receiver.url())
    strict = Post(stage, HttpReceivers((), patience=1))  # as if the name led elsewhere by now
    await stage.hear(low(ada, 3))
    assert await strict.send() == 1
    await strict.receivers.close()
    assert receiver.got == []
    [shown] = await deliveries(ada, endpoint)
    assert shown["attempts"][0]["error"] == "127.0.0.1 leads to a private address, where nothing is sent."


async def test_another_teams_endpoint_does_not_exist(stage, post, receiver):
    ada, bob = await stage.person(), await stage.person()
    endpoint = await register(ada, receiver.url())
    await stage.hear(low(ada, 3))
    await post.send()
    [sent] = await deliveries(ada, endpoint)
    path = f"/api/webhook-endpoints/{endpoint['id']}"
    tries = [
        bob.client.patch(path, json={"enabled": False}),
        bob.client.delete(path),
        bob.client.post(f"{path}/rotate-secret"),
        bob.client.post(f"{path}/test"),
        bob.client.get(f"{path}/deliveries"),
        bob.client.post(f"{path}/deliveries/{sent['id']}/redeliver"),
        ada.client.post(f"{path}/deliveries/{uuid4()}/redeliver"),
    ]
    answers = await asyncio.gather(*tries)
    assert [(one.status_code, one.json()["code"]) for one in answers] == [
        *[(404, "webhook_endpoint_not_found")] * 6,
        (404, "webhook_delivery_not_found"),
    ]
    assert (await bob.client.get("/api/webhook-endpoints")).json()["data"] == []


async def test_an_endpoint_is_changed_and_deleted_with_what_waits_for_it(stage, post, receiver):
    ada = await stage.person()
    endpoint = await register(ada, receiver.url("old"), description="first")
    path = f"/api/webhook-endpoints/{endpoint['id']}"
    changed = await ada.client.patch(path, json={"url": receiver.url("new"), "types": ["plan.changed"]})
    assert changed.json()["description"] == "first"
    assert "secret" not in changed.json()
    await stage.hear(plan(ada, 2), low(ada, 3))
    await post.send()
    assert [event["type"] for event in receiver.bodies("new")] == ["plan.changed"]
    await stage.hear(plan(ada, 3))
    assert (await ada.client.delete(path)).status_code == 204
    assert await post.send() == 0
    assert await stage.rows("select 1 from gateway.webhook_deliveries") == []


async def test_the_same_request_makes_one_endpoint(stage, receiver):
    ada = await stage.person()
    body, key = {"url": receiver.url()}, {"Idempotency-Key": "e1"}
    first, second = await asyncio.gather(
        *(ada.client.post("/api/webhook-endpoints", json=body, headers=key) for _ in range(2))
    )
    assert first.json() == second.json()
    assert len((await ada.client.get("/api/webhook-endpoints")).json()["data"]) == 1


async def test_a_team_may_have_twenty_endpoints(stage, receiver):
    ada = await stage.person()
    body = {"url": receiver.url()}
    answers = await asyncio.gather(*(ada.client.post("/api/webhook-endpoints", json=body) for _ in range(21)))
    assert sorted(answer.status_code for answer in answers) == [201] * 20 + [409]


async def test_deliveries_are_listed_page_by_page(stage, post, receiver):
    ada = await stage.person()
    endpoint = await register(ada, receiver.url(), types=["account.low_balance"])
    await stage.hear(*(low(ada, n) for n in range(5)))
    await post.send()
    path, found, cursor = f"/api/webhook-endpoints/{endpoint['id']}/deliveries", [], {}
    while True:
        page = (await ada.client.get(path, params={"limit": 2} | cursor)).json()
        found += page["data"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert [one["seq"] for one in found] == sorted((one["seq"] for one in found), reverse=True)
    assert len(found) == 5
