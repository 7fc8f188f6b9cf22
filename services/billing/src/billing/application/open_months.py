from billing.application.ports import Transaction
from chassis.clock import Clock

BATCH = 200


async def open_months(transaction: Transaction, clock: Clock) -> bool:
    """Open the next month of every Free team whose month is over; return whether there may be more to do."""
    now = clock()
    async with transaction() as work:
        due = await work.subscriptions.lock_due(now, BATCH)
        current = [subscription.current(now) for subscription in due]
        periods = [subscription.period() for subscription in current]
        await work.subscriptions.save(current)
        await work.periods.add(periods)
        for period in periods:
            work.outbox.add(period)
    return len(due) == BATCH
