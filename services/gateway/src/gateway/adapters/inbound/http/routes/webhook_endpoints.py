"""Webhooks that go out: where a team wants its events, and what was sent there."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request

from gateway.adapters.inbound.http.api import Ports
from gateway.adapters.inbound.http.bodies.common import PageOf
from gateway.adapters.inbound.http.bodies.webhook_endpoints import (
    DeliveryQuery,
    NewWebhookEndpoint,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEndpointBody,
    WebhookEndpointChange,
)
from gateway.adapters.inbound.http.caller import IdempotencyKey, WebhookManager, fingerprint, replayed, wish
from gateway.adapters.inbound.http.paging import page_of, wanted
from gateway.application.manage_endpoints import (
    add_endpoint,
    change_endpoint,
    delete_endpoint,
    list_endpoints,
    rotate_secret,
)
from gateway.application.read_deliveries import list_deliveries, ping, redeliver
from gateway.domain.requests import GRANTED, Kind
from gateway.domain.requests import Request as Wish
from gateway.domain.secrets import new_webhook_secret
from gateway.domain.webhooks import Endpoint

router = APIRouter(tags=["webhooks out"])
Id = Annotated[UUID, Path(alias="id")]
_ONE = "/webhook-endpoints/{id}"


@router.post("/webhook-endpoints", status_code=201, name="create_webhook_endpoint")
async def post_endpoint(
    body: WebhookEndpointBody,
    caller: WebhookManager,
    request: Request,
    api: Ports,
    key: IdempotencyKey = None,
) -> NewWebhookEndpoint:
    """Have events sent to an address from now on, signed as Standard Webhooks says."""
    now, hashed = api.asking.clock(), fingerprint("webhook_endpoint", body)
    asked = wish(caller, Kind.WEBHOOK_ENDPOINT, now, hashed, key, verdict=GRANTED)
    made, again = await add_endpoint(
        asked, wanted_endpoint(body, asked), api.receivers, api.asking.transaction
    )
    replayed(request, again=again)
    return NewWebhookEndpoint.of(made, secret=made.secret)


@router.get("/webhook-endpoints", name="list_webhook_endpoints")
async def get_endpoints(caller: WebhookManager, api: Ports) -> PageOf[WebhookEndpoint]:
    """List the team's webhook endpoints, newest first."""
    found = await list_endpoints(caller.team_id, api.asking.transaction)
    return PageOf(data=[WebhookEndpoint.of(endpoint) for endpoint in found])


@router.patch(_ONE, name="update_webhook_endpoint")
async def patch_endpoint(
    endpoint_id: Id, body: WebhookEndpointChange, caller: WebhookManager, api: Ports
) -> WebhookEndpoint:
    """Change an endpoint, disable it, or enable it again."""
    changed = await change_endpoint(
        caller.team_id,
        endpoint_id,
        body.changes(),
        api.asking.clock(),
        receivers=api.receivers,
        transaction=api.asking.transaction,
    )
    return WebhookEndpoint.of(changed)


@router.delete(_ONE, status_code=204, name="delete_webhook_endpoint")
async def delete_one(endpoint_id: Id, caller: WebhookManager, api: Ports) -> None:
    """Delete an endpoint with its deliveries."""
    await delete_endpoint(caller.team_id, endpoint_id, api.asking.transaction)


@router.post(f"{_ONE}/rotate-secret", name="rotate_webhook_secret")
async def post_rotation(
    endpoint_id: Id, caller: WebhookManager, request: Request, api: Ports, key: IdempotencyKey = None
) -> NewWebhookEndpoint:
    """Get a new secret; for 24 hours each webhook is signed with the old one too."""
    now, hashed = api.asking.clock(), fingerprint("webhook_secret", endpoint_id)
    asked = wish(caller, Kind.WEBHOOK_SECRET, now, hashed, key, subject=endpoint_id, verdict=GRANTED)
    rotated, again = await rotate_secret(asked, api.asking.transaction)
    replayed(request, again=again)
    return NewWebhookEndpoint.of(rotated, secret=rotated.secret)


@router.post(f"{_ONE}/test", status_code=202, name="test_webhook_endpoint")
async def post_test(
    endpoint_id: Id, caller: WebhookManager, request: Request, api: Ports, key: IdempotencyKey = None
) -> WebhookDelivery:
    """Send an endpoint a `webhook_endpoint.ping`, whatever types it wants; its deliveries show the answer."""
    now, hashed = api.asking.clock(), fingerprint("webhook_ping", endpoint_id)
    asked = wish(caller, Kind.WEBHOOK_PING, now, hashed, key, subject=endpoint_id, verdict=GRANTED)
    delivery, again = await ping(asked, api.asking.transaction)
    replayed(request, again=again)
    return WebhookDelivery.of(delivery)


@router.get(f"{_ONE}/deliveries", name="list_webhook_deliveries")
async def get_deliveries(
    endpoint_id: Id, query: Annotated[DeliveryQuery, Query()], caller: WebhookManager, api: Ports
) -> PageOf[WebhookDelivery]:
    """List what was sent to an endpoint in the last 30 days, newest first, with every try."""
    found = await list_deliveries(
        caller.team_id, endpoint_id, wanted(query, UUID), query.status, api.asking.transaction
    )
    return page_of(found, query, WebhookDelivery.of, lambda delivery: (str(delivery.id),))


@router.post(
    f"{_ONE}/deliveries/{{delivery_id}}/redeliver",
    status_code=202,
    name="redeliver_webhook",
)
async def post_redelivery(
    endpoint_id: Id, delivery_id: Annotated[UUID, Path()], caller: WebhookManager, api: Ports
) -> WebhookDelivery:
    """Send a delivery again now, under the same `webhook-id`."""
    now = api.asking.clock()
    again = await redeliver(caller.team_id, endpoint_id, delivery_id, now, api.asking.transaction)
    return WebhookDelivery.of(again)


def wanted_endpoint(body: WebhookEndpointBody, asked: Wish) -> Endpoint:
    """Read what is wanted as an endpoint, with a secret of its own."""
    return Endpoint(
        id=asked.subject,
        team_id=asked.team_id,
        url=body.url,
        description=body.description,
        types=tuple(dict.fromkeys(body.types)),
        secret=new_webhook_secret(),
        created_at=asked.created_at,
    )
