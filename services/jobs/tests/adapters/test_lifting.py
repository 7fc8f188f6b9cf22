"""After a restore: jobs and exports are above what others have seen, also those that begin again."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from services.jobs.tests.stored import job, opened
from services.jobs.tests.stories import rules

from chassis.lifting import Wish, floor_at, lift
from chassis.testing import delivery
from contracts.jobs import ExportImages, ImageRef
from jobs.adapters.outbound.lifts import PARTS
from jobs.application.open_exports import open_exports
from jobs.domain.document import document

AT = datetime(2026, 11, 23, tzinfo=UTC)
LIFTED = floor_at(AT)


async def lifted(database, at=AT):
    return (await lift(database, PARTS, Wish("restored", "ada"), lambda: at)).parts


async def exported(begin, clock, team):
    command = ExportImages(
        request_id=uuid4(),
        team_id=team,
        user_id=None,
        export_id=uuid4(),
        images=(ImageRef(job_id=uuid4(), n=1),),
    )
    await open_exports([delivery(command)], begin, clock, rules())
    async with begin() as work:
        return (await work.exports.lock([command.export_id]))[command.export_id]


async def test_jobs_and_exports_rise_to_the_floor_and_go_on_from_there(begin, database, clock, team):
    (id_,) = await opened(begin, clock, team, 1)
    export = await exported(begin, clock, team)
    assert await lifted(database) == (("jobs", 1), ("exports", 1))
    async with begin() as work:
        found = (await work.jobs.lock([id_]))[id_]
        assert document(found).version == LIFTED
        (said, *_) = [f for f in found.cancel(clock(), rules()) if getattr(f, "version", 0)]
        await work.jobs.save([found])
        (kept,) = (await work.exports.lock([export.id])).values()
    assert (said.version, kept.version) == (LIFTED + 1, LIFTED)
    assert (await job(begin, id_)).version == LIFTED + 1
    assert await lifted(database, AT + timedelta(minutes=1)) == (("jobs", 1), ("exports", 1))


async def test_what_was_forgotten_begins_above_what_others_know(begin, database, clock, team):
    await lifted(database)
    (id_,) = await opened(begin, clock, team, 1)
    assert (await job(begin, id_)).version == LIFTED + 1
    assert (await exported(begin, clock, team)).version == LIFTED + 1
