"""The short way of what is asked most: a job by its id, with an API key."""

import re
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.orders import Operation
from gateway.adapters.inbound.http.api import Api
from gateway.adapters.inbound.http.caller import count
from gateway.adapters.inbound.http.conditional import CACHED, names, tag_of
from gateway.adapters.inbound.http.routes import generate, jobs
from gateway.adapters.inbound.http.shown_jobs import show, written
from gateway.domain.permissions import Permission
from gateway.domain.secrets import KEY_PREFIX, hash_of

_ASKED = re.compile(r"/api/(jobs|generate)/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")
_BEARER = f"Bearer {KEY_PREFIX}".encode()
_LONG = frozenset({b"content-length", b"transfer-encoding"})
# What logs, metrics and traces call them.
_ROUTES = {
    "jobs": next(route for route in jobs.router.routes if getattr(route, "name", "") == "get_job"),
    "generate": next(
        route for route in generate.router.routes if getattr(route, "name", "") == "get_generation"
    ),
}


class Shortcut:
    """Answers GETs of jobs that are there, asked for with keys that may, by one read and no framework.

    Whatever is not as plain as that goes the long way, which tells what is wrong; both ways lead to the same
    answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if (
            scope["type"] == "http"
            and scope["method"] == "GET"
            and (asked := _ASKED.fullmatch(scope["path"]))
        ):
            headers = dict(scope["headers"])
            if _is_plain(headers) and len(headers) == len(scope["headers"]):
                body = await self._read(scope, asked[1], asked[2], headers[b"authorization"])
                if body is not None:
                    await _answer(body, headers.get(b"if-none-match", b"").decode("latin-1"), send)
                    return
        await self._app(scope, receive, send)

    async def _read(self, scope: Scope, place: str, job_id: str, credential: bytes) -> bytes | None:
        """Show a job; None when there is no such answer. Raises Problem when it comes too often."""
        api: Api = scope["app"].state.api
        secret = credential.removeprefix(b"Bearer ").decode("latin-1")
        found = await api.jobs_by_key((hash_of(secret), job_id))
        if found is None or Permission.READ not in found[0].permissions:
            return None
        caller, view = found
        shown = show(view, api.links)
        if place == "generate" and shown["type"] != Operation.GENERATE_IMAGES:
            return None
        scope["route"] = _ROUTES[place]
        count(scope, caller, api)
        return written(shown)


def _is_plain(headers: Mapping[bytes, bytes]) -> bool:
    return headers.get(b"authorization", b"").startswith(_BEARER) and _LONG.isdisjoint(headers)


async def _answer(body: bytes, known: str, send: Send) -> None:
    tag = tag_of(body)
    head: Message = {"type": "http.response.start", "status": 200}
    head["headers"] = [(b"etag", tag.encode()), (b"cache-control", CACHED.encode())]
    if names(known, tag):
        head["status"], body = 304, b""
    else:
        head["headers"] += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send(head)
    await send({"type": "http.response.body", "body": body})
