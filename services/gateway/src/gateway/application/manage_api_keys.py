"""Make, list and revoke API keys."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from gateway.application.ports import ApiKey, Transaction
from gateway.domain.activity import Act
from gateway.domain.asks import NotFound
from gateway.domain.permissions import Caller
from gateway.domain.requests import Request
from gateway.domain.secrets import KeySecret


async def create_api_key(
    request: Request, key: ApiKey, caller: Caller, transaction: Transaction
) -> tuple[ApiKey, KeySecret | None, bool]:
    """Make a key and tell its secret, once: a repetition finds the key without it (third value: True)."""
    secret = KeySecret()
    key = replace(key, prefix=secret.prefix)
    async with transaction() as work:
        if earlier := await work.requests.earlier(request) or await work.requests.open(request):
            return await _known(await work.keys.of_team(request.team_id), earlier.subject), None, True
        await work.keys.add(key, secret.hash)
        await work.activity.note(Act.KEY_CREATED, caller, key.id, key.name)
    return key, secret, False


async def _known(keys: list[ApiKey], id_: UUID) -> ApiKey:
    for key in keys:
        if key.id == id_:
            return key
    raise NotFound("api_key")


async def list_api_keys(team_id: UUID, transaction: Transaction) -> list[ApiKey]:
    """List the keys that have not been revoked, newest first."""
    async with transaction() as work:
        return await work.keys.of_team(team_id)


async def revoke_api_key(caller: Caller, key_id: UUID, now: datetime, transaction: Transaction) -> None:
    """End a key at once. Raises NotFound."""
    async with transaction() as work:
        if not await work.keys.revoke(caller.team_id, key_id, now):
            raise NotFound("api_key")
        await work.activity.note(Act.KEY_REVOKED, caller, key_id)
