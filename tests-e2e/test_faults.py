"""What the provider and the network do wrong: every job ends, the books are clean, submits are explained."""

import asyncio
import json
from collections import Counter
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from e2e.house import IMAGE_ATTEMPTS
from e2e.provider import fault

LOST = "webhook_lost"


async def test_with_all_webhooks_lost_everything_ends(house, studio):
    async with house.provider.behaving(fault(LOST, "")):
        jobs = [await studio.generate(f"unheard {n}") for n in range(4)]
        creation = await studio.create_model("unheard model")
        ended = await studio.ends([*jobs, creation])
    assert Counter(job["status"] for job in ended) == {"completed": 5}
    assert all(house.took_one_call_a_step(job) for job in ended)
    # The training is not counted: the provider is told nothing of ours there but a trigger word.
    drawings = len(house.fates(creation)) - 1
    assert len(await house.submits_are_explained("unheard")) == len(jobs) + drawings
    await house.is_settled()


async def test_webhooks_that_are_odd_change_nothing(house, studio):
    odd = ["webhook_duplicated", "webhook_forged", "webhook_late", "webhook_reordered", "webhook_truncated"]
    rules = [fault(name, f"odd {name}", seconds=2.0) for name in odd]
    async with house.provider.behaving(*rules):
        jobs = {name: await studio.generate(f"odd {name}", 2) for name in odd}
        ended = await studio.ends(jobs.values())
        await asyncio.sleep(1)  # the late ones arrive after the end
    assert {job["status"] for job in ended} == {"completed"}
    assert {job["receipt"]["captured"] for job in ended} == {4}
    assert all(house.took_one_call_a_step(job) for job in ended)
    assert len(await house.submits_are_explained("odd webhook")) == len(odd)
    await house.is_settled()


async def test_a_webhook_again_after_the_end_changes_nothing(house, studio):
    job = await studio.end(await studio.generate("heard again"))
    (submit,) = await house.provider.requests("heard again")
    for _ in range(2):
        assert (await house.provider.redeliver(submit["request_id"]))["state"] == "delivered"
    await house.is_settled()
    assert await studio.end(job) == await again(studio, job)


async def test_a_webhook_with_a_forged_address_is_ignored(house, studio):
    async with house.provider.behaving(image_seconds=1.0):
        job = await studio.generate("forged address")
        submit = await house.provider.request("IN_PROGRESS", "forged address")
        attempt = dict(parse_qsl(urlsplit(submit["webhook_url"]).query))["attempt"]
        body = failure(submit["request_id"])
        headers = house.provider.signed(submit["request_id"], body)
        query = {"attempt": attempt, "mac": "0" * 64}
        assert (
            await call_back(house, query, body, headers)
        ).status_code == 200  # fal signed it; jobs knows better
        ended = await studio.end(job)
    assert (ended["status"], house.fates(job)) == ("completed", [["succeeded"]])
    await house.is_settled()


async def test_a_webhook_of_another_job_is_ignored(house, studio):
    async with house.provider.behaving(image_seconds=1.0):
        jobs = [await studio.generate(f"swapped {name}") for name in ("a", "b")]
        first, second = [
            await house.provider.request("IN_PROGRESS", f"swapped {name}") for name in ("a", "b")
        ]
        body = failure(second["request_id"])
        headers = house.provider.signed(second["request_id"], body)
        query = dict(parse_qsl(urlsplit(first["webhook_url"]).query))
        assert (await call_back(house, query, body, headers)).status_code == 200
        ended = await studio.ends(jobs)
    assert Counter(job["status"] for job in ended) == {"completed": 2}
    await house.is_settled()


async def test_a_webhook_that_nobody_signed_is_refused(house, studio):
    job = await studio.end(await studio.generate("unsigned"))
    (submit,) = await house.provider.requests("unsigned")
    query = dict(parse_qsl(urlsplit(submit["webhook_url"]).query))
    body = failure(submit["request_id"])
    signed = house.provider.signed(submit["request_id"], body)
    for wrong in (
        {},
        signed | {"X-Fal-Webhook-Signature": "00" * 64},
        signed | {"X-Fal-Webhook-Timestamp": "1"},
    ):
        assert (await call_back(house, query, body, wrong)).status_code in {401, 422}
    assert await again(studio, job) == job


async def test_a_webhook_of_an_earlier_step_is_ignored(house, studio):
    async with house.provider.behaving(training_seconds=2.0):
        creation = await studio.create_model("two steps")
        drawn = await house.provider.request("COMPLETED", "two steps")
        await at_step(house, creation, 2)
        assert (await house.provider.redeliver(drawn["request_id"]))["state"] == "delivered"
        ended = await studio.end(creation)
    assert ended["status"] == "completed"
    assert house.took_one_call_a_step(creation)
    await house.is_settled()


REFUSALS = [
    # fault, where, times, parameters; the status, the provider calls, those accepted
    ("validation_422", "run", None, {}, "failed", 1, 1),
    ("validation_422", "submit", None, {}, "failed", 1, 0),
    ("error", None, 1, {"type": "internal_server_error"}, "completed", 2, 2),
    ("error", None, None, {"type": "downstream_service_error"}, "failed", 2, 2),
    ("http_500", "submit", 1, {}, "completed", 2, 1),
    ("http_500", "submit", None, {}, "failed", IMAGE_ATTEMPTS, 0),
    ("http_503", "submit", 2, {}, "completed", 3, 1),
    ("rate_limited", "submit", 2, {}, "completed", 3, 1),
    ("locked", "submit", 2, {}, "completed", 3, 1),
    ("http_500", "result", 2, {}, "completed", 1, 1),
    ("http_500", "status", 2, {}, "completed", 1, 1),
    ("accept_then_reset", "submit", None, {}, "failed", IMAGE_ATTEMPTS, IMAGE_ATTEMPTS),
]
ASKED_ABOUT = (9, 10, 11)
"""These are never called back: the first two are asked about, the last never says a word."""
GIVEN_UP = (5, 11)


async def test_each_refusal_of_the_provider_ends_as_it_should(house, studio):
    marked = [(f"refusal {number}.", *rest) for number, rest in enumerate(REFUSALS)]
    rules = [fault(name, marker, at=at, times=times, **more) for marker, name, at, times, more, *_ in marked]
    rules += [fault(LOST, marked[number][0]) for number in ASKED_ABOUT]
    async with house.provider.behaving(*rules):
        jobs = [await studio.generate(marker, 2) for marker, *_ in marked]
        ended = await studio.ends(jobs)
    for (marker, name, at, times, _, status, posts, accepted), job in zip(marked, ended, strict=True):
        told = f"{name} at {at}, {times} times: {job['status']} {job['code']} {house.fates(job)}"
        requests = await house.submits_are_explained(marker)
        assert job["status"] == status, told
        assert job["receipt"]["captured"] == (4 if status == "completed" else 0), told
        assert (len(requests), sum(one["request_id"] is not None for one in requests)) == (posts, accepted), (
            told
        )
    assert {ended[number]["code"] for number in GIVEN_UP} == {"provider_unresponsive"}
    await house.is_settled()


async def test_files_that_cannot_be_fetched_at_once_are_fetched_later(house, studio):
    async with house.provider.behaving(fault("http_500", "", at="files", times=3)):
        jobs = [await studio.generate(f"fetched later {n}", 2) for n in range(2)]
        ended = await studio.ends(jobs)
    assert [(job["status"], receipt(job)) for job in ended] == [("completed", (4, 4, 0))] * 2
    assert all(house.took_one_call_a_step(job) for job in ended)
    await house.is_settled()


async def test_only_delivered_images_are_charged(house, studio):
    before = (await studio.balance())["available"]
    rules = [
        fault("unsafe", "some unsafe", images=[1]),
        fault("unsafe", "all unsafe"),
        fault("fewer_images", "too few", count=2),
    ]
    async with house.provider.behaving(*rules):
        jobs = [await studio.generate(wish, 4) for wish in ("some unsafe", "all unsafe", "too few")]
        some, none, few = await studio.ends(jobs)
    assert (some["status"], receipt(some)) == ("completed", (8, 6, 2))
    assert [result["withheld"] for result in some["results"]] == [False, True, False, False]
    assert [bool(result["url"]) for result in some["results"]] == [True, False, True, True]
    assert (none["status"], none["code"], receipt(none)) == ("failed", "content_policy", (8, 0, 8))
    assert (few["status"], receipt(few)) == ("completed", (8, 4, 4))
    assert before - (await studio.balance())["available"] == 10
    await house.is_settled()


async def test_a_job_that_fails_half_way_keeps_and_charges_what_it_has(house, studio):
    second = fault("validation_422", "half way")
    second["match"]["nth"] = 2
    async with house.provider.behaving(second):
        job = await studio.end(await studio.generate("half way", 6))
    assert (job["status"], receipt(job)) == ("completed", (12, 8, 4))
    assert [result["n"] for result in job["results"]] == [1, 2, 3, 4]
    assert house.fates(job) == [["succeeded"], ["failed"]]
    assert len(await house.submits_are_explained("half way")) == 2
    await house.is_settled()


SILENCES = ["accept_then_close", "accept_then_reset", "accept_then_hang", "http_502_nginx"]


@pytest.mark.parametrize("heard", [True, False], ids=["callback comes", "callback is lost"])
async def test_a_lost_answer_costs_no_more_than_the_doubt_allows(house, studio, heard):
    mark = "doubt heard" if heard else "doubt unheard"
    rules = [fault(name, f"{mark} {name}", at="submit", times=1, accepted=True) for name in SILENCES]
    if not heard:
        rules += [fault(LOST, f"{mark} {name}", times=1) for name in SILENCES]
    async with house.provider.behaving(*rules):
        jobs = [await studio.generate(f"{mark} {name}", 2) for name in SILENCES]
        ended = await studio.ends(jobs)
    for name, job in zip(SILENCES, ended, strict=True):
        requests = await house.submits_are_explained(f"{mark} {name}")
        assert (job["status"], receipt(job)) == ("completed", (4, 4, 0)), name
        # With its callback the first call joins its job again; without, a second one is made after the grace.
        assert len(requests) == (1 if heard else 2), (name, house.fates(job))
    await house.is_settled()


async def test_a_lost_answer_of_a_training_is_found_again(house, studio):
    rule = {"fault": "accept_then_close", "match": {}, "at": "submit"}  # every step of it
    async with house.provider.behaving(rule):
        creation = await studio.create_model("doubted model")
        ended = await studio.end(creation)
    assert ended["status"] == "completed"
    assert house.took_one_call_a_step(creation)
    await house.is_settled()


def receipt(job):
    return tuple(job["receipt"][name] for name in ("held", "captured", "released"))


def failure(request_id: str) -> bytes:
    """Write a webhook that says that a request has failed for good."""
    detail = [{"loc": ["body", "prompt"], "msg": "flagged", "type": "content_policy_violation"}]
    told = {"request_id": request_id, "gateway_request_id": request_id, "status": "ERROR"}
    return json.dumps(told | {"error": "Unexpected status code: 422", "payload": {"detail": detail}}).encode()


async def call_back(house, query, body: bytes, headers) -> httpx.Response:
    async with httpx.AsyncClient(base_url=house.stack.url, timeout=10) as http:
        return await http.post("/api/webhooks/fal", params=query, content=body, headers=headers)


async def again(team, job):
    return (await team.ends([job]))[0]


async def at_step(house, job, step: int) -> None:
    async with asyncio.timeout(20):
        while house.query(f"select step from jobs.jobs where id = '{job['id']}'") != [str(step)]:
            await asyncio.sleep(0.05)
