"""Every state has a deadline, and somebody acts on it."""

import logging
from uuid import UUID

from chassis.clock import Clock
from jobs.application.tools import tell
from jobs.application.work import Transaction
from jobs.domain.effects import Effect, Nudge
from jobs.domain.rules import Rules

logger = logging.getLogger(__name__)
AT_ONCE = 100


async def act_on_deadlines(transaction: Transaction, clock: Clock, rules: Rules) -> list[Effect]:
    """Move on the jobs whose time in their state is over; one that cannot be moved on keeps no other back."""
    async with transaction() as work:
        due = await work.jobs.due(clock(), AT_ONCE)
        effects: list[Effect] = [Nudge.DEADLINES] if len(due) == AT_ONCE else []
        stuck: list[UUID] = []
        for job in due:
            try:
                effects += tell(work, job, job.deadline(clock(), rules))
            except Exception:
                logger.exception("job %s cannot be moved on; it is set aside for an hour", job.id)
                stuck.append(job.id)
        await work.jobs.save([job for job in due if job.id not in stuck])
        await work.jobs.set_aside(stuck)
        return effects
