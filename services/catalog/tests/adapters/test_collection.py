"""The curated collection: published once, counted, retired, announced."""

import asyncio
from base64 import b64decode
from datetime import timedelta
from uuid import uuid4

import pytest
from services.catalog.tests.steps import CURATED, creation, hear, noon, publish
from services.catalog.tests.stories import CREATE, CREATION, GENERATE, MODEL, NOON, curated, told

from catalog.application.announce_models import announce_models, announce_references
from catalog.application.publish_collection import publish_collection
from catalog.application.tell_popularity import tell_popularity
from contracts.catalog import PreviewPublished, ReferenceModelChanged
from contracts.orders import Recipe


async def popularity(store, minutes):
    await tell_popularity(store.transaction, lambda: NOON + timedelta(minutes=minutes))
    return await store.said()


def generated(job=None, **given):
    return told(job or uuid4(), GENERATE, 5, "completed").model_copy(update={"recipe": Recipe(**given)})


async def test_a_new_collection_is_said_with_its_pictures_first(store):
    picture, document = await publish(store, CURATED)

    assert isinstance(picture, PreviewPublished)
    assert isinstance(document, ReferenceModelChanged)
    assert (document.version, document.preview) == (1, picture.sha256)
    assert (b64decode(picture.data), picture.content_type) == (b"webp", "image/webp")


async def test_publishing_again_says_nothing(store):
    await publish(store, CURATED)

    assert await publish(store, CURATED) == []


async def test_a_changed_text_is_said_as_the_next_version_without_its_picture(store):
    await publish(store, CURATED)
    (document,) = await publish(store, curated(description="Calmer."))

    assert (document.version, document.description) == (2, "Calmer.")


async def test_a_changed_picture_is_said_again(store):
    await publish(store, CURATED)
    picture, document = await publish(store, curated(preview=b"better"))

    assert (document.version, document.preview) == (2, picture.sha256)


async def test_a_model_taken_out_is_retired_once_and_can_return(store):
    await publish(store, CURATED)
    (gone,) = await publish(store)
    assert await publish(store) == []
    (back,) = await publish(store, CURATED)

    assert (gone.version, gone.retired, back.version, back.retired) == (2, True, 3, False)


async def test_every_completed_job_counts_once_for_its_reference_model(store):
    await publish(store, CURATED)
    (done,) = creation(told(CREATION, CREATE, 2, "completed"))
    image = generated(reference_model_id=CURATED.id)
    await hear(store, done, image, image)
    await hear(store, done, image, generated(model_id=MODEL), generated(model_id=uuid4()))

    (document,) = await popularity(store, minutes=1)
    assert (document.version, document.uses) == (2, 3)


async def test_popularity_is_said_at_most_once_a_minute_and_only_when_it_changed(store):
    await publish(store, CURATED)
    await hear(store, generated(reference_model_id=CURATED.id))

    assert await popularity(store, minutes=0.5) == []
    assert [document.uses for document in await popularity(store, minutes=1)] == [1]
    await hear(store, generated(reference_model_id=CURATED.id))
    assert await popularity(store, minutes=1.5) == []
    assert [document.uses for document in await popularity(store, minutes=2)] == [2]
    assert await popularity(store, minutes=3) == []


async def test_a_changed_text_keeps_the_count(store):
    await publish(store, CURATED)
    await hear(store, generated(reference_model_id=CURATED.id))
    (document,) = await publish(store, curated(description="Calmer."))

    assert document.uses == 1
    assert await popularity(store, minutes=2) == []


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
async def test_two_migrations_at_once_publish_once(store):
    await asyncio.gather(*(publish_collection([CURATED], store.transaction, noon) for _ in range(3)))

    assert [type(message) for message in await store.said()] == [PreviewPublished, ReferenceModelChanged]


async def test_all_models_are_announced_as_they_were_last_said(store):
    published = await publish(store, CURATED)
    (training,) = await hear(store, *creation(told(CREATION, CREATE, 1, "queued")))
    await hear(store, generated(reference_model_id=CURATED.id))  # counted, and not yet told

    assert await announce_references(None, 10, store.transaction) == [CURATED.id]
    assert await announce_references(CURATED.id, 10, store.transaction) == []
    assert await store.said() == published
    assert await announce_models(None, 10, store.transaction) == [MODEL]
    assert await announce_models(MODEL, 10, store.transaction) == []
    assert await store.said() == [training]


async def test_a_retired_model_is_announced_with_its_picture(store):
    picture, _ = await publish(store, CURATED)
    (gone,) = await publish(store)
    await announce_references(None, 10, store.transaction)

    assert await store.said() == [picture, gone]


async def test_a_model_is_announced_with_the_picture_that_it_was_published_with(store):
    await publish(store, CURATED)
    picture, document = await publish(store, curated(preview=b"better"))
    await announce_references(None, 10, store.transaction)

    assert await store.said() == [picture, document]
