"""Logs as one JSON object a line, each with the trace and the request it belongs to."""

import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

import orjson
from opentelemetry import trace

correlation_id: ContextVar[str | None] = ContextVar("correlation_id", default=None)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonLines(logging.Formatter):
    """Formats records as JSON; whatever was passed as `extra` becomes a field of its own."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service

    def format(self, record: logging.LogRecord) -> str:
        """Write one record as one line."""
        span = trace.get_current_span().get_span_context()
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "service": self.service,
            "logger": record.name,
            "message": record.getMessage(),
            "trace_id": f"{span.trace_id:032x}" if span.is_valid else None,
            "correlation_id": correlation_id.get(),
            "error": self.formatException(record.exc_info) if record.exc_info else None,
        }
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        return orjson.dumps({k: v for k, v in (line | extra).items() if v is not None}, default=str).decode()


def configure(service: str, level: str = "INFO", to: TextIO | None = None) -> None:
    """Send all logs of this process to standard output (or `to`) as JSON lines."""
    handler = logging.StreamHandler(to or sys.stdout)
    handler.setFormatter(JsonLines(service))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("aio_pika", "aiormq", "httpx", "httpcore", "botocore", "urllib3", "opentelemetry"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
