from datetime import datetime

from chassis.clock import Clock
from credits.application.ports import Transaction, Work


async def announce_prices(transaction: Transaction, clock: Clock) -> None:
    """Tell everybody the price list that came into force; once, however many look."""
    async with transaction() as work:
        await say_prices(work, clock())


async def say_prices(work: Work, now: datetime, *, again: bool = False) -> None:
    """Say the price list in force unless that is done; `again` says those that are no news once more."""
    old = await work.prices.said() if again else []
    if await work.prices.claim(now):
        work.outbox.add((await work.prices.at(now)).face())
    for prices in old:
        work.outbox.announce(prices.face())
