"""Pinned images move to where nothing expires, and back."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

from services.jobs.tests.kept import RULES, delivered, keys, picture, stored
from services.jobs.tests.stories import TEAM

from chassis.testing import delivery, take_said
from contracts.jobs import DeleteImages, JobChanged, JobsRefused, PinImages
from jobs.application.delete_images import delete_images
from jobs.application.discard_objects import discard_objects
from jobs.application.expire_images import expire_images
from jobs.application.pin_images import move_images, pin_images
from jobs.domain.job import Job


def pin(job: Job, *numbers: int, pinned: bool = True, team: UUID | None = None) -> PinImages:
    return PinImages(request_id=uuid4(), team_id=team or job.team_id, job_id=job.id, n=numbers, pinned=pinned)


async def ask(begin, *commands: PinImages) -> None:
    await pin_images([delivery(command) for command in commands], begin)


async def carry_out(begin, s3, clock) -> None:
    await move_images(begin, s3, clock, RULES)
    await discard_objects(begin, s3, clock, RULES)


async def test_a_pinned_image_moves_to_where_nothing_expires_and_back(
    begin, s3, sandbox, clock, team, database
):
    job = await delivered(begin, s3, team)
    command = pin(job, 1)
    await ask(begin, command)
    await carry_out(begin, s3, clock)
    first = (await stored(begin, job)).results[0]
    assert (first.pinned, first.expires_at) == (True, None)
    assert await s3.get(first.key, 10_000) == picture(job.id, 1)
    assert (await s3.head(first.thumbnail_key)).content_type == "image/webp"
    mine = await keys(sandbox, job)
    assert sorted(key.split("/")[0] for key in mine) == ["images", "pinned", "pinned", "thumbs"]
    assert f"images/{team}/{job.id}/1.jpg" not in mine
    await ask(begin, pin(job, 1, pinned=False))
    await carry_out(begin, s3, clock)
    back = (await stored(begin, job)).results[0]
    assert (back.pinned, back.expires_at) == (False, clock() + timedelta(days=90))
    assert sorted(key.split("/")[0] for key in await keys(sandbox, job)) == [
        "images", "images", "thumbs", "thumbs",
    ]  # fmt: skip
    assert await s3.get(back.key, 10_000) == picture(job.id, 1)
    said = await take_said(database)
    assert [fact.timeline[-1].event for fact in said] == ["images_pinned", "images_unpinned"]


async def test_pins_are_refused_with_the_reason(begin, s3, sandbox, clock, team, database):
    job, other = await delivered(begin, s3, team), await delivered(begin, s3, TEAM)
    delete = DeleteImages(request_id=uuid4(), team_id=team, job_id=job.id, n=(2,))
    await delete_images([delivery(delete)], begin, clock, RULES)
    await take_said(database)
    await ask(begin, pin(other, 1), pin(job, 2), pin(job, 7), pin(job, 1, team=TEAM))
    refused = [fact for fact in await take_said(database) if isinstance(fact, JobsRefused)]
    assert [no.code for no in refused] == ["not_allowed", "gone", "not_found", "not_found"]
    assert await move_images(begin, s3, clock, RULES) is False


async def test_a_pin_waits_for_the_object_store(begin, s3, sandbox, clock, team):
    job = await delivered(begin, s3, team)
    await ask(begin, pin(job, 1))
    await sandbox.s3_faults(slow_down=1000)
    await carry_out(begin, s3, clock)
    await sandbox.s3_faults()
    assert not (await stored(begin, job)).results[0].pinned
    clock.pass_by(seconds=31)
    await carry_out(begin, s3, clock)
    assert (await stored(begin, job)).results[0].pinned


async def test_a_pin_asked_again_is_answered_and_copies_nothing(begin, s3, sandbox, clock, team, database):
    job = await delivered(begin, s3, team)
    command = pin(job, 1)
    await ask(begin, command, command)
    await carry_out(begin, s3, clock)
    await ask(begin, command)
    assert [fact.results[0].pinned for fact in await take_said(database)] == [True, True]
    assert len(await keys(sandbox, job)) == 4


async def test_an_image_deleted_while_it_is_pinned_is_gone_whole(begin, s3, sandbox, clock, team, database):
    job = await delivered(begin, s3, team)
    await ask(begin, pin(job, 1))
    command = DeleteImages(request_id=uuid4(), team_id=team, job_id=job.id, n=(1,))
    await delete_images([delivery(command)], begin, clock, RULES)
    await carry_out(begin, s3, clock)
    await discard_objects(begin, s3, clock, RULES)
    assert [key.split("/")[0] for key in await keys(sandbox, job)] == ["images", "thumbs"]
    refused = [fact.code for fact in await take_said(database) if isinstance(fact, JobsRefused)]
    assert refused == ["gone"]


async def test_two_workers_never_carry_the_same_out_at_a_time(begin, s3, sandbox, clock, team, database):
    jobs = [await delivered(begin, s3, team) for _ in range(3)]
    await ask(begin, *(pin(job, 1, 2) for job in jobs))
    await asyncio.gather(*(carry_out(begin, s3, clock) for _ in range(3)))
    assert len([fact for fact in await take_said(database) if isinstance(fact, JobChanged)]) == 3
    for job in jobs:
        assert all(result.pinned for result in (await stored(begin, job)).results)


async def test_after_91_days_what_is_pinned_is_there_and_the_rest_is_not(begin, s3, sandbox, clock, team):
    await s3.apply_lifecycle()
    job = await delivered(begin, s3, team)
    await ask(begin, pin(job, 1))
    await carry_out(begin, s3, clock)
    clock.pass_by(days=91)
    await expire_images(begin, clock, RULES)
    assert [result.key is None for result in (await stored(begin, job)).results] == [False, True]
    await discard_objects(begin, s3, clock, RULES)
    left = await keys(sandbox, job)
    await sandbox.advance_days(91)
    assert await keys(sandbox, job) == left  # we were there before the bucket's own rule
    assert [key.split("/")[0] for key in left] == ["pinned", "pinned"]
