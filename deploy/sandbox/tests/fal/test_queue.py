import asyncio
import io
import os
import subprocess
import sys

import fal_client
import httpx
import pytest
from PIL import Image

from sandbox.testing import Running

PROMPT = {"prompt": "a quiet harbour", "seed": 15860307465884635512, "image_size": "square"}


async def test_a_request_is_queued_runs_and_gives_pictures(
    fal: fal_client.AsyncClient, raw: httpx.AsyncClient
):
    handle = await fal.submit("fal-ai/flux/dev", PROMPT | {"num_images": 2})
    statuses = [status async for status in handle.iter_events(with_logs=True, interval=0.01)]
    result = await handle.get()
    assert isinstance(statuses[0], fal_client.InProgress)
    assert isinstance(statuses[-1], fal_client.Completed)
    assert "step 28/28 (100%)" in [line["message"] for line in statuses[-1].logs or []]
    assert statuses[-1].metrics["inference_time"] > 0
    assert result["seed"] == 15860307465884635512
    assert result["has_nsfw_concepts"] == [False, False]
    first, second = [await raw.get(image["url"]) for image in result["images"]]
    assert first.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(first.content)).size == (64, 64)
    assert first.content != second.content


async def test_status_is_202_until_completed_and_the_result_400(
    raw: httpx.AsyncClient, control: httpx.AsyncClient
):
    await control.put("/timing", json={"image_seconds": 0.3})
    urls = (await raw.post("/fal-ai/flux/dev", json=PROMPT)).json()
    assert urls["status_url"].endswith(f"/fal-ai/flux/requests/{urls['request_id']}/status")
    early = await raw.get(urls["status_url"])
    assert (early.status_code, early.json()["status"], early.json()["logs"]) == (202, "IN_PROGRESS", None)
    assert (await raw.get(urls["response_url"])).status_code == 400
    await asyncio.sleep(0.4)
    assert (await raw.get(urls["status_url"], params={"logs": "1"})).status_code == 200
    done = await raw.get(urls["response_url"])
    assert done.headers["x-fal-billable-units"] == "0.0041"
    assert (await raw.put(urls["cancel_url"])).json() == {"status": "ALREADY_COMPLETED"}


async def test_the_status_stream_ends_with_completed(raw: httpx.AsyncClient, control: httpx.AsyncClient):
    urls = (await raw.post("/fal-ai/flux/dev", json=PROMPT)).json()
    stream = (await raw.get(urls["status_url"] + "/stream")).text
    assert '"IN_PROGRESS"' in stream
    assert '"COMPLETED"' in stream.splitlines()[-2]


async def test_who_waits_is_told_the_position_and_can_leave(
    fal: fal_client.AsyncClient, control: httpx.AsyncClient
):
    await control.put("/timing", json={"concurrency": 0})
    first, second = [await fal.submit("fal-ai/flux/dev", PROMPT) for _ in range(2)]
    assert await second.status() == fal_client.Queued(position=1)
    await first.cancel()
    assert await second.status() == fal_client.Queued(position=0)
    ended = await first.status()
    assert isinstance(ended, fal_client.Completed)
    assert ended.error_type == "client_cancelled"
    await control.put("/timing", json={"concurrency": 1})
    await second.get(interval=0.01)
    listed = (await control.get("/requests")).json()
    assert [(one["ran"], one["cancel_seen"], one["billable"]) for one in listed] == [
        (False, True, False),
        (True, False, True),
    ]


async def test_low_priority_waits_behind_the_others(fal: fal_client.AsyncClient, control: httpx.AsyncClient):
    await control.put("/timing", json={"concurrency": 0})
    low = await fal.submit("fal-ai/flux/dev", PROMPT, priority="low")
    normal = await fal.submit("fal-ai/flux/dev", PROMPT)
    assert await normal.status() == fal_client.Queued(position=0)
    assert await low.status() == fal_client.Queued(position=1)


async def test_a_running_request_stops_when_cancelled(
    fal: fal_client.AsyncClient, control: httpx.AsyncClient
):
    await control.put("/timing", json={"image_seconds": 60})
    handle = await fal.submit("fal-ai/flux/dev", PROMPT)
    await handle.cancel()
    with pytest.raises(fal_client.FalClientHTTPError) as refused:
        await handle.get(interval=0.01)
    assert refused.value.error_type == "client_cancelled"
    assert (await control.get("/requests", params={"summary": 1})).json()["billable"] == 0


async def test_what_does_not_start_in_time_never_starts(
    fal: fal_client.AsyncClient, control: httpx.AsyncClient
):
    await control.put("/timing", json={"concurrency": 0})
    handle = await fal.submit("fal-ai/flux/dev", PROMPT, start_timeout=1.01)
    with pytest.raises(fal_client.FalClientHTTPError) as late:
        await handle.get(interval=0.05)
    assert (late.value.status_code, late.value.error_type) == (504, "request_timeout")
    assert late.value.response_headers["x-fal-request-timeout-type"] == "user"
    await control.put("/timing", json={"concurrency": 40})
    assert [one["ran"] for one in (await control.get("/requests")).json()] == [False]


async def test_bad_input_is_refused_with_typed_details(fal: fal_client.AsyncClient):
    handle = await fal.submit("fal-ai/flux/dev", {"num_images": 9})
    with pytest.raises(fal_client.FalClientHTTPError) as refused:
        await handle.get(interval=0.01)
    details = refused.value.response.json()["detail"]
    assert refused.value.status_code == 422
    assert {(*detail["loc"], detail["type"]) for detail in details} == {
        ("body", "prompt", "missing"),
        ("body", "num_images", "less_than_equal"),
    }


async def test_wrong_keys_unknown_models_and_foreign_ids_are_refused(
    raw: httpx.AsyncClient, control: httpx.AsyncClient
):
    forged = await raw.post("/fal-ai/flux/dev", json=PROMPT, headers={"Authorization": "Key nobody:nothing"})
    assert forged.status_code == 401
    assert (await raw.post("/fal-ai/unheard-of", json=PROMPT)).status_code == 404
    urls = (await raw.post("/fal-ai/flux/dev", json=PROMPT)).json()
    other = urls["status_url"].replace("fal-ai/flux/", "fal-ai/flux-lora/")
    assert (await raw.get(other)).status_code == 404
    assert (await raw.put(other.replace("/status", "/cancel"))).json() == {"status": "NOT_FOUND"}
    assert (await raw.post("/fal-ai/flux/dev", content=b"{")).status_code == 422


async def test_the_client_needs_nothing_but_its_environment(box: Running, control: httpx.AsyncClient):
    program = (
        "import asyncio, fal_client\n"
        "async def main():\n"
        "    handle = await fal_client.submit_async('fal-ai/flux/dev', {'prompt': 'a pier'})\n"
        "    print((await handle.get())['images'][0]['content_type'])\n"
        "asyncio.run(main())\n"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "FAL_KEY": box.settings.fal_key,
        "FAL_QUEUE_RUN_HOST": box.fal_host,
        "SSL_CERT_FILE": str(box.ca_file),
    }
    run = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert run.stdout == "image/jpeg\n", run.stderr
