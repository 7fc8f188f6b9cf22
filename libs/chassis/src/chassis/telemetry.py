"""Traces that follow one request through every service (W3C trace context, OpenTelemetry)."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()
_collectors: list[str] = []


def configure(service: str, endpoint: str | None, ratio: float = 1.0) -> None:
    """Send this process's spans to the collector at `endpoint`; without one, only pass contexts on."""
    provider = TracerProvider(
        resource=Resource.create({"service.name": service}), sampler=ParentBased(TraceIdRatioBased(ratio))
    )
    if endpoint:
        _collectors.append(endpoint)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
    trace.set_tracer_provider(provider)


def is_collected() -> bool:
    """Tell whether this process's spans go anywhere; hot paths make none for nobody."""
    return bool(_collectors)


def instrument(app: FastAPI, provider: TracerProvider | None = None) -> None:
    """Give each request a span, within the trace that its `traceparent` header names."""
    FastAPIInstrumentor.instrument_app(
        app,
        server_request_hook=_without_query,
        tracer_provider=provider,
        excluded_urls="health,metrics",
        exclude_spans=["send", "receive"],
    )


def _without_query(span: Span, _scope: dict[str, Any]) -> None:
    # Queries carry secrets, such as the MAC of a webhook; whoever sees traces must not see those.
    recorded = getattr(span, "attributes", None) or {}
    for name in ("http.url", "http.target"):
        if name in recorded:
            span.set_attribute(name, str(recorded[name]).partition("?")[0])
    if "url.query" in recorded:
        span.set_attribute("url.query", "")


def tracer(name: str) -> Tracer:
    """Get the tracer for one part of the code."""
    return _tracer(trace.get_tracer_provider(), name)


@lru_cache(maxsize=64)
def _tracer(provider: trace.TracerProvider, name: str) -> Tracer:
    # Making one takes longer than the span it starts; hot paths ask for it with each message.
    return provider.get_tracer(name)


def traceparent_of(span: Span) -> str | None:
    """Write a span's context down as a W3C `traceparent`; None when it is not being recorded anywhere."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, trace.set_span_in_context(span))
    return carrier.get("traceparent")


def current_traceparent() -> str | None:
    """Write down the context of the span that is current here."""
    return traceparent_of(trace.get_current_span())


def context_of(traceparent: str | None) -> Context:
    """Read a stored `traceparent` back; an empty context when there is none."""
    return _PROPAGATOR.extract({"traceparent": traceparent} if traceparent else {}, context=Context())


@contextmanager
def continued(
    traceparent: str | None, name: str, kind: SpanKind = SpanKind.INTERNAL, **attributes: str | float
) -> Iterator[Span]:
    """Do something as a child of a stored context, so that its trace goes on where it was left."""
    with tracer(__name__).start_as_current_span(
        name, context=context_of(traceparent), kind=kind, attributes=attributes
    ) as span:
        yield span
