"""Images are deleted and pinned when jobs says so."""

import asyncio

import pytest
from services.gateway.tests.pictures import asked, gallery, gone, job, result
from services.gateway.tests.stage import Stage

from contracts.jobs import DeleteImages, JobsRefused, PinImages


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
