"""Images through the API: the gallery, what may be done with them, and making them again."""

import asyncio
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from services.gateway.tests.stage import Person, Stage, model, reference_model

from chassis.clock import utc_now
from contracts.credits import HoldCredits, HoldDeclined
from contracts.envelope import Delivery
from contracts.jobs import (
    DeleteImages,
    ExportChanged,
    ExportImages,
    ImagesExpiring,
    JobChanged,
    JobsRefused,
    PinImages,
    Result,
)
from contracts.message import Message
from contracts.orders import Operation, Recipe
from gateway.adapters.outbound.postgres.work import transaction
from gateway.application.repair_views import repair_views


def result(n: int, **changes: object) -> Result:
    known = {
        "key": f"images/t/j/{n}.jpg",
        "thumbnail_key": f"thumbs/t/j/{n}.webp",
        "width": 64,
        "height": 48,
        "seed": "7",
        "expires_at": utc_now() + timedelta(days=90),
    }
    return Result.model_validate({"n": n} | known | changes)


def gone(n: int) -> Result:
    return result(n, key=None, thumbnail_key=None, deleted=True)


def job(person: Person, *results: Result, number: int = 1, version: int = 5, **changes: object) -> JobChanged:
    now = utc_now()
    known = {
        "id": f"0199f3a0-0000-7000-8000-{number:012}",
        "team_id": person.team_id,
        "version": version,
        "operation": Operation.GENERATE_IMAGES,
        "status": "completed",
        "quantity": len(results),
        "recipe": Recipe(prompt="At the harbour, at dawn: soft light on old ropes"),
        "results": results,
        "created_at": now,
        "updated_at": now,
        "expires_at": now + timedelta(days=90),
    }
    return JobChanged.model_validate(known | changes)


async def gallery(person: Person, query: str = "") -> list[str]:
    answer = await person.client.get(f"/api/images{query}")
    assert answer.status_code == 200, answer.text
    return [image["id"][-3:] for image in answer.json()["data"]]


async def asked(stage: Stage, kind: type[Message]) -> tuple[Message, UUID]:
    """Wait until the gateway asks this; the message, and its request."""
    async with asyncio.timeout(5):
        while not (found := [message for message in stage.said if isinstance(message, kind)]):
            await asyncio.sleep(0.01)
    return found[-1], found[-1].request_id


async def test_the_gallery_shows_what_is_there_newest_first_page_by_page(stage: Stage):
    person, other = await stage.person(), await stage.person()
    await stage.hear(
        job(person, result(1), result(2, withheld=True, key=None), gone(3), number=1),
        job(person, result(1), result(2), number=2),
        job(person, result(1), number=3, status="processing"),
        job(other, result(1), number=4),
        job(person, result(1, key="models/t/m/j/samples/1.jpg"), number=5, operation="create_model"),
    )
    assert await gallery(person) == ["2_2", "2_1", "1_1"]
    first = (await person.client.get("/api/images?limit=2")).json()
    assert [image["id"][-3:] for image in first["data"]] == ["2_2", "2_1"]
    assert await gallery(person, f"?cursor={first['next_cursor']}") == ["1_1"]


async def test_the_gallery_is_filtered(stage: Stage):
    person, mine = await stage.person(), uuid4()
    soon = utc_now() + timedelta(days=3)
    pinned = result(2, pinned=True, expires_at=None)
    await stage.hear(
        job(person, result(1), pinned, number=1),
        job(person, result(1, expires_at=soon), number=2, recipe=Recipe(prompt="x", model_id=mine)),
    )
    assert await gallery(person, f"?model={mine}") == ["2_1"]
    assert await gallery(person, "?job=0199f3a0-0000-7000-8000-000000000001") == ["1_2", "1_1"]
    assert await gallery(person, "?pinned=true") == ["1_2"]
    assert await gallery(person, "?pinned=false") == ["2_1", "1_1"]
    assert await gallery(person, "?expiring=true") == ["2_1"]


async def test_an_image_is_not_shown_beyond_its_time_even_if_nobody_says_so(stage: Stage):
    person = await stage.person()
    over = utc_now() - timedelta(seconds=1)
    made = job(person, result(1, expires_at=over), result(2))
    await stage.hear(made)
    shown = (await person.client.get(f"/api/jobs/{made.id}")).json()["results"]
    assert await gallery(person) == ["1_2"]
    assert [image["url"] is None for image in shown] == [True, False]


async def test_a_link_never_outlives_its_image(stage: Stage):
    person = await stage.person()
    soon = utc_now() + timedelta(seconds=100)
    await stage.hear(job(person, result(1, expires_at=soon), result(2)))
    later, sooner = (await person.client.get("/api/images")).json()["data"]
    lives = [int(parse_qs(urlsplit(image["url"]).query)["X-Amz-Expires"][0]) for image in (sooner, later)]
    assert 90 <= lives[0] <= 100
    assert lives[1] == 3600


async def test_a_download_has_a_good_name(stage: Stage):
    person = await stage.person()
    await stage.hear(job(person, result(1)))
    (image,) = (await person.client.get("/api/images")).json()["data"]
    disposition = parse_qs(urlsplit(image["download_url"]).query)["response-content-disposition"]
    assert disposition == ['attachment; filename="at-the-harbour-at-dawn-soft-00000001-1.jpg"']


async def test_a_late_description_brings_no_image_back(stage: Stage):
    person = await stage.person()
    await stage.hear(job(person, result(1), result(2), version=5))
    await stage.hear(job(person, gone(1), result(2), version=6))
    await stage.hear(job(person, result(1), result(2), version=5))
    assert await gallery(person) == ["1_2"]
    await stage.hear(job(person, gone(1), gone(2), version=7, status="expired"))
    assert await gallery(person) == []


async def test_the_gallery_is_rebuilt_from_what_is_announced(stage: Stage):
    person = await stage.person()
    made = job(person, result(1), gone(2))
    await stage.hear(made)
    async with stage.database.transaction() as session:
        await session.connection.exec_driver_sql("delete from gateway.view_images")
    await repair_views([Delivery(made, uuid4(), uuid4())], transaction(stage.database))
    assert await gallery(person) == ["1_1"]


async def test_a_deleted_image_is_gone_when_the_answer_comes(stage: Stage):
    person = await stage.person()
    made = job(person, result(1), result(2))
    await stage.hear(made)
    asking = asyncio.create_task(person.client.delete(f"/api/images/{made.id}_2"))
    command, request = await asked(stage, DeleteImages)
    assert (command.job_id, command.n, command.team_id) == (made.id, (2,), person.team_id)
    after = made.model_copy(update={"version": 6, "results": (made.results[0], gone(2))})
    await stage.hear(after, correlation_id=request)
    answer = await asking
    assert (answer.status_code, answer.json()["deleted"], answer.json()["url"]) == (200, True, None)
    assert await gallery(person) == ["1_1"]


async def test_many_images_are_deleted_in_one_call(stage: Stage):
    person, other = await stage.person(), await stage.person()
    first, second = job(person, result(1), result(2), number=1), job(person, result(1), number=2)
    foreign = job(other, result(1), number=3)
    await stage.hear(first, second, foreign)
    ids = [f"{second.id}_1", f"{foreign.id}_1", f"{first.id}_2", f"{first.id}_1"]
    asking = asyncio.create_task(person.client.post("/api/images/delete", json={"images": ids}))
    async with asyncio.timeout(5):
        while len(commands := [m for m in stage.said if isinstance(m, DeleteImages)]) < 2:
            await asyncio.sleep(0.01)
    assert {(command.job_id, command.n) for command in commands} == {(first.id, (1, 2)), (second.id, (1,))}
    for command in commands:
        whole = first if command.job_id == first.id else second
        results = tuple(gone(one.n) for one in whole.results)
        after = whole.model_copy(update={"version": 6, "results": results})
        await stage.hear(after, correlation_id=command.request_id)
    told = [(one["id"], one["status"], one["code"]) for one in (await asking).json()["data"]]
    assert told == [
        (ids[0], "deleted", None),
        (ids[1], "refused", "image_not_found"),
        (ids[2], "deleted", None),
        (ids[3], "deleted", None),
    ]


async def test_a_pin_is_shown_when_jobs_has_copied_the_image(stage: Stage):
    person = await stage.person()
    made = job(person, result(1))
    await stage.hear(made)
    asking = asyncio.create_task(person.client.post(f"/api/images/{made.id}_1/pin"))
    command, request = await asked(stage, PinImages)
    assert (command.n, command.pinned) == ((1,), True)
    kept = result(1, key="pinned/images/t/j/1-a.jpg", pinned=True, expires_at=None)
    await stage.hear(made.model_copy(update={"version": 6, "results": (kept,)}), correlation_id=request)
    answer = await asking
    assert (answer.status_code, answer.json()["pinned"], answer.json()["expires_at"]) == (200, True, None)


@pytest.mark.parametrize(("code", "status"), [("not_allowed", 403), ("gone", 410), ("not_found", 404)])
async def test_a_refused_pin_says_why(stage: Stage, code: str, status: int):
    person = await stage.person()
    made = job(person, result(1))
    await stage.hear(made)
    asking = asyncio.create_task(person.client.delete(f"/api/images/{made.id}_1/pin"))
    command, request = await asked(stage, PinImages)
    assert command.pinned is False
    await stage.hear(JobsRefused(request_id=request, about=made.id, code=code, detail="The reason."))
    answer = await asking
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (
        status,
        code,
        "The reason.",
    )


async def test_what_is_not_there_can_be_neither_deleted_nor_pinned(stage: Stage):
    person, other = await stage.person(), await stage.person()
    made = job(person, gone(1), result(2, withheld=True, key=None))
    await stage.hear(made)
    for n in (2, 3):
        assert (await person.client.delete(f"/api/images/{made.id}_{n}")).json()["code"] == "image_not_found"
    assert (await other.client.delete(f"/api/images/{made.id}_1")).json()["code"] == "image_not_found"
    assert (await other.client.post(f"/api/images/{made.id}_1/pin")).status_code == 404
    pin = await person.client.post(f"/api/images/{made.id}_1/pin")
    assert (pin.status_code, pin.json()["code"]) == (410, "gone")
    for wrong in ("x", str(made.id), f"{made.id}_0", f"{made.id}_1_1"):
        assert (await person.client.delete(f"/api/images/{wrong}")).status_code == 422
    assert not [message for message in stage.said if isinstance(message, DeleteImages | PinImages)]


async def test_an_export_is_shown_while_it_is_made_and_then_with_a_link(stage: Stage):
    person = await stage.person()
    first, second = job(person, result(1), gone(2), result(3), number=1), job(person, result(1), number=2)
    await stage.hear(first, second)
    body = {"images": [f"{first.id}_2"], "jobs": [str(first.id), str(second.id)]}
    headers = {"Idempotency-Key": "export"}
    asking = asyncio.create_task(person.client.post("/api/images/export", json=body, headers=headers))
    command, request = await asked(stage, ExportImages)
    assert [(image.job_id, image.n) for image in command.images] == [
        (first.id, 2), (first.id, 1), (first.id, 3), (second.id, 1),
    ]  # fmt: skip
    now = utc_now()
    begun = ExportChanged(
        id=command.export_id, team_id=person.team_id, version=1, status="processing", images=4,
        created_at=now, updated_at=now,
    )  # fmt: skip
    await stage.hear(begun, correlation_id=request)
    answer = await asking
    assert (answer.status_code, answer.json()["status"], answer.json()["images"]) == (202, "processing", 4)
    path = answer.headers["location"]
    done = {"version": 2, "status": "completed", "done": 4, "missing": 1, "size": 9, "key": "exports/t/e.zip"}
    await stage.hear(begun.model_copy(update=done | {"expires_at": now + timedelta(days=1)}))
    shown = (await person.client.get(path)).json()
    assert (shown["status"], shown["done"], shown["missing"], shown["size"]) == ("completed", 4, 1, 9)
    assert "filename" in shown["url"]
    assert (await person.client.get("/api/exports")).json()["data"] == [shown]
    again = await person.client.post("/api/images/export", json=body, headers=headers)
    assert (again.json()["id"], again.headers["idempotency-replayed"]) == (shown["id"], "true")
    other = await stage.person()
    assert (await other.client.get(path)).status_code == 404
    events = (await person.client.get("/api/events?limit=100")).json()["data"]
    assert [event["data"]["status"] for event in events if event["type"] == "export.changed"] == [
        "processing", "completed",
    ]  # fmt: skip


async def test_a_refused_export_leaves_nothing_behind(stage: Stage):
    person = await stage.person()
    made = job(person, result(1))
    await stage.hear(made)
    body = {"images": [f"{made.id}_1"]}
    asking = asyncio.create_task(person.client.post("/api/images/export", json=body))
    command, request = await asked(stage, ExportImages)
    assert (await person.client.get("/api/exports")).json()["data"][0]["status"] == "accepted"
    no = JobsRefused(
        request_id=request, about=command.export_id, code="too_many_exports", detail="Two at most."
    )
    await stage.hear(no)
    answer = await asking
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_exports")
    assert "retry-after" in answer.headers
    assert (await person.client.get("/api/exports")).json()["data"] == []


async def test_nobody_exports_what_is_not_theirs(stage: Stage):
    person, other = await stage.person(), await stage.person()
    made = job(other, result(1))
    await stage.hear(made)
    for body, code in (
        ({"images": [f"{made.id}_1"]}, "image_not_found"),
        ({"jobs": [str(made.id)]}, "job_not_found"),
        ({}, "invalid_request"),
    ):
        answer = await person.client.post("/api/images/export", json=body)
        assert (answer.status_code in (404, 422), answer.json()["code"]) == (True, code)


async def test_a_notice_before_images_expire_is_an_event_once(stage: Stage):
    person = await stage.person()
    until = utc_now() + timedelta(days=7)
    notice = ImagesExpiring(team_id=person.team_id, job_id=uuid4(), n=(1, 2), expires_at=until)
    await stage.hear(notice)
    await stage.hear(notice)
    events = (await person.client.get("/api/events?limit=100")).json()["data"]
    (event,) = [event for event in events if event["type"] == "images.expiring"]
    assert event["data"]["images"] == [f"{notice.job_id}_1", f"{notice.job_id}_2"]


# Making images again


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
