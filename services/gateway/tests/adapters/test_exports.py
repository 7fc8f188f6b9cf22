"""Many images at once, and word of those that expire."""

import asyncio
from datetime import timedelta
from uuid import uuid4

from services.gateway.tests.pictures import asked, gone, job, result
from services.gateway.tests.stage import Stage

from chassis.clock import utc_now
from contracts.jobs import ExportChanged, ExportImages, ImagesExpiring, JobsRefused


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
