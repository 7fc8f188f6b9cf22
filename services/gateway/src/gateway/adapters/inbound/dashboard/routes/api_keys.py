"""API keys: which there are, a new one with its secret, once, and their end."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.datastructures import FormData

from gateway.adapters.inbound.dashboard.forms import complaints, filled
from gateway.adapters.inbound.dashboard.pages import page, part
from gateway.adapters.inbound.dashboard.visitor import Acting, Visiting
from gateway.adapters.inbound.http.api import Ports
from gateway.adapters.inbound.http.bodies.people import ApiKeyBody
from gateway.adapters.inbound.http.caller import fingerprint, wish
from gateway.adapters.inbound.http.routes.api_keys import wanted_key
from gateway.application.manage_api_keys import create_api_key, list_api_keys, revoke_api_key
from gateway.domain.permissions import Permission
from gateway.domain.requests import GRANTED, Kind

router = APIRouter()


@router.get("/api-keys")
async def api_keys(me: Visiting, api: Ports) -> Response:
    """Show the team's keys, newest first."""
    me.caller.require(Permission.MANAGE_KEYS)
    keys = await list_api_keys(me.team.id, api.asking.transaction)
    return page("api-keys.html", me, title="API keys", keys=keys)


@router.post("/api-keys")
async def make(request: Request, caller: Acting, api: Ports) -> Response:
    """Make a key, and show its secret this once."""
    caller.require(Permission.MANAGE_KEYS)
    form = await request.form()
    try:
        body = ApiKeyBody.model_validate(_known(form))
    except ValidationError as error:
        return part("parts/complaints.html", 422, complaints=complaints(error))
    hashed, once = fingerprint("page key", body), str(form.get("key") or "") or None
    asked = wish(caller, Kind.API_KEY, api.asking.clock(), hashed, once, verdict=GRANTED)
    key, secret, _ = await create_api_key(asked, wanted_key(body, asked), caller, api.asking.transaction)
    keys = await list_api_keys(caller.team_id, api.asking.transaction)
    shown = secret.text if secret else None
    return part("parts/key-made.html", key=key, secret=shown, keys=keys, site=api.public_url)


@router.delete("/api-keys/{key_id}")
async def revoke(key_id: UUID, caller: Acting, api: Ports) -> Response:
    """End a key at once."""
    caller.require(Permission.MANAGE_KEYS)
    await revoke_api_key(caller, key_id, api.asking.clock(), api.asking.transaction)
    return Response(headers={"HX-Redirect": "/api-keys"})


def _known(form: FormData) -> dict[str, Any]:
    budget, until = str(form.get("credit_budget") or "").strip(), str(form.get("expires_on") or "")
    known = {
        "name": str(form.get("name") or ""),
        "scopes": tuple(str(scope) for scope in form.getlist("scopes")),
        "credit_budget": int(budget) if budget.isdecimal() else budget,
        "budget_period": str(form.get("budget_period") or "total"),
        "expires_at": f"{until}T23:59:59Z" if until else None,
    }
    return {"name": "", "scopes": ()} | filled(known)
