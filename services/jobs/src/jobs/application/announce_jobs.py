from collections.abc import Sequence
from uuid import UUID

from jobs.application.work import Transaction
from jobs.domain.document import document


async def announce_exports(after: UUID | None, limit: int, transaction: Transaction) -> Sequence[UUID]:
    """Say the exports that follow an id once more, as they stand; returns their ids."""
    async with transaction() as work:
        exports = await work.exports.page(after, limit)
        for export in exports:
            work.outbox.announce(export.document())
    return [export.id for export in exports]


async def announce_jobs(after: UUID | None, limit: int, transaction: Transaction) -> Sequence[UUID]:
    """Say the jobs that follow an id once more, as they stand; returns their ids."""
    async with transaction() as work:
        jobs = await work.jobs.page(after, limit)
        for job in jobs:
            work.outbox.announce(document(job))
    return [job.id for job in jobs]
