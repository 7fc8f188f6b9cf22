"""What every answer gets: an id, a line in the log, a measurement, and a problem when all else fails."""

import logging
import re
import time
from collections.abc import Callable

from opentelemetry import trace
from prometheus_client import Histogram
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.http import Problem, problem
from chassis.ids import new_id
from chassis.logs import correlation_id
from chassis.outages import is_outage

logger = logging.getLogger(__name__)
SECONDS = Histogram(
    "atelier_http_seconds",
    "How long requests took",
    ["method", "route", "status"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DEFAULTS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store"}


def _api_problem(_request: Request, found: Problem) -> Response:
    return problem(found)


class Envelope:
    """The outermost layer around everything whose address starts with `prefix`."""

    def __init__(
        self,
        app: ASGIApp,
        prefix: str = "/api/",
        failed: Callable[[Request, Problem], Response] = _api_problem,
    ) -> None:
        self._app, self._prefix, self._failed = app, prefix, failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; what is not the API passes through."""
        if scope["type"] != "http" or not scope["path"].startswith(self._prefix):
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _GIVEN_ID.fullmatch(given) else str(new_id())
        token = correlation_id.set(request_id)
        try:
            await _Exchange(scope, send, request_id, self._failed).run(self._app, receive)
        finally:
            correlation_id.reset(token)


class _Exchange:
    """One request and its answer."""

    def __init__(
        self, scope: Scope, send: Send, request_id: str, failed: Callable[[Request, Problem], Response]
    ) -> None:
        self.scope, self._send, self.request_id, self._failed = scope, send, request_id, failed
        self.status: int | None = None

    async def run(self, app: ASGIApp, receive: Receive) -> None:
        started = time.perf_counter()
        # Now, because the span ends with the last byte sent.
        trace.get_current_span().set_attribute("atelier.request_id", self.request_id)
        try:
            await app(self.scope, receive, self.send)
        except Exception as error:
            if self.status is not None:
                raise
            told = self._failed(Request(self.scope), self._problem(error))
            await told(self.scope, receive, self.send)
        finally:
            self._note(time.perf_counter() - started)

    def _problem(self, error: Exception) -> Problem:
        if isinstance(error, Problem):
            return error
        trace.get_current_span().record_exception(error)
        if is_outage(error):
            logger.warning("cannot answer: %s: %s", type(error).__name__, error)
            return Problem(503, "unavailable", "Please try again in a moment.", headers={"Retry-After": "2"})
        logger.error("failed", exc_info=error)
        return Problem(500, "internal_error", "Something went wrong here. It has been noted.")

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            more = (
                {"X-Request-Id": self.request_id} | _DEFAULTS | self.scope.get("state", {}).get("headers", {})
            )
            known = {name for name, _ in message["headers"]}  # in small letters, as ASGI has them
            added = [(name.lower().encode(), value.encode("latin-1")) for name, value in more.items()]
            message["headers"] = [*message["headers"], *(one for one in added if one[0] not in known)]
        await self._send(message)

    def _note(self, seconds: float) -> None:
        route = getattr(self.scope.get("route"), "path", "unknown")
        method, status = self.scope["method"], self.status or 499
        SECONDS.labels(method, route, status).observe(seconds)
        logger.info("%s %s %d", method, route, status, extra={"milliseconds": round(seconds * 1000, 1)})
