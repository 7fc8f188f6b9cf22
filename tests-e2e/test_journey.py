"""The first day of a team, through the API alone: every promise the demo makes, to the credit."""

import asyncio
import io
import uuid
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import boto3
import httpx
import pytest
from botocore.config import Config
from e2e.client import Client, Json
from e2e.house import House
from PIL import Image

SIZE = {"width": 1024, "height": 768}


@dataclass
class Day:
    """What the team did, and what it was answered."""

    team: Client
    wish: Json
    key: str
    asked: Json
    created: Json
    refined: Json
    generated: Json
    model: Json


@pytest.fixture(scope="module")
async def day(house: House) -> Day:
    team = await house.team()
    async with house.provider.behaving(tiny_images=None):
        creation = await team.create_model("Harbour portraits")
        created = await team.end(creation)
        await team.until(creation["model_id"], 1)
        path = f"/api/models/{creation['model_id']}/refine"
        refined = await team.end((await team.insist(path, {"instructions": "softer light"}))["job"])
        model = await team.until(creation["model_id"], 2)
        wish = await team.wish("at the harbour at dawn", 4, model_id=model["id"], size=SIZE, max_credits=8)
        key = uuid.uuid4().hex
        asked = await team.post("/api/generate", wish, key)
        assert asked.status_code == 202, asked.text
        assert asked.headers["Location"] == f"/api/generate/{asked.json()['jobs'][0]['id']}"
        generated = await team.end(asked.json()["jobs"][0])
    return Day(team, wish, key, asked.json(), created, refined, generated, model)


async def test_the_balance_is_exact(day):
    balance = await day.team.balance()
    shown = {name: balance[name] for name in ("available", "bonus", "reserved", "running", "open", "plan")}
    assert shown == {"available": 42, "bonus": 0, "reserved": 0, "running": 0, "open": 0, "plan": "free"}


async def test_the_history_tells_every_credit(day):
    lines = [
        (line["type"], line["operation"], line["amount"], line["charged"], line["balance_after"])
        for line in await day.team.history()
    ]
    assert lines == [
        ("replenish", None, 200, 0, 200),
        ("reserve", "create_model", -100, 0, 100),
        ("deduct", "create_model", 0, 100, 100),
        ("reserve", "refine_model", -50, 0, 50),
        ("deduct", "refine_model", 0, 50, 50),
        ("reserve", "generate_images", -8, 0, 42),
        ("deduct", "generate_images", 0, 8, 42),
    ]


async def test_the_history_can_be_asked_about_one_job(day):
    lines = await day.team.history(job=day.generated["id"])
    assert [line["type"] for line in lines] == ["reserve", "deduct"]
    assert {line["job_id"] for line in lines} == {day.generated["id"]}


def test_each_job_is_completed_with_its_receipt(day):
    receipts = [
        (job["type"], job["status"], *(job["receipt"][name] for name in ("held", "captured", "units")))
        for job in (day.created, day.refined, day.generated)
    ]
    assert receipts == [
        ("create_model", "completed", 100, 100, 1),
        ("refine_model", "completed", 50, 50, 1),
        ("generate_images", "completed", 8, 8, 4),
    ]


async def test_a_receipt_names_the_lines_of_the_ledger(day):
    lines = {line["id"] for line in await day.team.history(job=day.generated["id"])}
    assert set(day.generated["receipt"]["entry_ids"]) <= lines
    assert day.generated["receipt"]["entry_ids"]


def test_the_timeline_tells_how_it_went(day):
    events = [moment["event"] for moment in day.generated["timeline"]]
    expected = ["queued", "processing", "accepted_by_provider", "storing", "settling", "completed"]
    assert [event for event in events if event in expected] == expected


async def test_the_images_are_real_and_of_the_size_asked_for(day):
    assert [result["n"] for result in day.generated["results"]] == [1, 2, 3, 4]
    pictures = [await picture(result["url"]) for result in day.generated["results"]]
    assert [(one.format, one.size) for one in pictures] == [("JPEG", (1024, 768))] * 4
    assert len({one.tobytes() for one in pictures}) == 4


async def test_the_thumbnails_are_small_pictures(day):
    for result in day.generated["results"]:
        small = await picture(result["thumbnail_url"])
        assert small.format == "WEBP"
        assert max(small.size) < 1024


async def test_a_forged_link_is_refused(day):
    url = day.generated["results"][0]["url"]
    assert (await fetched(changed(url, "X-Amz-Signature", "0" * 64))).status_code == 403
    other = url.replace("/1.jpg", "/2.jpg")
    assert other != url
    assert (await fetched(other)).status_code == 403
    assert (await fetched(url.partition("?")[0])).status_code == 403


async def test_a_link_expires(day, house):
    query = dict(parse_qsl(urlsplit(day.generated["results"][0]["url"]).query))
    assert 0 < int(query["X-Amz-Expires"]) <= 86_400
    environment = house.stack.environment("gateway")
    store = boto3.client(
        "s3",
        endpoint_url=environment["S3_PUBLIC_ENDPOINT"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        config=Config(signature_version="s3v4"),
    )
    wanted = {"Bucket": environment["S3_BUCKET"], "Key": await key_of(day, house)}
    url = store.generate_presigned_url("get_object", Params=wanted, ExpiresIn=1)
    assert (await fetched(url)).status_code == 200
    await asyncio.sleep(2.1)
    assert (await fetched(url)).status_code == 403


async def test_the_model_has_two_versions_with_samples(day):
    assert (day.model["status"], day.model["active_version"], day.model["training"]) == ("ready", 2, None)
    assert [(one["number"], one["instructions"]) for one in day.model["versions"]] == [
        (1, ""),
        (2, "softer light"),
    ]
    samples = [url for version in day.model["versions"] for url in version["samples"]]
    assert len(samples) == 24
    assert (await picture(samples[0])).format == "JPEG"


async def test_the_weights_are_backed_up(day, house):
    kept = await house.provider.objects(f"models/{day.team.team_id}/{day.model['id']}/")
    assert len([key for key in kept if key.endswith("weights.safetensors")]) == 2


async def test_the_same_request_again_is_the_same_job_and_one_charge(day):
    again = await day.team.post("/api/generate", day.wish, day.key)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (202, "true")
    assert again.json()["jobs"][0]["id"] == day.asked["jobs"][0]["id"]
    assert (await day.team.balance())["available"] == 42


async def test_the_same_key_for_something_else_is_refused(day):
    other = await day.team.post("/api/generate", day.wish | {"prompt": "something else"}, day.key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_what_is_too_expensive_is_refused_with_both_numbers(day):
    reference = await day.team.reference()
    body = {"name": "Another", "description": "one more", "reference_model_id": reference["id"]}
    refused = await day.team.post("/api/models", body)
    assert refused.status_code == 402
    assert (refused.json()["code"], refused.json()["required"], refused.json()["spendable"]) == (
        "insufficient_credits",
        100,
        42,
    )
    assert refused.headers["Content-Type"].startswith("application/problem+json")
    assert len(await day.team.all("/api/models")) == 1


async def test_another_team_sees_nothing_of_it(day, house):
    other = await house.team()
    job, model = day.generated["id"], day.model["id"]
    for path in (f"/api/generate/{job}", f"/api/jobs/{job}", f"/api/models/{model}"):
        assert (await other.read(path)).status_code == 404
    assert (await other.http.delete(f"/api/jobs/{job}", headers=other.headers)).status_code == 404
    asked = await other.post("/api/generate", {"model_id": model, "prompt": "mine"})
    assert (asked.status_code, asked.json()["code"]) == (404, "model_not_found")
    assert (await other.post(f"/api/models/{model}/refine", {"instructions": "mine"})).status_code == 404
    assert await other.all("/api/jobs") == []
    assert {event["type"] for event in await other.all("/api/events")} <= {"account.changed", "plan.changed"}


async def test_the_event_log_tells_everything_in_order(day):
    events = await day.team.all("/api/events", after=0)
    assert [event["seq"] for event in events] == sorted({event["seq"] for event in events})
    for job in (day.created, day.refined, day.generated):
        told = [event for event in events if event["subject"] == job["id"]]
        assert [event["version"] for event in told] == sorted({event["version"] for event in told})
        assert told[0]["data"]["status"] == "processing"  # there was room for it
        assert (told[-1]["data"]["status"], told[-1]["version"]) == ("completed", job["version"])
    accounts = [event["data"] for event in events if event["type"] == "account.changed"]
    assert [(account["available"], account["reserved"]) for account in accounts] == [
        (200, 0), (100, 100), (100, 0), (50, 50), (50, 0), (42, 8), (42, 0),
    ]  # fmt: skip


async def test_the_event_stream_goes_on_where_it_was_left(day):
    last = (await day.team.all("/api/events", after=0))[-2]["seq"]
    headers, told = day.team.headers | {"Accept": "text/event-stream", "Last-Event-ID": str(last)}, []
    async with asyncio.timeout(10), day.team.http.stream("GET", "/api/events", headers=headers) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        async for line in stream.aiter_lines():
            if line.startswith("id:"):
                told.append(int(line[3:]))
            if line.startswith("data:"):
                break
    assert told[0] == last
    assert told[1] > last


async def test_the_documentation_can_be_read(day):
    docs, description = await day.team.read("/docs"), await day.team.get("/openapi.json")
    assert docs.status_code == 200
    assert "Atelier" in docs.text
    assert "/api/generate" in description["paths"]


async def test_nobody_gets_in_without_a_key(day):
    for path in ("/api/jobs", "/api/models", "/api/credits/balance", "/api/events", "/api/me"):
        answer = await day.team.http.get(path, headers={"Authorization": "Bearer atl_wrong"})
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


async def test_the_books_are_clean(day, house):
    await house.is_settled()


async def key_of(day: Day, house: House) -> str:
    (key,) = await house.provider.objects(f"images/{day.team.team_id}/{day.generated['id']}/1.")
    return key


async def picture(url: str) -> Image.Image:
    answer = await fetched(url)
    assert answer.status_code == 200, answer.text
    opened = Image.open(io.BytesIO(answer.content))
    opened.load()
    return opened


async def fetched(url: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=20) as http:
        return await http.get(url)


def changed(url: str, name: str, value: str) -> str:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    assert name in query
    return urlunsplit(parts._replace(query=urlencode(query | {name: value})))
