"""Every state has a deadline, and somebody acts on it."""

from chassis.clock import Clock
from jobs.application.ports import Storage
from jobs.application.tools import tell
from jobs.application.work import Transaction
from jobs.domain.effects import Effect
from jobs.domain.rules import Rules

AT_ONCE = 100


async def act_on_deadlines(transaction: Transaction, clock: Clock, rules: Rules) -> list[Effect]:
    """Move on the jobs whose time in their state is over."""
    async with transaction() as work:
        jobs = await work.jobs.due(clock(), AT_ONCE)
        effects = [effect for job in jobs for effect in tell(work, job, job.deadline(clock(), rules))]
        await work.jobs.save(jobs)
        return effects


async def expire_images(transaction: Transaction, storage: Storage, clock: Clock) -> bool:
    """Delete images kept as long as promised, then say so; True when there may be more.

    The objects go first: a crash between the two deletes them again, which is fine.
    """
    async with transaction() as work:
        outdated = await work.jobs.outdated(clock(), AT_ONCE)
    keys = [key for job in outdated for result in job.results for key in (result.key, result.thumbnail_key)]
    if keys:
        await storage.delete([key for key in keys if key])
    async with transaction() as work:
        jobs = await work.jobs.lock(job.id for job in outdated)
        for job in jobs.values():
            tell(work, job, job.expired(clock()))
        await work.jobs.save(jobs.values())
    return len(outdated) == AT_ONCE
