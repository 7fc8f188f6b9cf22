from collections.abc import Sequence

from chassis.clock import Clock
from contracts.billing import TopUpPaid
from contracts.envelope import Delivery
from credits.application.book import book_grants
from credits.application.ports import Alarms, Transaction
from credits.domain.granting import add_top_up


async def add_top_ups(
    deliveries: Sequence[Delivery[TopUpPaid]], transaction: Transaction, alarms: Alarms, clock: Clock
) -> None:
    """Add bought packs of credits; once per source."""
    await book_grants(deliveries, add_top_up, transaction, alarms, clock)
