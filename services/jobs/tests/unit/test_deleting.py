"""Images, models and the objects behind them go when it is time, and only then."""

from datetime import timedelta
from uuid import UUID, uuid4

from services.jobs.tests.fakes import House
from services.jobs.tests.steps import callback, dispatch, files, learn, open_job, settle, store, trained_model
from services.jobs.tests.stories import NOW, RULES, TEAM, drawn

from chassis.testing import delivery
from contracts.jobs import DeleteImages, ImagesExpiring, JobChanged, JobsRefused
from jobs.application.delete_images import delete_images
from jobs.application.discard_objects import discard_objects
from jobs.application.expire_images import expire_images


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
    model = trained_model(uuid4(), uuid4()).model_copy(update={"status": "deleted", "updated_at": NOW})
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
