"""Who may start, and how many: slots of teams and of the provider, the breaker, leases."""

import asyncio
from datetime import timedelta
from uuid import uuid4

from services.jobs.tests.stored import job, opened
from services.jobs.tests.stories import SENT, rules

from chassis.testing import delivery
from contracts.billing import Limits, PlanChanged
from jobs.application.dispatch_jobs import dispatch_jobs, tell_places
from jobs.domain.calls import Succeeded
from jobs.domain.effects import Submit
from jobs.domain.job import Job
from jobs.domain.state import State


async def test_two_dispatchers_never_exceed_the_limits_of_a_team_or_the_provider(begin, clock):
    teams = [uuid4() for _ in range(4)]
    plan = [
        delivery(
            PlanChanged(
                team_id=team,
                version=1,
                plan="pro",
                status="active",
                limits=Limits(running=3, open=50, per_minute=60),
            )
        )
        for team in teams
    ]
    async with begin() as work:
        await work.shelf.learn_plans([each.message for each in plan])
    for team in teams:
        await opened(begin, clock, team, 6)
    tight = rules(provider_slots=10)
    effects = await asyncio.gather(*(dispatch_jobs(begin, clock, tight, 4) for _ in range(8)))
    started = [effect.job for some in effects for effect in some if isinstance(effect, Submit)]
    per_team = sorted(sum(each.team_id == team for each in started) for team in teams)
    assert per_team == [2, 2, 3, 3]
    assert len({each.id for each in started}) == 10


async def test_a_team_without_a_known_plan_runs_one_job(begin, clock):
    await opened(begin, clock, uuid4(), 3)
    effects = await dispatch_jobs(begin, clock, rules(), 40)
    assert sum(isinstance(effect, Submit) for effect in effects) == 1
    assert not any(isinstance(effect, Submit) for effect in await dispatch_jobs(begin, clock, rules(), 40))


async def test_waiting_jobs_say_why_and_where_they_stand(begin, clock):
    ids = await opened(begin, clock, uuid4(), 3)
    await dispatch_jobs(begin, clock, rules(), 40)
    clock.now += timedelta(seconds=5)
    await tell_places(begin, clock, rules())
    waiting = [each for each in [await job(begin, id_) for id_ in ids] if each.state is State.QUEUED]
    assert sorted((each.code, each.position) for each in waiting) == [
        ("plan_slots_busy", 1),
        ("plan_slots_busy", 2),
    ]
    versions = [each.version for each in waiting]
    await tell_places(begin, clock, rules())
    assert [(await job(begin, each.id)).version for each in waiting] == versions


async def test_an_open_breaker_lets_nobody_through_and_then_one(begin, clock):
    await opened(begin, clock, uuid4(), 1)
    await opened(begin, clock, uuid4(), 1)
    async with begin() as work:
        breaker = await work.queue.dispatcher()
        breaker.trip(clock())
        await work.queue.set_breaker(breaker)
    assert await dispatch_jobs(begin, clock, rules(), 40) == []
    clock.now += timedelta(seconds=2)
    assert sum(isinstance(e, Submit) for e in await dispatch_jobs(begin, clock, rules(), 40)) == 1
    assert await dispatch_jobs(begin, clock, rules(), 40) == []


async def test_only_calls_on_their_way_count_as_being_submitted(begin, clock):
    for _ in range(2):
        await opened(begin, clock, uuid4(), 1)
    effects = await dispatch_jobs(begin, clock, rules(), 40)
    started = [effect.job.id for effect in effects if isinstance(effect, Submit)]

    async def submitting(seconds: int) -> int:
        async with begin() as work:
            assert (await work.queue.occupied(9), await work.queue.occupied(1)) == (2, 1)
            return await work.queue.submitting(clock() - timedelta(seconds=seconds))

    assert (await submitting(1), await submitting(0)) == (2, 0)
    async with begin() as work:
        current = (await work.jobs.lock(started[:1]))[started[0]]
        current.in_doubt(current.attempts[0].id)
        await work.jobs.save([current])
    assert await submitting(1) == 1


async def test_slots_are_counted_each_time_where_few_are_free(begin, clock):
    found = []
    for most in (100_000, 100_000, 100, 100_000):
        await opened(begin, clock, uuid4(), 1)
        await dispatch_jobs(begin, clock, rules(), 40)
        async with begin() as work:
            found.append(await work.queue.occupied(most))
    assert found[2:] == [3, 3]  # counted for the few; of the many what was counted last will do


async def test_results_are_leased_to_one_worker_until_the_lease_ends(begin, clock):
    ids = await opened(begin, clock, uuid4(), 1)
    await dispatch_jobs(begin, clock, rules(), 40)
    async with begin() as work:
        current = (await work.jobs.lock(ids))[ids[0]]
        current.result(current.attempts[0].id, Succeeded(), clock(), rules())
        await work.jobs.save([current])
    lease = {current.kind: 60.0}

    async def take() -> list[Job]:
        async with begin() as work:
            return await work.workload.to_store(clock(), 8, lease)

    taken = await asyncio.gather(*(take() for _ in range(4)))
    assert [each.id for some in taken for each in some] == ids
    clock.now += timedelta(seconds=61)
    assert [each.id for each in await take()] == ids


async def test_an_attempt_is_polled_by_one_process_at_a_time(begin, clock):
    ids = await opened(begin, clock, uuid4(), 1)
    await dispatch_jobs(begin, clock, rules(), 40)
    async with begin() as work:
        current = (await work.jobs.lock(ids))[ids[0]]
        current.accepted(current.attempts[0].id, SENT, "fal-ai/flux/dev", clock(), rules())
        await work.jobs.save([current])
    clock.now += timedelta(seconds=11)

    async def take() -> list[Job]:
        async with begin() as work:
            return await work.workload.to_poll(clock(), clock() + timedelta(seconds=30), 50)

    assert sum(len(some) for some in await asyncio.gather(take(), take(), take())) == 1
