import asyncio
from uuid import UUID

from chassis.clock import Clock
from credits.application.announce_prices import say_prices
from credits.application.ports import Transaction, Wanted
from credits.domain.account import UnknownTeam

BATCH = 100
BACKLOG = 1000
"""Messages that may wait to be sent before more are added: what happens now does not queue behind views."""


class NothingIsSent(Exception):
    """The messages before these do not leave: nobody sends them."""


async def announce_accounts(
    team_id: UUID | None, transaction: Transaction, clock: Clock, patience: float = 60
) -> int:
    """Say the price list and the accounts as they stand to those who mend their views; returns how many.

    Raises UnknownTeam, and NothingIsSent when the backlog does not shrink for `patience` seconds.
    """
    if team_id is not None:
        return await _announce_one(team_id, transaction)
    async with transaction() as work:
        await say_prices(work, clock(), again=True)
    said, after = 0, None
    while True:
        await _until_sent(transaction, patience)
        teams = await _announce_next(after, transaction)
        if not teams:
            return said
        said, after = said + len(teams), teams[-1]


async def _announce_one(team_id: UUID, transaction: Transaction) -> int:
    async with transaction() as work:
        if not await work.history.knows(team_id):
            raise UnknownTeam(team_id)
        books = await work.bookkeeper.open(Wanted(teams={team_id}))
        work.outbox.announce(books.accounts[team_id].face())
    return 1


async def _announce_next(after: UUID | None, transaction: Transaction) -> list[UUID]:
    async with transaction() as work:
        teams = list(await work.history.teams(after, BATCH))
        books = await work.bookkeeper.open(Wanted(teams=teams))
        for account in books.accounts.values():
            work.outbox.announce(account.face())
    return teams


async def _until_sent(transaction: Transaction, patience: float) -> None:
    try:
        async with asyncio.timeout(patience):
            while await _unsent(transaction) > BACKLOG:  # noqa: ASYNC110 - another process sends them
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise NothingIsSent(f"over {BACKLOG} messages wait to be sent; does the service run?") from None


async def _unsent(transaction: Transaction) -> int:
    async with transaction() as work:
        return await work.history.unsent()
