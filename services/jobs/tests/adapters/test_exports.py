"""Many images in one file, made once, of any size, by whoever is there."""

import asyncio
import hashlib
import io
import json
from datetime import timedelta
from uuid import UUID, uuid4
from zipfile import ZipFile

import pytest
from services.jobs.tests.kept import RULES, delivered, picture

from chassis.testing import delivery, take_said
from contracts.jobs import ExportChanged, ExportImages, ImageRef, JobsRefused
from jobs.application import build_exports
from jobs.application.announce_jobs import announce_exports
from jobs.application.build_exports import build_export, take_exports
from jobs.application.discard_objects import discard_objects
from jobs.application.expire_images import expire_exports
from jobs.application.open_exports import open_exports
from jobs.application.ports import StorageUnavailable
from jobs.application.tools import Tools
from jobs.domain.job import Job


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
