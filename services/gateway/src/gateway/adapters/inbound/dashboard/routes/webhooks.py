"""Webhooks: where the team's events are sent, what became of each, and how to send it again."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from pydantic import ValidationError

from gateway.adapters.inbound.dashboard.forms import complaints
from gateway.adapters.inbound.dashboard.pages import page, part
from gateway.adapters.inbound.dashboard.visitor import Acting, Visiting
from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.bodies.common import PageQuery
from gateway.adapters.inbound.http.bodies.webhook_endpoints import (
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEndpointBody,
    WebhookEndpointChange,
)
from gateway.adapters.inbound.http.caller import fingerprint, wish
from gateway.adapters.inbound.http.paging import page_of, wanted
from gateway.adapters.inbound.http.routes.webhook_endpoints import wanted_endpoint
from gateway.application.manage_endpoints import (
    add_endpoint,
    change_endpoint,
    delete_endpoint,
    list_endpoints,
    rotate_secret,
)
from gateway.application.read_deliveries import list_deliveries, ping, redeliver
from gateway.domain.asks import NotFound
from gateway.domain.permissions import Caller, Permission
from gateway.domain.requests import GRANTED, Kind

router = APIRouter()
Text = Annotated[str, Form(max_length=2000)]
_SHOWN = 20
DONE = {
    "changed": "The endpoint is changed.",
    "tested": "A test is on its way; what was answered appears below.",
    "again": "It is sent again; what was answered appears below.",
}


@router.get("/webhooks")
async def webhooks(me: Visiting, api: Ports) -> Response:
    """Show where events are sent."""
    me.caller.require(Permission.MANAGE_WEBHOOKS)
    return page("webhooks.html", me, title="Webhooks", endpoints=await _endpoints(me.caller, api))


@router.post("/webhooks")
async def add(request: Request, caller: Acting, api: Ports) -> Response:
    """Have events sent to an address, and show the secret they are signed with, this once."""
    caller.require(Permission.MANAGE_WEBHOOKS)
    form = await request.form()
    types = tuple(str(one) for one in form.getlist("types"))
    given = {name: str(form.get(name) or "").strip() for name in ("url", "description")}
    try:
        body = WebhookEndpointBody.model_validate(given | {"types": types})
    except ValidationError as error:
        return part("parts/complaints.html", 422, complaints=complaints(error))
    now, hashed = api.asking.clock(), fingerprint("page endpoint", body)
    once = str(form.get("key") or "") or None
    asked = wish(caller, Kind.WEBHOOK_ENDPOINT, now, hashed, once, verdict=GRANTED)
    made, again = await add_endpoint(
        asked, wanted_endpoint(body, asked), api.receivers, api.asking.transaction
    )
    return part(
        "parts/endpoint-made.html",
        endpoint=WebhookEndpoint.of(made),
        secret=None if again else made.secret,
        endpoints=await _endpoints(caller, api),
    )


@router.get("/webhooks/{endpoint_id}")
async def endpoint_page(
    endpoint_id: UUID,
    me: Visiting,
    api: Ports,
    done: Annotated[str, Query(max_length=20)] = "",
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """Show an endpoint, and what was sent there."""
    me.caller.require(Permission.MANAGE_WEBHOOKS)
    endpoint = next((one for one in await _endpoints(me.caller, api) if one.id == endpoint_id), None)
    if endpoint is None:
        raise NotFound("webhook_endpoint")
    query = PageQuery(limit=_SHOWN, cursor=cursor)
    found = await list_deliveries(me.team.id, endpoint_id, wanted(query, UUID), None, api.asking.transaction)
    return page(
        "webhook.html",
        me,
        title="Webhook",
        here="Webhooks",
        endpoint=endpoint,
        deliveries=page_of(found, query, WebhookDelivery.of, lambda one: (str(one.id),)),
        older=cursor is not None,
        done=DONE.get(done, ""),
    )


@router.post("/webhooks/{endpoint_id}")
async def change(endpoint_id: UUID, request: Request, caller: Acting, api: Ports) -> Response:
    """Send to another address, or other events."""
    caller.require(Permission.MANAGE_WEBHOOKS)
    form = await request.form()
    given = {name: str(form.get(name) or "").strip() for name in ("url", "description")}
    try:
        types = tuple(str(one) for one in form.getlist("types"))
        body = WebhookEndpointChange.model_validate(given | {"types": types})
    except ValidationError as error:
        return part("parts/complaints.html", 422, complaints=complaints(error))
    return await _change(endpoint_id, body, caller, api)


@router.post("/webhooks/{endpoint_id}/disable")
async def disable(endpoint_id: UUID, caller: Acting, api: Ports) -> Response:
    """Send nothing there any more."""
    return await _change(endpoint_id, WebhookEndpointChange(enabled=False), caller, api)


@router.post("/webhooks/{endpoint_id}/enable")
async def enable(endpoint_id: UUID, caller: Acting, api: Ports) -> Response:
    """Send there again what happens from now on."""
    return await _change(endpoint_id, WebhookEndpointChange(enabled=True), caller, api)


@router.delete("/webhooks/{endpoint_id}")
async def delete(endpoint_id: UUID, caller: Acting, api: Ports) -> Response:
    """Delete an endpoint with its deliveries."""
    caller.require(Permission.MANAGE_WEBHOOKS)
    await delete_endpoint(caller.team_id, endpoint_id, api.asking.transaction)
    return _on("/webhooks")


@router.post("/webhooks/{endpoint_id}/secret")
async def rotate(endpoint_id: UUID, caller: Acting, api: Ports, key: Text = "") -> Response:
    """Make a new secret, and show it this once."""
    caller.require(Permission.MANAGE_WEBHOOKS)
    now, hashed = api.asking.clock(), fingerprint("page secret", endpoint_id)
    asked = wish(caller, Kind.WEBHOOK_SECRET, now, hashed, key or None, subject=endpoint_id, verdict=GRANTED)
    rotated, again = await rotate_secret(asked, api.asking.transaction)
    return part("parts/secret.html", words="The new secret", secret=None if again else rotated.secret)


@router.post("/webhooks/{endpoint_id}/test")
async def test(endpoint_id: UUID, caller: Acting, api: Ports) -> Response:
    """Send something to try the endpoint with."""
    caller.require(Permission.MANAGE_WEBHOOKS)
    now, hashed = api.asking.clock(), fingerprint("page ping", endpoint_id)
    asked = wish(caller, Kind.WEBHOOK_PING, now, hashed, subject=endpoint_id, verdict=GRANTED)
    await ping(asked, api.asking.transaction)
    return _on(f"/webhooks/{endpoint_id}?done=tested")


@router.post("/webhooks/{endpoint_id}/deliveries/{delivery_id}")
async def send_again(endpoint_id: UUID, delivery_id: UUID, caller: Acting, api: Ports) -> Response:
    """Send a delivery again, now."""
    caller.require(Permission.MANAGE_WEBHOOKS)
    now, transaction = api.asking.clock(), api.asking.transaction
    await redeliver(caller.team_id, endpoint_id, delivery_id, now, transaction)
    return _on(f"/webhooks/{endpoint_id}?done=again")


async def _endpoints(caller: Caller, api: Api) -> list[WebhookEndpoint]:
    found = await list_endpoints(caller.team_id, api.asking.transaction)
    return [WebhookEndpoint.of(endpoint) for endpoint in found]


async def _change(endpoint_id: UUID, body: WebhookEndpointChange, caller: Caller, api: Api) -> Response:
    caller.require(Permission.MANAGE_WEBHOOKS)
    now, transaction = api.asking.clock(), api.asking.transaction
    await change_endpoint(
        caller.team_id, endpoint_id, body.changes(), now, receivers=api.receivers, transaction=transaction
    )
    return _on(f"/webhooks/{endpoint_id}?done=changed")


def _on(there: str) -> Response:
    return Response(headers={"HX-Redirect": there})
