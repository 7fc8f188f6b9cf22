"""Changing models, comparing their versions, and asking for many prompts at once."""

from uuid import uuid4

from services.gateway.tests.stage import Person, Stage, model, reference_model

from contracts.credits import HoldCredits
from contracts.jobs import JobChanged
from contracts.orders import Operation, Recipe


async def with_model(stage: Stage, versions: int = 2) -> tuple[Person, str]:
    person = await stage.person()
    known = model(person.team_id, versions)
    await stage.hear(known)
    return person, f"/api/models/{known.id}"


def holds(stage: Stage) -> list[HoldCredits]:
    return [message for message in stage.said if isinstance(message, HoldCredits)]


async def open_job(stage: Stage, person: Person, model_id: str) -> None:
    now = (await stage.rows("select now() as now"))[0].now
    job = JobChanged(
        id=uuid4(), team_id=person.team_id, version=1, operation=Operation.GENERATE_IMAGES,
        status="processing", quantity=1, recipe=Recipe(model_id=model_id), created_at=now, updated_at=now,
    )  # fmt: skip
    await stage.hear(job)


async def test_a_model_is_renamed_and_described(stage: Stage):
    person, path = await with_model(stage)
    answer = await person.client.patch(path, json={"name": "  Winter ", "description": ""})

    assert answer.status_code == 200, answer.text
    assert (answer.json()["name"], answer.json()["description"]) == ("Winter", "")
    assert (await person.client.get(path)).json() == answer.json()


async def test_a_change_that_changes_nothing_is_invalid(stage: Stage):
    person, path = await with_model(stage)
    answer = await person.client.patch(path, json={})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_an_earlier_version_is_activated(stage: Stage):
    person, path = await with_model(stage)
    answer = await person.client.post(f"{path}/versions/1/activate")

    assert (answer.status_code, answer.json()["active_version"]) == (200, 1)


async def test_a_version_that_does_not_exist_is_not_activated(stage: Stage):
    person, path = await with_model(stage)
    answer = await person.client.post(f"{path}/versions/3/activate")

    assert (answer.status_code, answer.json()["code"]) == (409, "version_not_found")


async def test_a_deleted_model_is_gone(stage: Stage):
    person, path = await with_model(stage)
    answer = await person.client.delete(path)

    assert (answer.status_code, answer.content) == (204, b"")
    assert (await person.client.get(path)).status_code == 404
    assert (await person.client.get("/api/models")).json()["data"] == []
    assert (await person.client.delete(path)).json()["code"] == "model_not_found"


async def test_a_model_in_use_is_deleted_only_together_with_its_jobs(stage: Stage):
    person, path = await with_model(stage)
    await open_job(stage, person, path.removeprefix("/api/models/"))
    answer = await person.client.delete(path)

    assert (answer.status_code, answer.json()["code"]) == (409, "model_in_use")
    assert (await person.client.delete(path, params={"cancel_jobs": True})).status_code == 204


async def test_what_catalog_refuses_is_told_with_its_reason(stage: Stage):
    person, path = await with_model(stage)
    stage.refuse = "model_busy"
    answer = await person.client.delete(path)

    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (409, "model_busy", "No.")
    assert (await person.client.get(path)).status_code == 200


async def test_while_catalog_is_silent_a_change_is_accepted_and_the_model_as_it_was(stage: Stage):
    person, path = await with_model(stage)
    stage.silent = True
    object.__setattr__(stage.app.state.api.asking, "patience", 0.2)
    answer = await person.client.patch(path, json={"name": "Winter"})

    assert (answer.status_code, answer.json()["name"]) == (202, "Harbour")


async def test_a_model_that_is_only_accepted_cannot_be_changed_yet(stage: Stage):
    person = await stage.person()
    known = model(person.team_id, 0, version=0, status="accepted")
    await stage.hear(known)
    answer = await person.client.patch(f"/api/models/{known.id}", json={"name": "Winter"})

    assert (answer.status_code, answer.json()["code"]) == (409, "model_not_ready")


async def test_another_teams_model_is_not_found(stage: Stage):
    _, path = await with_model(stage)
    stranger = await stage.person()

    for answer in (
        await stranger.client.patch(path, json={"name": "Mine"}),
        await stranger.client.delete(path),
        await stranger.client.post(f"{path}/versions/1/activate"),
        await stranger.client.post(f"{path}/compare", json={"versions": [1, 2], "prompt": "a hat"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "model_not_found")


async def test_versions_are_compared_with_the_same_prompt_and_seed(stage: Stage):
    person, path = await with_model(stage, versions=3)
    answer = await person.client.post(f"{path}/compare", json={"versions": [3, 1], "prompt": "in the rain"})

    assert answer.status_code == 202, answer.text
    recipes = [job["recipe"] for job in answer.json()["jobs"]]
    assert [recipe["version"] for recipe in recipes] == [3, 1]
    assert [recipe["prompt"] for recipe in recipes] == ["in the rain"] * 2
    assert recipes[0]["seed"] == recipes[1]["seed"]
    assert recipes[0]["seed"].isdigit()


async def test_a_given_seed_is_used_for_all_versions(stage: Stage):
    person, path = await with_model(stage)
    body = {"versions": [1, 2], "prompt": "in the rain", "seed": 7}
    answer = await person.client.post(f"{path}/compare", json=body)

    assert [job["recipe"]["seed"] for job in answer.json()["jobs"]] == ["7", "7"]


async def test_a_version_that_is_not_there_cannot_be_compared(stage: Stage):
    person, path = await with_model(stage)
    answer = await person.client.post(f"{path}/compare", json={"versions": [1, 9], "prompt": "in the rain"})

    assert (answer.status_code, answer.json()["code"]) == (409, "version_not_found")
    assert holds(stage) == []


async def test_many_prompts_are_one_request_with_a_job_each(stage: Stage):
    person, reference = await stage.person(), reference_model()
    await stage.hear(reference)
    body = {"reference_model_id": str(reference.id), "prompts": ["a hat", "a coat", "a scarf"], "count": 2}
    answer = await person.client.post("/api/generate", json=body, headers={"Idempotency-Key": "batch"})
    again = await person.client.post("/api/generate", json=body, headers={"Idempotency-Key": "batch"})

    assert answer.status_code == 202, answer.text
    assert [job["recipe"]["prompt"] for job in answer.json()["jobs"]] == ["a hat", "a coat", "a scarf"]
    assert [job["cost"]["held"] for job in answer.json()["jobs"]] == [4, 4, 4]
    assert again.json() == answer.json()
    assert [len(command.orders) for command in holds(stage)] == [3]


async def test_a_batch_beyond_the_balance_starts_none_of_its_jobs(stage: Stage):
    person, reference = await stage.person(), reference_model()
    await stage.hear(reference)
    stage.balance[person.team_id] = 5
    body = {"reference_model_id": str(reference.id), "prompts": ["a hat", "a coat", "a scarf"]}
    answer = await person.client.post("/api/generate", json=body)

    assert (answer.status_code, answer.json()["required"], answer.json()["spendable"]) == (402, 6, 5)
    assert (await person.client.get("/api/jobs")).json()["data"] == []


async def test_a_batch_beyond_the_open_limit_starts_none_of_its_jobs(stage: Stage):
    person, reference = await stage.person(), reference_model()
    await stage.hear(reference)
    body = {"reference_model_id": str(reference.id), "prompts": [f"hat {n}" for n in range(19)]}
    assert (await person.client.post("/api/generate", json=body)).status_code == 202
    answer = await person.client.post("/api/generate", json=body | {"prompts": ["a coat", "a scarf"]})

    assert (answer.status_code, answer.json()["code"], answer.json()["open"]) == (429, "queue_full", 19)


async def test_one_prompt_or_several_are_given_not_both(stage: Stage):
    person = await stage.person()
    body = {"reference_model_id": str(uuid4())}
    for prompts in ({}, {"prompt": "a hat", "prompts": ["a coat"]}, {"prompts": ["a hat"] * 21}):
        answer = await person.client.post("/api/generate", json=body | prompts)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
