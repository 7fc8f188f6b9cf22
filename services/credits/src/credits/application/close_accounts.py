from collections.abc import Sequence

from chassis.clock import Clock
from contracts.envelope import Delivery
from contracts.gateway import TeamClosed
from credits.application.announce import announce
from credits.application.ports import Transaction, Wanted
from credits.domain.adjusting import set_frozen

REASON = "the team is closed"


async def close_accounts(
    deliveries: Sequence[Delivery[TeamClosed]], transaction: Transaction, clock: Clock
) -> None:
    """Let closed teams hold nothing new; what is held ends as usual, and the ledger stays."""
    async with transaction() as work:
        books = await work.bookkeeper.open(Wanted(teams={each.message.team_id for each in deliveries}))
        for account in books.accounts.values():
            set_frozen(account, REASON, clock(), frozen=True)
        await work.bookkeeper.save(books)
        announce(work.outbox, books)
