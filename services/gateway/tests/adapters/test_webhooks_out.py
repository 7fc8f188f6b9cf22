"""Webhooks to clients: made from the event log, signed, tried for a day, shown try by try."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any
from uuid import uuid4

import pytest
from e2e.receiver import Receiver
from services.gateway.tests.stage import Person, Stage, model
from standardwebhooks import WebhookVerificationError

from chassis.clock import utc_now
from contracts.billing import Limits, PlanChanged
from contracts.credits import LowBalance
from contracts.gateway import WebhookEndpointDisabled
from gateway.adapters.inbound.deliverer import Deliverer, writing
from gateway.adapters.outbound.postgres.work import transaction
from gateway.adapters.outbound.receivers import HttpReceivers
from gateway.application.deliver_webhooks import Sending, deliver, take_due
from gateway.application.sending import Due, Letter

Json = dict[str, Any]
MINUTE = timedelta(minutes=1)
LOCAL = (ip_network("127.0.0.0/8"),)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


@dataclass
class Post:
    """Whoever sends, with a clock that a test moves."""

    stage: Stage
    receivers: HttpReceivers
    later: timedelta = field(default_factory=timedelta)

    @property
    def sending(self) -> Sending:
        write = writing(self.stage.app.state.api.links)
        opened, site = transaction(self.stage.database), "http://atelier"
        return Sending(opened, self.receivers, self.now, write, lambda: 0.0, MINUTE, site)

    def now(self) -> datetime:
        return utc_now() + self.later

    async def send(self) -> int:
        """Send all that is due, and what becomes due by that; returns how many tries that took."""
        tries = 0
        while due := await take_due(100, self.sending):
            await asyncio.gather(*(deliver(one, self.sending) for one in due))
            tries += len(due)
        return tries


@pytest.fixture
async def post(stage: Stage) -> AsyncIterator[Post]:
    receivers = HttpReceivers(LOCAL, patience=1)
    yield Post(stage, receivers)
    await receivers.close()


async def register(person: Person, url: str, **more: object) -> Json:
    made = await person.client.post("/api/webhook-endpoints", json={"url": url, **more})
    assert made.status_code == 201, made.text
    return made.json()


async def deliveries(person: Person, endpoint: Json, **query: str) -> list[Json]:
    answer = await person.client.get(f"/api/webhook-endpoints/{endpoint['id']}/deliveries", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def plan(person: Person, version: int) -> PlanChanged:
    limits = Limits(running=1, open=20, per_minute=6000)
    return PlanChanged(team_id=person.team_id, version=version, plan="free", status="active", limits=limits)


def low(person: Person, spendable: int) -> LowBalance:
    return LowBalance(team_id=person.team_id, spendable=spendable, threshold=20, at=utc_now())


async def test_what_happens_is_sent_signed_as_the_events_endpoint_shows_it(stage, post, receiver):
    ada = await stage.person()
    endpoint = await register(ada, receiver.url())
    await stage.hear(plan(ada, 2))
    assert await post.send() == 1
    [event] = receiver.bodies()
    assert receiver.verify(endpoint["secret"]) == event
    assert (event["type"], event["version"], event["subject"]) == ("plan.changed", 2, str(ada.team_id))
    logged = (await ada.client.get("/api/events")).json()["data"][-1]
    assert event == logged
    [headers] = receiver.headers()
    assert headers["Content-Type"] == "application/json"
    [shown] = await deliveries(ada, endpoint)
    assert (shown["id"], shown["status"], shown["seq"]) == (headers["webhook-id"], "delivered", event["seq"])
    [attempt] = shown["attempts"]
    assert (attempt["n"], attempt["status"], attempt["error"]) == (1, 204, None)
    with pytest.raises(WebhookVerificationError):
        receiver.verify("whsec_" + "A" * 43 + "=")


async def test_only_what_happens_after_it_was_made_and_what_it_wants_is_sent(stage, post, receiver):
    ada, bob = await stage.person(), await stage.person()
    await stage.hear(low(ada, 5))
    await register(ada, receiver.url("lows"), types=["account.low_balance"])
    await register(ada, receiver.url("all"))
    await register(bob, receiver.url("bob"))
    await stage.hear(plan(ada, 2), low(ada, 4))
    await post.send()
    assert [event["type"] for event in receiver.bodies("lows")] == ["account.low_balance"]
    # What concerns different documents travels side by side.
    assert {event["type"] for event in receiver.bodies("all")} == {"plan.changed", "account.low_balance"}
    assert len(receiver.bodies("all")) == 2
    assert receiver.bodies("bob") == []


async def test_what_fails_is_tried_again_for_a_day_under_the_same_id_and_then_given_up(stage, post, receiver):
    ada = await stage.person()
    receiver.answers["hook"] = 500
    endpoint = await register(ada, receiver.url())
    await stage.hear(plan(ada, 2))
    assert await post.send() == 1
    for seconds in [5, 300, 1800, 7200, 18_000, 28_800, 28_800]:
        post.later += timedelta(seconds=seconds - 3)
        assert await post.send() == 0
        post.later += timedelta(seconds=4)
        assert await post.send() == 1
    assert len(receiver.got) == 8
    assert len({headers["webhook-id"] for headers in receiver.headers()}) == 1
    [shown] = await deliveries(ada, endpoint, status="failed")
    assert [attempt["error"] for attempt in shown["attempts"]] == ["Answered 500."] * 8
    assert {attempt["answer"] for attempt in shown["attempts"]} == {"so be it"}
    post.later += timedelta(days=5)
    assert await post.send() == 0


async def test_a_redelivery_starts_anew_under_the_old_id(stage, post, receiver):
    ada = await stage.person()
    endpoint = await register(ada, receiver.url())
    await stage.hear(plan(ada, 2))
    await post.send()
    [shown] = await deliveries(ada, endpoint)
    path = f"/api/webhook-endpoints/{endpoint['id']}/deliveries/{shown['id']}/redeliver"
    again = await ada.client.post(path)
    assert (again.status_code, again.json()["status"]) == (202, "pending")
    assert await post.send() == 1
    assert receiver.headers()[0]["webhook-id"] == receiver.headers()[1]["webhook-id"]
    [shown] = await deliveries(ada, endpoint)
    assert (shown["status"], [attempt["n"] for attempt in shown["attempts"]]) == ("delivered", [1, 2])


async def test_a_newer_state_replaces_an_older_one_that_waits_but_no_notice_another(stage, post, receiver):
    ada = await stage.person()
    receiver.answers["hook"] = 503
    endpoint = await register(ada, receiver.url())
    await stage.hear(plan(ada, 2), low(ada, 5))
    await post.send()
    receiver.answers["hook"] = 204
    await stage.hear(plan(ada, 3), low(ada, 4))
    post.later += timedelta(seconds=6)
    await post.send()
    shown = await deliveries(ada, endpoint)
    assert sorted(
        (one["type"], one["version"], one["status"]) for one in shown if one["type"] == "plan.changed"
    ) == [
        ("plan.changed", 2, "superseded"),
        ("plan.changed", 3, "delivered"),
    ]
    lows = [one["status"] for one in shown if one["type"] == "account.low_balance"]
    assert lows == ["delivered", "delivered"]


async def test_a_newer_state_waits_for_the_older_one_under_way(stage, post, receiver):
    ada = await stage.person()
    await register(ada, receiver.url(), types=["plan.changed"])
    await stage.hear(plan(ada, 2))
    [first] = await take_due(10, post.sending)
    await stage.hear(plan(ada, 3))
    assert await take_due(10, post.sending) == []
    await deliver(first, post.sending)
    await post.send()
    assert [event["version"] for event in receiver.bodies()] == [2, 3]


async def test_what_a_killed_sender_had_taken_is_sent_by_another_under_the_same_id(stage, post, receiver):
    ada = await stage.person()
    await register(ada, receiver.url(), types=["account.low_balance"])
    await stage.hear(low(ada, 3))
    [lost] = await take_due(10, post.sending)
    await post.receivers.send(
        Letter(str(lost.id), lost.endpoint.url, "{}", (lost.endpoint.secret,), utc_now())
    )
    assert await post.send() == 0
    post.later += timedelta(seconds=61)
    assert await post.send() == 1
    first, second = receiver.headers()
    assert first["webhook-id"] == second["webhook-id"] == str(lost.id)


async def test_several_senders_share_the_work_and_nothing_is_sent_twice(stage, post, receiver):
    people = [await stage.person() for _ in range(4)]
    for person in people:
        await register(person, receiver.url(), types=["account.low_balance"])
    await stage.hear(*(low(person, n) for person in people for n in range(10)))
    tries = await asyncio.gather(*(post.send() for _ in range(3)))
    while missing := 40 - sum(tries):
        tries.append(await post.send())
        assert 40 - sum(tries) <= missing
    ids = [headers["webhook-id"] for headers in receiver.headers()]
    assert len(ids) == len(set(ids)) == 40


async def test_a_slow_endpoint_keeps_nobody_else_waiting_and_gets_a_few_at_a_time(stage, post, receiver):
    ada, bob = await stage.person(), await stage.person()
    await register(ada, receiver.url("slow"), types=["account.low_balance"])
    await register(bob, receiver.url("quick"), types=["account.low_balance"])
    await stage.hear(*(low(ada, n) for n in range(50)), low(bob, 1))
    due = await take_due(100, post.sending)
    assert [one.endpoint.url.rsplit("/", 1)[1] for one in due].count("slow") == 4
    assert [one.endpoint.url.rsplit("/", 1)[1] for one in due].count("quick") == 1
    assert await take_due(100, post.sending) == []


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


async def test_models_are_sent_with_links_that_are_fresh(stage, post, receiver):
    ada = await stage.person()
    await register(ada, receiver.url(), types=["model.changed"])
    await stage.hear(model(ada.team_id))
    await post.send()
    [event] = receiver.bodies()
    assert "X-Amz-Signature" in str(event["data"])


async def test_a_deliverer_goes_on_while_one_try_cannot_be_noted():
    due, tried = [object(), object()], []

    async def take(limit: int) -> list[Due]:
        return [due.pop()] if due and limit else []

    async def fail_first(one: Due):
        tried.append(one)
        raise ConnectionError("the database is away")

    deliverer = Deliverer(take, fail_first, at_once=1)
    async with deliverer.finishing(), asyncio.timeout(5):
        while len(tried) < 2:
            await deliverer.look()
            await asyncio.sleep(0)
    assert len(tried) == 2
