from collections.abc import Sequence
from uuid import UUID

from billing.application.ports import Transaction


async def announce_plans(after: UUID | None, limit: int, transaction: Transaction) -> Sequence[UUID]:
    """Say the plans of the teams that follow an id once more, as they stand; returns these teams."""
    async with transaction() as work:
        subscriptions = await work.subscriptions.page(after, limit)
        for subscription in subscriptions:
            work.outbox.announce(subscription.document())
    return [subscription.team_id for subscription in subscriptions]


async def announce_overviews(after: UUID | None, limit: int, transaction: Transaction) -> Sequence[UUID]:
    """Say what the teams that follow an id were last shown of their payments; returns these teams."""
    async with transaction() as work:
        overviews = await work.overviews.page(after, limit)
        for overview in overviews:
            work.outbox.announce(overview)
    return [overview.team_id for overview in overviews]
