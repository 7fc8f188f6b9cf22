from collections.abc import Sequence

from chassis.clock import Clock
from contracts.credits import ReleaseCredits
from contracts.envelope import Delivery
from credits.application.ports import Alarms, Transaction
from credits.application.settle import settle
from credits.domain.settling import release


async def release_credits(
    deliveries: Sequence[Delivery[ReleaseCredits]], transaction: Transaction, alarms: Alarms, clock: Clock
) -> None:
    """Give whole holds back; one that is not held yet never will be."""
    await settle(deliveries, release, transaction, alarms, clock)
