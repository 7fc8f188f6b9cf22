"""Webhooks that come in."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from opentelemetry.trace import SpanKind

from chassis.telemetry import continued, current_traceparent
from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.description import also
from gateway.application.receive_callback import receive_callback
from gateway.application.receive_stripe_event import receive_stripe_event
from gateway.domain.callback import InvalidSignature, SignedCall

router = APIRouter(tags=["webhooks in"])
_HEADERS = tuple(f"x-fal-webhook-{name}" for name in ("request-id", "user-id", "timestamp", "signature"))
TAKEN = b'{"status":"taken"}'


@router.post(
    "/webhooks/fal",
    responses=also(200, "Taken"),
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}},
    name="receive_fal_webhook",
)
async def post_fal(
    attempt: Annotated[UUID, Query()],
    mac: Annotated[str, Query(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")],
    request: Request,
    api: Ports,
    trace: Annotated[str | None, Query(pattern=r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")] = None,
) -> dict[str, str]:
    """Take the provider's answer to an attempt; it is passed on once its signature and age are checked."""
    await take_call(attempt, mac, request.headers, await request.body(), api, trace)
    return {"status": "taken"}


async def take_call(
    attempt: UUID, mac: str, headers: Mapping[str, str], body: bytes, api: Api, trace: str | None
) -> None:
    """Pass a call on, within the trace of its job; names of headers are in small letters.

    Raises InvalidSignature, KeysUnavailable, Unreadable.
    """
    found = [headers.get(name, "") for name in _HEADERS]
    if not all(found):
        raise InvalidSignature
    call = SignedCall(found[0], found[1], found[2], found[3], body)
    # The provider passes no trace context on; the job's own comes back in the address it was given.
    with continued(
        trace or current_traceparent(), "fal calls back", SpanKind.SERVER, attempt_id=str(attempt)
    ):
        await receive_callback(attempt, mac, call, api.signatures, api.asking.transaction, api.asking.clock)


@router.post(
    "/webhooks/stripe",
    responses=also(200, "Taken"),
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}},
    name="receive_stripe_webhook",
)
async def post_stripe(
    request: Request, api: Ports, signature: Annotated[str, Header(alias="Stripe-Signature")] = ""
) -> dict[str, str]:
    """Take Stripe's word that something has happened, once its signature and age are checked."""
    asking = api.asking
    body = await request.body()
    await receive_stripe_event(signature, body, api.stripe_secrets, asking.transaction, asking.clock)
    return {"status": "taken"}
