import asyncio
from uuid import UUID

from chassis.clock import Clock
from credits.application.announce_prices import say_prices
from credits.application.ports import Transaction, Wanted
from credits.domain.account import UnknownTeam

BATCH = 100
LINES = 200
"""History lines that one message tells of, or somewhat more: those of one version stay together."""
BACKLOG = 1000
"""Messages that may wait to be sent before more are added: what happens now does not queue behind views."""


class NothingIsSent(Exception):
    """The messages before these do not leave: nobody sends them."""


async def announce_accounts(
    team_id: UUID | None, transaction: Transaction, clock: Clock, patience: float = 60
) -> int:
    """Say prices and accounts with their whole history to those who mend their views; returns how many.

    Raises UnknownTeam, and NothingIsSent when the backlog does not shrink for `patience` seconds.
    """
    if team_id is not None:
        await _announce_one(team_id, transaction, patience)
        return 1
    async with transaction() as work:
        await say_prices(work, clock(), again=True)
    said, after = 0, None
    while True:
        async with transaction() as work:
            teams = await work.history.teams(after, BATCH)
        if not teams:
            return said
        for team in teams:
            await _announce_one(team, transaction, patience)
        said, after = said + len(teams), teams[-1]


async def _announce_one(team_id: UUID, transaction: Transaction, patience: float) -> None:
    told: int | None = 0
    while told is not None:
        await _until_sent(transaction, patience)
        told = await _announce_lines(team_id, told, transaction)


async def _announce_lines(team_id: UUID, after: int, transaction: Transaction) -> int | None:
    """Say an account with the lines that follow a version; returns the last one's, None after all."""
    async with transaction() as work:
        if not await work.history.knows(team_id):
            raise UnknownTeam(team_id)
        books = await work.bookkeeper.open(Wanted(teams={team_id}))
        lines = await work.history.versions(team_id, after, LINES)
        if lines or not after:
            face = books.accounts[team_id].face()
            work.outbox.announce(face.model_copy(update={"entries": tuple(lines)}))
    return lines[-1].version if lines else None


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
