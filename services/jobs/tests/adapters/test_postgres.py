"""What jobs keeps in Postgres: each thing once, whoever asks at the same moment."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from services.jobs.tests.stored import held, job, opened
from services.jobs.tests.stories import SENT, rules

from chassis.testing import delivery
from contracts.credits import CreditsSettled
from contracts.jobs import CancelJob, JobChanged
from contracts.orders import Operation
from jobs.application.announce_jobs import announce_jobs
from jobs.application.cancel_jobs import cancel_jobs, refuse_unknown
from jobs.application.open_jobs import open_jobs
from jobs.application.settle_jobs import settle_jobs
from jobs.domain.calls import Succeeded
from jobs.domain.document import document
from jobs.domain.state import State


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
