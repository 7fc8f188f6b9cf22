"""One trace follows a job from the HTTP request through the services to fal and S3 and back."""

import asyncio

import pytest

HOPS = {
    ("gateway", "POST /api/generate"),
    ("credits", "handle credits.hold.v1"),
    ("gateway-projector", "handle credits.held.v1"),
    ("jobs", "handle credits.held.v1"),
    ("jobs", "fal submit"),
    ("gateway", "fal calls back"),
    ("jobs", "handle jobs.provider-callback.v1"),
    ("gateway", "fal calls back"),
    ("jobs", "handle jobs.provider-callback.v1"),
    ("jobs", "fal download"),
    ("jobs", "s3 put"),
    ("credits", "handle credits.capture.v1"),
    ("jobs", "handle credits.settled.v1"),
    ("gateway-projector", "handle jobs.job-changed.v1"),
    ("catalog", "handle jobs.job-changed.v1"),
}


@pytest.fixture(scope="module")
async def request_id(house, studio) -> str:
    asked = await studio.post("/api/generate", await studio.wish("traced", 2))
    await studio.end(asked.json()["jobs"][0])
    return asked.json()["request_id"]


@pytest.fixture(scope="module")
async def trace(house, request_id) -> dict:
    """The trace, as soon as every process has exported its part (they do so twice a second)."""
    spans: list[dict] = []
    for _ in range(50):
        for found in await house.provider.traces("atelier.subject", request_id):
            spans = await house.provider.spans(found["trace_id"])
        if said(spans) >= HOPS:
            break
        await asyncio.sleep(0.2)
    return {"trace_id": found["trace_id"], "spans": spans}


def said(spans):
    return {(span["service"], span["name"]) for span in spans}


async def test_there_is_one_trace_with_every_hop(trace):
    assert said(trace["spans"]) >= HOPS


async def test_everything_hangs_on_the_one_request(trace):
    known = {span["span_id"] for span in trace["spans"]}
    roots = [span for span in trace["spans"] if span["parent_id"] not in known]
    assert [(root["service"], root["name"]) for root in roots] == [("gateway", "POST /api/generate")]


async def test_a_request_leaves_one_trace(house, request_id, trace):
    found = await house.provider.traces("atelier.subject", request_id)
    assert [one["trace_id"] for one in found] == [trace["trace_id"]]


async def test_the_provider_was_told_the_trace(house, trace):
    (submit,) = await house.provider.requests("traced")
    assert submit["traceparent"].split("-")[1] == trace["trace_id"]


async def test_nothing_in_it_failed(trace):
    assert {span["status"] for span in trace["spans"]} <= {"unset", "ok"}
