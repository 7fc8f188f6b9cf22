"""The saga's tables on a real Postgres: locks, leases, limits, and what two processes may do at once."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from chassis.testing import delivery
from contracts.billing import Limits, PlanChanged
from contracts.credits import CreditsHeld, CreditsSettled, Hold
from contracts.jobs import CancelJob, JobChanged
from contracts.orders import Operation, Order, Recipe
from jobs.application.announce_jobs import announce_jobs
from jobs.application.cancel_jobs import cancel_jobs, refuse_unknown
from jobs.application.dispatch_jobs import dispatch_jobs, tell_places
from jobs.application.open_jobs import open_jobs
from jobs.application.settle_jobs import settle_jobs
from jobs.domain.calls import Submitted, Succeeded
from jobs.domain.document import document
from jobs.domain.effects import Submit
from jobs.domain.job import Job
from jobs.domain.rules import Rules
from jobs.domain.state import State
from jobs.settings import Settings

SENT = Submitted("r-1", "https://fal/r-1", "https://fal/r-1/status", "https://fal/r-1/cancel")


def rules(**changes) -> Rules:
    made = Settings.model_construct(**{n: f.default for n, f in Settings.model_fields.items()}).rules()
    return replace(made, **changes)


def held(team: UUID, *jobs: UUID, operation=Operation.GENERATE_IMAGES, **recipe) -> CreditsHeld:
    holds = tuple(
        Hold(
            job_id=job,
            amount=8,
            unit_price=2,
            price_version=1,
            expires_at=datetime(2026, 6, 1, tzinfo=UTC),
            order=Order(job_id=job, operation=operation, quantity=4, recipe=Recipe(**recipe)),
        )
        for job in jobs
    )
    return CreditsHeld(request_id=uuid4(), team_id=team, holds=holds)


async def opened(begin, clock, team: UUID, count: int, **order) -> list[UUID]:
    ids = [uuid4() for _ in range(count)]
    await open_jobs([delivery(held(team, id_, **order)) for id_ in ids], begin, clock, rules())
    return ids


async def job(begin, id_: UUID) -> Job:
    async with begin() as work:
        return (await work.jobs.lock([id_]))[id_]


def said(fresh_database, kind: str) -> int:
    return int(fresh_database.query(f"select count(*) from jobs.outbox where type = '{kind}'"))


async def test_a_job_comes_back_as_it_was_saved(begin, clock):
    model, reference = uuid4(), uuid4()
    ids = await opened(
        begin,
        clock,
        uuid4(),
        1,
        operation=Operation.CREATE_MODEL,
        model_id=model,
        reference_model_id=reference,
    )
    async with begin() as work:
        before = (await work.jobs.lock(ids))[ids[0]]
        before.dispatched(before.material or _material(), clock(), rules())
        before.accepted(before.attempts[0].id, SENT, "fal-ai/flux/dev", clock(), rules())
        before.result(before.attempts[0].id, Succeeded(weights_url="https://fal/w"), clock(), rules())
        await work.jobs.save([before])
    assert await job(begin, ids[0]) == before


def _material():
    from jobs.domain.material import Material, Weights

    weights = Weights(
        uuid4(), uuid4(), uuid4(), "models/key", "https://fal/w", datetime(2026, 1, 1, tzinfo=UTC)
    )
    return Material("a photo of {prompt}", "blurred", weights, 3)


async def test_the_same_hold_twice_opens_one_job(begin, clock, fresh_database):
    team, id_ = uuid4(), uuid4()
    fact = held(team, id_)
    await open_jobs([delivery(fact), delivery(fact)], begin, clock, rules())
    await asyncio.gather(*(open_jobs([delivery(fact)], begin, clock, rules()) for _ in range(4)))
    assert said(fresh_database, "jobs.job-changed.v1") == 1


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
            occupied = await work.queue.occupied(clock() - timedelta(seconds=seconds))
            assert occupied.slots == 2
            return occupied.submitting

    assert (await submitting(1), await submitting(0)) == (2, 0)
    async with begin() as work:
        current = (await work.jobs.lock(started[:1]))[started[0]]
        current.in_doubt(current.attempts[0].id)
        await work.jobs.save([current])
    assert await submitting(1) == 1


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


async def test_a_second_training_of_a_model_is_given_back(begin, clock, fresh_database):
    team, model = uuid4(), uuid4()
    first, second = [
        (await opened(begin, clock, team, 1, operation=Operation.REFINE_MODEL, model_id=model))[0]
        for _ in "ab"
    ]
    assert (await job(begin, first)).state is State.QUEUED
    busy = await job(begin, second)
    assert (busy.state, busy.code) == (State.SETTLING, "model_busy")
    assert said(fresh_database, "credits.release.v1") == 1


async def test_only_open_jobs_of_a_model_are_found_by_it(begin, clock):
    team, model, job, ended = uuid4(), uuid4(), uuid4(), uuid4()
    await open_jobs([delivery(held(team, job, ended, model_id=model))], begin, clock, rules())
    await open_jobs([delivery(held(team, uuid4(), model_id=uuid4()))], begin, clock, rules())
    await open_jobs([delivery(held(team, uuid4(), reference_model_id=None))], begin, clock, rules())
    cancel = CancelJob(request_id=uuid4(), team_id=team, job_id=ended)
    await cancel_jobs([delivery(cancel)], begin, clock, rules())
    settled = CreditsSettled(job_id=ended, team_id=team, outcome="released", held=8, captured=0, released=8)
    await settle_jobs([delivery(settled)], begin, clock, rules())

    async with begin() as work:
        assert [found.id for found in await work.jobs.lock_using([model])] == [job]


async def test_two_trainings_of_a_model_at_the_same_moment_cannot_both_open(begin, clock):
    team, model = uuid4(), uuid4()
    facts = [held(team, uuid4(), operation=Operation.REFINE_MODEL, model_id=model) for _ in range(5)]
    opening = (open_jobs([delivery(fact)], begin, clock, rules()) for fact in facts)
    failures = [each for each in await asyncio.gather(*opening, return_exceptions=True) if each != []]
    for fact in facts:  # as the bus does with what failed
        await open_jobs([delivery(fact)], begin, clock, rules())
    states = sorted([(await job(begin, fact.holds[0].job_id)).state for fact in facts])
    assert states == ["queued"] + ["settling"] * 4
    assert all("uq_jobs_training_of" in str(each) for each in failures if isinstance(each, Exception))


async def test_a_settled_fact_delivered_twice_at_once_ends_the_job_once(begin, clock, fresh_database):
    ids = await opened(begin, clock, uuid4(), 1)
    cancel = CancelJob(request_id=uuid4(), team_id=(await job(begin, ids[0])).team_id, job_id=ids[0])
    await cancel_jobs([delivery(cancel)], begin, clock, rules())
    fact = delivery(
        CreditsSettled(
            job_id=ids[0], team_id=cancel.team_id, outcome="released", held=8, captured=0, released=8
        )
    )
    await asyncio.gather(*(settle_jobs([fact], begin, clock, rules()) for _ in range(3)))
    ended = await job(begin, ids[0])
    assert (ended.state, ended.version) == (State.CANCELLED, 3)
    assert ended.receipt is not None
    assert ended.receipt.released == 8
    assert said(fresh_database, "jobs.job-changed.v1") == 3


async def test_a_cancel_that_overtakes_its_job_is_answered_when_the_job_comes(begin, clock, fresh_database):
    team, id_ = uuid4(), uuid4()
    cancel = delivery(CancelJob(request_id=uuid4(), team_id=team, job_id=id_))
    await asyncio.gather(
        cancel_jobs([cancel], begin, clock, rules()),
        open_jobs([delivery(held(team, id_))], begin, clock, rules()),
    )
    assert (await job(begin, id_)).cancelling
    said_of_it = "select count(*) from jobs.outbox where type = 'jobs.job-changed.v1'"
    answers = f"{said_of_it} and correlation_id = '{cancel.correlation_id}'"
    assert fresh_database.query(answers) == "1"


async def test_a_cancel_of_a_job_that_never_comes_is_refused(begin, clock, fresh_database):
    cancel = CancelJob(request_id=uuid4(), team_id=uuid4(), job_id=uuid4())
    await cancel_jobs([delivery(cancel)], begin, clock, rules())
    clock.now = datetime.now(UTC) + timedelta(minutes=16)
    await refuse_unknown(begin, clock)
    assert said(fresh_database, "jobs.refused.v1") == 1


async def test_only_what_changed_is_written(begin, clock, fresh_database):
    ids = await opened(begin, clock, uuid4(), 1)
    before = fresh_database.query("select xmin from jobs.jobs")
    async with begin() as work:
        await work.jobs.save((await work.jobs.lock(ids)).values())
    assert fresh_database.query("select xmin from jobs.jobs") == before


async def test_jobs_are_announced_a_page_at_a_time_as_they_stand(begin, clock, fresh_database):
    ids = sorted(await opened(begin, clock, uuid4(), 3))
    fresh_database.query("delete from jobs.outbox")
    assert await announce_jobs(None, 2, begin) == ids[:2]
    assert await announce_jobs(ids[1], 2, begin) == ids[2:]
    assert await announce_jobs(ids[2], 2, begin) == []
    rows = fresh_database.query(
        "select convert_from(payload, 'utf8') from jobs.outbox order by id"
    ).splitlines()
    assert [JobChanged.model_validate_json(row) for row in rows] == [
        document(await job(begin, id_)) for id_ in ids
    ]
    assert fresh_database.query("select distinct exchange from jobs.outbox") == "announced"
