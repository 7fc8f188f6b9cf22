"""From a held creation or refinement to weights that are kept."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from services.jobs.tests.neighbours import reference_model
from services.jobs.tests.steps import callback, dispatch, files, learn, open_job, settle, store, trained_model
from services.jobs.tests.stories import NOW, RULES, TEAM, drawn, weights

from chassis.testing import delivery
from contracts.credits import ReleaseCredits
from contracts.jobs import JobChanged
from contracts.orders import Operation
from jobs.application.learn import learn_reference_models
from jobs.application.store_results import take_results
from jobs.domain.calls import StepKind, Succeeded
from jobs.domain.state import State


async def test_a_creation_stores_its_samples_its_archive_and_its_weights(house):
    reference, model = uuid4(), uuid4()
    house.provider.outcome = drawn(6)
    files(house, 6)
    await learn_reference_models([delivery(reference_model(reference, NOW))], house.transaction)
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
    await learn(house, trained_model(model, trained.job_id))
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
    await learn(house, trained_model(model, trained.job_id))
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
    storing = asyncio.create_task(house.store(taken))
    async with asyncio.timeout(10):
        while house.memory.leases[job] == first:
            await asyncio.sleep(0.01)
    assert await take_results(house.transaction, house.tools, 1) == []
    copied.set()
    await house.do(await storing)
    assert house.memory.weights[job].provider_url == "https://fal/w"
