"""A client wants a job stopped."""

from collections.abc import Sequence
from datetime import timedelta

from chassis.clock import Clock
from contracts.envelope import Delivery
from contracts.jobs import CancelJob
from jobs.application.tools import refuse, tell
from jobs.application.work import Transaction, Work
from jobs.domain.effects import Effect
from jobs.domain.job import Job
from jobs.domain.rules import Rules
from jobs.domain.state import TooLate

Cancel = Delivery[CancelJob]
WAIT_FOR_JOB = timedelta(minutes=15)
"""How long a cancel waits for a job nobody has told of: as long as a spending command may be under way."""


async def cancel_jobs(
    deliveries: Sequence[Cancel], transaction: Transaction, clock: Clock, rules: Rules
) -> list[Effect]:
    """Stop each job as far as it still can be, and tell the truth about it."""
    ids = {delivery.message.job_id for delivery in deliveries}
    async with transaction() as work:
        jobs = await work.jobs.lock(ids)
        if missing := ids - jobs.keys():
            await work.tombstones.fence(missing)  # else its `held` could pass unseen between look and note
            jobs |= await work.jobs.lock(missing)
        effects: list[Effect] = []
        for delivery in deliveries:
            job = jobs.get(delivery.message.job_id)
            if job is None:
                await work.tombstones.remember(delivery)
            else:
                effects += _cancel(work, job, delivery, clock, rules)
        await work.jobs.save(jobs.values())
        return effects


async def refuse_unknown(transaction: Transaction, clock: Clock) -> None:
    """Answer the cancels whose jobs never came."""
    async with transaction() as work:
        for cancel, cause in await work.tombstones.forget(clock() - WAIT_FOR_JOB):
            refuse(work, cancel, cause, "not_found", "there is no such job")


def _cancel(work: Work, job: Job, delivery: Cancel, clock: Clock, rules: Rules) -> list[Effect]:
    if job.team_id != delivery.message.team_id:
        refuse(work, delivery.message, delivery, "not_found", "there is no such job")
        return []
    try:
        return tell(work, job, job.cancel(clock(), rules), delivery)
    except TooLate as reason:
        refuse(work, delivery.message, delivery, "too_late", str(reason))
        return []
