"""From held credits to the receipt, with everything outside played by fakes."""

import asyncio
from itertools import pairwise

import pytest
from services.jobs.tests.steps import callback, dispatch, files, open_job, poll, settle, store, taken_callback
from services.jobs.tests.stories import RULES, TEAM, drawn

from contracts.credits import CaptureCredits, ReleaseCredits
from contracts.jobs import JobChanged
from jobs.application.act_on_deadlines import act_on_deadlines
from jobs.application.dispatch_jobs import dispatch_jobs
from jobs.application.ports import NotAccepted, ProviderUnavailable, SubmitInDoubt, SubmitRefused
from jobs.application.store_results import take_results
from jobs.domain.calls import ProviderStatus
from jobs.domain.effects import Ignored, Nudge, Store
from jobs.domain.job import Job
from jobs.domain.state import State


async def test_a_job_goes_from_its_hold_to_its_receipt(house):
    house.provider.outcome = drawn(2)
    files(house, 2)
    job = await open_job(house, prompt="a red coat")
    await dispatch(house)
    await callback(house, job)
    await store(house)
    assert house.said(CaptureCredits) == [CaptureCredits(job_id=job, team_id=TEAM, quantity=2)]
    await settle(house, job, captured=4)
    statuses = [document.status for document in house.said(JobChanged)]
    assert statuses == ["queued", "processing", "completed"]
    assert sorted(house.storage.objects) == [
        f"images/{TEAM}/{job}/1.jpg",
        f"images/{TEAM}/{job}/2.jpg",
        f"thumbs/{TEAM}/{job}/1.webp",
        f"thumbs/{TEAM}/{job}/2.webp",
    ]
    result = house.said(JobChanged)[-1].results[0]
    assert (result.width, result.height, result.seed) == (640, 480, "15860307465884635512")


async def test_a_job_whose_callback_is_lost_is_finished_by_the_poller(house):
    house.provider.states = [ProviderStatus("running", percent=40), ProviderStatus("completed")]
    house.provider.outcome = drawn(2)
    job = await open_job(house)
    await dispatch(house)
    await poll(house, after=10)
    assert house.said(JobChanged)[-1].progress.percent == 40
    await poll(house, after=15)
    assert house.job(job).state is State.STORING


async def test_a_forged_callback_changes_nothing(house):
    house.provider.outcome = drawn(2)
    job = await open_job(house)
    await dispatch(house)
    assert await callback(house, job, mac="forged") == [Ignored("forged_callback")]
    assert await callback(house, job, request="r9") == [Ignored("callback_of_another_request")]
    assert house.job(job).state is State.RUNNING


@pytest.mark.parametrize("body", ["fetch", "malformed"])
async def test_a_callback_without_an_outcome_has_it_fetched(house, body):
    job = await open_job(house)
    house.provider.answer = SubmitInDoubt()
    await dispatch(house)
    await callback(house, job, body=body)
    house.provider.states, house.provider.outcome = [ProviderStatus("completed")], drawn(2)
    await poll(house, after=0)
    assert house.job(job).state is State.STORING


async def test_a_refused_input_is_given_back_with_code_and_detail(house):
    house.provider.answer = SubmitRefused("invalid_input", "seed: not a number")
    job = await open_job(house)
    await dispatch(house)
    await settle(house, job)
    last = house.said(JobChanged)[-1]
    assert (last.status, last.code, last.reason) == ("failed", "invalid_input", "seed: not a number")
    assert [release.reason for release in house.said(ReleaseCredits)] == ["invalid_input"]


async def test_a_provider_that_takes_nothing_is_left_alone_for_ever_longer(house):
    house.provider.answer = NotAccepted("locked", "User is locked")
    job = await open_job(house)
    calls = []
    for _ in range(100):
        house.clock.pass_by(seconds=1)
        before = len(house.provider.calls)
        await dispatch(house)
        calls += [house.clock.now] if len(house.provider.calls) > before else []
    gaps = [(after - before).total_seconds() for before, after in pairwise(calls)]
    assert gaps == [5, 5, 5, 8, 16, 32]
    assert house.job(job).code == "provider_unavailable"
    house.provider.answer = None
    house.clock.pass_by(seconds=60)
    await dispatch(house)
    assert house.job(job).state is State.RUNNING
    assert house.memory.breaker.failures == 0


async def test_a_call_in_doubt_keeps_nobody_from_trying_the_provider_again(house):
    house.provider.answer = SubmitInDoubt()
    await open_job(house)
    await dispatch(house)
    house.provider.answer = NotAccepted("provider_busy", "429")
    house.memory.plans[TEAM] = 2
    job = await open_job(house)
    await dispatch(house)
    house.provider.answer = None
    house.clock.pass_by(seconds=5)
    await dispatch(house)
    assert house.job(job).state is State.RUNNING


async def test_a_job_for_which_there_is_room_starts_as_it_is_opened_and_is_said_once(house):
    job = await open_job(house, room=1)
    assert len(house.provider.calls) == 1
    assert house.job(job).state is State.RUNNING
    assert [fact.status for fact in house.said(JobChanged)] == ["processing"]
    assert [moment.event for moment in house.job(job).timeline][:2] == ["queued", "processing"]
    assert Nudge.DISPATCH not in house.effects


async def test_without_room_an_opened_job_waits_for_its_turn(house):
    job = await open_job(house, room=0)
    assert house.job(job).state is State.QUEUED
    assert [fact.status for fact in house.said(JobChanged)] == ["queued"]
    assert house.effects == [Nudge.DISPATCH]


async def test_an_opened_job_passes_nobody_over(house):
    first = await open_job(house)
    house.clock.pass_by(seconds=1)
    second = await open_job(house, room=1)
    assert (house.job(first).state, house.job(second).state) == (State.RUNNING, State.QUEUED)


async def test_an_opened_job_waits_where_its_plan_leaves_no_slot(house):
    house.memory.plans[TEAM] = 1
    first, second = await open_job(house, room=8), await open_job(house, room=8)
    assert (house.job(first).state, house.job(second).state) == (State.RUNNING, State.QUEUED)


async def test_what_a_callback_brings_is_stored_at_once_where_there_is_room(house):
    house.provider.outcome = drawn(1)
    files(house, 1)
    job = await open_job(house, room=1)
    effects = await callback(house, job, room=1)
    assert Nudge.STORE not in effects
    assert await take_results(house.transaction, house.tools, 8) == []
    assert [capture.quantity for capture in house.said(CaptureCredits)] == [1]


async def test_a_callback_that_comes_twice_is_stored_by_one(house):
    house.provider.outcome = drawn(1)
    job = await open_job(house, room=1)
    first, second = [await taken_callback(house, job, room=1) for _ in range(2)]
    assert [effect.job.id for effect in first if isinstance(effect, Store)] == [job]
    assert not [effect for effect in second if isinstance(effect, Store)]


async def test_a_call_that_waited_beyond_its_grace_is_not_made(house):
    job = await open_job(house)
    (order, *_) = await dispatch_jobs(house.transaction, house.clock, RULES, 40)
    house.clock.pass_by(seconds=150)
    await house.do(await act_on_deadlines(house.transaction, house.clock, RULES))
    await house.do([order])
    first, second = house.job(job).attempts
    assert [attempt for _, attempt in house.provider.calls] == [second.id]
    assert (first.counts, second.counts) == (False, True)


async def test_a_job_whose_calls_wait_too_long_for_their_turn_is_not_given_up(house):
    job = await open_job(house)
    for _ in range(10):
        (order, *_) = await dispatch_jobs(house.transaction, house.clock, RULES, 40)
        house.clock.pass_by(seconds=150)
        await house.do([order])
        assert (house.job(job).state, house.job(job).code) == (State.QUEUED, "provider_busy")
        house.clock.pass_by(seconds=5)
    await dispatch(house)
    assert len(house.provider.calls) == 1
    assert house.job(job).state is State.RUNNING


async def test_a_lost_answer_leads_to_one_more_call_only_after_the_grace(house):
    house.provider.answer = SubmitInDoubt()
    job = await open_job(house)
    await dispatch(house)
    for _ in range(149):
        house.clock.pass_by(seconds=1)
        await house.do(await act_on_deadlines(house.transaction, house.clock, RULES))
    assert len(house.provider.calls) == 1
    house.clock.pass_by(seconds=1)
    house.provider.answer = None
    await house.do(await act_on_deadlines(house.transaction, house.clock, RULES))
    assert len(house.provider.calls) == 2
    assert house.job(job).state is State.RUNNING


async def test_an_image_that_cannot_be_read_is_not_charged(house):
    house.provider.outcome = drawn(2)
    house.provider.files = {"https://fal/1.jpg": b"image 1", "https://fal/2.jpg": b"not a picture"}
    job = await open_job(house)
    await dispatch(house)
    await callback(house, job)
    await store(house)
    assert [capture.quantity for capture in house.said(CaptureCredits)] == [1]


async def test_storing_goes_on_where_it_stopped(house):
    house.provider.outcome = drawn(2)
    house.provider.files = {"https://fal/1.jpg": b"image 1", "https://fal/2.jpg": ProviderUnavailable()}
    job = await open_job(house)
    await dispatch(house)
    await callback(house, job)
    await store(house)
    assert (house.job(job).state, len(house.job(job).results)) == (State.STORING, 1)
    files(house, 2)
    await store(house)
    assert house.job(job).state is State.STORING
    house.clock.pass_by(seconds=5)
    await store(house)
    assert house.provider.downloads.count("https://fal/1.jpg") == 1
    assert [capture.quantity for capture in house.said(CaptureCredits)] == [2]


async def test_storing_that_is_cut_off_is_taken_up_at_once(house):
    job = await open_job(house)
    await dispatch(house)
    house.provider.outcome = drawn(2)
    await callback(house, job)
    house.tools.provider.download = lambda *_: asyncio.sleep(600)
    (taken,) = await take_results(house.transaction, house.tools, 8)
    assert await take_results(house.transaction, house.tools, 8) == []
    storing = asyncio.create_task(house.store(taken))
    await asyncio.sleep(0.01)
    storing.cancel()
    await asyncio.wait([storing])
    assert storing.cancelled()
    assert [each.job.id for each in await take_results(house.transaction, house.tools, 8)] == [job]


async def test_one_job_that_cannot_be_moved_on_keeps_no_other_back(house, monkeypatch):
    stuck, other = await open_job(house), await open_job(house)
    deadline = Job.deadline

    def failing(self, *args):
        if self.id == stuck:
            raise ArithmeticError
        return deadline(self, *args)

    monkeypatch.setattr(Job, "deadline", failing)
    house.clock.pass_by(days=2)
    await house.do(await act_on_deadlines(house.transaction, house.clock, RULES))
    assert (house.job(stuck).state, house.job(other).state) == (State.QUEUED, State.SETTLING)
