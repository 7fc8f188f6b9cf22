"""What a client has already is not sent again."""

from services.gateway.tests.stage import Person, Stage, model, reference_model

PATHS = ["/api/jobs/{job}", "/api/jobs", "/api/models", "/api/reference-models", "/api/me", "/api/events"]


async def generate(stage: Stage, ada: Person) -> str:
    reference = reference_model()
    await stage.hear(model(ada.team_id), reference)
    asked = await ada.generate(reference_model_id=str(reference.id))
    assert asked.status_code == 202, asked.text
    assert "ETag" not in asked.headers
    return asked.json()["jobs"][0]["id"]


async def test_a_document_that_has_not_changed_is_not_sent_again(stage):
    ada = await stage.person()
    job = await generate(stage, ada)
    for path in PATHS:
        await is_not_sent_again(ada, path.format(job=job))


async def is_not_sent_again(ada: Person, path: str) -> None:
    first = await ada.client.get(path)
    assert (first.status_code, first.headers["Cache-Control"]) == (200, "private, no-cache")
    tag = first.headers["ETag"]
    for named in (tag, f'"other", W/{tag}', "*"):
        again = await ada.client.get(path, headers={"If-None-Match": named})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
        assert "RateLimit-Remaining" in again.headers
    other = await ada.client.get(path, headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.json()) == (200, first.json())


async def test_a_document_that_has_changed_is_sent(stage):
    ada = await stage.person()
    path = "/api/credits/balance"
    first = await ada.client.get(path)
    await generate(stage, ada)
    second = await ada.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert second.status_code == 200
    assert second.json()["available"] == 192
    assert second.headers["ETag"] != first.headers["ETag"]


async def test_a_problem_has_no_tag(stage):
    ada = await stage.person()
    assert "ETag" not in (await ada.client.get("/api/jobs/019a0000-0000-7000-8000-000000000000")).headers


async def test_the_description_tells_of_it(stage):
    described = stage.app.openapi()["paths"]["/api/jobs/{id}"]["get"]
    assert "304" in described["responses"]
    assert "If-None-Match" in [one["name"] for one in described["parameters"]]
