from billing.application.ports import Transaction
from billing.domain.granting import Grant
from billing.domain.stripes_clock import at_stripe
from chassis.clock import Clock

BATCH = 200


async def open_months(transaction: Transaction, clock: Clock) -> bool:
    """Open the next month of every Free team whose month is over; return whether there may be more to do.

    Teams that ever paid are looked at instead: Stripe may know of a payment that was missed here.
    """
    now = at_stripe(clock())
    async with transaction() as work:
        due = await work.subscriptions.lock_due(now, BATCH)
        current = [subscription.current(now) for subscription in due]
        await work.subscriptions.save(current)
        for subscription in current:
            period = subscription.period()
            for grant in await work.books.grant(subscription.team_id, [Grant(period.source_ref, period)]):
                work.outbox.add(grant.fact)
    return len(due) == BATCH
