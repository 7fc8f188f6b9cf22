"""Let a team see what was sent to its endpoints, and send it again."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from gateway.application.ports import Transaction, Work
from gateway.application.reading import Page
from gateway.application.sending import Delivery
from gateway.domain.asks import NotFound
from gateway.domain.public_events import PING
from gateway.domain.requests import Request
from gateway.domain.webhooks import Endpoint, EndpointDisabled, Status


async def list_deliveries(
    team_id: UUID, endpoint_id: UUID, page: Page, status: Status | None, transaction: Transaction
) -> list[Delivery]:
    """List the deliveries to an endpoint, newest first, up to one more than asked. Raises NotFound."""
    async with transaction() as work:
        await _endpoint(work, team_id, endpoint_id)
        return await work.deliveries.page(endpoint_id, page, status)


async def redeliver(
    team_id: UUID, endpoint_id: UUID, id_: UUID, now: datetime, transaction: Transaction
) -> Delivery:
    """Send a delivery again under its old id, now. Raises NotFound and EndpointDisabled."""
    async with transaction() as work:
        await _working(work, team_id, endpoint_id)
        delivery = await _known(work, endpoint_id, id_)
        await work.deliveries.send_again(id_, now)
        await work.log.append((), now)  # wakes whoever sends
    return replace(delivery, status="pending", due_at=now, ended_at=None)


async def ping(request: Request, transaction: Transaction) -> tuple[Delivery, bool]:
    """Send an endpoint something to try it with. Raises NotFound and EndpointDisabled."""
    delivery = Delivery(
        id=request.id,
        endpoint_id=request.subject,
        seq=None,
        type=PING,
        subject=str(request.subject),
        version=0,
        status="pending",
        created_at=request.created_at,
        due_at=request.created_at,
    )
    async with transaction() as work:
        await _working(work, request.team_id, request.subject)
        if earlier := await work.requests.earlier(request) or await work.requests.open(request):
            return await _known(work, request.subject, earlier.id), True
        await work.deliveries.add(delivery)
        await work.log.append((), request.created_at)
    return delivery, False


async def _known(work: Work, endpoint_id: UUID, id_: UUID) -> Delivery:
    if (delivery := await work.deliveries.lock(endpoint_id, id_)) is None:
        raise NotFound("webhook_delivery")
    return delivery


async def _endpoint(work: Work, team_id: UUID, id_: UUID) -> Endpoint:
    if (endpoint := await work.endpoints.lock(id_, team_id)) is None:
        raise NotFound("webhook_endpoint")
    return endpoint


async def _working(work: Work, team_id: UUID, id_: UUID) -> None:
    if (await _endpoint(work, team_id, id_)).disabled_at:
        raise EndpointDisabled
