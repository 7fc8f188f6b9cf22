"""What clients must not send: refused with a clear word, and nothing is changed by it."""

import asyncio
import gzip
import json
from uuid import uuid4

import httpx
import pytest
from services.gateway.tests.stage import Stage, reference_model
from starlette.types import Receive

from chassis.http import Problem
from gateway.adapters.inbound.http.body_limit import BodyLimit
from gateway.adapters.inbound.http.envelope import Envelope
from gateway.domain.cursor import encode

GOOD = {"prompt": "x", "reference_model_id": str(uuid4())}


@pytest.mark.parametrize(
    "body",
    [
        GOOD | {"unknown": 1},
        GOOD | {"count": 0},
        GOOD | {"count": 17},
        GOOD | {"count": "4"},
        GOOD | {"count": True},
        GOOD | {"prompt": ""},
        GOOD | {"prompt": "a\x00b"},
        GOOD | {"prompt": "x" * 2001},
        GOOD | {"size": {"width": 63, "height": 64}},
        GOOD | {"size": {"width": 2048, "height": 2048}},
        GOOD | {"size": {"width": 1024, "height": 1024, "depth": 1}},
        GOOD | {"seed": -1},
        GOOD | {"seed": "0x1"},
        GOOD | {"quality": "best"},
        GOOD | {"format": "gif"},
        GOOD | {"max_credits": 0},
        GOOD | {"model_id": str(uuid4())},
        GOOD | {"version": 1},
        GOOD | {"reference_upload_key": "uploads/../secret"},
        {"prompt": "x"},
        [],
        "text",
        None,
    ],
)
async def test_what_is_not_a_request_is_refused_in_plain_words(stage: Stage, body: object):
    person = await stage.person()
    answer = await person.client.post("/api/generate", json=body)

    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid_request"
    assert answer.json()["errors"]


def padded(field: str, value: str) -> bytes:
    """Write a good request, but for one field that JSON writers do not write."""
    return b'{"prompt": "x", "reference_model_id": "%b", "%b": %b}' % (
        GOOD["reference_model_id"].encode(), field.encode(), value.encode(),
    )  # fmt: skip


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"prompt": "\\ud800"}',
        padded("negative_prompt", '"\\udfff"'),
        padded("negative_prompt", '"\\u0000"'),
        b"[" * 20_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        padded("count", "[" * 30_000 + "]" * 30_000),
        padded("count", "1e400"),
        padded("count", "-1e400"),
        padded("count", "NaN"),
        padded("count", "9" * 5_000),
        padded("max_credits", "9" * 4_000),
        padded("max_credits", "1e308"),
        padded("seed", '"' + "9" * 30_000 + '"'),
        gzip.compress(b'{"prompt": "x"}'),
    ],
    ids=lambda raw: f"{raw[-30:]!r}",
)
async def test_what_is_not_json_as_described_is_refused_and_changes_nothing(stage: Stage, raw: bytes):
    person = await stage.person()
    said = len(stage.said)
    headers = {"Content-Type": "application/json"}
    answer = await person.client.post("/api/generate", content=raw, headers=headers)

    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] in ("bad_request", "invalid_request")
    assert (await person.client.get("/api/jobs")).json()["data"] == []
    assert len(stage.said) == said


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/xml"},
        {"Content-Type": ""},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
    ids=lambda headers: " ".join(headers.values()),
)
async def test_a_body_of_another_kind_is_refused(stage: Stage, headers: dict[str, str]):
    await stage.hear(reference := reference_model())
    person = await stage.person()
    body = json.dumps(GOOD | {"reference_model_id": str(reference.id)}).encode()
    bomb = gzip.compress(b" " * 50_000_000)
    content = bomb if "Content-Encoding" in headers else body
    answer = await person.client.post("/api/generate", content=content, headers=headers)

    # What a form of another site can send is refused for want of its token, before it is read.
    refusals = {(403, "csrf_token_invalid"), (422, "invalid_request"), (400, "bad_request")}
    assert (answer.status_code, answer.json()["code"]) in refusals
    assert (await person.client.get("/api/jobs")).json()["data"] == []


async def test_a_body_that_does_not_come_is_not_waited_for():
    async def receive() -> dict[str, object]:
        await asyncio.sleep(600)
        raise AssertionError

    async def read(scope: object, body: Receive, send: object) -> None:
        await body()

    scope = {"type": "http", "path": "/api/generate", "headers": [(b"content-length", b"20")]}
    with pytest.raises(Problem) as refused:
        await BodyLimit(read, usual=1_000, exceptions={}, patience=0.05)(scope, receive, None)
    assert (refused.value.status, refused.value.code) == (408, "body_too_slow")


async def test_who_sends_a_body_drop_by_drop_is_told_and_changes_nothing(stage: Stage):
    app = BodyLimit(stage.app, usual=65_536, exceptions={}, patience=0.3)
    person = await stage.person()
    before = len(stage.said)

    async def drops():
        for letter in json.dumps(GOOD):
            yield letter.encode()
            await asyncio.sleep(0.05)

    transport = httpx.ASGITransport(Envelope(app), raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://atelier", cookies=dict(person.client.cookies)
    ) as client:
        headers = {"Content-Type": "application/json"}
        answer = await client.post("/api/generate", content=drops(), headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (408, "body_too_slow")
    assert len(stage.said) == before


async def test_a_body_that_is_too_large_is_refused_with_and_without_a_length(stage: Stage):
    person = await stage.person()

    async def stream():
        for _ in range(70):
            yield b" " * 1024

    announced = await person.client.post("/api/generate", content=b" " * 70_000)
    streamed = await person.client.post("/api/generate", content=stream())
    webhook = await person.client.post("/api/webhooks/fal", content=b" " * 1_000_001)

    assert [answer.status_code for answer in (announced, streamed, webhook)] == [413, 413, 413]
    changing = {"detail": "", "request_id": ""}
    assert streamed.json() | changing == announced.json() | changing
    assert announced.json()["limit"] == 65_536


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
