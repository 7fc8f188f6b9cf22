"""The provider is done: what it made is copied to our own store before anything else happens.

Keys are deterministic and written once, so whoever takes this up after a crash does the same again.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from contracts.jobs import Result
from jobs.application.leases import renewing
from jobs.application.ports import (
    NotAnImage,
    ProviderImage,
    ProviderUnavailable,
    ResultGone,
    StepKind,
    StorageUnavailable,
    Succeeded,
)
from jobs.application.tools import Tools, tell
from jobs.application.work import Transaction, Work
from jobs.domain.brief import archive_key, caption, weights_key
from jobs.domain.effects import Effect, Follow, Store
from jobs.domain.job import Job
from jobs.domain.material import Weights, extension, image_keys, sample_keys

IMAGE_LIMIT = 50_000_000
WEIGHTS_LIMIT = 2_000_000_000


@dataclass(frozen=True, slots=True)
class _Kept:
    """What could be stored; `again` when the rest may succeed later, `code` when some never will."""

    results: tuple[Result, ...] = ()
    code: str = ""
    again: bool = False
    weights: Weights | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A job as it was when its results were taken, and what could be stored of them."""

    job: Job
    kept: _Kept


async def take_results(transaction: Transaction, tools: Tools, capacity: int) -> list[Effect]:
    """Lease up to `capacity` jobs whose results are to be stored."""
    if capacity < 1:
        return []
    leases = {kind: tools.rules.timing(kind).store_lease.total_seconds() for kind in StepKind}
    async with transaction() as work:
        return [Store(job) for job in await work.workload.to_store(tools.clock(), capacity, leases)]


async def store_results(order: Store, transaction: Transaction, tools: Tools) -> Stored:
    """Store what one job's step made; what could be is recorded next, before the lease ends."""
    job = order.job
    try:
        lease = tools.rules.timing(job.kind).store_lease
        async with renewing(lambda: _lease(job, lease, transaction, tools), lease):
            return Stored(job, await _keep(job, job.outcome or Succeeded(), tools))
    except asyncio.CancelledError:
        await _hand_back(job, transaction, tools)
        raise


async def record_stored(
    stored: Sequence[Stored], transaction: Transaction, tools: Tools
) -> list[list[Effect]]:
    """Record what could be stored; returns what follows from each."""
    async with transaction() as work:
        jobs = await work.jobs.lock({one.job.id for one in stored})
        effects = []
        for one in stored:
            current = jobs[one.job.id]
            effects.append(tell(work, current, await _record(work, current, one, tools)))
        await work.jobs.save(jobs.values())
        return effects


async def _record(work: Work, current: Job, stored: Stored, tools: Tools) -> list[Follow]:
    step, kept, now = stored.job.step, stored.kept, tools.clock()
    if kept.again:
        await work.workload.lease(current.id, now + tools.rules.store_retry)
        return current.kept(step, kept.results)
    if kept.weights:
        await work.shelf.keep_weights(kept.weights)
    return current.stored(step, kept.results, now, tools.rules, kept.code)


async def _hand_back(job: Job, transaction: Transaction, tools: Tools) -> None:
    """Let another worker go on at once: this process stops."""
    await _lease(job, timedelta(), transaction, tools)


async def _lease(job: Job, time: timedelta, transaction: Transaction, tools: Tools) -> None:
    async with transaction() as work:
        await work.workload.lease(job.id, tools.clock() + time)


async def _keep(job: Job, outcome: Succeeded, tools: Tools) -> _Kept:
    match job.kind:
        case StepKind.GENERATE:
            return await _keep_images(job, outcome.images, tools)
        case StepKind.REFERENCE_SET:
            return await _keep_reference_set(job, outcome.images, tools)
        case StepKind.TRAIN:
            return await _keep_weights(job, outcome, tools)


@dataclass(frozen=True, slots=True)
class _Image:
    """One image: stored or withheld; lost for ever; or to be tried again."""

    result: Result | None = None
    again: bool = False


async def _keep_images(job: Job, images: Sequence[ProviderImage], tools: Tools) -> _Kept:
    done = {result.n: _Image(result) for result in job.results}
    wanted = enumerate(images[: job.call.count], job.call.first)
    numbered = {n: image for n, image in wanted if n not in done}
    tried = await asyncio.gather(*(_keep_image(job, n, image, tools) for n, image in numbered.items()))
    done |= dict(zip(numbered, tried, strict=True))
    return _kept([done[n] for n in sorted(done)])


async def _keep_reference_set(job: Job, images: Sequence[ProviderImage], tools: Tools) -> _Kept:
    kept = await _keep_images(job, images, tools)
    if kept.again or job.steps[job.step].kind is StepKind.REFERENCE_SET:
        return kept
    try:
        await _keep_archive(job, [result.key for result in kept.results if result.key], tools)
    except StorageUnavailable:
        return _Kept(kept.results, again=True)
    return kept


async def _keep_archive(job: Job, keys: Sequence[str], tools: Tools) -> None:
    pictures = await asyncio.gather(*(tools.storage.get(key, IMAGE_LIMIT) for key in keys))
    if pictures:
        archive = await tools.images.zip(pictures, [caption(job)] * len(pictures))
        await tools.storage.put_image(archive_key(job), archive, "application/zip")


def _kept(tried: Sequence[_Image]) -> _Kept:
    results = tuple(image.result for image in tried if image.result)
    lost = any(image.result is None and not image.again for image in tried) or not tried
    return _Kept(results, "result_lost" if lost else "", again=any(image.again for image in tried))


async def _keep_image(job: Job, n: int, image: ProviderImage, tools: Tools) -> _Image:
    if image.withheld:
        return _Image(Result(n=n, seed=image.seed, withheld=True))
    try:
        data = await tools.provider.download(image.url, IMAGE_LIMIT)
        return _Image(await _put(job, n, data, image.seed, tools))
    except (ResultGone, NotAnImage):
        return _Image()
    except (ProviderUnavailable, StorageUnavailable):
        return _Image(again=True)


async def _put(job: Job, n: int, data: bytes, seed: str | None, tools: Tools) -> Result:
    picture, thumbnail = await tools.images.inspect_and_shrink(data)
    ext = extension(picture.format)
    if job.kind is StepKind.REFERENCE_SET:
        key, thumbnail_key = sample_keys(job.team_id, job.model_id, job.id, n, ext)
    else:
        key, thumbnail_key = image_keys(job.team_id, job.id, n, ext)
    await asyncio.gather(
        tools.storage.put_image(key, data, f"image/{picture.format}"),
        tools.storage.put_image(thumbnail_key, thumbnail, "image/webp"),
    )
    return Result(
        n=n, key=key, thumbnail_key=thumbnail_key, width=picture.width, height=picture.height, seed=seed
    )


async def _keep_weights(job: Job, outcome: Succeeded, tools: Tools) -> _Kept:
    if outcome.weights_url is None:
        return _Kept(job.results, "result_lost")
    key = weights_key(job)
    try:
        await tools.storage.copy_from(outcome.weights_url, key, WEIGHTS_LIMIT)
    except ResultGone:
        return _Kept(job.results, "result_lost")
    except (ProviderUnavailable, StorageUnavailable):
        return _Kept(job.results, again=True)
    weights = Weights(
        job_id=job.id,
        team_id=job.team_id,
        model_id=job.model_id,
        key=key,
        provider_url=outcome.weights_url,
        stored_at=tools.clock(),
        config_url=outcome.config_url,
    )
    return _Kept(job.results, weights=weights)
