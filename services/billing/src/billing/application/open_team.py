from collections.abc import Sequence

from billing.application.ports import Transaction
from billing.domain.subscription import Subscription
from chassis.clock import Clock
from contracts.envelope import Delivery
from contracts.gateway import TeamOpened


async def open_team(
    deliveries: Sequence[Delivery[TeamOpened]], transaction: Transaction, clock: Clock
) -> None:
    """Give each new team the Free plan and the credits of its first month."""
    now = clock()
    causes = {delivery.message.team_id: delivery for delivery in deliveries}
    subscriptions = {team_id: Subscription.free(team_id, now) for team_id in causes}
    async with transaction() as work:
        new = await work.subscriptions.add(list(subscriptions.values()))
        opened = [subscription for team_id, subscription in subscriptions.items() if team_id in new]
        await work.periods.add([subscription.period() for subscription in opened])
        for subscription in opened:
            work.outbox.add(subscription.document(), causes[subscription.team_id])
            work.outbox.add(subscription.period(), causes[subscription.team_id])
