"""Parameters, keys and methods that nobody should send; limits, and what each answer carries."""

from uuid import uuid4

import pytest
from services.gateway.tests.requests import GOOD
from services.gateway.tests.stage import Stage, reference_model

from gateway.domain.cursor import encode


@pytest.mark.parametrize(
    "path",
    [
        "/api/jobs?unknown=1",
        "/api/jobs?limit=0",
        "/api/jobs?limit=101",
        "/api/jobs?status=done",
        "/api/jobs/not-an-id",
        "/api/jobs?from=0.5",
        "/api/credits/history?from=1762000000",
        "/api/credits/history?to=-5",
        "/api/reference-models?search=%00",
        "/api/events?after=-1",
        "/api/events?after=99999999999999999999",
        "/api/events?after=" + "9" * 5_000,
        "/api/jobs?limit=1e400",
        "/api/jobs?limit=" + "9" * 5_000,
        "/api/jobs?cursor=%ff%fe&limit=%ed%a0%80",
        "/api/jobs/" + "9" * 5_000,
    ],
)
async def test_wrong_parameters_are_refused(stage: Stage, path: str):
    person = await stage.person()
    answer = await person.client.get(path)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_a_cursor_of_another_list_is_refused(stage: Stage):
    person = await stage.person()
    await stage.hear(reference_model(), reference_model())
    cursor = (await person.client.get("/api/reference-models?limit=1")).json()["next_cursor"]
    for path in ("/api/jobs?", "/api/models?", "/api/credits/history?", "/api/reference-models?sort=newest&"):
        answer = await person.client.get(f"{path}cursor={cursor}")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor"), path


async def test_a_cursor_beyond_the_last_page_shows_an_empty_one(stage: Stage):
    person = await stage.person()
    answer = await person.client.get(f"/api/credits/history?cursor={encode(0, 2**62)}")

    assert (answer.status_code, answer.json()["data"]) == (200, [])


@pytest.mark.parametrize("token", ["", "atl_", "atl_" + "x" * 43, "Bearer", "ü", "x" * 5000])
async def test_a_wrong_key_is_nobody(stage: Stage, token: str):
    person = await stage.person()
    headers = [(b"authorization", b"Bearer " + token.encode("latin-1"))]
    answer = await person.client.get("/api/jobs", headers=headers)
    if token:
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_without_a_credential_nothing_is_shown(stage: Stage):
    async with stage.client() as client:
        client.cookies.set("atelier_session", "guess")
        for path in ("/api/jobs", "/api/me", "/api/credits/balance", "/api/events", "/api/api-keys"):
            assert (await client.get(path)).status_code == 401, path


async def test_every_answer_has_an_id_and_is_kept_by_the_client_alone(stage: Stage):
    person = await stage.person()
    own = await person.client.get("/api/jobs", headers={"X-Request-Id": "mine-1"})
    strange = await person.client.get("/api/nowhere", headers={"X-Request-Id": "a b"})

    assert own.headers["x-request-id"] == "mine-1"
    assert own.headers["cache-control"] == "private, no-cache"
    assert own.headers["x-content-type-options"] == "nosniff"
    assert strange.headers["cache-control"] == "private, no-store"
    assert len(strange.headers["x-request-id"]) == 36
    assert strange.json()["request_id"] == strange.headers["x-request-id"]
    assert (strange.status_code, strange.json()["code"]) == (404, "not_found")
    assert (await person.client.put("/api/jobs")).json()["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("OPTIONS", "/api/me", "DELETE, GET, PATCH"),
        ("PUT", "/api/jobs", "GET"),
        ("PUT", f"/api/webhook-endpoints/{uuid4()}", "DELETE, PATCH"),
        ("GET", f"/api/jobs/{uuid4()}/regenerate", "POST"),
        ("DELETE", "/api/images/delete", "POST"),
        ("DELETE", "/api/images/export", "POST"),
    ],
)
async def test_a_wrong_method_is_told_all_right_ones(stage: Stage, method: str, path: str, allowed: str):
    person = await stage.person()
    answer = await person.client.request(method, path)

    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.json()["code"] == "method_not_allowed"


async def test_a_number_is_what_json_calls_one(stage: Stage):
    person = await stage.person()
    wish = {"items": [{"operation": "generate_images", "quantity": 4.0}]}
    asked = await person.client.post("/api/credits/quotes", json=wish)
    half = await person.client.post(
        "/api/credits/quotes", json={"items": [{"operation": "generate_images", "quantity": 4.5}]}
    )

    assert (asked.status_code, asked.json()["total"]) == (201, 8)
    assert half.status_code == 422


@pytest.mark.parametrize("time", [4102444800, 4102444800.5, "4102444800", "2099-01-01T00:00:00", True])
async def test_a_time_is_written_as_a_time_with_its_offset(stage: Stage, time: object):
    person = await stage.person()
    answer = await person.client.post("/api/api-keys", json={"name": "shop", "expires_at": time})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_the_plan_limits_requests_and_says_what_is_left(stage: Stage):
    person = await stage.person()
    first = await person.client.get("/api/jobs")
    bucket = stage.app.state.api.limiter._buckets[person.team_id]
    bucket.tokens = -99.0
    answer = await person.client.get("/api/jobs")

    assert first.headers["ratelimit-limit"] == "6000"
    assert int(first.headers["ratelimit-remaining"]) == 5999
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("key", ["", " ", "ü", "x" * 256])
async def test_a_strange_idempotency_key_is_refused(stage: Stage, key: str):
    person = await stage.person()
    headers = [(b"idempotency-key", key.encode("latin-1"))]
    answer = await person.client.post("/api/generate", json=GOOD, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_a_database_that_is_away_is_a_503(stage: Stage):
    person = await stage.person()
    callers = stage.app.state.api.callers

    class Away:
        async def by_session(self, *_: object) -> None:
            raise ConnectionRefusedError

    object.__setattr__(stage.app.state.api, "callers", Away())
    answer = await person.client.get("/api/jobs")
    object.__setattr__(stage.app.state.api, "callers", callers)

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
