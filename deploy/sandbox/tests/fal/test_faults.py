import asyncio

import fal_client
import httpx
import pytest

DEV = "fal-ai/flux/dev"
PROMPT = {"prompt": "a tree", "num_images": 4}


async def faults(control: httpx.AsyncClient, *rules: dict) -> None:
    (await control.put("/faults", json=list(rules))).raise_for_status()


async def requests(control: httpx.AsyncClient) -> list[dict]:
    return (await control.get("/requests")).json()


async def run(fal: fal_client.AsyncClient) -> dict:
    return await (await fal.submit(DEV, PROMPT)).get(interval=0.01)


@pytest.mark.parametrize(
    ("name", "status"), [("http_500", 500), ("http_503", 503), ("locked", 403), ("validation_422", 422)]
)
async def test_a_submit_is_refused(fal, control, name: str, status: int):
    await faults(control, {"fault": name, "at": "submit"})
    with pytest.raises(fal_client.FalClientHTTPError) as refused:
        await fal.submit(DEV, PROMPT)
    assert refused.value.status_code == status
    (listed,) = await requests(control)
    assert (listed["state"], listed["request_id"], listed["answer"]) == ("REFUSED", None, str(status))


async def test_locked_says_why(raw, control):
    await faults(control, {"fault": "locked"})
    answer = await raw.post(f"/{DEV}", json=PROMPT)
    assert answer.json()["detail"].startswith("User is locked. Reason: Exhausted balance")


async def test_too_many_requests_pass_after_a_retry(fal, control):
    await faults(control, {"fault": "rate_limited", "times": 1})
    await run(fal)
    assert [one["posts"] for one in await requests(control)] == [2, 2]


@pytest.mark.parametrize("accepted", [False, True])
async def test_a_proxy_error_is_posted_again_by_the_client(fal, control, accepted: bool):
    await faults(control, {"fault": "http_502_nginx", "times": 1, "params": {"accepted": accepted}})
    await run(fal)
    first, second = await requests(control)
    assert (first["request_id"] is not None, first["answer"], second["answer"]) == (accepted, "502", "200")


@pytest.mark.parametrize("name", ["accept_then_close", "accept_then_reset"])
async def test_an_answer_is_lost_after_accepting(raw, control, name: str):
    await faults(control, {"fault": name})
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await raw.post(f"/{DEV}", json=PROMPT)
    async with asyncio.timeout(20):
        while (await requests(control))[0]["state"] != "COMPLETED":
            await asyncio.sleep(0.05)
    (listed,) = await requests(control)
    assert (listed["answer"], listed["ran"]) == (name, True)


async def test_an_answer_never_comes_after_accepting(raw, control):
    await faults(control, {"fault": "accept_then_hang"})
    with pytest.raises(httpx.ReadTimeout):
        await raw.post(f"/{DEV}", json=PROMPT, timeout=0.3)
    (listed,) = await requests(control)
    assert (listed["answer"], listed["ran"]) == ("accept_then_hang", True)


async def test_slow_answers_and_slow_runs(raw, control):
    slow = {"fault": "slow", "params": {"seconds": 0.2}}
    await faults(control, slow, slow | {"at": "run"})
    began = asyncio.get_running_loop().time()
    urls = (await raw.post(f"/{DEV}", json=PROMPT)).json()
    assert asyncio.get_running_loop().time() - began > 0.2
    assert (await raw.get(urls["response_url"])).status_code == 400


async def test_a_refusal_comes_with_the_result(fal, control):
    await faults(control, {"fault": "validation_422"})
    with pytest.raises(fal_client.FalClientHTTPError) as refused:
        await run(fal)
    assert refused.value.error_type == "content_policy_violation"
    assert refused.value.response_headers["x-fal-retryable"] == "false"
    assert refused.value.response.json()["detail"][0]["loc"] == ["body", "prompt"]


@pytest.mark.parametrize(
    ("kind", "status", "retryable"),
    [
        ("downstream_service_error", 400, "true"),
        ("internal_server_error", 500, "true"),
        ("runner_disconnected", 503, "true"),
        ("no_media_generated", 422, "false"),
    ],
)
async def test_a_run_fails(fal, control, kind: str, status: int, retryable: str):
    await faults(control, {"fault": "error", "params": {"type": kind}})
    with pytest.raises(fal_client.FalClientHTTPError) as failed:
        await run(fal)
    assert (failed.value.status_code, failed.value.error_type) == (status, kind)
    assert failed.value.response_headers["x-fal-retryable"] == retryable


async def test_some_pictures_are_unsafe(fal, raw, control):
    await faults(control, {"fault": "unsafe", "params": {"images": [1]}})
    result = await run(fal)
    assert result["has_nsfw_concepts"] == [False, True, False, False]
    assert len({image["url"] for image in result["images"]}) == 4


async def test_fewer_pictures_than_asked_for(fal, control):
    await faults(control, {"fault": "fewer_images", "params": {"count": 2}})
    result = await run(fal)
    assert (len(result["images"]), len(result["has_nsfw_concepts"])) == (2, 2)


async def test_a_cancel_is_ignored_and_the_work_billed(fal, control):
    await faults(control, {"fault": "cancel_ignored"})
    handle = await fal.submit(DEV, PROMPT)
    await handle.cancel()
    assert len((await handle.get(interval=0.01))["images"]) == 4
    (listed,) = await requests(control)
    assert (listed["cancel_seen"], listed["billable"]) == (True, True)


async def test_a_stuck_run_ends_only_when_cancelled(fal, control):
    await faults(control, {"fault": "stuck"})
    handle = await fal.submit(DEV, PROMPT)
    await asyncio.sleep(0.2)
    assert isinstance(await handle.status(), fal_client.InProgress)
    await handle.cancel()
    await asyncio.sleep(0.1)
    assert isinstance(await handle.status(), fal_client.Completed)


async def test_a_request_that_never_starts_lets_others_pass(fal, control):
    await faults(control, {"fault": "never_starts", "match": {"nth": 1}})
    stays = await fal.submit(DEV, PROMPT)
    await run(fal)
    assert await stays.status() == fal_client.Queued(position=0)


async def test_status_result_and_files_fail_too(fal, raw, control):
    handle = await fal.submit(DEV, PROMPT)
    url = (await handle.get(interval=0.01))["images"][0]["url"]
    places = ("status", "result", "files")
    await faults(control, *({"fault": "http_500", "at": place, "times": 1} for place in places))
    for address in (handle.status_url, handle.response_url, url):
        assert [(await raw.get(address)).status_code for _ in range(2)] == [500, 200]


async def test_rules_match_the_endpoint_the_prompt_and_the_nth_call(raw, control):
    await faults(
        control, {"fault": "http_500", "match": {"endpoint": DEV, "prompt_contains": "tree", "nth": [2, 3]}}
    )
    bodies = [{"prompt": "a stone"}, *[{"prompt": "a tree"}] * 4]
    assert [(await raw.post(f"/{DEV}", json=body)).status_code for body in bodies] == [
        200,
        200,
        500,
        500,
        200,
    ]
    (rule,) = (await control.get("/faults")).json()
    assert (rule["seen"], rule["applied"]) == (4, 2)
    assert (await raw.post("/fal-ai/flux-lora", json={"prompt": "a tree"})).status_code == 200


async def test_the_control_api_refuses_what_it_does_not_know(control):
    assert (await control.put("/faults", json=[{"fault": "earthquake"}])).status_code == 422
    assert (await control.put("/faults", json=[{"fault": "locked", "at": "run"}])).status_code == 422
    assert (await control.put("/timing", json={"image_second": 1})).status_code == 422
    assert (await control.put("/timing", content=b"[")).status_code == 422
