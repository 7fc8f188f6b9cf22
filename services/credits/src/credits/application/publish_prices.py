from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.clock import Clock
from contracts.orders import Operation
from credits.application.announce_prices import say_prices
from credits.application.ports import Transaction
from credits.domain.pricing import Price


class PricesOfThePast(Exception):
    """A price list cannot have been in force before it was published."""


@dataclass(frozen=True, slots=True)
class Published:
    """A new price list, and the planned ones that will not come into force because of it."""

    version: int
    effective_at: datetime
    overruled: Sequence[int]


async def publish_prices(
    prices: Mapping[Operation, Price], at: datetime | None, transaction: Transaction, clock: Clock
) -> Published:
    """Publish a price list that comes into force at a time, or now; raises PricesOfThePast."""
    async with transaction() as work:
        now = clock()
        at = at or now
        if at < now:
            raise PricesOfThePast(f"{at.isoformat()} is past")
        made = await work.prices.publish(prices, at)
        overruled = await work.prices.overruled(made)
        await say_prices(work, now)
    return Published(made.version, made.effective_at, overruled)
