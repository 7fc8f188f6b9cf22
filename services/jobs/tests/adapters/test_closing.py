"""Closing a team, on a real Postgres and the sandbox's S3: nothing is left but what was paid."""

from datetime import timedelta
from uuid import uuid4

from services.jobs.tests.kept import delivered
from services.jobs.tests.stories import NOW, hold, rules, settled

from chassis.testing import delivery, take_said
from contracts.credits import ReleaseCredits
from contracts.gateway import TeamClosed
from jobs.application.close_teams import clear_closed_teams, note_closed_teams
from jobs.application.ports import StorageUnavailable
from jobs.domain.birth import born
from jobs.domain.closing import prefixes
from jobs.domain.material import Material

RULES = rules()


async def close(begin, *teams) -> None:
    closed = [TeamClosed(team_id=team, closed_at=NOW) for team in teams]
    for _ in range(2):
        await note_closed_teams([delivery(each) for each in closed], begin)


async def states(begin, *jobs) -> list[str]:
    async with begin() as work:
        found = {job.id: job for job in await work.jobs.look([job.id for job in jobs])}
    return [found[job.id].state.value for job in jobs]


async def test_nothing_of_a_closed_team_is_left_but_what_its_jobs_cost(
    begin, s3, sandbox, clock, fresh_database
):
    team, other = uuid4(), uuid4()
    job, kept = await delivered(begin, s3, team), await delivered(begin, s3, other)
    for prefix in prefixes(team):
        await s3.put_image(f"{prefix}left", b"x", "image/png")
    await close(begin, team)
    await clear_closed_teams(begin, s3, clock, RULES)
    rows = fresh_database.query(f"select data from jobs.jobs where team_id = '{team}'")

    assert [key for key in await sandbox.objects() if str(team) in key] == []
    assert [key for key in await sandbox.objects() if str(other) in key] != []
    assert "a red coat" not in rows
    assert '"captured": 4' in rows
    assert await states(begin, job, kept) == ["expired", "completed"]
    assert "a red coat" in fresh_database.query(f"select data from jobs.jobs where team_id = '{other}'")


async def test_what_runs_is_stopped_and_given_back_and_forgotten_once_it_has_ended(
    begin, s3, clock, database, fresh_database
):
    team = uuid4()
    waiting = born(hold(prompt="a red coat"), team, None, NOW, RULES)[0]
    working = born(hold(prompt="a red hat"), team, None, NOW, RULES)[0]
    working.dispatched(Material(), NOW, RULES)
    async with begin() as work:
        await work.jobs.add([waiting, working])
        await work.jobs.save([waiting, working])
    await close(begin, team)
    for _ in range(2):  # asking twice stops nothing twice
        await clear_closed_teams(begin, s3, clock, RULES)
        clock.now += timedelta(seconds=5)
    said = await take_said(database)
    async with begin() as work:
        jobs = await work.jobs.lock([waiting.id])
        jobs[waiting.id].settled(settled(jobs[waiting.id], captured=0), NOW, RULES)
        await work.jobs.save(jobs.values())
    clock.now += timedelta(hours=1)
    await clear_closed_teams(begin, s3, clock, RULES)
    rows = fresh_database.query(f"select data from jobs.jobs where id = '{waiting.id}'")

    assert [fact.job_id for fact in said if isinstance(fact, ReleaseCredits)] == [waiting.id]
    assert await states(begin, waiting, working) == ["cancelled", "submitting"]
    assert "a red coat" not in rows


async def test_a_store_that_is_away_is_asked_again(begin, s3, sandbox, clock):
    team = uuid4()
    await delivered(begin, s3, team)
    await close(begin, team)

    class Away:
        async def keys(self, _: str) -> list[str]:
            raise StorageUnavailable

        delete = s3.delete

    await clear_closed_teams(begin, Away(), clock, RULES)
    await clear_closed_teams(begin, s3, clock, RULES)
    leased = [key for key in await sandbox.objects() if str(team) in key]
    clock.now += RULES.object_lease
    await clear_closed_teams(begin, s3, clock, RULES)

    assert len(leased) == 4
    assert [key for key in await sandbox.objects() if str(team) in key] == []


async def test_after_a_month_nobody_looks_any_more(begin, s3, clock, fresh_database):
    team = uuid4()
    await close(begin, team)
    clock.now += timedelta(days=31)
    await clear_closed_teams(begin, s3, clock, RULES)

    assert (
        fresh_database.query(f"select look_at is null from jobs.closed_teams where team_id = '{team}'") == "t"
    )
