"""The provider calls back: the fastest way to an outcome, never the only one."""

from collections.abc import Sequence
from uuid import UUID

from contracts.envelope import Delivery
from contracts.jobs import ProviderCallback
from jobs.application.leases import leased_until
from jobs.application.ports import Outcome, Submitted
from jobs.application.tools import Tools, tell
from jobs.application.work import Transaction
from jobs.domain.attempt import Attempt
from jobs.domain.brief import provider_call
from jobs.domain.effects import Effect, Follow, Ignored, Nudge, Store
from jobs.domain.job import Job

Callback = Delivery[ProviderCallback]


async def take_callbacks(
    deliveries: Sequence[Callback], transaction: Transaction, tools: Tools, room: int = 0
) -> list[Effect]:
    """Take each outcome for the attempt it is addressed to; forged ones change nothing.

    At most `room` jobs go on to storing their results at once, leased as those that `take_results` finds.
    """
    genuine = [delivery for delivery in deliveries if _genuine(delivery.message, tools)]
    effects: list[Effect] = [Ignored("forged_callback") for _ in range(len(deliveries) - len(genuine))]
    if not genuine:
        return effects
    async with transaction() as work:
        jobs = await work.jobs.of_attempts({delivery.message.attempt_id for delivery in genuine})
        done: dict[UUID, Job] = {}
        for delivery in genuine:
            if job := jobs.get(delivery.message.attempt_id):
                follows = _take(job, delivery.message, tools)
                done |= {job.id: job} if Nudge.STORE in follows else {}
                effects += tell(work, job, follows)
            else:
                effects.append(Ignored("callback_of_nothing"))
        leased = list(done.values())[:room]
        changed = {job.id: job for job in jobs.values()}
        await work.jobs.save(changed.values(), {job.id: leased_until(job, tools) for job in leased})
        if len(leased) == len(done):
            effects = [effect for effect in effects if effect is not Nudge.STORE]
        return [*effects, *map(Store, leased)]


def _genuine(callback: ProviderCallback, tools: Tools) -> bool:
    return tools.callbacks.genuine(callback.attempt_id, callback.mac)


def _take(job: Job, callback: ProviderCallback, tools: Tools) -> list[Follow]:
    attempt = next(attempt for attempt in job.attempts if attempt.id == callback.attempt_id)
    if attempt.submitted and attempt.submitted.request_id != callback.provider_request_id:
        return [Ignored("callback_of_another_request")]
    try:
        found = attempt.submitted or _locate(job, callback, tools)
    except ValueError:
        return [Ignored("callback_without_request")]
    outcome = _outcome(callback, tools)
    now = tools.clock()
    if outcome is not None:
        return job.result(attempt.id, outcome, now, tools.rules, found)
    return [*_adopt(job, attempt, found, tools), *job.completed_unseen(now)]


def _outcome(callback: ProviderCallback, tools: Tools) -> Outcome | None:
    try:
        return tools.provider.parse_callback(callback.body)
    except ValueError:
        return None  # signed, but not readable: what it is about has to be fetched


def _locate(job: Job, callback: ProviderCallback, tools: Tools) -> Submitted:
    return tools.provider.locate(_endpoint(job, tools), callback.provider_request_id)


def _adopt(job: Job, attempt: Attempt, found: Submitted, tools: Tools) -> list[Follow]:
    if attempt.submitted:
        return []
    return job.accepted(attempt.id, found, _endpoint(job, tools), tools.clock(), tools.rules)


def _endpoint(job: Job, tools: Tools) -> str:
    call = provider_call(job, tools.storage.link, tools.clock(), tools.rules)
    return tools.provider.endpoint(call)
