from datetime import timedelta

from chassis.clock import Clock
from credits.application.ports import Transaction

KEPT = timedelta(days=30)
"""How long whoever comes too late with a quote is still told so; after that nothing is known of it."""


async def forget_offers(transaction: Transaction, clock: Clock) -> None:
    """Forget the quotes nobody took, long after their time; those that were taken explain what was paid."""
    async with transaction() as work:
        await work.prices.forget_offers(clock() - KEPT)
