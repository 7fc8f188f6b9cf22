"""The credits for a request are held: its jobs begin, and start where there is room."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from chassis.clock import Clock
from contracts.credits import CreditsHeld, Hold
from contracts.envelope import Cause, Delivery
from contracts.orders import Operation
from jobs.application.dispatch_jobs import start_next
from jobs.application.tools import newest, tell
from jobs.application.work import Transaction, Work
from jobs.domain.birth import CANCELLED, MODEL_BUSY, born
from jobs.domain.document import document
from jobs.domain.effects import Effect, Follow, Nudge
from jobs.domain.job import Job
from jobs.domain.record import Refusal
from jobs.domain.rules import Rules
from jobs.domain.state import State

Held = Delivery[CreditsHeld]


async def open_jobs(
    deliveries: Sequence[Held], transaction: Transaction, clock: Clock, rules: Rules, room: int = 0
) -> list[Effect]:
    """Open a job for every hold that has none yet, and start at once whose turn it is, at most `room` calls.

    The line is one for old and new, so nobody is passed over.
    """
    holds = {hold.job_id: (hold, delivery) for delivery in deliveries for hold in delivery.message.holds}
    async with transaction() as work:
        await work.tombstones.fence(holds)
        known = await work.jobs.known(holds)
        new = {id_: pair for id_, pair in holds.items() if id_ not in known}
        if not new:
            return []
        cancels = await work.tombstones.take(new)
        refusals = await _refusals(work, [hold for hold, _ in new.values()], cancels)
        floor = await work.jobs.floor()
        follows: dict[UUID, list[Follow]] = {}
        opened: list[Job] = []
        for hold, held in new.values():
            refusal = refusals.get(hold.job_id)
            job, follows[hold.job_id] = born(
                hold, held.message.team_id, held.traceparent, clock(), rules, refusal, floor
            )
            opened.append(job)
        waiting = [job for job in opened if job.state is State.QUEUED]
        started = await start_next(work, clock, rules, room, waiting) if waiting and room else []
        for job, more in started:
            follows[job.id] = [*follows.get(job.id, ()), *more]
        others = [job for job, _ in started if job.id not in new]
        await work.jobs.add(opened)
        await work.jobs.save(others)
        effects: list[Effect] = []
        for job in (*opened, *others):
            cause = new[job.id][1] if job.id in new else None
            effects += tell(work, job, newest(follows[job.id]), cause)
            for cancel in cancels.get(job.id, ()):
                work.outbox.add(document(job), cancel)
        return [effect for effect in effects if effect is not Nudge.DISPATCH or not room]


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
