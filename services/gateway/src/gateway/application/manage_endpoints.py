"""Let a team say where it wants its events."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from gateway.application.ports import Transaction, Work
from gateway.application.sending import Receivers
from gateway.domain.asks import NotFound
from gateway.domain.requests import Request
from gateway.domain.secrets import new_webhook_secret
from gateway.domain.webhooks import Endpoint

BY_HAND = "Disabled by the team."


@dataclass(frozen=True, slots=True)
class Changes:
    """What of an endpoint is to change; None leaves it as it is."""

    url: str | None = None
    description: str | None = None
    types: tuple[str, ...] | None = None
    enabled: bool | None = None


async def add_endpoint(
    request: Request, endpoint: Endpoint, receivers: Receivers, transaction: Transaction
) -> tuple[Endpoint, bool]:
    """Add an endpoint; a repetition finds the one that was made (second value: True).

    Raises AddressRefused and TooManyEndpoints.
    """
    await receivers.check(endpoint.url)
    async with transaction() as work:
        if earlier := await work.requests.earlier(request) or await work.requests.open(request):
            return await _own(work, request.team_id, earlier.subject), True
        await work.endpoints.add(endpoint)
    return endpoint, False


async def list_endpoints(team_id: UUID, transaction: Transaction) -> list[Endpoint]:
    """List a team's endpoints, newest first."""
    async with transaction() as work:
        return await work.endpoints.of_team(team_id)


async def change_endpoint(
    team_id: UUID, id_: UUID, changes: Changes, now: datetime, receivers: Receivers, transaction: Transaction
) -> Endpoint:
    """Change an endpoint; disabled, what waits for it has failed; enabled, it gets what happens from now on.

    Raises NotFound and AddressRefused.
    """
    if changes.url is not None:
        await receivers.check(changes.url)
    async with transaction() as work:
        before = await _own(work, team_id, id_)
        after = _with(before, changes, now)
        await work.endpoints.save(after)
        if after.disabled_at and not before.disabled_at:
            await work.deliveries.abandon(id_, now)
    return after


async def delete_endpoint(team_id: UUID, id_: UUID, transaction: Transaction) -> None:
    """Delete an endpoint with its deliveries. Raises NotFound."""
    async with transaction() as work:
        await _own(work, team_id, id_)
        await work.endpoints.delete(id_)


async def rotate_secret(
    request: Request, transaction: Transaction, secret: Callable[[], str] = new_webhook_secret
) -> tuple[Endpoint, bool]:
    """Give an endpoint a new secret; the old one signs too for a day. Raises NotFound."""
    async with transaction() as work:
        endpoint = await _own(work, request.team_id, request.subject)
        if await work.requests.earlier(request) or await work.requests.open(request):
            return endpoint, True
        rotated = endpoint.rotated(secret(), request.created_at)
        await work.endpoints.save(rotated)
    return rotated, False


async def _own(work: Work, team_id: UUID, id_: UUID) -> Endpoint:
    if (endpoint := await work.endpoints.lock(id_, team_id)) is None:
        raise NotFound("webhook_endpoint")
    return endpoint


def _with(endpoint: Endpoint, changes: Changes, now: datetime) -> Endpoint:
    changed = replace(
        endpoint,
        url=changes.url if changes.url is not None else endpoint.url,
        description=changes.description if changes.description is not None else endpoint.description,
        types=changes.types if changes.types is not None else endpoint.types,
    )
    if changes.enabled is True and endpoint.disabled_at:
        return changed.enabled()
    if changes.enabled is False and not endpoint.disabled_at:
        return changed.disabled(BY_HAND, now)
    return changed
