"""The short way of what is sent most: generations asked for with an API key, and the provider's webhooks."""

import re
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import Response
from fastapi.routing import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.adapters.inbound.http.api import Api
from gateway.adapters.inbound.http.bodies.generate import GenerateBody
from gateway.adapters.inbound.http.caller import count
from gateway.adapters.inbound.http.problems import told
from gateway.adapters.inbound.http.routes import generate, webhooks
from gateway.domain.permissions import Permission
from gateway.domain.secrets import KEY_PREFIX, hash_of

Given = Mapping[bytes, bytes]
_BEARER = f"Bearer {KEY_PREFIX}".encode()
_KEY = re.compile(rb"[\x21-\x7e]{1,255}")
_QUERY = {
    "attempt": re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    "mac": re.compile(r"[\x21-\x7e]{1,200}"),
    "trace": re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"),
}


class ShortPosts:
    """Takes what is plainly asked, with keys that may, without the framework.

    Whatever is not as plain as that goes the long way, which tells what is wrong; both ways lead to the same
    answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        way = _WAYS.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if way is None:
            await self._app(scope, receive, send)
            return
        headers, came = dict(scope["headers"]), await _whole(receive)
        if len(headers) == len(scope["headers"]) and came[-1]["type"] == "http.request":
            body = b"".join(message.get("body", b"") for message in came)
            if (answer := await way(scope, headers, body)) is not None:
                await answer(scope, receive, send)
                return

        async def again() -> Message:
            return came.pop(0) if came else await receive()

        await self._app(scope, again, send)


async def _whole(receive: Receive) -> list[Message]:
    """Receive a body, as far as it comes."""
    came = [await receive()]
    while came[-1].get("more_body"):
        came.append(await receive())
    return came


async def _generate(scope: Scope, headers: Given, body: bytes) -> Response | None:
    """Ask for images; None when there is anything to be told first. Raises Problem."""
    credential, key = headers.get(b"authorization", b""), headers.get(b"idempotency-key")
    plain = credential.startswith(_BEARER) and headers.get(b"content-type") == b"application/json"
    if not plain or (key is not None and not _KEY.fullmatch(key)):
        return None
    try:
        wanted = GenerateBody.model_validate_json(body)
    except ValidationError:
        return None
    api: Api = scope["app"].state.api
    secret = hash_of(credential.removeprefix(b"Bearer ").decode("latin-1"))
    found = await api.sources_by_key((secret, wanted.model_id, wanted.reference_model_id))
    if found is None or Permission.GENERATE not in found[0].permissions:
        return None
    caller, sources = found
    scope["route"] = _GENERATE
    count(scope, caller, api)
    named = key.decode() if key else None
    return await generate.generate(wanted, caller, Request(scope), api, named, sources)


async def _call_back(scope: Scope, headers: Given, body: bytes) -> Response | None:
    """Take the provider's answer; None when its address is not what it was given. Raises Problem."""
    given = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    query = dict(given)
    plain = len(query) == len(given) and all(
        name in _QUERY and _QUERY[name].fullmatch(value) for name, value in given
    )
    if not plain or "attempt" not in query or "mac" not in query:
        return None
    scope["route"] = _CALL_BACK
    signed = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items()}
    api: Api = scope["app"].state.api
    await webhooks.take_call(UUID(query["attempt"]), query["mac"], signed, body, api, query.get("trace"))
    return Response(webhooks.TAKEN, media_type="application/json")


def _telling(way: Callable[[Scope, Given, bytes], Awaitable[Response | None]]) -> "Way":
    async def take(scope: Scope, headers: Given, body: bytes) -> Response | None:
        try:
            return await way(scope, headers, body)
        except Exception as error:
            problem = told(error)
            if problem is None or problem is error:
                raise
            raise problem from error

    return take


def _route(router: APIRouter, name: str) -> object:
    """Find what logs, metrics and traces call a way."""
    return next(route for route in router.routes if getattr(route, "name", "") == name)


Way = Callable[[Scope, Given, bytes], Awaitable[Response | None]]
_GENERATE = _route(generate.router, "generate")
_CALL_BACK = _route(webhooks.router, "receive_fal_webhook")
_WAYS = {"/api/generate": _telling(_generate), "/api/webhooks/fal": _telling(_call_back)}
