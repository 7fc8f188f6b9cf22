from collections.abc import Sequence

from chassis.clock import Clock
from contracts.billing import BillingChanged
from contracts.envelope import Delivery
from credits.application.ports import Transaction, Wanted
from credits.domain.low_balance import is_low


async def watch_balances(
    deliveries: Sequence[Delivery[BillingChanged]], transaction: Transaction, clock: Clock
) -> None:
    """Keep below what each team wants to hear that it runs low: where it has packs bought by themselves."""
    async with transaction() as work:
        books = await work.bookkeeper.open(Wanted(teams={each.message.team_id for each in deliveries}))
        for delivery in deliveries:
            billing, account = delivery.message, books.accounts[delivery.message.team_id]
            wanted = billing.auto_top_up.threshold if billing.auto_top_up.is_on else 0
            before, account.alert_below = account.alert_below, wanted
            if not await work.bookkeeper.watch(account, billing.version):
                account.alert_below = before
            elif before != wanted:
                for warning in is_low(account, clock()):
                    work.outbox.add(warning, delivery)
