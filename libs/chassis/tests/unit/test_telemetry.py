import httpx
from fastapi import FastAPI
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from chassis.telemetry import instrument


async def test_a_span_does_not_tell_what_was_in_the_query():
    spans, provider, app = InMemorySpanExporter(), TracerProvider(), FastAPI()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    instrument(app, provider)

    @app.get("/webhooks")
    async def webhooks() -> str:
        return "taken"

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://atelier") as client:
        await client.get("/webhooks?attempt=1&mac=secret")

    [span] = spans.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["http.url"] == "http://atelier/webhooks"
    assert "secret" not in str(dict(span.attributes))
