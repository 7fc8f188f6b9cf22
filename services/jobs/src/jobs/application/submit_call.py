"""An attempt is written down: the call is made, once, and what became of it recorded."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from jobs.application.ports import (
    NotAccepted,
    NotAnImage,
    ObjectMissing,
    ObjectTooLarge,
    ProviderCall,
    StorageUnavailable,
    SubmitInDoubt,
    SubmitRefused,
    Submitted,
)
from jobs.application.tools import Tools, tell
from jobs.application.work import Transaction, Work
from jobs.domain.attempt import Attempt
from jobs.domain.brief import archive_key, caption, provider_call
from jobs.domain.calls import Failed
from jobs.domain.effects import Effect, Follow, Nudge, Submit
from jobs.domain.job import Job
from jobs.domain.record import JobRecord

UPLOAD_LIMIT = 20_000_000
UPLOADS_LIMIT = 100_000_000


@dataclass(frozen=True, slots=True)
class _Unprepared:
    """The object store was away before the call was made."""


@dataclass(frozen=True, slots=True)
class _Overslept:
    """The call waited here until its grace was over, and is not made any more."""


@dataclass(frozen=True, slots=True)
class _InDoubt:
    """Nobody knows whether the call was taken."""


_Answer = Submitted | Failed | NotAccepted | _Unprepared | _Overslept | _InDoubt


@dataclass(frozen=True, slots=True)
class Called:
    """A call that was made, and what became of it."""

    attempt: Attempt
    endpoint: str
    answer: _Answer


Record = Callable[[Called], Awaitable[list[Effect]]]


async def submit_call(order: Submit, tools: Tools, record: Record) -> list[Effect]:
    """Make the call of an attempt and record the answer."""
    call = provider_call(order.job, tools.storage.link, tools.clock(), tools.rules)
    answer = await _call(order, call, tools)
    return await record(Called(order.attempt, tools.provider.endpoint(call), answer))


async def record_calls(calls: Sequence[Called], transaction: Transaction, tools: Tools) -> list[list[Effect]]:
    """Record what became of calls; returns what follows from each."""
    async with transaction() as work:
        jobs = await work.jobs.of_attempts([call.attempt.id for call in calls])
        effects = []
        for call in calls:
            job = jobs[call.attempt.id]
            effects.append(tell(work, job, _record(job, call.attempt, call.answer, call.endpoint, tools)))
        await work.jobs.save({job.id: job for job in jobs.values()}.values())
        if await _tell_breaker(work, [call.answer for call in calls], tools):
            effects[-1].append(Nudge.DISPATCH)
        return effects


async def _call(order: Submit, call: ProviderCall, tools: Tools) -> _Answer:
    try:
        if call.archive_url and order.job.recipe.upload_keys:
            await _archive(order.job, tools)
        if call.reference_url and order.job.recipe.reference_key:
            await _upload(order.job.recipe.reference_key, UPLOAD_LIMIT, "the reference image", tools)
        if tools.clock() >= order.attempt.started_at + tools.rules.timing(order.job.kind).grace:
            return _Overslept()  # its deadline makes another one, or has
        url = tools.callbacks.url(order.attempt.id, order.job.traceparent)
        return await tools.provider.submit(call, order.attempt.id, url)
    except SubmitRefused as refusal:
        return Failed(refusal.code, refusal.detail, refusal.retryable)
    except NotAccepted as refusal:
        return refusal
    except StorageUnavailable:
        return _Unprepared()
    except SubmitInDoubt:
        return _InDoubt()


def _record(job: Job, attempt: Attempt, answer: _Answer, endpoint: str, tools: Tools) -> list[Follow]:
    now, rules = tools.clock(), tools.rules
    match answer:
        case Submitted():
            return job.accepted(attempt.id, answer, endpoint, now, rules)
        case Failed():
            return job.result(attempt.id, answer, now, rules)
        case NotAccepted():
            return job.not_accepted(attempt.id, now, rules)
        case _Unprepared():
            return job.not_accepted(attempt.id, now, rules, "storage_unavailable")
        case _Overslept():
            return job.not_accepted(attempt.id, now, rules, "provider_busy")
        case _InDoubt():
            return job.in_doubt(attempt.id)


async def _tell_breaker(work: Work, answers: Sequence[_Answer], tools: Tools) -> bool:
    """Tell it how calls fared; returns whether it now lets others through than before."""
    telling = [answer for answer in answers if isinstance(answer, Submitted | NotAccepted)]
    refused = any(isinstance(answer, NotAccepted) for answer in telling)
    if not telling or not (refused or await work.queue.failures()):
        return False
    breaker = await work.queue.dispatcher()
    for answer in telling:
        if isinstance(answer, Submitted):
            breaker.heal()
        else:
            breaker.trip(tools.clock())
    await work.queue.set_breaker(breaker)
    return True


async def _archive(job: JobRecord, tools: Tools) -> None:
    """Zip the team's uploads where the provider can fetch them; raises SubmitRefused, StorageUnavailable."""
    key = archive_key(job)
    if await tools.storage.head(key) is None:
        uploads = await _uploads(job.recipe.upload_keys, tools)
        archive = await tools.images.zip(uploads, [caption(job)] * len(uploads))
        await tools.storage.put_image(key, archive, "application/zip")


async def _uploads(keys: Sequence[str], tools: Tools) -> list[bytes]:
    uploads: list[bytes] = []
    left = UPLOADS_LIMIT
    for n, key in enumerate(keys, start=1):
        uploads.append(await _upload(key, min(left, UPLOAD_LIMIT), f"upload {n}", tools))
        left -= len(uploads[-1])
    return uploads


async def _upload(key: str, limit: int, name: str, tools: Tools) -> bytes:
    """Read what a team has put, proven to be an image; raises SubmitRefused, StorageUnavailable."""
    try:
        data = await tools.storage.get(key, limit)
        await tools.images.inspect(data)
    except (ObjectMissing, ObjectTooLarge, NotAnImage) as error:
        raise SubmitRefused("invalid_uploads", f"{name}: {error}") from error
    return data
