from uuid import UUID

from chassis.clock import Clock
from credits.application.announce import announce
from credits.application.ports import Transaction, Wanted
from credits.domain.account import Account
from credits.domain.adjusting import adjust


async def adjust_credits(
    team_id: UUID, amount: int, reason: str, transaction: Transaction, clock: Clock, by: str | None = None
) -> Account:
    """Give a team credits, or take some it can spend; raises NotEnoughCredits. Returns its account."""
    async with transaction() as work:
        books = await work.bookkeeper.open(Wanted(teams={team_id}))
        account = books.accounts[team_id]
        adjust(account, amount, reason, clock(), by)
        await work.bookkeeper.save(books)
        announce(work.outbox, books)
    return account
