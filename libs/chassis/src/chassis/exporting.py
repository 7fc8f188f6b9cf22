"""Sends spans to a collector, in batches, over OTLP."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased


def provider(service: str, endpoint: str, ratio: float) -> TracerProvider:
    """Make what makes spans, of which this share is sent to `endpoint`."""
    made = TracerProvider(
        resource=Resource.create({"service.name": service}), sampler=ParentBased(TraceIdRatioBased(ratio))
    )
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
    made.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
    return made
