"""An export is made: image by image into a zip that travels in parts, so that its size does not matter.

Whoever takes it up after a crash begins anew, and drops what its predecessor had sent.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from contracts.envelope import Cause
from contracts.jobs import ExportChanged, ImageRef, Result
from jobs.application.keeping import Parts
from jobs.application.leases import renewing
from jobs.application.ports import ObjectMissing, ObjectTooLarge, StorageUnavailable
from jobs.application.tools import Tools
from jobs.application.work import Transaction, Work
from jobs.domain.archive import Archive
from jobs.domain.export import Export, export_key
from jobs.domain.job import Job
from jobs.domain.manifest import Manifest, entry_name, why_missing

PART = 8 << 20
IMAGE_LIMIT = 50_000_000
JOBS_AT_ONCE = 50


class _Overtaken(Exception):
    """The export has ended, or somebody else is making it."""


@dataclass(slots=True)
class _Building:
    """The zip so far: an upload, the tags of the parts sent, and what has not been sent yet."""

    export: Export
    upload_id: str
    parts: Parts
    manifest: Manifest
    archive: Archive = field(default_factory=Archive)
    tags: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        return export_key(self.export.team_id, self.export.id)

    @property
    def missing(self) -> int:
        return len(self.manifest.missing)

    async def send(self) -> None:
        number, data = len(self.tags) + 1, self.archive.take()
        self.tags.append(await self.parts.upload_part(self.key, self.upload_id, number, data))


async def take_exports(transaction: Transaction, tools: Tools, capacity: int) -> list[Export]:
    """Lease up to `capacity` exports that are to be made."""
    if capacity < 1:
        return []
    async with transaction() as work:
        now = tools.clock()
        return await work.exports.take(now, now + tools.rules.object_lease, capacity)


async def build_export(export: Export, transaction: Transaction, tools: Tools, parts: Parts) -> None:
    """Make one export, or leave it to be tried again while the object store is away."""
    try:
        if tools.clock() >= export.created_at + tools.rules.export_limit:
            await _give_up(export, transaction, tools, parts)
            return
        lease = tools.rules.object_lease
        async with renewing(lambda: _lease(export, lease, transaction, tools), lease):
            building = await _begin(export, transaction, parts)
            await _fill(building, transaction, tools)
            await _finish(building, transaction, tools)
    except _Overtaken:
        return
    except StorageUnavailable:
        await _lease(export, tools.rules.store_retry, transaction, tools)
    except asyncio.CancelledError:
        await _lease(export, timedelta(), transaction, tools)  # this process stops: another goes on at once
        raise


async def _begin(export: Export, transaction: Transaction, parts: Parts) -> _Building:
    key = export_key(export.team_id, export.id)
    if export.upload_id:
        await parts.abort_upload(key, export.upload_id)
    upload_id = await parts.begin_upload(key, "application/zip")
    async with transaction() as work:
        current = await _current(work, export)
        current.upload_id = upload_id
        await work.exports.save([current])
    return _Building(export, upload_id, parts, Manifest(export.id))


async def _fill(building: _Building, transaction: Transaction, tools: Tools) -> None:
    told = tools.clock()
    done = 0
    async for ref, job, result in _wanted(building.export, transaction):
        await _add(building, ref, job, result, tools)
        done += 1
        if building.archive.held >= PART:
            await building.send()
        if tools.clock() >= told + tools.rules.progress_every:
            told = tools.clock()
            await _progress(building, done, transaction, tools)


async def _wanted(
    export: Export, transaction: Transaction
) -> AsyncIterator[tuple[ImageRef, Job | None, Result | None]]:
    """Find the images, some jobs at a time."""
    for start in range(0, len(export.images), JOBS_AT_ONCE):
        refs = export.images[start : start + JOBS_AT_ONCE]
        async with transaction() as work:
            jobs = {job.id: job for job in await work.jobs.look({ref.job_id for ref in refs})}
        for ref in refs:
            job = jobs.get(ref.job_id)
            yield ref, job, _result(job, ref.n)


def _result(job: Job | None, n: int) -> Result | None:
    return next((result for result in job.results if result.n == n), None) if job else None


async def _add(
    building: _Building, ref: ImageRef, job: Job | None, result: Result | None, tools: Tools
) -> None:
    reason = why_missing(job, building.export.team_id, result)
    if reason or job is None or result is None or result.key is None:
        building.manifest.lacks(ref, reason)
        return
    try:
        data = await tools.storage.get(result.key, IMAGE_LIMIT)
    except (ObjectMissing, ObjectTooLarge):
        building.manifest.lacks(ref, "deleted")
        return
    await asyncio.to_thread(building.manifest.add, ref, job, result, data)
    await asyncio.to_thread(building.archive.add, entry_name(ref, result.key), data, job.created_at)


async def _progress(building: _Building, done: int, transaction: Transaction, tools: Tools) -> None:
    async with transaction() as work:
        export = await _current(work, building.export, building.upload_id)
        _say(work, export, export.progressed(done, building.missing, tools.clock()))
        await work.exports.save([export])


async def _finish(building: _Building, transaction: Transaction, tools: Tools) -> None:
    now = tools.clock()
    building.archive.add("manifest.json", building.manifest.written(now), now)
    building.archive.end()
    size = building.archive.size
    await building.send()
    await building.parts.complete_upload(building.key, building.upload_id, building.tags)
    async with transaction() as work:
        export = await _current(work, building.export, building.upload_id)
        _say(work, export, export.completed(size, building.missing, now, tools.rules))
        await work.exports.save([export])


async def _give_up(export: Export, transaction: Transaction, tools: Tools, parts: Parts) -> None:
    """End what cannot be made, whatever keeps it; what is left of its upload the bucket's own rule drops."""
    key = export_key(export.team_id, export.id)
    with suppress(StorageUnavailable):
        if export.upload_id:
            await parts.abort_upload(key, export.upload_id)
    async with transaction() as work:
        current = await _current(work, export)
        current.unwanted.append(key)
        _say(work, current, current.failed("it could not be made in time", tools.clock()))
        await work.exports.save([current])


async def _current(work: Work, export: Export, upload_id: str | None = None) -> Export:
    current = (await work.exports.lock([export.id])).get(export.id)
    if current is None or not current.open or (upload_id and current.upload_id != upload_id):
        raise _Overtaken
    return current


async def _lease(export: Export, time: timedelta, transaction: Transaction, tools: Tools) -> None:
    async with transaction() as work:
        await work.exports.lease(export.id, tools.clock() + time)


def _say(work: Work, export: Export, documents: Sequence[ExportChanged]) -> None:
    cause = Cause(correlation_id=export.id, traceparent=export.traceparent)
    for document in documents:
        work.outbox.add(document, cause)
