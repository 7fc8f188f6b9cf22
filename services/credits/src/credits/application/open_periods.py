from collections.abc import Sequence

from chassis.clock import Clock
from contracts.billing import PeriodOpened
from contracts.envelope import Delivery
from credits.application.announce import announce
from credits.application.ports import Alarms, Transaction, Wanted
from credits.domain.books import ConflictingContent
from credits.domain.replenishing import open_period


async def open_periods(
    deliveries: Sequence[Delivery[PeriodOpened]], transaction: Transaction, alarms: Alarms, clock: Clock
) -> None:
    """Replenish each team's plan with the credits of a new period; once per source."""
    periods = [delivery.message for delivery in deliveries]
    wanted = Wanted(
        teams={period.team_id for period in periods}, grants={period.source_ref for period in periods}
    )
    async with transaction() as work:
        books = await work.bookkeeper.open(wanted)
        for period in periods:
            try:
                open_period(books, period, clock())
            except ConflictingContent as conflict:
                alarms.conflict(period, str(conflict))
        await work.bookkeeper.save(books)
        announce(work.outbox, books, deliveries=deliveries)
