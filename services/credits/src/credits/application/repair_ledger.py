from collections.abc import Sequence

from chassis.clock import Clock
from credits.application.announce import announce
from credits.application.ports import Transaction, Wanted
from credits.domain.repairing import Drift, repair

LIMIT = 100


class TooMuchToRepair(Exception):
    """More is wrong than a repair may mend by itself."""


async def find_repairs(transaction: Transaction) -> Sequence[Drift]:
    """List where the ledger disagrees with the holds; reads only."""
    async with transaction() as work:
        return await work.drifts.find(None, LIMIT + 1)


async def apply_repairs(
    most: int, by: str | None, transaction: Transaction, clock: Clock
) -> tuple[Sequence[Drift], Sequence[Drift]]:
    """Give back what is booked too many; returns what was mended and what is left for a person.

    Done again it finds nothing. Raises TooMuchToRepair and changes nothing when more than `most` credits are
    to be given back, or in too many places.
    """
    found = await find_repairs(transaction)
    wanted = [drift for drift in found if drift.is_repairable]
    credits = sum(drift.excess for drift in wanted)
    if len(found) > LIMIT or credits > most:
        raise TooMuchToRepair(f"{credits} credits in {len(wanted)} places, {most} at most may be given back")
    mended: list[Drift] = []
    for team_id in sorted({drift.team_id for drift in wanted}):
        async with transaction() as work:
            books = await work.bookkeeper.open(Wanted(teams={team_id}))
            # Looked at again under lock: what was only under way is no drift.
            again = [drift for drift in await work.drifts.find(team_id, LIMIT) if drift in wanted]
            for drift in again:
                repair(books.accounts[team_id], drift, clock(), by)
            await work.bookkeeper.save(books)
            announce(work.outbox, books)
            mended += again
    return mended, [drift for drift in found if not drift.is_repairable]
