from collections.abc import Sequence

from billing.application.ports import Customer, Transaction
from billing.domain.granting import Grant
from billing.domain.stripes_clock import at_stripe
from billing.domain.subscription import Subscription
from chassis.clock import Clock
from contracts.envelope import Delivery
from contracts.gateway import TeamOpened


async def open_team(
    deliveries: Sequence[Delivery[TeamOpened]], transaction: Transaction, clock: Clock
) -> None:
    """Give each new team the Free plan and the credits of its first month; a closed one stays closed."""
    now = at_stripe(clock())
    causes = {delivery.message.team_id: delivery for delivery in deliveries}
    async with transaction() as work:
        await work.customers.add([_customer(delivery.message) for delivery in causes.values()])
        open_ = sorted(causes.keys() - await work.customers.closed(causes))
        if not open_:
            return
        floor = await work.subscriptions.floor()
        subscriptions = [Subscription.free(team_id, now, floor) for team_id in open_]
        new = await work.subscriptions.add(subscriptions)
        for subscription in subscriptions:
            if subscription.team_id in new:
                period, cause = subscription.period(), causes[subscription.team_id]
                await work.books.grant(subscription.team_id, [Grant(period.source_ref, period)])
                work.outbox.add(subscription.document(), cause)
                work.outbox.add(period, cause)


def _customer(team: TeamOpened) -> Customer:
    return Customer(team.team_id, team.name, team.owner_email)
