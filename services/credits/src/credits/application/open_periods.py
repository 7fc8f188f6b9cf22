from collections.abc import Sequence

from chassis.clock import Clock
from contracts.billing import PeriodOpened
from contracts.envelope import Delivery
from credits.application.book import book_grants
from credits.application.ports import Alarms, Transaction
from credits.domain.replenishing import open_period


async def open_periods(
    deliveries: Sequence[Delivery[PeriodOpened]], transaction: Transaction, alarms: Alarms, clock: Clock
) -> None:
    """Replenish each team's plan with the credits of a new period; once per source."""
    await book_grants(deliveries, open_period, transaction, alarms, clock)
