"""Credits has decided what jobs cost: they end."""

from collections.abc import Sequence

from chassis.clock import Clock
from contracts.credits import CreditsSettled
from contracts.envelope import Delivery
from jobs.application.tools import tell
from jobs.application.work import Transaction
from jobs.domain.effects import Effect
from jobs.domain.rules import Rules


async def settle_jobs(
    deliveries: Sequence[Delivery[CreditsSettled]], transaction: Transaction, clock: Clock, rules: Rules
) -> list[Effect]:
    """End each job with its receipt."""
    async with transaction() as work:
        jobs = await work.jobs.lock({delivery.message.job_id for delivery in deliveries})
        effects: list[Effect] = []
        for delivery in deliveries:
            if job := jobs.get(delivery.message.job_id):
                effects += tell(work, job, job.settled(delivery.message, clock(), rules), delivery)
        await work.jobs.save(jobs.values())
        return effects
