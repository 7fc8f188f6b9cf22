"""A model over its life: described, rolled back, compared, used by many prompts at once, and deleted."""

import pytest
from e2e.client import Client, Json
from e2e.house import House
from e2e.provider import fault

SIZE = {"width": 256, "height": 256}


@pytest.fixture(scope="module")
async def owner(house: House) -> Client:
    return await house.team(credits_added=2_000, running=8, open=100, per_minute=10_000)


@pytest.fixture(scope="module")
async def path(owner: Client) -> str:
    """A model with two versions."""
    made = await owner.create_model("Lighthouse")
    await owner.end(made)
    await owner.until(made["model_id"], 1)
    await owner.insist(f"/api/models/{made['model_id']}/refine", {"instructions": "bluer"})
    await owner.until(made["model_id"], 2)
    return f"/api/models/{made['model_id']}"


async def test_a_model_is_renamed_everywhere(owner: Client, path: str):
    answer = await owner.change("PATCH", path, {"name": "Lighthouse at night", "description": "dark"})

    assert (answer.status_code, answer.json()["name"]) == (200, "Lighthouse at night"), answer.text
    found = await owner.get("/api/models", search="at night")
    assert [model["description"] for model in found["data"]] == ["dark"]


async def test_a_rolled_back_model_draws_with_the_earlier_version(owner: Client, path: str):
    model_id = path.rsplit("/", 1)[1]
    back = await owner.post(f"{path}/versions/1/activate", {})
    old = await owner.end(await owner.generate("rolled back", model_id=model_id))
    forth = await owner.post(f"{path}/versions/2/activate", {})
    new = await owner.end(await owner.generate("rolled forth", model_id=model_id))

    assert [back.json()["active_version"], forth.json()["active_version"]] == [1, 2]
    assert [job["recipe"]["version"] for job in (old, new)] == [1, 2]


async def test_versions_are_compared_with_one_seed(house: House, owner: Client, path: str):
    body = {"versions": [1, 2], "prompt": "side by side", "seed": 42, "size": SIZE, "max_credits": 4}
    answer = await owner.post(f"{path}/compare", body)
    assert answer.status_code == 202, answer.text
    jobs = await owner.ends(answer.json()["jobs"])

    assert [(job["recipe"]["version"], job["results"][0]["seed"]) for job in jobs] == [(1, "42"), (2, "42")]
    pictures = [(await owner.http.get(job["results"][0]["url"])).content for job in jobs]
    assert pictures[0] != pictures[1]
    await house.is_settled()


async def test_an_offer_covers_a_batch_of_prompts(house: House, owner: Client):
    items = [{"operation": "generate_images", "size": SIZE, "quantity": 6}]
    quote = (await owner.post("/api/credits/quotes", {"items": items})).json()
    prompts = ["a red boat", "a green boat", "a blue boat"]
    wish = await owner.wish("", 2, prompts=prompts, quote_id=quote["id"])
    answer = await owner.post("/api/generate", {key: value for key, value in wish.items() if key != "prompt"})
    assert answer.status_code == 202, answer.text
    jobs = await owner.ends(answer.json()["jobs"])

    assert [(job["recipe"]["prompt"], job["receipt"]["captured"]) for job in jobs] == [
        (prompt, 4) for prompt in prompts
    ]
    await house.is_settled()


async def test_an_image_given_by_its_address_is_used_as_reference(house: House, owner: Client):
    reference = await owner.reference()
    address = f"{house.stack.url}{reference['preview_url']}"
    upload = await owner.post("/api/uploads/from-url", {"url": address})
    assert upload.status_code == 201, upload.text
    job = await owner.end(await owner.generate("like this", reference_upload_key=upload.json()["key"]))

    assert upload.json()["content_type"] == "image/webp"
    assert (job["status"], len(job["results"])) == ("completed", 1)


async def test_a_model_in_use_is_deleted_only_with_what_it_has_open(house: House, owner: Client):
    made = await owner.create_model("Short-lived")
    await owner.end(made)
    await owner.until(made["model_id"], 1)
    path = f"/api/models/{made['model_id']}"
    async with house.provider.behaving(fault("slow", "until deleted", seconds=60)):
        job = await owner.generate("until deleted", model_id=made["model_id"])
        await house.provider.request("IN_PROGRESS", "until deleted")
        refused = await owner.change("DELETE", path)
        deleted = await owner.change("DELETE", path, cancel_jobs=True)
        ended = await owner.end(job)
    gone = await owner.post("/api/generate", await owner.wish("too late", model_id=made["model_id"]))

    assert (refused.status_code, refused.json()["code"]) == (409, "model_in_use")
    assert (deleted.status_code, ended["status"]) == (204, "cancelled")
    assert (ended["receipt"]["captured"], ended["receipt"]["released"]) == (0, 2)
    assert (await owner.read(path)).status_code == 404
    assert (gone.status_code, gone.json()["code"]) == (404, "model_not_found")
    await house.is_settled()


async def test_another_team_can_neither_change_nor_delete_a_model(house: House, path: str):
    stranger = await house.team()
    answers: list[Json] = [
        (await stranger.change("PATCH", path, {"name": "mine"})).json(),
        (await stranger.change("DELETE", path, cancel_jobs=True)).json(),
        (await stranger.post(f"{path}/compare", {"versions": [1, 2], "prompt": "mine"})).json(),
    ]

    assert {answer["code"] for answer in answers} == {"model_not_found"}
