"""What a trace tells of a request, and that it goes on where it came from."""

from collections.abc import Iterator
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from chassis import telemetry
from chassis.telemetry import current_traceparent, instrument

GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def spans(monkeypatch) -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "is_collected", lambda: True)
    monkeypatch.setattr(telemetry, "tracer", provider.get_tracer)
    return exporter


async def get(path: str, **headers: str) -> httpx.Response:
    app, router = FastAPI(telemetry={"tracing": False}), APIRouter()
    instrument(app)

    @router.get("/webhooks/{one}")
    async def webhooks(one: UUID) -> str | None:
        return current_traceparent()

    @router.get("/broken")
    async def broken() -> None:
        raise RuntimeError("broken")

    app.include_router(router, prefix="/api")
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://atelier") as client:
        return await client.get(path, headers=headers)


async def test_a_span_names_the_route_and_does_not_tell_what_was_in_the_query(spans):
    await get(f"/api/webhooks/{UUID(int=1)}?attempt=1&mac=secret")
    [span] = spans.get_finished_spans()
    assert span.name == "GET /api/webhooks/{one}"
    assert dict(span.attributes or {}) == {
        "http.request.method": "GET",
        "url.path": f"/api/webhooks/{UUID(int=1)}",
        "http.route": "/api/webhooks/{one}",
        "http.response.status_code": 200,
    }


async def test_a_span_belongs_to_the_trace_its_request_came_with(spans):
    await get(f"/api/webhooks/{UUID(int=1)}", traceparent=GIVEN)
    [span] = spans.get_finished_spans()
    assert f"{span.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"


async def test_a_span_of_an_error_says_so(spans):
    await get("/api/broken")
    [span] = spans.get_finished_spans()
    assert not span.status.is_ok


async def test_without_a_collector_the_context_is_passed_on_as_it_came():
    assert (await get(f"/api/webhooks/{UUID(int=1)}", traceparent=GIVEN)).json() == GIVEN


async def test_without_a_collector_and_a_context_there_is_none():
    assert (await get(f"/api/webhooks/{UUID(int=1)}")).json() is None
