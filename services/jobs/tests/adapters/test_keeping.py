"""Keeping images, on a real Postgres and the sandbox's S3: deleted, pinned, exported, whatever crashes."""

import asyncio
import hashlib
import io
import json
from datetime import timedelta
from uuid import UUID, uuid4
from zipfile import ZipFile

import pytest
from services.jobs.tests.stories import NOW, TEAM, hold, rules, settled

from chassis.testing import delivery, take_said
from contracts.billing import Limits, PlanChanged
from contracts.jobs import (
    DeleteImages,
    ExportChanged,
    ExportImages,
    ImageRef,
    JobChanged,
    JobsRefused,
    PinImages,
    Result,
)
from jobs.application import build_exports
from jobs.application.announce_jobs import announce_exports
from jobs.application.build_exports import build_export, take_exports
from jobs.application.delete_images import delete_images
from jobs.application.discard_objects import discard_objects
from jobs.application.expire_images import expire_exports, expire_images
from jobs.application.learn import learn_plans
from jobs.application.leases import renewing
from jobs.application.open_exports import open_exports
from jobs.application.pin_images import move_images, pin_images
from jobs.application.ports import StorageUnavailable
from jobs.application.tools import Tools
from jobs.domain.birth import born
from jobs.domain.calls import Submitted, Succeeded
from jobs.domain.job import Job
from jobs.domain.material import Material, image_keys

RULES = rules()
SENT = Submitted("r-1", "https://fal/r-1", "https://fal/r-1/status", "https://fal/r-1/cancel")


@pytest.fixture
def tools(s3, clock) -> Tools:
    return Tools(
        provider=None,
        storage=s3,
        images=None,
        callbacks=None,
        rules=RULES,
        clock=clock,
        trace=None,
        turn=None,
    )


@pytest.fixture
async def team(begin) -> UUID:
    """A team whose plan lets it pin."""
    team = uuid4()
    limits = Limits(running=1, open=20, per_minute=60, pin=True)
    plan = PlanChanged(team_id=team, version=1, plan="pro", status="active", limits=limits)
    await learn_plans([delivery(plan)], begin)
    return team


async def delivered(begin, s3, team: UUID, count: int = 2, size: int = 1_000) -> Job:
    """A completed job with its objects in the bucket."""
    job = born(hold(quantity=count, prompt="a red coat"), team, None, NOW, RULES)[0]
    job.dispatched(Material(), NOW, RULES)
    job.accepted(job.attempts[0].id, SENT, "fal-ai/flux/dev", NOW, RULES)
    job.result(job.attempts[0].id, Succeeded(), NOW, RULES)
    results = []
    for n in range(1, count + 1):
        key, thumbnail = image_keys(team, job.id, n, "jpg")
        await s3.put_image(key, picture(job.id, n, size), "image/jpeg")
        await s3.put_image(thumbnail, b"small", "image/webp")
        results.append(Result(n=n, key=key, thumbnail_key=thumbnail, width=64, height=48, seed="7"))
    job.stored(1, results, NOW, RULES)
    job.steps, job.step = job.steps[-1:], 1
    job.stored(1, results, NOW, RULES)
    job.settled(settled(job, captured=2 * count), NOW, RULES)
    async with begin() as work:
        await work.jobs.add([job])
        await work.jobs.save([job])
    return job


def picture(job_id: UUID, n: int, size: int = 1_000) -> bytes:
    return f"{job_id} {n} ".encode().ljust(size, b"x")


async def stored(begin, job: Job) -> Job:
    async with begin() as work:
        [found] = await work.jobs.look([job.id])
    return found


def pin(job: Job, *numbers: int, pinned: bool = True, team: UUID | None = None) -> PinImages:
    return PinImages(request_id=uuid4(), team_id=team or job.team_id, job_id=job.id, n=numbers, pinned=pinned)


async def ask(begin, *commands: PinImages) -> None:
    await pin_images([delivery(command) for command in commands], begin)


async def carry_out(begin, s3, clock) -> None:
    await move_images(begin, s3, clock, RULES)
    await discard_objects(begin, s3, clock, RULES)


async def keys(sandbox, job: Job) -> list[str]:
    return [key for key in await sandbox.objects() if str(job.id) in key]


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


# Exports


def wish(team: UUID, *images: ImageRef) -> ExportImages:
    return ExportImages(request_id=uuid4(), team_id=team, export_id=uuid4(), images=images)


def all_of(*jobs: Job) -> list[ImageRef]:
    return [ImageRef(job_id=job.id, n=result.n) for job in jobs for result in job.results]


async def opened(begin, clock, *commands: ExportImages) -> None:
    await open_exports([delivery(command) for command in commands], begin, clock, RULES)


async def build(begin, tools, s3) -> int:
    taken = await take_exports(begin, tools, 10)
    await asyncio.gather(*(build_export(export, begin, tools, s3) for export in taken))
    return len(taken)


async def newest(begin, command: ExportImages) -> ExportChanged:
    async with begin() as work:
        return (await work.exports.lock([command.export_id]))[command.export_id].document()


async def unzipped(s3, document: ExportChanged) -> tuple[dict[str, bytes], dict]:
    data = await s3.get(document.key, 100_000_000)
    assert len(data) == document.size
    with ZipFile(io.BytesIO(data)) as read:
        assert read.testzip() is None
        files = {name: read.read(name) for name in read.namelist()}
    return files, json.loads(files.pop("manifest.json"))


async def test_an_export_holds_each_image_and_tells_what_is_missing(
    begin, s3, sandbox, clock, team, tools, database
):
    jobs = [await delivered(begin, s3, team) for _ in range(2)]
    foreign = await delivered(begin, s3, uuid4())
    await s3.delete([jobs[1].results[1].key])
    command = wish(team, *all_of(*jobs), ImageRef(job_id=foreign.id, n=1))
    await opened(begin, clock, command, command)
    assert await build(begin, tools, s3) == 1
    done = await newest(begin, command)
    assert (done.status, done.images, done.done, done.missing) == ("completed", 5, 5, 2)
    assert done.expires_at == clock() + timedelta(days=1)
    files, manifest = await unzipped(s3, done)
    wanted = all_of(*jobs)[:3]
    assert files == {f"{ref.job_id}_{ref.n}.jpg": picture(ref.job_id, ref.n) for ref in wanted}
    assert {entry["file"]: entry["sha256"] for entry in manifest["images"]} == {
        name: hashlib.sha256(data).hexdigest() for name, data in files.items()
    }
    assert manifest["missing"] == [
        {"id": f"{jobs[1].id}_2", "reason": "deleted"},
        {"id": f"{foreign.id}_1", "reason": "not_found"},
    ]
    assert str(foreign.id) not in manifest["jobs"]
    said = [(fact.version, fact.status) for fact in await take_said(database)]
    assert said == [(1, "processing"), (1, "processing"), (2, "completed")]


async def test_an_export_of_any_size_is_sent_in_parts(begin, s3, sandbox, clock, team, tools, monkeypatch):
    monkeypatch.setattr(build_exports, "PART", 5 << 20)
    jobs = [await delivered(begin, s3, team, count=4, size=2 << 20) for _ in range(2)]
    most = 0
    send = build_exports._Building.send

    async def watched(building) -> None:
        nonlocal most
        most = max(most, building.archive.held)
        await send(building)

    monkeypatch.setattr(build_exports._Building, "send", watched)
    command = wish(team, *all_of(*jobs))
    await opened(begin, clock, command)
    await build(begin, tools, s3)
    files, _ = await unzipped(s3, await newest(begin, command))
    assert len(files) == 8
    assert files[f"{jobs[1].id}_4.jpg"] == picture(jobs[1].id, 4, 2 << 20)
    assert most < (8 << 20)


async def test_progress_is_told_at_most_once_a_second(begin, s3, sandbox, clock, team, tools, database):
    job = await delivered(begin, s3, team, count=8)
    get = s3.get

    async def slow(key: str, limit: int) -> bytes:
        clock.pass_by(seconds=0.4)
        return await get(key, limit)

    s3.get = slow
    command = wish(team, *all_of(job))
    await opened(begin, clock, command)
    await build(begin, tools, s3)
    assert [fact.done for fact in await take_said(database)] == [0, 3, 6, 8]


async def test_an_export_begun_by_a_process_that_died_is_made_by_another(
    begin, s3, sandbox, clock, team, tools, monkeypatch
):
    job = await delivered(begin, s3, team)
    command = wish(team, *all_of(job))
    await opened(begin, clock, command)

    async def dies(*_args) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(build_exports, "_finish", dies)
        [taken] = await take_exports(begin, tools, 1)
        with pytest.raises(RuntimeError):
            await build_export(taken, begin, tools, s3)
    assert await build(begin, tools, s3) == 0
    clock.pass_by(seconds=31)
    [again] = await take_exports(begin, tools, 1)
    assert again.upload_id is not None
    await build_export(again, begin, tools, s3)
    assert (await newest(begin, command)).status == "completed"
    key = f"exports/{team}/{command.export_id}.zip"
    with pytest.raises(StorageUnavailable, match="not there"):  # what the first had sent was dropped
        await s3.upload_part(key, again.upload_id, 1, b"more")


async def test_an_export_waits_for_the_object_store_but_not_for_ever(begin, s3, sandbox, clock, team, tools):
    job = await delivered(begin, s3, team)
    command = wish(team, *all_of(job))
    await opened(begin, clock, command)
    await sandbox.s3_faults(slow_down=100_000)
    await build(begin, tools, s3)
    assert (await newest(begin, command)).status == "processing"
    assert await build(begin, tools, s3) == 0
    clock.pass_by(seconds=5)
    assert await build(begin, tools, s3) == 1
    clock.pass_by(hours=1)
    await build(begin, tools, s3)
    await sandbox.s3_faults()
    failed = await newest(begin, command)
    assert (failed.status, failed.key) == ("failed", None)
    assert failed.reason == "it could not be made in time"


async def test_a_team_has_so_many_exports_and_no_more(begin, s3, sandbox, clock, team, tools, database):
    job = await delivered(begin, s3, team)
    commands = [wish(team, *all_of(job)) for _ in range(3)]
    others = wish(uuid4(), *all_of(job))
    await opened(begin, clock, *commands, others)
    (refused,) = [fact for fact in await take_said(database) if isinstance(fact, JobsRefused)]
    assert (refused.about, refused.code) == (commands[2].export_id, "too_many_exports")
    assert await build(begin, tools, s3) == 3
    await opened(begin, clock, wish(team, *all_of(job)))
    assert await build(begin, tools, s3) == 1


async def test_an_export_is_taken_away_after_a_day(begin, s3, sandbox, clock, team, tools, database):
    job = await delivered(begin, s3, team)
    command = wish(team, *all_of(job))
    await opened(begin, clock, command)
    await build(begin, tools, s3)
    clock.pass_by(days=1)
    await expire_exports(begin, clock)
    await discard_objects(begin, s3, clock, RULES)
    gone = await newest(begin, command)
    assert (gone.status, gone.key) == ("expired", None)
    assert await sandbox.objects(f"exports/{team}/") == []
    assert await announce_exports(None, 10, begin) == [command.export_id]
    assert (await take_said(database))[-1] == gone


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


async def test_jobs_that_cannot_be_read_keep_no_other_back(begin, s3, sandbox, clock, team, migrated):
    job, broken = await delivered(begin, s3, team), await delivered(begin, s3, team)
    migrated.query(f"update jobs.jobs set data = data - 'price' where id = '{broken.id}'")
    clock.pass_by(days=91)
    await expire_images(begin, clock, RULES)
    assert (await stored(begin, job)).state == "expired"
    async with begin() as work:
        assert await work.jobs.outdated(clock(), 10) == []
