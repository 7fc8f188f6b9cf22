from base64 import b64encode
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from services.gateway.tests.stage import Person, Stage, model, reference_model

from contracts.catalog import PreviewPublished
from contracts.jobs import JobChanged
from contracts.orders import Operation, Recipe

NOW = datetime(2026, 11, 22, tzinfo=UTC)


async def pages(person: Person, path: str, field: str = "name") -> list[list[str]]:
    """Follow a list to its end."""
    found, cursor = [], ""
    while cursor is not None:
        answer = await person.client.get(path + (f"&cursor={cursor}" if cursor else ""))
        assert answer.status_code == 200, answer.text
        found.append([item[field] for item in answer.json()["data"]])
        cursor = answer.json()["next_cursor"]
    return found


async def test_reference_models_are_sorted_filtered_and_paged(stage: Stage):
    person = await stage.person()
    await stage.hear(
        reference_model(name="Alba", uses=5, created_at=datetime(2026, 11, 1, tzinfo=UTC)),
        reference_model(
            name="Bruna", uses=9, category="fitness", created_at=datetime(2026, 11, 3, tzinfo=UTC)
        ),
        reference_model(name="Clea", uses=5, tags=("100%",), created_at=datetime(2026, 11, 2, tzinfo=UTC)),
        reference_model(name="Gone", retired=True),
    )

    assert [page[0] for page in await pages(person, "/api/reference-models?limit=1&sort=name")] == [
        "Alba", "Bruna", "Clea",
    ]  # fmt: skip
    popular = await pages(person, "/api/reference-models?limit=2")
    assert popular[0][0] == "Bruna"
    assert sorted(name for page in popular for name in page) == ["Alba", "Bruna", "Clea"]
    assert await pages(person, "/api/reference-models?limit=2&sort=newest") == [["Bruna", "Clea"], ["Alba"]]
    assert await pages(person, "/api/reference-models?category=fitness") == [["Bruna"]]
    assert await pages(person, "/api/reference-models?search=cle") == [["Clea"]]
    assert sorted((await pages(person, "/api/reference-models?tag=Portrait"))[0]) == ["Alba", "Bruna"]
    assert await pages(person, "/api/reference-models?search=0%25") == [["Clea"]]
    assert await pages(person, "/api/reference-models?search=%25") == [["Clea"]]


async def test_jobs_and_models_are_filtered_and_paged_newest_first(stage: Stage):
    person = await stage.person()
    known = [model(person.team_id, name=name, versions=n) for n, name in ((1, "Harbour"), (0, "Forest"))]
    jobs = [
        JobChanged(
            id=f"0199f3a0-0000-7000-8000-00000000000{n}",
            team_id=person.team_id, version=1, operation=operation, status=status, quantity=1,
            recipe=Recipe(model_id=model_id), created_at=NOW, updated_at=NOW,
        )
        for n, (operation, status, model_id) in enumerate(
            [
                (Operation.CREATE_MODEL, "completed", known[0].id),
                (Operation.GENERATE_IMAGES, "failed", known[0].id),
                (Operation.GENERATE_IMAGES, "processing", known[1].id),
            ]
        )
    ]  # fmt: skip
    await stage.hear(*known, *jobs)

    assert await pages(person, "/api/jobs?limit=2", "status") == [["processing", "failed"], ["completed"]]
    assert await pages(person, "/api/jobs?status=failed", "status") == [["failed"]]
    assert await pages(person, "/api/jobs?type=create_model", "status") == [["completed"]]
    assert await pages(person, f"/api/jobs?model={known[0].id}", "status") == [["failed", "completed"]]
    assert await pages(person, "/api/models?status=ready") == [["Harbour"]]
    assert await pages(person, "/api/models?search=FORE") == [["Forest"]]
    assert (await person.client.get(f"/api/generate/{jobs[0].id}")).status_code == 404
    await stage.hear(known[0].model_copy(update={"version": 2, "status": "deleted"}))
    assert await pages(person, "/api/models") == [["Forest"]]


async def test_history_is_filtered_and_paged(stage: Stage):
    person = await stage.person()
    job = uuid4()
    lines = [stage.account(person.team_id, kind, n, job) for n, kind in enumerate(("reserve", "deduct"))]
    await stage.hear(*lines)

    assert await pages(person, "/api/credits/history?limit=1", "type") == [
        ["deduct"], ["reserve"], ["replenish"],
    ]  # fmt: skip
    assert await pages(person, "/api/credits/history?type=replenish", "type") == [["replenish"]]
    assert await pages(person, f"/api/credits/history?job={job}", "type") == [["deduct", "reserve"]]
    assert await pages(person, "/api/credits/history?operation=refine_model", "type") == [[]]


async def test_a_preview_is_cached_for_ever_under_its_own_name(stage: Stage):
    reference = reference_model(preview="ab" * 32)
    picture = PreviewPublished(sha256="ab" * 32, content_type="image/webp", data=b64encode(b"RIFF").decode())
    await stage.hear(picture, reference, picture)
    person = await stage.person()
    url = (await person.client.get(f"/api/reference-models/{reference.id}")).json()["preview_url"]
    async with stage.client() as anybody:
        shown = await anybody.get(url)
        known = await anybody.get(url, headers={"If-None-Match": shown.headers["etag"]})
        moving = await anybody.get(url.partition("?")[0])

    assert (shown.content, shown.headers["content-type"]) == (b"RIFF", "image/webp")
    assert shown.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (known.status_code, known.content) == (304, b"")
    assert moving.headers["cache-control"] == "public, max-age=300"


async def test_events_are_read_page_by_page(stage: Stage):
    person = await stage.person()
    await stage.hear(model(person.team_id), model(uuid4()))
    first = (await person.client.get("/api/events?limit=2")).json()
    rest = (await person.client.get(f"/api/events?after={first['next_cursor']}")).json()
    end = (await person.client.get(f"/api/events?after={rest['next_cursor']}")).json()

    assert {event["type"] for event in first["data"]} == {"plan.changed", "account.changed"}
    assert [event["type"] for event in rest["data"]] == ["model.changed"]
    assert rest["data"][0]["data"]["name"] == "Harbour"
    assert end == {"data": [], "next_cursor": rest["next_cursor"]}


FOREIGN = [
    ("GET", "/api/jobs/{job}"),
    ("DELETE", "/api/jobs/{job}"),
    ("GET", "/api/generate/{job}"),
    ("GET", "/api/models/{model}"),
    ("POST", "/api/models/{model}/refine"),
    ("DELETE", "/api/api-keys/{key}"),
]


@pytest.mark.parametrize(("method", "path"), FOREIGN)
async def test_what_is_another_teams_does_not_exist(stage: Stage, method: str, path: str):
    ada, eve = await stage.person(), await stage.person()
    reference, hers = reference_model(), model(ada.team_id)
    await stage.hear(reference, hers)
    job = (await ada.generate(reference_model_id=str(reference.id))).json()["jobs"][0]["id"]
    key = (await ada.client.post("/api/api-keys", json={"name": "mine"})).json()["id"]
    path = path.format(job=job, model=hers.id, key=key)
    body = {"instructions": "softer"} if method == "POST" else None
    foreign = await eve.client.request(method, path, json=body)
    unknown = await eve.client.request(method, path.replace(str(hers.id), str(uuid4())), json=body)

    assert foreign.status_code == 404
    assert foreign.json()["code"] == unknown.json()["code"]
    assert (await ada.client.get(f"/api/jobs/{job}")).json()["status"] == "queued"


async def test_lists_show_only_the_own_team(stage: Stage):
    ada, eve = await stage.person(), await stage.person()
    await stage.hear(model(ada.team_id))
    for path in ("/api/jobs", "/api/models"):
        assert (await eve.client.get(path)).json()["data"] == []
    lines = (await eve.client.get("/api/credits/history")).json()["data"]
    assert [line["type"] for line in lines] == ["replenish"]
    generated = await eve.generate(
        model_id=str((await ada.client.get("/api/models")).json()["data"][0]["id"])
    )
    assert (generated.status_code, generated.json()["code"]) == (404, "model_not_found")
