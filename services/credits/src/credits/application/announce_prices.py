from datetime import datetime

from chassis.clock import Clock
from credits.application.ports import Transaction, Work


async def announce_prices(transaction: Transaction, clock: Clock) -> None:
    """Tell everybody the price list that came into force; once, however many look."""
    async with transaction() as work:
        await say_prices(work, clock())


async def say_prices(work: Work, now: datetime, *, again: bool = False) -> None:
    """Say the price list in force unless that is done, or say it again."""
    if await work.prices.claim(now) or again:
        prices = await work.prices.at(now)
        work.outbox.add(prices.face())
