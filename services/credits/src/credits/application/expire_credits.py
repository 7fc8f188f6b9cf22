from chassis.clock import Clock
from credits.application.announce import announce
from credits.application.ports import Transaction, Wanted
from credits.domain.settling import expire

BATCH = 100


async def expire_holds(transaction: Transaction, clock: Clock) -> bool:
    """Give back what nobody settled in time; returns whether there may be more."""
    async with transaction() as work:
        now = clock()
        due = await work.due.holds(now, BATCH)
        books = await work.bookkeeper.open(
            Wanted(teams={team for team, _ in due}, jobs={job for _, job in due})
        )
        answers = [(settled, None) for _, job in due if (settled := expire(books, job, now))]
        await work.bookkeeper.save(books)
        announce(work.outbox, books, answers)
    return len(due) == BATCH


async def expire_buckets(transaction: Transaction, clock: Clock) -> bool:
    """Close the buckets whose time is over; returns whether there may be more."""
    async with transaction() as work:
        now = clock()
        teams = await work.due.teams(now, BATCH)
        books = await work.bookkeeper.open(Wanted(teams=set(teams)))
        for account in books.accounts.values():
            account.expire_due(now)
        await work.bookkeeper.save(books)
        announce(work.outbox, books)
    return len(teams) == BATCH
