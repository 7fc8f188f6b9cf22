"""A client wants images gone."""

from collections.abc import Sequence

from chassis.clock import Clock
from contracts.envelope import Delivery
from contracts.jobs import DeleteImages
from jobs.application.tools import refuse, tell
from jobs.application.work import Transaction
from jobs.domain.effects import Effect
from jobs.domain.keeping import ImagesNotThere
from jobs.domain.rules import Rules


async def delete_images(
    deliveries: Sequence[Delivery[DeleteImages]], transaction: Transaction, clock: Clock, rules: Rules
) -> list[Effect]:
    """Forget images at once; their objects are deleted after the commit."""
    async with transaction() as work:
        jobs = await work.jobs.lock({delivery.message.job_id for delivery in deliveries})
        effects: list[Effect] = []
        for delivery in deliveries:
            command = delivery.message
            job = jobs.get(command.job_id)
            try:
                if job is None or job.team_id != command.team_id:
                    raise ImagesNotThere
                effects += tell(work, job, job.delete_images(command.n, clock(), rules), delivery)
            except ImagesNotThere:
                refuse(work, command, delivery, "not_found", "there are no such images")
        await work.jobs.save(jobs.values())
        return effects
