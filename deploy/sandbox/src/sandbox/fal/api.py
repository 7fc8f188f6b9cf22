"""The queue over HTTP: submit, status, status stream, result, cancel, files, webhook keys."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from sandbox.fal import broken
from sandbox.fal.account import Account
from sandbox.fal.endpoints import APPS, ENDPOINTS
from sandbox.fal.faults import Place
from sandbox.fal.media import CONTENT_TYPES
from sandbox.fal.records import Submit

_LARGEST_INPUT = 32 * 1024 * 1024
_STREAM_INTERVAL = 0.1
_TRUE = {"1", "true", "True"}


class QueueApi:
    """The routes of the https port."""

    def __init__(self, account: Account, key: str) -> None:
        self._account = account
        self._key = key

    def create_app(self) -> web.Application:
        """Return the application of the https port."""
        app = web.Application(client_max_size=_LARGEST_INPUT)
        of_request = "/{owner}/{app}/requests/{request_id}"
        app.add_routes(
            [
                web.get("/.well-known/jwks.json", self.jwks),
                web.get("/files/{name}", self.file),
                web.get(f"{of_request}/status", self.status),
                web.get(f"{of_request}/status/stream", self.status_stream),
                web.get(of_request, self.result),
                web.get(f"{of_request}/response", self.result),
                web.put(f"{of_request}/cancel", self.cancel),
                web.post("/{endpoint:.+}", self.submit),
            ]
        )
        return app

    async def jwks(self, _: web.Request) -> web.Response:
        """Return the public keys webhooks are signed with."""
        return web.json_response(self._account.signer.jwks())

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Return a generated file; public, as fal's media are."""
        name = request.match_info["name"]
        if (wrong := await self._faulty(request, "files", "", name)) is not None:
            return wrong
        content = await self._account.studio.media.get(name)
        if content is None:
            return _detail(404, "File not found")
        kind = CONTENT_TYPES.get(name.rpartition(".")[2], "application/octet-stream")
        return web.Response(body=content, content_type=kind)

    async def submit(self, request: web.Request) -> web.StreamResponse:
        """Take a request into the queue, or refuse it."""
        self._authenticate(request)
        endpoint = request.match_info["endpoint"].strip("/")
        if endpoint not in ENDPOINTS:
            return _unknown(endpoint)
        submit = await _read(request, endpoint)
        self._account.records.add(submit)
        response = await self._take(request, submit)
        if submit.answer == "none":
            submit.answer = str(response.status)
        return response

    async def status(self, request: web.Request) -> web.StreamResponse:
        """Where the request is: 202 until it is completed, then 200."""
        submit = self._find(request)
        if (wrong := await self._faulty(request, "status", submit.endpoint, submit.prompt)) is not None:
            return wrong
        body = self._account.status(submit, logs=request.query.get("logs") in _TRUE)
        return web.json_response(body, status=200 if submit.outcome else 202)

    async def status_stream(self, request: web.Request) -> web.StreamResponse:
        """Return the same as server-sent events, until completed."""
        submit = self._find(request)
        logs = request.query.get("logs") in _TRUE
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        async for event in self._events(submit, logs=logs):
            await response.write(event)
        return response

    async def result(self, request: web.Request) -> web.StreamResponse:
        """Return what the model answered, with its own status code."""
        submit = self._find(request)
        if (wrong := await self._faulty(request, "result", submit.endpoint, submit.prompt)) is not None:
            return wrong
        if submit.outcome is None:
            return _detail(400, "Request is still in progress")
        headers = submit.outcome.headers() | {"x-fal-request-id": str(submit.request_id)}
        return web.json_response(submit.outcome.body, status=submit.outcome.status, headers=headers)

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """Ask for a request not to run, or to stop."""
        try:
            submit = self._find(request)
        except web.HTTPNotFound:
            return web.json_response({"status": "NOT_FOUND"}, status=404)
        if (wrong := await self._faulty(request, "cancel", submit.endpoint, submit.prompt)) is not None:
            return wrong
        if submit.outcome is not None:
            return web.json_response({"status": "ALREADY_COMPLETED"}, status=400)
        self._account.runner.cancel(submit)
        return web.json_response({"status": "CANCELLATION_REQUESTED"}, status=202)

    async def _take(self, request: web.Request, submit: Submit) -> web.StreamResponse:
        strike = self._account.faults.strike
        calls = strike("submit", submit.endpoint, submit.prompt)
        submit.faults = calls[:]
        accepted = all(broken.counts_as_accepted(fault) or fault.name == "slow" for fault in calls)
        if accepted:
            submit.faults += strike("run", submit.endpoint, submit.prompt)
            self._account.accept(submit)
        for fault in calls:
            submit.answer = fault.name if fault.name.startswith("accept_then_") else "none"
            if (wrong := await broken.answer(request, fault)) is not None:
                return wrong
        body: dict[str, Any] = {"status": "IN_QUEUE", "request_id": submit.request_id, **submit.urls()}
        body |= {
            "gateway_request_id": submit.request_id,
            "queue_position": self._account.runner.position(submit),
        }
        return web.json_response(body, headers={"x-fal-request-id": str(submit.request_id)})

    async def _faulty(
        self, request: web.Request, place: Place, endpoint: str, prompt: str = ""
    ) -> web.StreamResponse | None:
        for fault in self._account.faults.strike(place, endpoint, prompt):
            if (wrong := await broken.answer(request, fault)) is not None:
                return wrong
        return None

    async def _events(self, submit: Submit, *, logs: bool) -> AsyncIterator[bytes]:
        last = b""
        while True:
            event = f"data: {json.dumps(self._account.status(submit, logs=logs))}\n\n".encode()
            yield event if event != last else b": ping\n\n"
            if submit.outcome is not None:
                return
            last = event
            await asyncio.sleep(_STREAM_INTERVAL)

    def _find(self, request: web.Request) -> Submit:
        self._authenticate(request)
        match = request.match_info
        submit = self._account.records.find(match["request_id"], f"{match['owner']}/{match['app']}")
        if submit is None:
            raise web.HTTPNotFound(
                text=json.dumps({"detail": "Request not found"}), content_type="application/json"
            )
        return submit

    def _authenticate(self, request: web.Request) -> None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "key" or not secrets.compare_digest(key.encode(), self._key.encode()):
            body = {"detail": "Authentication is required to access this application."}
            raise web.HTTPUnauthorized(text=json.dumps(body), content_type="application/json")


async def _read(request: web.Request, endpoint: str) -> Submit:
    try:
        arguments = json.loads(await request.read())
    except ValueError as reason:
        raise _not_an_object("json_invalid", "JSON decode error") from reason
    if not isinstance(arguments, dict):
        raise _not_an_object("dict_type", "Input should be a valid dictionary")
    timeout = request.headers.get("X-Fal-Request-Timeout")
    return Submit(
        endpoint,
        arguments,
        request.query.get("fal_webhook"),
        str(request.url.origin()),
        traceparent=request.headers.get("traceparent"),
        start_timeout=float(timeout) if timeout else None,
        low_priority=request.headers.get("X-Fal-Queue-Priority") == "low",
    )


def _not_an_object(kind: str, msg: str) -> web.HTTPUnprocessableEntity:
    body: dict[str, Any] = {"detail": [{"loc": ["body"], "msg": msg, "type": kind}]}
    return web.HTTPUnprocessableEntity(text=json.dumps(body), content_type="application/json")


def _unknown(endpoint: str) -> web.Response:
    app = "/".join(endpoint.split("/")[:2])
    if app in APPS:
        return _detail(404, f"Path /{endpoint.removeprefix(app).strip('/')} not found")
    return _detail(404, f"Application '{app.rpartition('/')[2]}' not found")


def _detail(status: int, detail: str) -> web.Response:
    return web.json_response({"detail": detail}, status=status)
