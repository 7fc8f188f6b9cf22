"""Webhooks to clients: made from the event log, signed, tried for a day, shown try by try."""

import asyncio
from datetime import timedelta

import pytest
from services.gateway.tests.outgoing import deliveries, low, plan, register
from services.gateway.tests.stage import model
from standardwebhooks import WebhookVerificationError

from chassis.clock import utc_now
from gateway.adapters.inbound.deliverer import Deliverer
from gateway.application.deliver_webhooks import deliver, take_due
from gateway.application.sending import Due, Letter


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


async def test_models_are_sent_with_links_that_are_fresh(stage, post, receiver):
    ada = await stage.person()
    await register(ada, receiver.url(), types=["model.changed"])
    await stage.hear(model(ada.team_id))
    await post.send()
    [event] = receiver.bodies()
    assert "X-Amz-Signature" in str(event["data"])


async def test_what_happens_while_nobody_is_to_be_told_is_not_told_later(stage, post, receiver):
    ada = await stage.person()
    await stage.hear(plan(ada, 2))
    assert await take_due(10, post.sending) is None
    await register(ada, receiver.url())
    assert await post.send() == 0
    await stage.hear(plan(ada, 3))
    assert await post.send() == 1
    assert [event["version"] for event in receiver.bodies()] == [3]


async def test_a_deliverer_with_nobody_to_tell_does_not_look_at_every_piece_of_news():
    looks = []

    async def take(limit: int) -> None:
        looks.append(limit)

    deliverer = Deliverer(take, take)
    for _ in range(5):
        await deliverer.look()
    assert looks == [100]


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
