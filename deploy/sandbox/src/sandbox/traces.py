"""A small receiver of OpenTelemetry traces (OTLP over HTTP, protobuf), so that one job can be followed.

Source: OpenTelemetry Protocol specification 1.x, section "OTLP/HTTP".
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from aiohttp import web
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

Value = str | bool | int | float | list["Value"] | None

_PROTOBUF = "application/x-protobuf"
_LARGEST_BODY = 32 << 20
_KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
_STATUSES = {0: "unset", 1: "ok", 2: "error"}
_DEFAULT_PAGE = 20
_SPAN_ROOM = 2_000


@dataclass(frozen=True, slots=True)
class Span:
    """One span; times in nanoseconds since the epoch, ids in hexadecimal."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    service: str
    kind: str
    start_ns: int
    end_ns: int
    status: str
    attributes: dict[str, Value] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)

    @property
    def duration_ms(self) -> float:
        """Return how long it took."""
        return round((self.end_ns - self.start_ns) / 1e6, 3)

    def described(self) -> dict[str, object]:
        """Return the span as the control API shows it."""
        shown = asdict(self)
        start_ns = shown.pop("start_ns")
        del shown["end_ns"], shown["trace_id"]
        return shown | {"start": _iso(start_ns), "duration_ms": self.duration_ms}


class Traces:
    """The latest traces, in memory; the longest unchanged one goes first when there are too many."""

    def __init__(self, capacity: int = 2_000) -> None:
        self._capacity = capacity
        self._traces: OrderedDict[str, dict[str, Span]] = OrderedDict()

    def add(self, spans: Iterable[Span]) -> None:
        """Keep spans; one that is exported twice is kept once."""
        for span in spans:
            trace = self._traces.setdefault(span.trace_id, {})
            if len(trace) < _SPAN_ROOM:
                trace[span.span_id] = span
            self._traces.move_to_end(span.trace_id)
        while len(self._traces) > self._capacity:
            self._traces.popitem(last=False)

    def get(self, trace_id: str) -> list[Span]:
        """Return the spans of a trace in the order they began."""
        return sorted(self._traces.get(trace_id, {}).values(), key=lambda span: (span.start_ns, -span.end_ns))

    def find(self, key: str, value: str) -> Iterator[str]:
        """Return the ids of the traces with a span of this attribute, newest first; no key means all."""
        for trace_id, spans in reversed(self._traces.items()):
            if not key or any(_has(span, key, value) for span in spans.values()):
                yield trace_id

    def clear(self) -> None:
        """Forget everything."""
        self._traces.clear()


def _has(span: Span, key: str, value: str) -> bool:
    held = span.attributes.get(key)
    values = held if isinstance(held, list) else [held]
    return any(item is not None and str(item) == value for item in values)


def decode(body: bytes) -> Iterator[Span]:
    """Read an export request.

    Raises:
        DecodeError: the bytes are not one.
    """
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = str(_attributes(resource.resource.attributes).get("service.name", "unknown"))
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield _span(span, service)


def _span(span: trace_pb2.Span, service: str) -> Span:
    return Span(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        name=span.name,
        service=service,
        kind=_KINDS.get(span.kind, "unspecified"),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        status=span.status.message or _STATUSES.get(span.status.code, "unset"),
        attributes=_attributes(span.attributes),
        links=[link.trace_id.hex() for link in span.links],
    )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Value]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Value:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return str(_attributes(value.kvlist_value.values))
    if kind == "bytes_value":
        return value.bytes_value.hex()
    plain: str | bool | int | float | None = getattr(value, kind) if kind else None
    return plain


def tree(spans: list[Span]) -> str:
    """Draw a trace for reading: begin after the first span, duration, service, name, one line a span."""
    if not spans:
        return ""
    known = {span.span_id for span in spans}
    children: dict[str, list[Span]] = {}
    for span in spans:
        children.setdefault(span.parent_id if span.parent_id in known else "", []).append(span)
    total = (max(span.end_ns for span in spans) - spans[0].start_ns) / 1e6
    services = len({span.service for span in spans})
    head = f"trace {spans[0].trace_id}: {len(spans)} spans, {services} services, {total:.1f} ms"
    return "\n".join([head, *_lines(children, "", 0, spans[0].start_ns)]) + "\n"


def _lines(children: dict[str, list[Span]], parent_id: str, depth: int, begin: int) -> Iterator[str]:
    for span in children.get(parent_id, []):
        after = (span.start_ns - begin) / 1e6
        mark = "" if span.status in {"unset", "ok"} else f"  !! {span.status}"
        label = f"{'  ' * depth}{span.service}: {span.name} ({span.kind})"
        yield f"{after:10.1f} ms {span.duration_ms:10.1f} ms  {label}{mark}"
        yield from _lines(children, span.span_id, depth + 1, begin)


def routes(traces: Traces | None = None) -> Iterable[web.RouteDef]:
    """Return the routes of the receiver, and of the readers of what it received."""
    receiver = _Receiver(traces or Traces())
    return [
        web.post("/v1/traces", receiver.receive),
        web.get("/traces", receiver.find),
        web.delete("/traces", receiver.clear),
        web.get("/traces/{trace_id}", receiver.show),
        web.get("/traces/{trace_id}/text", receiver.draw),
    ]


class _Receiver:
    def __init__(self, traces: Traces) -> None:
        self._traces = traces

    async def receive(self, request: web.Request) -> web.Response:
        if request.content_type != _PROTOBUF:
            raise web.HTTPUnsupportedMediaType(text=f"send {_PROTOBUF}")
        body = await _body(request)
        try:
            self._traces.add(list(decode(body)))
        except DecodeError as problem:
            raise web.HTTPBadRequest(text=str(problem)) from None
        return web.Response(body=ExportTraceServiceResponse().SerializeToString(), content_type=_PROTOBUF)

    async def find(self, request: web.Request) -> web.Response:
        """List traces, newest first: `?attribute=key:value&limit=n`."""
        key, _, value = request.query.get("attribute", "").partition(":")
        limit = request.query.get("limit", str(_DEFAULT_PAGE))
        if not limit.isdecimal():
            raise web.HTTPBadRequest(text="limit must be a number")
        found = [
            trace_id for trace_id, _ in zip(self._traces.find(key, value), range(int(limit)), strict=False)
        ]
        return web.json_response({"traces": [_summary(self._traces.get(trace_id)) for trace_id in found]})

    async def show(self, request: web.Request) -> web.Response:
        spans = self._spans(request)
        shown = [span.described() for span in spans]
        return web.json_response({"trace_id": spans[0].trace_id, "spans": shown})

    async def draw(self, request: web.Request) -> web.Response:
        return web.Response(text=tree(self._spans(request)))

    async def clear(self, _: web.Request) -> web.Response:
        self._traces.clear()
        return web.Response(status=204)

    def _spans(self, request: web.Request) -> list[Span]:
        spans = self._traces.get(re.sub("[^0-9a-f]", "", request.match_info["trace_id"].lower()))
        if not spans:
            raise web.HTTPNotFound(text="no such trace")
        return spans


async def _body(request: web.Request) -> bytes:
    """Read the body, which may be larger than the framework's limit of 1 MB (gzip is already undone)."""
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > _LARGEST_BODY:
            raise web.HTTPRequestEntityTooLarge(max_size=_LARGEST_BODY, actual_size=len(body))
    return bytes(body)


def _summary(spans: list[Span]) -> dict[str, object]:
    first = spans[0]
    end_ns = max(span.end_ns for span in spans)
    return {
        "trace_id": first.trace_id,
        "name": first.name,
        "start": _iso(first.start_ns),
        "duration_ms": round((end_ns - first.start_ns) / 1e6, 3),
        "services": sorted({span.service for span in spans}),
        "spans": len(spans),
    }


def _iso(moment_ns: int) -> str:
    return datetime.fromtimestamp(moment_ns / 1e9, UTC).isoformat(timespec="microseconds")
