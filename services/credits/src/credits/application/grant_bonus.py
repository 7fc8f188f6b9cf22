from datetime import datetime
from uuid import UUID

from chassis.clock import Clock
from credits.application.announce import announce
from credits.application.ports import Transaction, Wanted
from credits.domain import adjusting
from credits.domain.account import Account, UnknownTeam


async def grant_bonus(
    team_id: UUID,
    amount: int,
    expires_at: datetime,
    reason: str,
    by: str | None,
    transaction: Transaction,
    clock: Clock,
) -> Account:
    """Give a team credits that last until they expire or the next period comes.

    Returns its account; raises UnknownTeam.
    """
    async with transaction() as work:
        if not await work.history.knows(team_id):
            raise UnknownTeam(team_id)
        books = await work.bookkeeper.open(Wanted(teams={team_id}))
        account = books.accounts[team_id]
        adjusting.grant_bonus(account, amount, expires_at, reason, clock(), by)
        await work.bookkeeper.save(books)
        announce(work.outbox, books)
    return account
