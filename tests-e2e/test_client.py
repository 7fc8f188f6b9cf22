"""The Python client and its command line, against the running house."""

import asyncio
import json
import os
import sys
import uuid
from pathlib import Path

import pytest
from e2e.client import Client
from e2e.house import House
from e2e.provider import fault

from atelier import AsyncAtelier, Atelier, Declined, JobFailed, NotAuthenticated, NotFound, TookTooLong

SMALL = (256, 256)


@pytest.fixture
async def atelier(house: House, studio: Client):
    async with AsyncAtelier(house.stack.url, studio.headers["Authorization"].removeprefix("Bearer ")) as made:
        yield made


async def command(house: House, key: str, *words: str) -> tuple[int, str, str]:
    """Run the command line as a person would; returns status, output and what is said beside."""
    place = {"ATELIER_URL": house.stack.url, "ATELIER_API_KEY": key}
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("atelier"),
        *words,
        env=os.environ | place,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, beside = await process.communicate()
    return process.returncode or 0, said.decode(), beside.decode()


def key_of(team: Client) -> str:
    return team.headers["Authorization"].removeprefix("Bearer ")


async def test_images_are_asked_for_waited_for_and_saved(atelier, tmp_path):
    [reference] = [one async for one in atelier.reference_models(sort="name", most=1)]
    assert (await atelier.reference_model(reference.slug)).id == reference.id
    quote = await atelier.quote(quantity=2, size=SMALL)
    asked = await atelier.generate(
        "a lighthouse", reference_model_id=reference.id, count=2, size=SMALL, quote_id=quote.id
    )
    told: list[str] = []
    job = await atelier.wait(asked.jobs[0].id, within=60, told=lambda seen: told.append(seen.status))
    assert told[-1] == "completed"
    assert job.receipt is not None
    assert job.receipt.captured == quote.total == 4
    files = await atelier.download(job.id, tmp_path)
    assert [path.name for path in files] == [f"a-lighthouse-{str(job.id)[-8:]}-{n}.jpg" for n in (1, 2)]
    assert all(path.read_bytes().startswith(b"\xff\xd8\xff") for path in files)
    assert [one.id async for one in atelier.images(job_id=job.id)] == [f"{job.id}_2", f"{job.id}_1"]


async def test_the_sync_client_does_the_same(house: House, studio: Client, tmp_path):
    def day() -> list[Path]:
        with Atelier(house.stack.url, key_of(studio)) as atelier:
            reference = next(atelier.reference_models(sort="name", most=1))
            asked = atelier.generate("a pier", reference_model_id=reference.id, size=SMALL)
            job = atelier.wait(asked.jobs[0].id, within=60)
            export = atelier.export_images(jobs=[job.id])
            return [
                *atelier.download(job.id, tmp_path),
                atelier.download_export(export.id, tmp_path / "all.zip"),
            ]

    image, packed = await asyncio.to_thread(day)
    assert image.read_bytes().startswith(b"\xff\xd8\xff")
    assert packed.read_bytes().startswith(b"PK")


async def test_what_is_followed_is_what_is_read(atelier):
    [reference] = [one async for one in atelier.reference_models(sort="name", most=1)]
    asked = await atelier.generate("a gull", reference_model_id=reference.id, size=SMALL)
    job_id, seen = str(asked.jobs[0].id), []
    async with asyncio.timeout(60):
        async for event in atelier.events(after=0, types=["job.changed"]):
            if event.subject == job_id:
                seen.append(event.seq)
                if event.data["status"] == "completed":
                    break
    page = await atelier.events_page(seen[0] - 1, types=["job.changed"])
    assert seen == [event.seq for event in page.data if event.subject == job_id][: len(seen)]


async def test_refusals_are_errors_of_their_own(house: House, atelier):
    with pytest.raises(NotFound, match="job_not_found"):
        await atelier.job("0199f3a0-5d7e-7c3a-9a52-3f1d2b4c5e6f")
    reference = (await anext(atelier.reference_models(most=1))).id
    with pytest.raises(Declined, match="max_credits_exceeded") as caught:
        await atelier.generate("a gull", reference_model_id=reference, count=4, max_credits=1)
    assert caught.value.required == 8
    async with AsyncAtelier(house.stack.url, "atl_wrong") as stranger:
        with pytest.raises(NotAuthenticated):
            await stranger.balance()


async def test_a_refused_prompt_is_a_failed_job_and_a_slow_one_goes_on(house: House, atelier):
    reference = (await anext(atelier.reference_models(most=1))).id
    async with house.provider.behaving(fault("validation_422", "forbidden-words")):
        asked = await atelier.generate("forbidden-words", reference_model_id=reference, size=SMALL)
        with pytest.raises(JobFailed) as caught:
            await atelier.wait(asked.jobs[0].id, within=60)
        assert caught.value.job.status == "failed"
    async with house.provider.behaving(image_seconds=5.0):
        asked = await atelier.generate("a slow boat", reference_model_id=reference, size=SMALL)
        with pytest.raises(TookTooLong):
            await atelier.wait(asked.jobs[0].id, within=0.5)


async def test_the_command_line_makes_images(house: House, studio: Client, tmp_path):
    status, said, _ = await command(house, key_of(studio), "--json", "references", "--most", "1")
    assert status == 0
    slug = json.loads(said)["slug"]
    words = ["a harbour", "--reference", slug, "--size", "256x256", "--seed", "7", "--count", "2"]
    status, said, beside = await command(
        house, key_of(studio), "generate", *words, "--wait", "--out", str(tmp_path), "--max-credits", "8"
    )
    assert (status, len(said.splitlines())) == (0, 2), beside
    assert sorted(tmp_path.iterdir()) == sorted(Path(line) for line in said.splitlines())
    assert "completed" in beside
    status, said, _ = await command(house, key_of(studio), "--json", "jobs", "list", "--most", "1")
    assert json.loads(said)["recipe"]["prompt"] == "a harbour"


async def test_the_command_line_makes_a_model_of_images_refines_it_and_uses_it(
    house: House, studio: Client, tmp_path
):
    async def said(*words: object) -> str:
        status, output, beside = await command(house, key_of(studio), *map(str, words))
        assert status == 0, beside
        return output

    slug, name = (await studio.reference())["slug"], f"Gulls {uuid.uuid4().hex[:6]}"
    small = ("--size", "256x256", "--out", tmp_path)
    drawn = (await said("generate", "a gull", "--reference", slug, "--count", 4, *small)).split()
    images = [word for path in drawn for word in ("--image", path)]
    made = await said("models", "create", name, *images, "--max-credits", 100, "--wait")
    assert f"{name:<28}  ready  version 1" in made
    refined = await said("models", "refine", name, "--instructions", "softer light", "--wait", "--json")
    assert [version["number"] for version in json.loads(refined)["versions"]] == [1, 2]
    wanted = ("a pier", "--model", name, "--model-version", 1, "--image", drawn[0], "--size", "256x256")
    job = json.loads(await said("generate", *wanted, "--wait", "--json"))
    assert (job["status"], job["version"] > 0, job["recipe"]["version"]) == ("completed", True, 1)
    [image] = (await said("images", "download", f"{job['id']}_1", "--out", tmp_path / "one")).splitlines()
    assert (tmp_path / "one" / Path(image).name).read_bytes().startswith(b"\xff\xd8\xff")
    assert name in await said("models", "list", "--search", name)
    assert f"{job['id']}_1" in await said("images", "list", "--job", job["id"])


async def test_the_command_line_asks_for_a_price_follows_and_cancels(house: House, studio: Client):
    async with house.provider.behaving(image_seconds=30.0):
        _, said, _ = await command(house, key_of(studio), "--json", "quote", "--size", "256x256")
        offer = json.loads(said)
        slug = (await studio.reference())["slug"]
        words = ["a slow gull", "--reference", slug, "--size", "256x256", "--quote", offer["id"], "--json"]
        status, said, beside = await command(house, key_of(studio), "generate", *words)
        assert status == 0, beside
        job = json.loads(said)
        assert job["cost"]["held"] == offer["total"] == 2
        status, _, beside = await command(
            house, key_of(studio), "--timeout", "1", "generate", *words[:5], "--wait"
        )
        assert status == 6
        assert beside.endswith("has not ended after 1 s; it goes on\n")
        _, said, _ = await command(house, key_of(studio), "--json", "jobs", "list", "--most", "2")
        asked = [json.loads(line) for line in said.splitlines()]
        for one in asked:
            status, said, beside = await command(house, key_of(studio), "jobs", "cancel", one["id"])
            assert (status, one["id"] in said) == (0, True), beside
    assert [one["status"] for one in await studio.ends(asked)] == ["cancelled", "cancelled"]
    _, events, _ = await command(house, key_of(studio), "events", "--after", "0", "--type", "job.changed")
    assert job["id"] in events
    status, said, _ = await command(house, key_of(studio), "credits")
    assert (status, "credits can be spent" in said) == (0, True)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["generate", "a gull", "--model", "nobody"], 1, "nothing is called 'nobody'"),
        (["generate", "a gull", "--reference", "{slug}", "--count", "99"], 2, "invalid_request"),
        (["generate", "a gull", "--reference", "{slug}", "--max-credits", "1"], 3, "(2 required"),
        (["--url", "http://127.0.0.1:9", "credits"], 4, "was not answered"),
        (["--api-key", "atl_wrong", "credits"], 5, "not_authenticated"),
        (["jobs", "show", "0199f3a0-5d7e-7c3a-9a52-3f1d2b4c5e6f"], 1, "job_not_found"),
        (["images", "download", "0199f3a0-5d7e-7c3a-9a52-3f1d2b4c5e6f_1"], 1, "job_not_found"),
        (["models", "create", "Ada"], 2, "body: give a reference_model_id"),
        (["images", "download", "_1"], 1, "there is no image _1"),
        (["models", "create", "Ada", "--reference", "nobody"], 1, "nothing is called 'nobody'"),
    ],
)
async def test_the_command_line_fails_in_one_line(house: House, studio: Client, words, status, said):
    slug = (await studio.reference())["slug"]
    typed = [word.format(slug=slug) for word in words]
    ended, output, beside = await command(house, key_of(studio), *typed)
    assert (ended, output, len(beside.splitlines())) == (status, "", 1), beside
    assert said in beside
