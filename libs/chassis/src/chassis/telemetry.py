"""Traces that follow one request through every service (W3C trace context, OpenTelemetry)."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig

_PROPAGATOR = TraceContextTextMapPropagator()
_collectors: list[str] = []
NATIVE: "TelemetryConfig" = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI's own telemetry stays off: `Traced` says what we want to know, for a tenth of the time."""
_UNTRACED = ("/health", "/metrics")
_FAILED = 500


def configure(service: str, endpoint: str | None, ratio: float = 1.0) -> None:
    """Send this process's spans to the collector at `endpoint`; without one, only pass contexts on."""
    if not endpoint:
        return
    _collectors.append(endpoint)
    from chassis.exporting import provider  # here, because it takes 8 MB, and few processes are traced

    trace.set_tracer_provider(provider(service, endpoint, ratio))


def is_collected() -> bool:
    """Tell whether this process's spans go anywhere; hot paths make none for nobody."""
    return bool(_collectors)


def instrument(app: Starlette) -> None:
    """Give each request a span, within the trace that its `traceparent` header names."""
    app.add_middleware(Traced)


class Traced:
    """A span for each request where spans are collected; elsewhere the context it came with is passed on.

    It says nothing of queries: they carry secrets, such as the MAC of a webhook.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request within its trace."""
        if scope["type"] != "http" or scope["path"].startswith(_UNTRACED):
            await self._app(scope, receive, send)
            return
        context = context_of(_given(scope))
        if is_collected():
            await self._within_span(context, scope, receive, send)
            return
        token = contexts.attach(context)
        try:
            await self._app(scope, receive, send)
        finally:
            contexts.detach(token)

    async def _within_span(self, context: Context, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        asked = {"http.request.method": method, "url.path": path}
        with tracer(__name__).start_as_current_span(
            method, context=context, kind=SpanKind.SERVER, attributes=asked
        ) as span:

            async def answer(message: Message) -> None:
                if message["type"] == "http.response.start":
                    route = _route(scope)
                    span.update_name(f"{method} {route}")
                    span.set_attributes({"http.route": route, "http.response.status_code": message["status"]})
                    if message["status"] >= _FAILED:
                        span.set_status(StatusCode.ERROR)
                await send(message)

            await self._app(scope, receive, answer)


def _given(scope: Scope) -> str | None:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), None)


def _route(scope: Scope) -> str:
    """Name the route that was taken, with the prefix its router was included under."""
    template = str(getattr(scope.get("route"), "path", ""))
    prefix = scope["path"].split("/")[: -template.count("/") or None] if template else []
    return "/".join(prefix) + template


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
    return _PROPAGATOR.extract({"traceparent": traceparent}, context=Context()) if traceparent else Context()


@contextmanager
def continued(
    traceparent: str | None, name: str, kind: SpanKind = SpanKind.INTERNAL, **attributes: str | float
) -> Iterator[Span]:
    """Do something as a child of a stored context, so that its trace goes on where it was left."""
    with tracer(__name__).start_as_current_span(
        name, context=context_of(traceparent), kind=kind, attributes=attributes
    ) as span:
        yield span
