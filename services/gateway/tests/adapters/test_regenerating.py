"""What was made before is made again."""

from datetime import timedelta
from uuid import UUID, uuid4

from services.gateway.tests.pictures import gone, job, result
from services.gateway.tests.stage import Person, Stage, model, reference_model

from chassis.clock import utc_now
from contracts.credits import HoldCredits, HoldDeclined
from contracts.jobs import JobChanged
from contracts.orders import Recipe


async def regenerate(person: Person, made: JobChanged, **body: object):
    return await person.client.post(f"/api/jobs/{made.id}/regenerate", json=body)


def orders(stage: Stage) -> list[Recipe]:
    holds = [message for message in stage.said if isinstance(message, HoldCredits)]
    return [order.recipe for hold in holds for order in hold.orders]


async def test_an_expired_job_is_made_again_with_its_seed_and_version(stage: Stage):
    person = await stage.person()
    mine = model(person.team_id, versions=2)
    recipe = Recipe(prompt="x", model_id=mine.id, version=1, quality="draft")
    made = job(person, gone(1), gone(2), status="expired", recipe=recipe)
    await stage.hear(mine, made)
    answer = await regenerate(person, made, max_credits=4)
    assert answer.status_code == 202, answer.text
    assert answer.json()["jobs"][0]["id"] != str(made.id)
    assert orders(stage) == [recipe.model_copy(update={"seed": "7"})]
    assert answer.json()["jobs"][0]["quantity"] == 2


async def test_others_like_them_are_made_with_a_new_seed(stage: Stage):
    person, reference = await stage.person(), reference_model()
    made = job(person, result(1), recipe=Recipe(prompt="x", reference_model_id=reference.id, seed="9"))
    await stage.hear(reference, made)
    await regenerate(person, made)
    await regenerate(person, made, new_seed=True)
    assert [recipe.seed for recipe in orders(stage)] == ["9", None]


async def test_what_a_job_was_made_with_may_be_gone(stage: Stage):
    person = await stage.person()
    mine, retired = model(person.team_id), reference_model(retired=True)
    await stage.hear(mine, retired)
    old = utc_now() - timedelta(days=8)
    cases = [
        (Recipe(prompt="x", model_id=uuid4()), {}, "model_gone"),
        (Recipe(prompt="x", reference_model_id=retired.id), {}, "model_gone"),
        (Recipe(prompt="x", model_id=mine.id, version=5), {}, "version_gone"),
        (Recipe(prompt="x", reference_key="uploads/t/u"), {"created_at": old}, "reference_gone"),
        (Recipe(model_id=mine.id), {"operation": "refine_model"}, "not_repeatable"),
    ]
    for number, (recipe, changes, code) in enumerate(cases, 1):
        made = job(person, result(1), number=number, recipe=recipe, **changes)
        await stage.hear(made)
        answer = await regenerate(person, made)
        assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert (await regenerate(await stage.person(), made)).json()["code"] == "job_not_found"
    assert orders(stage) == []


async def test_jobs_are_listed_by_when_they_were_made(stage: Stage):
    person = await stage.person()
    now = utc_now()
    at = int(now.timestamp() * 1000)
    made = [
        job(
            person, result(1), created_at=now - timedelta(days=days),
            id=UUID(int=((at - days * 86_400_000) << 80) + (7 << 76) + (2 << 62) + days),
        )
        for days in (0, 1, 2)
    ]  # fmt: skip
    await stage.hear(*made)

    async def found(**query: str) -> list[int]:
        answer = await person.client.get("/api/jobs", params=query)
        assert answer.status_code == 200, answer.text
        ids = [str(one.id) for one in made]
        return [ids.index(one["id"]) for one in answer.json()["data"]]

    yesterday = made[1].created_at.isoformat()
    assert await found(**{"from": yesterday}) == [0, 1]
    assert await found(to=yesterday) == [2]
    assert await found(**{"from": yesterday, "to": now.isoformat()}) == [1]
    assert (await person.client.get("/api/jobs?from=yesterday")).status_code == 422


async def test_a_decline_that_lands_when_patience_ends_is_told(stage: Stage, monkeypatch):
    """Between the end of waiting and the reading of the view the job may have been taken back."""
    person, reference = await stage.person(), reference_model()
    await stage.hear(reference)
    stage.silent = True
    api = stage.app.state.api
    views, jobs = api.views, type(api.views).jobs

    async def late(self, team_id, ids):
        (command,) = [message for message in stage.said if isinstance(message, HoldCredits)]
        no = HoldDeclined(
            request_id=command.request_id,
            team_id=team_id,
            code="insufficient_credits",
            required=8,
            spendable=0,
        )
        await stage.hear(no)
        return await jobs(self, team_id, ids)

    monkeypatch.setattr(type(views), "jobs", late)
    object.__setattr__(api.asking, "patience", 0.3)
    answer = await person.generate(reference_model_id=str(reference.id))
    assert (answer.status_code, answer.json()["code"]) == (402, "insufficient_credits")
