"""The API over HTTP: who asks, what for, which fault strikes, and the answer."""

import asyncio
import base64
import binascii
import json
import logging
from urllib.parse import parse_qsl

from aiohttp import web

from sandbox.stripe import (
    catalog,
    charges,
    checkout,
    clocks,
    customers,
    disputes,
    endpoints,
    intents,
    invoices,
    payment_methods,
    portal,
    previews,
    refunds,
    schedules,
    subscriptions,
)
from sandbox.stripe.account import API_VERSION, Account, Obj, new_id
from sandbox.stripe.errors import StripeError, invalid
from sandbox.stripe.expand import expanded
from sandbox.stripe.faults import Faults, Rule
from sandbox.stripe.form import decode
from sandbox.stripe.idempotency import Answer, Idempotency
from sandbox.stripe.params import Params
from sandbox.stripe.routes import Call, Route

_log = logging.getLogger(__name__)
_FAMILIES = (
    customers,
    payment_methods,
    catalog,
    checkout,
    portal,
    subscriptions,
    schedules,
    previews,
    invoices,
    intents,
    charges,
    refunds,
    disputes,
    endpoints,
    clocks,
)
_ROUTES: list[Route] = [route for family in _FAMILIES for route in family.ROUTES]


class Api:
    """Answers the calls under `/v1`."""

    def __init__(self, account: Account, faults: Faults, key: str) -> None:
        self._account = account
        self._faults = faults
        self._key = key
        self.idempotency = Idempotency()

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one call, or fail it as a fault asks."""
        body = await request.text()
        for rule in self._faults.on_call(request.method, request.path):
            if rule.fault == "slow":
                await asyncio.sleep(rule.params.seconds)
            else:
                return await self._fail(request, body, rule)
        return self._respond(request, body)

    async def _fail(self, request: web.Request, body: str, rule: Rule) -> web.Response:
        if rule.params.accepted or rule.fault == "accept_then_close":
            self._respond(request, body)
        if rule.fault == "rate_limited":
            message = "Request rate limit exceeded. Learn more about rate limits https://stripe.com/docs/rate-limits."
            return _json(StripeError(429, "invalid_request_error", message, code="rate_limit"))
        if rule.fault == "http_500":
            return _json(StripeError(500, "api_error", "An unknown error occurred."))
        if rule.fault == "timeout":
            await asyncio.sleep(rule.params.seconds)
        if request.transport is not None:
            request.transport.close()
        raise web.HTTPInternalServerError

    def _respond(self, request: web.Request, body: str) -> web.Response:
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        request_id = new_id("req", 14)
        try:
            self._authorize(request)
            call = f"{request.method} {request.path_qs}\n" + "&".join(sorted(body.split("&")))
            kept = self.idempotency.find(key, call) if key else None
        except StripeError as error:
            return _respond(_answer(error, request_id), key)
        if kept is not None:
            replayed = {"Idempotent-Replayed": "true", "Original-Request": kept.request_id}
            return _respond(kept, key, **replayed)
        answer = self._carry_out(request, body, request_id, key)
        if key:
            self.idempotency.keep(key, call, answer)
        return _respond(answer, key)

    def _authorize(self, request: web.Request) -> None:
        given = _given_key(request.headers.get("Authorization", ""))
        if not given:
            raise StripeError(
                401,
                "invalid_request_error",
                "You did not provide an API key. You need to provide your API key in the Authorization "
                "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            )
        if given != self._key:
            hidden = f"{given[:8]}{'*' * 8}{given[-4:]}"
            raise StripeError(401, "invalid_request_error", f"Invalid API Key provided: {hidden}")

    def _carry_out(self, request: web.Request, body: str, request_id: str, key: str | None) -> Answer:
        self._account.request = {"id": request_id, "idempotency_key": key}
        try:
            shown = self._call(request, body)
            return Answer(200, json.dumps(shown, indent=2).encode(), request_id)
        except StripeError as error:
            return _answer(error, request_id)
        except Exception:  # noqa: BLE001 # a bug here is a 500 there, as anywhere
            _log.exception("%s %s broke", request.method, request.path)
            return _answer(StripeError(500, "api_error", "The sandbox broke; see its log."), request_id)
        finally:
            self._account.request = None

    def _call(self, request: web.Request, body: str) -> Obj:
        pairs = parse_qsl(request.query_string, keep_blank_values=True)
        pairs += parse_qsl(body, keep_blank_values=True)
        values = decode(pairs)
        path = request.path
        for route in _ROUTES:
            keys = route.match(request.method, path)
            if keys is not None:
                params = Params(values)
                params.only(route.knows)
                answer = route.answer(Call(self._account, params, keys, path))
                return expanded(self._account, answer, params.texts("expand"))
        message = f"Unrecognized request URL ({request.method}: {path})."
        raise StripeError(404, "invalid_request_error", message)


def _given_key(header: str) -> str:
    kind, _, value = header.partition(" ")
    if kind.lower() == "basic":
        try:
            return base64.b64decode(value).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            raise invalid("The Authorization header cannot be read.") from None
    return value if kind.lower() == "bearer" else ""


def _answer(error: StripeError, request_id: str) -> Answer:
    return Answer(error.status, json.dumps(error.body, indent=2).encode(), request_id)


def _json(error: StripeError) -> web.Response:
    return _respond(_answer(error, new_id("req", 14)), None)


def _respond(answer: Answer, key: str | None, **headers: str) -> web.Response:
    echoed = {"Idempotency-Key": key} if key else {}
    return web.Response(
        status=answer.status,
        body=answer.body,
        content_type="application/json",
        headers={"Request-Id": answer.request_id, "Stripe-Version": API_VERSION} | echoed | headers,
    )
