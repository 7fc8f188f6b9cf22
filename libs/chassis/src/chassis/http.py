"""Errors as RFC 9457 problem details, and the endpoints an operator asks."""

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chassis.health import Health
from chassis.logs import correlation_id


class Problem(Exception):
    """Something a client must be told: an HTTP status, a stable code, and words for a person."""

    def __init__(
        self, status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **extra: object
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.extra = status, code, detail, extra
        self.headers = headers or {}


def problem(error: Problem) -> Response:
    """Answer with `application/problem+json`."""
    body: dict[str, object] = {
        "type": f"urn:atelier:problem:{error.code}",
        "title": error.code.replace("_", " ").capitalize(),
    }
    body |= {"status": error.status, "code": error.code, "detail": error.detail} | error.extra
    if request_id := correlation_id.get():
        body["request_id"] = request_id
    return JSONResponse(body, error.status, error.headers, media_type="application/problem+json")


def install_operations(app: Starlette, health: Health) -> None:
    """Add /health/live, /health/ready and /metrics."""

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def ready(_: Request) -> Response:
        state = {name: reason or "works" for name, reason in health.parts.items()}
        return JSONResponse({"ready": health.ready, "parts": state}, 200 if health.ready else 503)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    answers = {"/health/live": live, "/health/ready": ready, "/metrics": metrics}
    app.router.routes += [Route(path, told, include_in_schema=False) for path, told in answers.items()]
