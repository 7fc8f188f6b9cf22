from datetime import datetime

from chassis.clock import Clock
from credits.application.ports import Transaction, Work


async def announce_prices(transaction: Transaction, clock: Clock) -> None:
    """Tell everybody the price list that came into force; once, however many look."""
    async with transaction() as work:
        await say_prices(work, clock())


async def say_prices(work: Work, now: datetime, *, again: bool = False) -> None:
    """Say the price list in force unless that is done; then it is no news, and only said `again`."""
    is_news = await work.prices.claim(now)
    if is_news or again:
        prices = (await work.prices.at(now)).face()
        say = work.outbox.add if is_news else work.outbox.announce
        say(prices)
