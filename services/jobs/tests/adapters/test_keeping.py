"""What is deleted leaves nothing behind, however often the object store is away."""

import asyncio
from datetime import timedelta
from uuid import uuid4

from services.jobs.tests.kept import RULES, delivered, keys, stored

from chassis.testing import delivery, take_said
from contracts.jobs import DeleteImages, JobChanged
from jobs.application.delete_images import delete_images
from jobs.application.discard_objects import discard_objects
from jobs.application.expire_images import expire_images
from jobs.application.leases import renewing


async def test_a_deleted_image_leaves_no_object_behind(begin, s3, sandbox, clock, team, database):
    job = await delivered(begin, s3, team)
    command = DeleteImages(request_id=uuid4(), team_id=team, job_id=job.id, n=(1,))
    for _ in range(2):
        await delete_images([delivery(command)], begin, clock, RULES)
    await discard_objects(begin, s3, clock, RULES)
    assert await keys(sandbox, job) == [f"images/{team}/{job.id}/2.jpg", f"thumbs/{team}/{job.id}/2.webp"]
    said = [fact for fact in await take_said(database) if isinstance(fact, JobChanged)]
    assert [[result.deleted for result in fact.results] for fact in said] == [[True, False]] * 2


async def test_a_folder_is_emptied_when_it_is_due(begin, s3, sandbox, clock, team):
    job = await delivered(begin, s3, team)
    async with begin() as work:
        await work.discards.add_folder(f"images/{team}/", clock() + timedelta(days=1))
    await discard_objects(begin, s3, clock, RULES)
    assert len(await keys(sandbox, job)) == 4
    clock.pass_by(days=1)
    await discard_objects(begin, s3, clock, RULES)
    assert await keys(sandbox, job) == [f"thumbs/{team}/{job.id}/{n}.webp" for n in (1, 2)]
    clock.pass_by(days=1)
    await discard_objects(begin, s3, clock, RULES)
    async with begin() as work:
        assert await work.discards.take(clock() + timedelta(days=1), clock(), 9) == []


async def test_what_could_not_be_deleted_is_deleted_later(begin, s3, sandbox, clock, team):
    job = await delivered(begin, s3, team)
    command = DeleteImages(request_id=uuid4(), team_id=team, job_id=job.id, n=(1, 2))
    await delete_images([delivery(command)], begin, clock, RULES)
    await sandbox.s3_faults(slow_down=1000)
    await discard_objects(begin, s3, clock, RULES)
    await sandbox.s3_faults()
    assert len(await keys(sandbox, job)) == 4
    clock.pass_by(seconds=31)
    await discard_objects(begin, s3, clock, RULES)
    assert await keys(sandbox, job) == []


async def test_a_lease_is_renewed_while_the_work_goes_on():
    renewed, enough = 0, asyncio.Event()

    async def extend() -> None:
        nonlocal renewed
        renewed += 1
        if renewed == 1:
            raise ConnectionError("once")
        enough.set()

    async with renewing(extend, timedelta(seconds=0.03)):
        await enough.wait()
    assert renewed == 2


async def test_jobs_that_cannot_be_read_keep_no_other_back(begin, s3, sandbox, clock, team, fresh_database):
    job, broken = await delivered(begin, s3, team), await delivered(begin, s3, team)
    fresh_database.query(f"update jobs.jobs set data = data - 'price' where id = '{broken.id}'")
    clock.pass_by(days=91)
    await expire_images(begin, clock, RULES)
    assert (await stored(begin, job)).state == "expired"
    async with begin() as work:
        assert await work.jobs.outdated(clock(), 10) == []
