"""API keys."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request

from gateway.adapters.inbound.http.api import Ports
from gateway.adapters.inbound.http.bodies.common import PageOf
from gateway.adapters.inbound.http.bodies.people import ApiKey, ApiKeyBody, NewApiKey
from gateway.adapters.inbound.http.caller import IdempotencyKey, KeyManager, fingerprint, replayed, wish
from gateway.application.manage_api_keys import create_api_key, list_api_keys, revoke_api_key
from gateway.application.ports import ApiKey as StoredKey
from gateway.domain.requests import GRANTED, Kind
from gateway.domain.requests import Request as Wish

router = APIRouter(tags=["api keys"])


@router.post("/api-keys", status_code=201, name="create_api_key")
async def post_api_key(
    body: ApiKeyBody, caller: KeyManager, request: Request, api: Ports, key: IdempotencyKey = None
) -> NewApiKey:
    """Make an API key; its secret is told here and never again. Needs a session."""
    now = api.asking.clock()
    asked = wish(caller, Kind.API_KEY, now, fingerprint("api_key", body), key, verdict=GRANTED)
    made, secret, again = await create_api_key(asked, wanted_key(body, asked), caller, api.asking.transaction)
    replayed(request, again=again)
    return NewApiKey.of(made, secret=secret.text if secret else None)


@router.get("/api-keys", name="list_api_keys")
async def get_api_keys(caller: KeyManager, api: Ports) -> PageOf[ApiKey]:
    """List the keys of the team, newest first."""
    keys = await list_api_keys(caller.team_id, api.asking.transaction)
    return PageOf(data=[ApiKey.of(key) for key in keys])


@router.delete("/api-keys/{id}", status_code=204, name="revoke_api_key")
async def delete_api_key(key_id: Annotated[UUID, Path(alias="id")], caller: KeyManager, api: Ports) -> None:
    """End a key at once."""
    await revoke_api_key(caller, key_id, api.asking.clock(), api.asking.transaction)


def wanted_key(body: ApiKeyBody, asked: Wish) -> StoredKey:
    """Read what is wanted as a key; its secret is made later."""
    return StoredKey(
        id=asked.subject,
        team_id=asked.team_id,
        user_id=asked.user_id,
        name=body.name,
        prefix="",
        scopes=tuple(dict.fromkeys(body.scopes)),
        credit_budget=body.credit_budget,
        budget_period=body.budget_period,
        created_at=asked.created_at,
        expires_at=body.expires_at,
    )
