"""What becomes of images after they are paid for: kept, taken home, deleted, pinned, expired, made again."""

import asyncio
import hashlib
import io
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit
from zipfile import ZIP_STORED, ZipFile

import httpx
import pytest
from e2e.client import LOOK_EVERY, Client, Json
from e2e.house import PLENTY, House

pytestmark = pytest.mark.timeout(180)
DAYS_91 = 91 * 86_400
USUAL = {"CLOCK_AHEAD": "0", "EXPIRE_EVERY": "3600", "WEIGHTS_URL_LIFE": "604800"}


@pytest.fixture(scope="module")
async def team(house: House) -> Client:
    """A team whose plan lets it keep images."""
    team = await house.team(credits_added=1_000, **PLENTY)
    await house.operate("billing", "limits", "--team", team.team_id, "--pin")
    async with asyncio.timeout(30):
        while house.query(f"select pin from jobs.plans where team_id = '{team.team_id}'") != ["t"]:
            await asyncio.sleep(LOOK_EVERY)
    return team


async def made(team: Client, prompt: str, count: int = 1, **more: object) -> Json:
    return await team.end(await team.generate(prompt, count, **more))


async def bytes_of(image: Json, link: str = "url") -> bytes:
    async with httpx.AsyncClient() as anyone:
        answer = await anyone.get(image[link])
    assert answer.status_code == 200, answer.text
    return answer.content


async def status_of(url: str) -> int:
    async with httpx.AsyncClient() as anyone:
        return (await anyone.get(url)).status_code


async def objects_gone(house: House, job: Json, left: int = 0) -> None:
    """Wait until a job has only so many objects left."""
    team = house.query(f"select team_id from jobs.jobs where id = '{job['id']}'")[0]
    async with asyncio.timeout(30):
        while len(await objects(house, team, job)) != left:
            await asyncio.sleep(LOOK_EVERY)


async def objects(house: House, team_id: str, job: Json) -> list[str]:
    roots = ("images", "thumbs", "pinned/images", "pinned/thumbs")
    found = [await house.provider.objects(f"{root}/{team_id}/{job['id']}/") for root in roots]
    return [key for keys in found for key in keys]


async def test_the_gallery_shows_images_with_links_to_see_and_to_save(team):
    job = await made(team, "gallery with a red door", 2)
    shown = await team.all("/api/images", job=job["id"])
    assert [image["id"] for image in shown] == [f"{job['id']}_2", f"{job['id']}_1"]
    assert (shown[0]["prompt"], shown[0]["expires_at"]) == ("gallery with a red door", job["expires_at"])
    async with httpx.AsyncClient() as anyone:
        saved = await anyone.get(shown[0]["download_url"])
    assert saved.headers["content-disposition"].startswith('attachment; filename="gallery-with-a-red-door-')
    assert saved.content == await bytes_of(shown[0])


async def test_a_deleted_image_is_gone_everywhere_and_only_it(team, house):
    job = await made(team, "delete one of three", 3)
    first, second, third = job["results"]
    answer = await team.http.delete(f"/api/images/{second['id']}", headers=team.headers)
    assert (answer.status_code, answer.json()["deleted"], answer.json()["url"]) == (200, True, None)
    await objects_gone(house, job, left=4)
    assert (await status_of(second["url"]), await status_of(second["thumbnail_url"])) == (403, 403)
    assert await bytes_of(first)
    assert [image["n"] for image in await team.all("/api/images", job=job["id"])] == [3, 1]
    again = await team.http.delete(f"/api/images/{second['id']}", headers=team.headers)
    assert again.status_code == 200
    several = await team.post("/api/images/delete", {"images": [first["id"], third["id"]]})
    assert [one["status"] for one in several.json()["data"]] == ["deleted", "deleted"]
    await objects_gone(house, job)
    after = await team.get(f"/api/jobs/{job['id']}")
    assert (after["status"], after["receipt"]["captured"]) == ("completed", job["receipt"]["captured"])


async def test_what_could_not_be_deleted_while_the_store_was_away_is_deleted_later(team, house):
    job = await made(team, "delete while the store is away")
    await house.provider._call("PUT", "/s3/faults", {"slow_down": 1_000, "methods": ["POST"]})
    try:
        answer = await team.http.delete(f"/api/images/{job['results'][0]['id']}", headers=team.headers)
        assert answer.json()["deleted"]
        await house.crash("jobs")
    finally:
        await house.provider._call("PUT", "/s3/faults", {})
    await objects_gone(house, job)


async def exported(team: Client, body: Json) -> Json:
    asked = await team.post("/api/images/export", body)
    assert asked.status_code == 202, asked.text
    async with asyncio.timeout(60):
        while (export := await team.get(asked.headers["location"]))["status"] != "completed":
            assert export["status"] in ("accepted", "processing"), export
            await asyncio.sleep(LOOK_EVERY)
    return export


async def test_an_export_holds_each_image_as_it_is_and_explains_it(team):
    job, other = await team.ends(
        [await team.generate("export ropes", 3, seed="42"), await team.generate("export sails", 1)]
    )
    gone = job["results"][2]["id"]
    await team.http.delete(f"/api/images/{gone}", headers=team.headers)
    images = [image["id"] for image in job["results"]]
    export = await exported(team, {"images": images, "jobs": [other["id"]]})
    assert (export["images"], export["done"], export["missing"]) == (4, 4, 1)
    data = await bytes_of(export)
    assert len(data) == export["size"]
    with ZipFile(io.BytesIO(data)) as read:
        assert read.testzip() is None
        assert {info.compress_type for info in read.infolist()} == {ZIP_STORED}
        files = {name: read.read(name) for name in read.namelist()}
    manifest = json.loads(files.pop("manifest.json"))
    kept = [*job["results"][:2], *other["results"]]
    assert files == {f"{image['id']}.jpg": await bytes_of(image) for image in kept}
    assert manifest["missing"] == [{"id": gone, "reason": "deleted"}]
    for described, image in zip(manifest["images"], kept, strict=True):
        content = files[described["file"]]
        assert described["sha256"] == hashlib.sha256(content).hexdigest()
        assert (described["size"], described["seed"]) == (len(content), image["seed"])
        assert (described["width"], described["height"]) == (image["width"], image["height"])
    recipe = manifest["jobs"][job["id"]]["recipe"]
    assert (recipe["prompt"], recipe["seed"]) == ("export ropes", "42")
    assert (await team.all("/api/exports"))[0]["id"] == export["id"]


async def test_an_export_survives_a_crash_in_its_middle(team, house):
    job = await made(team, "export across a crash", 4)
    await house.provider._call("PUT", "/s3/faults", {"slow_ms": 700, "methods": ["GET"]})
    try:
        asked = await team.post("/api/images/export", {"jobs": [job["id"]]})
        await house.crash("jobs")
    finally:
        await house.provider._call("PUT", "/s3/faults", {})
    async with asyncio.timeout(90):
        while (export := await team.get(asked.headers["location"]))["status"] != "completed":
            await asyncio.sleep(LOOK_EVERY)
    with ZipFile(io.BytesIO(await bytes_of(export))) as read:
        assert len(read.namelist()) == 5


async def test_images_are_made_again_byte_for_byte_or_anew(team):
    job = await made(team, "made again", 2)
    path = f"/api/jobs/{job['id']}/regenerate"
    key = uuid.uuid4().hex
    asked = await team.post(path, {"max_credits": 4}, key)
    assert asked.status_code == 202, asked.text
    repeated = await team.post(path, {"max_credits": 4}, key)
    assert repeated.json()["jobs"][0]["id"] == asked.json()["jobs"][0]["id"]
    again = await team.end(asked.json()["jobs"][0])
    anew = await team.end((await team.insist(path, {"new_seed": True}))["jobs"][0])
    first, second, third = [[await bytes_of(image) for image in one["results"]] for one in (job, again, anew)]
    assert first == second
    assert first != third
    assert again["id"] != job["id"]
    assert again["receipt"]["captured"] == job["receipt"]["captured"]


async def test_only_a_plan_that_allows_it_keeps_images(studio):
    job = await made(studio, "pin without a plan for it")
    answer = await studio.post(f"/api/images/{job['results'][0]['id']}/pin", {})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


@asynccontextmanager
async def restarted(house: House, **variables: str) -> AsyncIterator[None]:
    """Run jobs with other settings for a while, and then as before."""
    before = house.stack.override("jobs", **variables)
    try:
        await again(house)
        yield
    finally:
        house.stack.override("jobs", **{name: before.get(name, USUAL[name]) for name in variables})
        await again(house)


async def again(house: House) -> None:
    await asyncio.to_thread(house.stack.stop_service, "jobs")
    await asyncio.to_thread(house.stack.start_service, "jobs")


async def becomes(team: Client, job: Json, status: str, gone: list[bool]) -> Json:
    async with asyncio.timeout(60):
        while True:
            shown = await team.get(f"/api/jobs/{job['id']}")
            if shown["status"] == status and [one["deleted"] for one in shown["results"]] == gone:
                return shown
            await asyncio.sleep(LOOK_EVERY)


async def test_after_91_days_models_and_pins_are_there_and_other_images_are_not(team, house):
    creation = await team.create_model("Ninety-one days")
    await team.end(creation)
    await team.until(creation["model_id"], 1)
    job, half, unpinned = await team.ends(
        [await team.generate(f"91 days {n}", n, model_id=creation["model_id"]) for n in (1, 2, 1)]
    )
    kept = half["results"][0]
    pictures = await bytes_of(kept), await bytes_of(kept, "thumbnail_url"), await bytes_of(job["results"][0])
    for image in (kept, unpinned["results"][0]):
        pinned = await team.post(f"/api/images/{image['id']}/pin", {})
        assert (pinned.status_code, pinned.json()["pinned"]) == (200, True), pinned.text
        assert pinned.json()["expires_at"] is None
    let_go = await team.http.delete(f"/api/images/{unpinned['results'][0]['id']}/pin", headers=team.headers)
    assert (let_go.status_code, let_go.json()["pinned"]) == (200, False)
    assert let_go.json()["expires_at"] > unpinned["expires_at"]
    assert parse_qs(urlsplit(let_go.json()["url"]).query)["X-Amz-Expires"] == ["3600"]

    async with restarted(house, CLOCK_AHEAD=str(DAYS_91), EXPIRE_EVERY="1"):
        await becomes(team, job, "expired", [True])
        await becomes(team, unpinned, "expired", [True])
        shown = await becomes(team, half, "completed", [False, True])
        await objects_gone(house, job)
        await objects_gone(house, unpinned)
        await objects_gone(house, half, left=2)
    await house.provider._call("POST", "/s3/clock", {"advance_days": 91})

    assert await status_of(job["results"][0]["url"]) == 403
    assert [await bytes_of(shown["results"][0], link) for link in ("url", "thumbnail_url")] == list(
        pictures[:2]
    )
    assert [image["id"] for image in await team.all("/api/images", pinned=True)] == [kept["id"]]
    # Long after the provider has forgotten the weights, our own copy makes the expired image again.
    await house.provider._call("DELETE", "/files")
    async with restarted(house, WEIGHTS_URL_LIFE="0.001"):
        answer = await team.insist(f"/api/jobs/{job['id']}/regenerate", {})
        done = await team.end(answer["jobs"][0])
    assert (done["status"], done["model_id"]) == ("completed", creation["model_id"])
    assert await bytes_of(done["results"][0]) == pictures[2]
    await house.is_settled()
