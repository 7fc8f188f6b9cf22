from uuid import UUID

from billing.application.ports import Transaction
from contracts.billing import Limits


class UnknownTeam(Exception):
    """No team of this id has a plan."""


async def set_limits(team_id: UUID, changes: dict[str, int], transaction: Transaction) -> Limits:
    """Allow a team something else than its plan does, and say so; return its limits from now on.

    `changes` names fields of Limits; what it leaves out stays. Raises UnknownTeam.
    """
    async with transaction() as work:
        before = await work.subscriptions.lock(team_id)
        if before is None:
            raise UnknownTeam(team_id)
        after = before.allowing(Limits.model_validate(before.limits.model_dump() | changes))
        if after.version != before.version:
            await work.subscriptions.save([after])
            work.outbox.add(after.document())
        return after.limits
