"""From held credits to the receipt, with everything outside played by fakes."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from services.jobs.tests.fakes import House
from services.jobs.tests.stories import NOW, RULES, TEAM, drawn, held, hold, settled, weights

from chassis.testing import delivery
from contracts.catalog import ModelChanged, ModelVersion, ReferenceModelChanged
from contracts.credits import CaptureCredits, ReleaseCredits
from contracts.jobs import (
    CancelJob,
    DeleteImages,
    ImagesExpiring,
    JobChanged,
    JobsRefused,
    ProviderCallback,
)
from contracts.orders import Operation
from jobs.application.act_on_deadlines import act_on_deadlines
from jobs.application.cancel_jobs import cancel_jobs, refuse_unknown
from jobs.application.delete_images import delete_images
from jobs.application.discard_objects import discard_objects
from jobs.application.dispatch_jobs import dispatch_jobs
from jobs.application.expire_images import expire_images
from jobs.application.learn import learn_models, learn_reference_models
from jobs.application.open_jobs import open_jobs
from jobs.application.poll_attempts import poll_attempts
from jobs.application.ports import (
    NotAccepted,
    ProviderUnavailable,
    SubmitInDoubt,
    SubmitRefused,
)
from jobs.application.settle_jobs import settle_jobs
from jobs.application.store_results import store_results, take_results
from jobs.application.take_callbacks import take_callbacks
from jobs.domain.calls import Failed, ProviderStatus, StepKind, Succeeded
from jobs.domain.effects import Ignored
from jobs.domain.job import Job
from jobs.domain.state import State


@pytest.fixture
def house() -> House:
    return House()


async def open_job(house: House, operation=Operation.GENERATE_IMAGES, **order) -> UUID:
    wanted = hold(operation, **order)
    await house.do(await open_jobs([delivery(held(wanted))], house.transaction, house.clock, RULES))
    return wanted.job_id


async def learn(house: House, model: ModelChanged) -> None:
    await house.do(await learn_models([delivery(model)], house.transaction, house.clock, RULES))


async def dispatch(house: House) -> None:
    await house.do(await dispatch_jobs(house.transaction, house.clock, RULES, 40))


async def callback(house: House, job: UUID, mac="good", request="r1", body="ok") -> list:
    command = ProviderCallback(
        attempt_id=house.job(job).attempts[-1].id,
        mac=mac,
        provider_request_id=request,
        body=body,
        received_at=NOW,
    )
    effects = await take_callbacks([delivery(command)], house.transaction, house.tools)
    await house.do(effects)
    return effects


async def poll(house: House, after: float) -> None:
    house.clock.pass_by(seconds=after)
    await house.do(await poll_attempts(house.transaction, house.tools))


async def store(house: House) -> None:
    for job in await take_results(house.transaction, house.tools, 8):
        await house.do(await store_results(job, house.transaction, house.tools))


async def settle(house: House, job: UUID, captured: int = 0) -> None:
    fact = settled(house.job(job), captured=captured)
    await house.do(await settle_jobs([delivery(fact)], house.transaction, house.clock, RULES))


def files(house: House, count: int) -> None:
    house.provider.files |= {f"https://fal/{n}.jpg": f"image {n}".encode() for n in range(1, count + 1)}


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
    storing = asyncio.create_task(store_results(taken, house.transaction, house.tools))
    await asyncio.sleep(0.01)
    storing.cancel()
    await asyncio.wait([storing])
    assert storing.cancelled()
    assert [each.id for each in await take_results(house.transaction, house.tools, 8)] == [job]


async def test_a_creation_stores_its_samples_its_archive_and_its_weights(house):
    reference, model = uuid4(), uuid4()
    house.provider.outcome = drawn(6)
    files(house, 6)
    await learn_reference_models([delivery(_reference(reference))], house.transaction)
    job = await open_job(
        house,
        Operation.CREATE_MODEL,
        quantity=1,
        model_id=model,
        reference_model_id=reference,
        name="Ada",
        description="a tall woman",
    )
    await dispatch(house)
    assert house.provider.calls[0][0].prompt == "a studio photograph of Ada, a tall woman"
    await callback(house, job)
    await store(house)
    folder = f"models/{TEAM}/{model}/{job}"
    training = house.provider.calls[1][0]
    assert (training.kind, training.trigger_word) == (StepKind.TRAIN, f"atl{model.hex[-8:]}")
    assert training.archive_url == f"https://signed/{folder}/training.zip?for=86400"
    assert b"4 x atl" in house.storage.objects[f"{folder}/training.zip"]
    house.provider.outcome = Succeeded(weights_url="https://fal/w", config_url="https://fal/c")
    await callback(house, job, request="r2")
    await store(house)
    assert f"{folder}/weights.safetensors" in house.storage.objects
    await settle(house, job, captured=2)
    last = house.said(JobChanged)[-1]
    assert (last.status, last.results[0].key) == ("completed", f"{folder}/samples/1.jpg")
    assert house.memory.weights[job].provider_url == "https://fal/w"


async def test_a_training_on_uploads_packs_them_for_the_provider(house):
    keys = tuple(f"uploads/{TEAM}/{n}" for n in range(4))
    house.storage.objects |= dict.fromkeys(keys, b"image")
    job = await open_job(house, Operation.CREATE_MODEL, quantity=1, upload_keys=keys)
    await dispatch(house)
    call = house.provider.calls[0][0]
    assert call.kind is StepKind.TRAIN
    assert house.storage.objects[f"models/{TEAM}/{job}/{job}/training.zip"].startswith(
        b"image|image|image|image 4"
    )


async def test_an_upload_that_is_no_image_ends_the_training_before_it_costs_anything(house):
    keys = tuple(f"uploads/{TEAM}/{n}" for n in range(4))
    house.storage.objects |= dict.fromkeys(keys[:3], b"image")
    await open_job(house, Operation.CREATE_MODEL, quantity=1, upload_keys=keys)
    await dispatch(house)
    assert house.provider.calls == []
    assert [release.reason for release in house.said(ReleaseCredits)] == ["invalid_uploads"]


async def test_a_reference_image_is_checked_before_it_costs_anything(house):
    key = f"uploads/{TEAM}/1"
    house.storage.objects[key] = b"no image"
    await open_job(house, prompt="a hat", reference_key=key)
    await dispatch(house)
    assert house.provider.calls == []
    assert [release.reason for release in house.said(ReleaseCredits)] == ["invalid_uploads"]


async def test_a_reference_image_is_handed_to_the_provider(house):
    key = f"uploads/{TEAM}/1"
    house.storage.objects[key] = b"image"
    await open_job(house, prompt="a hat", reference_key=key)
    await dispatch(house)
    assert key in house.provider.calls[0][0].reference_url


@pytest.mark.parametrize(
    "keys", [("uploads/other/1",) * 4, (f"uploads/{TEAM}/1",) * 3, (f"uploads/{TEAM}/1",) * 41]
)
async def test_uploads_of_others_or_of_a_wrong_number_are_refused(house, keys):
    await open_job(house, Operation.CREATE_MODEL, quantity=1, upload_keys=keys)
    assert [release.reason for release in house.said(ReleaseCredits)] == ["invalid_uploads"]


@pytest.mark.parametrize("seed", ["", "-1", "1.5", "seven", "1" * 21])
async def test_a_seed_that_is_no_number_is_refused(house, seed):
    await open_job(house, seed=seed)
    assert [release.reason for release in house.said(ReleaseCredits)] == ["invalid_input"]


async def test_an_object_store_that_is_away_costs_no_attempt(house):
    keys = tuple(f"uploads/{TEAM}/{n}" for n in range(4))
    house.storage.away = True
    job = await open_job(house, Operation.CREATE_MODEL, quantity=1, upload_keys=keys)
    await dispatch(house)
    assert (house.job(job).state, house.job(job).code) == (State.QUEUED, "storage_unavailable")
    assert house.memory.breaker.failures == 0


@pytest.mark.parametrize(
    ("age", "url"),
    [
        (timedelta(days=6), "https://fal/w.safetensors"),
        (timedelta(days=7), "https://signed/models/w.safetensors?for=86400"),
    ],
)
async def test_a_models_weights_come_from_the_provider_while_they_live_there(house, age, url):
    model = uuid4()
    trained = weights(model, NOW - age)
    house.memory.weights[trained.job_id] = trained
    job = await open_job(house, model_id=model, prompt="on a beach")
    await dispatch(house)
    assert house.job(job).state is State.QUEUED
    await learn(house, _model(model, trained.job_id))
    house.clock.pass_by(microseconds=0)
    house.memory.jobs[job].not_before = None
    await dispatch(house)
    call = house.provider.calls[0][0]
    assert (call.weights_url, call.prompt) == (url, f"atl{model.hex[-8:]}, on a beach")
    assert house.job(job).recipe.version == 1


async def test_a_refinement_resumes_from_the_version_it_refines(house):
    model = uuid4()
    trained = weights(model)
    house.memory.weights[trained.job_id] = trained
    await learn(house, _model(model, trained.job_id))
    house.provider.outcome = drawn(6)
    files(house, 6)
    job = await open_job(
        house, Operation.REFINE_MODEL, quantity=1, model_id=model, instructions="with short hair"
    )
    await dispatch(house)
    await callback(house, job)
    await store(house)
    drawing, training = (call for call, _ in house.provider.calls)
    assert drawing.weights_url == "https://fal/w.safetensors"
    assert "with short hair" in drawing.prompt
    assert training.checkpoint_url == "https://fal/w.safetensors"


async def test_what_is_open_with_a_model_stops_when_the_model_is_deleted(house):
    model = uuid4()
    trained = weights(model)
    house.memory.weights[trained.job_id] = trained
    await learn(house, _model(model, trained.job_id))
    drawing, other = await open_job(house, model_id=model), await open_job(house, reference_model_id=None)
    await learn(house, _model(model, trained.job_id).model_copy(update={"status": "deleted", "version": 2}))

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


async def delivered(house: House) -> UUID:
    """A job of two images, paid for."""
    house.provider.outcome = drawn(2)
    files(house, 2)
    job = await open_job(house)
    await dispatch(house)
    await callback(house, job)
    await store(house)
    await settle(house, job, captured=4)
    return job


async def discard(house: House) -> bool:
    return await discard_objects(house.transaction, house.storage, house.clock, RULES)


async def test_old_images_are_said_to_be_gone_and_then_deleted(house):
    await delivered(house)
    assert len(house.storage.objects) == 4
    house.clock.pass_by(days=91)
    await house.do(await expire_images(house.transaction, house.clock, RULES))
    assert house.said(JobChanged)[-1].status == "expired"
    await discard(house)
    assert house.storage.objects == {}


async def test_a_team_is_told_once_and_a_week_before_that_images_expire(house):
    job = await delivered(house)
    house.clock.pass_by(days=82)
    await expire_images(house.transaction, house.clock, RULES)
    assert house.said(ImagesExpiring) == []
    house.clock.pass_by(days=1)
    for _ in range(2):
        await expire_images(house.transaction, house.clock, RULES)
    (said,) = house.said(ImagesExpiring)
    assert (said.job_id, said.n, said.expires_at) == (job, (1, 2), NOW + timedelta(days=90))


async def test_everything_of_a_deleted_model_is_deleted_a_day_later(house):
    model = _model(uuid4(), uuid4()).model_copy(update={"status": "deleted", "updated_at": NOW})
    folder = f"models/{model.team_id}/{model.id}/"
    objects = (
        f"{folder}1/weights.safetensors",
        f"{folder}1/samples/1.jpg",
        f"models/{model.team_id}/other/1",
    )
    house.storage.objects |= dict.fromkeys(objects, b"kept")
    await learn(house, model)
    await discard(house)
    assert len(house.storage.objects) == 3
    house.clock.pass_by(days=1)
    await discard(house)
    assert list(house.storage.objects) == [objects[2]]
    assert list(house.memory.discards) == [folder]
    house.clock.pass_by(hours=1)
    await discard(house)
    assert list(house.memory.discards) == []


async def test_objects_are_deleted_again_and_again_while_the_store_is_away(house):
    job = await delivered(house)
    command = DeleteImages(request_id=uuid4(), team_id=TEAM, job_id=job, n=(1,))
    await house.do(await delete_images([delivery(command)], house.transaction, house.clock, RULES))
    house.storage.away = True
    assert await discard(house) is False
    house.storage.away = False
    assert await discard(house) is False
    assert len(house.storage.objects) == 4
    house.clock.pass_by(seconds=30)
    await discard(house)
    assert set(house.storage.objects) == {f"images/{TEAM}/{job}/2.jpg", f"thumbs/{TEAM}/{job}/2.webp"}
    assert house.memory.discards == {}


async def test_an_object_that_cannot_be_deleted_keeps_no_other(house):
    job = await delivered(house)
    command = DeleteImages(request_id=uuid4(), team_id=TEAM, job_id=job, n=(1, 2))
    await delete_images([delivery(command)], house.transaction, house.clock, RULES)
    house.storage.undeletable = {f"images/{TEAM}/{job}/2.jpg"}
    await discard(house)
    assert set(house.storage.objects) == set(house.memory.discards) == house.storage.undeletable


async def test_images_of_others_cannot_be_deleted(house):
    job = await delivered(house)
    unknown = DeleteImages(request_id=uuid4(), team_id=TEAM, job_id=uuid4(), n=(1,))
    foreign = DeleteImages(request_id=uuid4(), team_id=uuid4(), job_id=job, n=(1,))
    wrong = DeleteImages(request_id=uuid4(), team_id=TEAM, job_id=job, n=(1, 3))
    asked = [delivery(command) for command in (unknown, foreign, wrong)]
    await delete_images(asked, house.transaction, house.clock, RULES)
    refused = house.said(JobsRefused)
    assert [(no.request_id, no.code) for no in refused] == [
        (command.request_id, "not_found") for command in (unknown, foreign, wrong)
    ]
    assert [result.deleted for result in house.job(job).results] == [False, False]


async def test_weights_that_take_long_to_store_stay_with_who_stores_them(house):
    """So the lease can be short: what a crash leaves is taken up again soon."""
    lease = replace(RULES.training, store_lease=timedelta(seconds=0.06))
    house.tools = replace(house.tools, rules=replace(RULES, training=lease))
    keys = tuple(f"uploads/{TEAM}/{n}" for n in range(4))
    house.storage.objects |= dict.fromkeys(keys, b"image")
    job = await open_job(house, Operation.CREATE_MODEL, quantity=1, upload_keys=keys)
    await dispatch(house)
    house.provider.outcome = Succeeded(weights_url="https://fal/w")
    await callback(house, job)
    [taken] = await take_results(house.transaction, house.tools, 1)
    first = house.memory.leases[job]
    copy_from, copied = house.storage.copy_from, asyncio.Event()

    async def slow(url: str, key: str, limit: int) -> int:
        await copied.wait()
        return await copy_from(url, key, limit)

    house.storage.copy_from = slow
    house.clock.pass_by(seconds=1)
    storing = asyncio.create_task(store_results(taken, house.transaction, house.tools))
    async with asyncio.timeout(10):
        while house.memory.leases[job] == first:
            await asyncio.sleep(0.01)
    assert await take_results(house.transaction, house.tools, 1) == []
    copied.set()
    await house.do(await storing)
    assert house.memory.weights[job].provider_url == "https://fal/w"


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


def _reference(id_: UUID) -> ReferenceModelChanged:
    return ReferenceModelChanged(
        id=id_,
        version=1,
        slug="studio",
        name="Studio",
        category="fashion",
        description="A bright studio",
        tags=("bright",),
        prompt_recipe="a studio photograph of {prompt}",
        preview="0" * 64,
        created_at=NOW,
    )


def _model(id_: UUID, trained_by: UUID) -> ModelChanged:
    return ModelChanged(
        id=id_,
        team_id=TEAM,
        version=2,
        name="Ada",
        description="",
        status="ready",
        versions=(ModelVersion(number=1, job_id=trained_by, trained_at=NOW),),
        active_version=1,
        created_at=NOW,
        updated_at=NOW,
    )
