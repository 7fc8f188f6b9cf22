"""The credits for a request are held: its jobs begin."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from chassis.clock import Clock
from contracts.credits import CreditsHeld, Hold
from contracts.envelope import Cause, Delivery
from contracts.orders import Operation
from jobs.application.tools import tell
from jobs.application.work import Transaction, Work
from jobs.domain.birth import CANCELLED, MODEL_BUSY, born
from jobs.domain.document import document
from jobs.domain.effects import Effect
from jobs.domain.record import Refusal
from jobs.domain.rules import Rules

Held = Delivery[CreditsHeld]


async def open_jobs(
    deliveries: Sequence[Held], transaction: Transaction, clock: Clock, rules: Rules
) -> list[Effect]:
    """Open a job for every hold that has none yet."""
    holds = {hold.job_id: (hold, delivery) for delivery in deliveries for hold in delivery.message.holds}
    async with transaction() as work:
        await work.tombstones.fence(holds)
        known = await work.jobs.known(holds)
        new = {id_: pair for id_, pair in holds.items() if id_ not in known}
        cancels = await work.tombstones.take(new)
        refusals = await _refusals(work, [hold for hold, _ in new.values()], cancels)
        floor = await work.jobs.floor() if new else 0
        opened = [
            born(
                hold, held.message.team_id, held.traceparent, clock(), rules, refusals.get(hold.job_id), floor
            )
            for hold, held in new.values()
        ]
        await work.jobs.add([job for job, _ in opened])
        effects: list[Effect] = []
        for job, follows in opened:
            effects += tell(work, job, follows, new[job.id][1])
            for cause in cancels.get(job.id, ()):
                work.outbox.add(document(job), cause)
        return effects


async def _refusals(
    work: Work, holds: Sequence[Hold], cancels: Mapping[UUID, list[Cause]]
) -> dict[UUID, Refusal]:
    """Tell which jobs will not be done: cancelled before they began, or of a model that is in training."""
    trainings = [hold for hold in holds if hold.order.operation is not Operation.GENERATE_IMAGES]
    busy = await work.jobs.in_training(_model(hold) for hold in trainings) if trainings else set()
    refusals = {hold.job_id: CANCELLED for hold in holds if hold.job_id in cancels}
    for hold in trainings:
        if hold.job_id in refusals:
            continue
        if _model(hold) in busy:
            refusals[hold.job_id] = MODEL_BUSY
        busy.add(_model(hold))
    return refusals


def _model(hold: Hold) -> UUID:
    return hold.order.recipe.model_id or hold.job_id
