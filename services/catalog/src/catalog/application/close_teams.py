from collections.abc import Sequence

from catalog.application.ports import Transaction
from chassis.clock import Clock
from contracts.envelope import Delivery
from contracts.gateway import TeamClosed


async def close_teams(
    deliveries: Sequence[Delivery[TeamClosed]], transaction: Transaction, clock: Clock
) -> None:
    """Delete the models of closed teams with all their words; what is heard of them later changes nothing."""
    teams = {delivery.message.team_id: delivery for delivery in deliveries}
    async with transaction() as work:
        await work.models.close(teams.keys(), clock())
        models = await work.models.lock(await work.models.of_teams(teams.keys()))
        for model in models.values():
            if document := model.erase(clock()):
                work.outbox.add(document, teams[document.team_id])
        await work.models.save(models.values())
