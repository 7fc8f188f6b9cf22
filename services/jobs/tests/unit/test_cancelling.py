"""What becomes of a job that is stopped, in each state it may be in."""

from uuid import uuid4

from services.jobs.tests.steps import dispatch, learn, open_job, poll, settle, trained_model
from services.jobs.tests.stories import RULES, TEAM, held, hold, weights

from chassis.testing import delivery
from contracts.credits import ReleaseCredits
from contracts.jobs import CancelJob, JobChanged, JobsRefused
from jobs.application.cancel_jobs import cancel_jobs, refuse_unknown
from jobs.application.open_jobs import open_jobs
from jobs.domain.calls import Failed, ProviderStatus
from jobs.domain.state import State


async def test_what_is_open_with_a_model_stops_when_the_model_is_deleted(house):
    model = uuid4()
    trained = weights(model)
    house.memory.weights[trained.job_id] = trained
    await learn(house, trained_model(model, trained.job_id))
    drawing, other = await open_job(house, model_id=model), await open_job(house, reference_model_id=None)
    await learn(
        house, trained_model(model, trained.job_id).model_copy(update={"status": "deleted", "version": 2})
    )

    assert house.job(drawing).state is State.SETTLING
    assert house.job(drawing).cancelling
    assert house.job(other).state is State.QUEUED


async def test_a_cancel_tells_the_truth_in_each_case(house):
    job = await open_job(house)
    foreign = CancelJob(request_id=uuid4(), team_id=uuid4(), job_id=job)
    own = CancelJob(request_id=uuid4(), team_id=TEAM, job_id=job)
    unknown = CancelJob(request_id=uuid4(), team_id=TEAM, job_id=uuid4())
    await dispatch(house)
    cancels = [delivery(each) for each in (foreign, own, unknown)]
    await house.do(await cancel_jobs(cancels, house.transaction, house.clock, RULES))
    assert [(each.about, each.code) for each in house.said(JobsRefused)] == [(job, "not_found")]
    assert house.said(JobChanged)[-1].status == "cancelling"
    assert house.provider.cancelled == ["r1"]
    house.clock.pass_by(minutes=16)
    await refuse_unknown(house.transaction, house.clock)
    assert house.said(JobsRefused)[-1].about == unknown.job_id


async def test_a_cancelled_call_that_the_provider_stops_is_given_back(house):
    job = await open_job(house)
    await dispatch(house)
    cancel = CancelJob(request_id=uuid4(), team_id=TEAM, job_id=job)
    await house.do(await cancel_jobs([delivery(cancel)], house.transaction, house.clock, RULES))
    house.provider.states = [ProviderStatus("completed")]
    house.provider.outcome = Failed("provider_error", "client_cancelled", retryable=True)
    await poll(house, after=0)
    await settle(house, job)
    assert house.said(JobChanged)[-1].status == "cancelled"


async def test_a_cancelled_call_that_the_provider_has_removed_is_given_back(house):
    job = await open_job(house)
    await dispatch(house)
    house.provider.forgetful = True
    await poll(house, after=10)
    assert house.job(job).state is State.RUNNING
    cancel = CancelJob(request_id=uuid4(), team_id=TEAM, job_id=job)
    await house.do(await cancel_jobs([delivery(cancel)], house.transaction, house.clock, RULES))
    await poll(house, after=0)
    await settle(house, job)
    assert house.said(JobChanged)[-1].status == "cancelled"


async def test_a_cancel_before_its_job_is_remembered(house):
    wanted = hold()
    cancel = CancelJob(request_id=uuid4(), team_id=TEAM, job_id=wanted.job_id)
    await cancel_jobs([delivery(cancel)], house.transaction, house.clock, RULES)
    await open_jobs([delivery(held(wanted))], house.transaction, house.clock, RULES)
    await dispatch(house)
    assert house.provider.calls == []
    assert [release.reason for release in house.said(ReleaseCredits)] == ["cancelled"]
