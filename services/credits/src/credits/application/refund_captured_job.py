from dataclasses import dataclass
from uuid import UUID

from chassis.clock import Clock
from credits.application.announce import announce
from credits.application.ports import Transaction, Wanted
from credits.domain.account import Account
from credits.domain.compensating import NothingToRefund, refund_job


@dataclass(frozen=True, slots=True)
class Refunded:
    """What was given back, whether by this call, and how the account stands."""

    amount: int
    again: bool
    account: Account


async def refund_captured_job(
    job_id: UUID, amount: int | None, reason: str, by: str | None, transaction: Transaction, clock: Clock
) -> Refunded:
    """Give back what a job was charged, or a part of it; once.

    Raises NothingToRefund, ConflictingContent when it was refunded before with another amount.
    """
    async with transaction() as work:
        team_id = await work.history.team_of(job_id)
        if team_id is None:
            raise NothingToRefund(f"job {job_id} is not known")
        books = await work.bookkeeper.open(Wanted(teams={team_id}, jobs={job_id}, refunds={job_id}))
        hold = books.holds[job_id]
        refunded = refund_job(books, hold, amount, reason, clock(), by)
        await work.bookkeeper.save(books)
        announce(work.outbox, books)
    return Refunded(refunded, job_id not in books.refunded, books.accounts[team_id])
