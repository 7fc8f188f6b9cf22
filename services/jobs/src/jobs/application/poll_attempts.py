"""Nobody waits for a callback: running attempts are asked about, ever more rarely."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from jobs.application.ports import (
    CallForgotten,
    Failed,
    Outcome,
    ProviderStatus,
    ProviderUnavailable,
    Submitted,
)
from jobs.application.tools import Tools, tell
from jobs.application.work import Transaction
from jobs.domain.attempt import AttemptState
from jobs.domain.effects import CancelCall, Effect
from jobs.domain.job import Job

AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the provider said about an attempt."""

    job_id: UUID
    attempt_id: UUID
    answer: ProviderStatus | Outcome


async def poll_attempts(transaction: Transaction, tools: Tools) -> list[Effect]:
    """Ask about attempts that are due; show their progress, and take outcomes no callback brought."""
    now = tools.clock()
    async with transaction() as work:
        jobs = await work.workload.to_poll(now, now + tools.rules.images.poll_max, AT_ONCE)
    seen = [each for each in await asyncio.gather(*(_ask(job, tools) for job in jobs)) if each]
    return await _record(seen, transaction, tools) if seen else []


async def cancel_call(order: CancelCall, tools: Tools) -> None:
    """Ask the provider to stop a call; when it cannot be asked, its result is thrown away later."""
    try:
        await tools.provider.cancel(order.submitted)
    except ProviderUnavailable:
        return


async def _ask(job: Job, tools: Tools) -> _Seen | None:
    accepted = [a for a in job.attempts if a.state is AttemptState.ACCEPTED and a.submitted]
    if not accepted or accepted[-1].submitted is None:
        return None
    with tools.trace(job.traceparent, "poll"):
        try:
            answer = await _answer(accepted[-1].submitted, tools)
        except CallForgotten:
            if not job.cancelling:
                return None
            # A call that is stopped before it begins is removed: nobody would ever tell how it ended.
            answer = Failed("provider_cancelled", "the provider has removed the call")
        except ProviderUnavailable:
            return None  # asked again at the next round
    return _Seen(job.id, accepted[-1].id, answer)


async def _answer(submitted: Submitted, tools: Tools) -> ProviderStatus | Outcome:
    await tools.turn()
    status = await tools.provider.status(submitted)
    if status.state != "completed":
        return status
    await tools.turn()
    return await tools.provider.fetch(submitted)


async def _record(seen: list[_Seen], transaction: Transaction, tools: Tools) -> list[Effect]:
    effects: list[Effect] = []
    async with transaction() as work:
        jobs = await work.jobs.lock({each.job_id for each in seen})
        for each in seen:
            job, now = jobs[each.job_id], tools.clock()
            if isinstance(each.answer, ProviderStatus):
                follows = job.polled(each.attempt_id, each.answer, now, tools.rules)
            else:
                follows = job.result(each.attempt_id, each.answer, now, tools.rules)
            effects += tell(work, job, follows)
        await work.jobs.save(jobs.values())
    return effects
