"""The trace receiver, fed by the real OpenTelemetry exporter."""

import asyncio

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, format_trace_id, set_span_in_context

from sandbox.traces import Span, Traces, routes


@pytest.fixture
async def receiver():
    app = web.Application()
    app.add_routes(routes())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def http(receiver):
    async with aiohttp.ClientSession(receiver) as session:
        yield session


def export_a_job(receiver, compression, padding=""):
    """Say two spans of two services, as the services would."""
    providers = []
    for service in ("gateway", "jobs"):
        provider = TracerProvider(resource=Resource.create({"service.name": service}))
        exporter = OTLPSpanExporter(f"{receiver}/v1/traces", compression=compression)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        providers.append(provider)
    gateway, jobs = (provider.get_tracer("test") for provider in providers)
    with gateway.start_as_current_span("POST /api/generate", kind=SpanKind.SERVER) as outer:
        inner = jobs.start_span("fal submit", set_span_in_context(outer), kind=SpanKind.CLIENT)
        inner.set_attributes({"job.id": "j:1", "n": 4, "real": True, "tags": ["a", "b"], "padding": padding})
        inner.set_status(Status(StatusCode.ERROR, "locked"))
        inner.end()
    for provider in providers:
        provider.shutdown()
    return format_trace_id(outer.get_span_context().trace_id)


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
async def test_a_trace_is_shown_in_order(receiver, http, compression):
    trace_id = await asyncio.to_thread(export_a_job, receiver, compression)
    async with http.get(f"/traces/{trace_id}") as answer:
        trace = await answer.json()
    outer, inner = trace["spans"]
    assert [(span["service"], span["name"], span["kind"]) for span in trace["spans"]] == [
        ("gateway", "POST /api/generate", "server"),
        ("jobs", "fal submit", "client"),
    ]
    assert (outer["parent_id"], inner["parent_id"]) == ("", outer["span_id"])
    assert outer["duration_ms"] >= inner["duration_ms"] > 0
    assert inner["status"] == "locked"
    assert inner["attributes"] == {"job.id": "j:1", "n": 4, "real": True, "tags": ["a", "b"], "padding": ""}


async def test_a_trace_is_found_by_an_attribute(receiver, http):
    trace_id = await asyncio.to_thread(export_a_job, receiver, Compression.Gzip)
    for attribute, found in [
        ("job.id:j:1", 1),
        ("n:4", 1),
        ("tags:b", 1),
        ("job.id:j:2", 0),
        ("none:None", 0),
    ]:
        async with http.get("/traces", params={"attribute": attribute}) as answer:
            traces = (await answer.json())["traces"]
        assert [trace["trace_id"] for trace in traces] == [trace_id] * found, attribute
    async with http.get("/traces") as answer:
        assert (await answer.json())["traces"][0]["services"] == ["gateway", "jobs"]


async def test_a_trace_is_drawn_as_a_tree(receiver, http):
    trace_id = await asyncio.to_thread(export_a_job, receiver, Compression.Gzip)
    async with http.get(f"/traces/{trace_id}/text") as answer:
        head, outer, inner = (await answer.text()).splitlines()
    assert head.startswith(f"trace {trace_id}: 2 spans, 2 services, ")
    assert outer.endswith("ms  gateway: POST /api/generate (server)")
    assert inner.endswith("ms    jobs: fal submit (client)  !! locked")


async def test_a_large_export_is_taken(receiver, http):
    trace_id = await asyncio.to_thread(export_a_job, receiver, Compression.NoCompression, "x" * (2 << 20))
    async with http.get(f"/traces/{trace_id}") as answer:
        assert len((await answer.json())["spans"]) == 2


async def test_what_is_not_a_trace_is_refused(http):
    protobuf = {"Content-Type": "application/x-protobuf"}
    async with http.post("/v1/traces", data=b"\xffnonsense", headers=protobuf) as answer:
        assert answer.status == 400
    async with http.post("/v1/traces", json={}) as answer:
        assert answer.status == 415
    async with http.get("/traces/00") as answer:
        assert answer.status == 404


def span(trace_id, span_id="a", parent_id=""):
    return Span(trace_id, span_id, parent_id, "n", "s", "internal", 0, 1, "unset")


def test_only_the_latest_traces_are_kept():
    traces = Traces(capacity=2)
    for trace_id in ("1", "2", "1", "3"):
        traces.add([span(trace_id)])
    assert list(traces.find("", "")) == ["3", "1"]


def test_a_span_exported_twice_is_kept_once():
    traces = Traces()
    traces.add([span("1"), span("1"), span("1", "b", "a")])
    assert len(traces.get("1")) == 2
