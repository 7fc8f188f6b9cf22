"""Bodies that nobody should send are refused in plain words and change nothing."""

import asyncio
import gzip
import json
from uuid import uuid4

import httpx
import pytest
from services.gateway.tests.requests import GOOD
from services.gateway.tests.stage import Stage, reference_model
from starlette.types import Receive

from chassis.http import Problem
from gateway.adapters.inbound.http.body_limit import BodyLimit
from gateway.adapters.inbound.http.envelope import Envelope


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
