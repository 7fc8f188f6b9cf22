from uuid import UUID

from chassis.clock import Clock
from credits.application.announce import announce
from credits.application.ports import Transaction, Wanted
from credits.domain.account import Account, UnknownTeam
from credits.domain.adjusting import set_frozen


async def set_account_frozen(
    team_id: UUID, reason: str, by: str | None, transaction: Transaction, clock: Clock, *, frozen: bool
) -> tuple[Account, bool]:
    """Let nothing new be set aside any more, or let it again; returns the account and whether it changed.

    Raises UnknownTeam.
    """
    async with transaction() as work:
        if not await work.history.knows(team_id):
            raise UnknownTeam(team_id)
        books = await work.bookkeeper.open(Wanted(teams={team_id}))
        account = books.accounts[team_id]
        changed = set_frozen(account, reason, clock(), by, frozen=frozen)
        await work.bookkeeper.save(books)
        announce(work.outbox, books)
    return account, changed
