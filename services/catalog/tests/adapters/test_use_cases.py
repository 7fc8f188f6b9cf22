"""What catalog promises, in memory and on Postgres."""

import asyncio
from base64 import b64decode
from datetime import timedelta
from uuid import uuid4

import pytest
from services.catalog.tests.stories import (
    CREATE,
    CREATION,
    GENERATE,
    MODEL,
    NOON,
    REFINE,
    REFINEMENT,
    TEAM,
    curated,
    held,
    recipe,
    told,
)

from catalog.application.announce_models import announce_models, announce_references
from catalog.application.change_models import change_models
from catalog.application.close_teams import close_teams
from catalog.application.follow_jobs import TrainingWithoutModel, follow_jobs
from catalog.application.publish_collection import publish_collection
from catalog.application.tell_popularity import tell_popularity
from chassis.testing import delivery
from contracts.catalog import (
    ActivateVersion,
    CatalogRefused,
    DeleteModel,
    ModelChanged,
    PreviewPublished,
    ReferenceModelChanged,
    UpdateModel,
)
from contracts.gateway import TeamClosed
from contracts.orders import Recipe

CURATED = curated()


def noon():
    return NOON


async def hear(store, *facts, clock=noon):
    await follow_jobs([delivery(fact) for fact in facts], store.transaction, clock)
    return await store.said()


async def publish(store, *collection, clock=noon):
    await publish_collection(collection, store.transaction, clock)
    return await store.said()


async def popularity(store, minutes):
    await tell_popularity(store.transaction, lambda: NOON + timedelta(minutes=minutes))
    return await store.said()


def creation(*facts):
    """A creation from the curated model, told by these facts."""
    given = recipe().model_copy(update={"reference_model_id": CURATED.id})
    return [fact.model_copy(update={"recipe": given}) for fact in facts]


def generated(job=None, **given):
    return told(job or uuid4(), GENERATE, 5, "completed").model_copy(update={"recipe": Recipe(**given)})


async def test_a_model_lives_through_its_facts_one_transaction_each(store):
    await publish(store, CURATED)
    (queued, done) = creation(
        told(CREATION, CREATE, 1, "queued"), told(CREATION, CREATE, 2, "completed", at=NOON)
    )
    (training,) = await hear(store, queued)
    (ready,) = await hear(store, done)
    (refining,) = await hear(store, held(REFINEMENT, REFINE))
    (refined,) = await hear(store, told(REFINEMENT, REFINE, 1, "completed", at=NOON + timedelta(hours=1)))

    assert [d.version for d in (training, ready, refining, refined)] == [1, 2, 3, 4]
    assert (training.status, training.category) == ("training", "fashion")
    assert (ready.status, ready.versions[0].trained_at) == ("ready", NOON)
    assert refining.training.number == 2
    assert (refined.active_version, [v.job_id for v in refined.versions]) == (2, [CREATION, REFINEMENT])


async def test_a_batch_says_each_change_in_order(store):
    said = await hear(store, held(CREATION), told(CREATION, CREATE, 1, "queued"))

    assert [(type(d), d.version, d.status) for d in said] == [
        (ModelChanged, 1, "pending"),
        (ModelChanged, 2, "training"),
    ]


async def test_what_comes_again_is_not_said_again(store):
    facts = [held(CREATION), told(CREATION, CREATE, 1, "queued"), told(CREATION, CREATE, 2, "completed")]
    await hear(store, *facts)

    assert await hear(store, *facts, *facts) == []


async def test_a_refinement_heard_before_its_creation_is_remembered(store):
    refined = told(REFINEMENT, REFINE, 2, "completed", at=NOON + timedelta(hours=1))
    assert await hear(store, refined) == []
    (document,) = await hear(store, held(CREATION))

    assert (document.status, document.versions[0].job_id) == ("ready", REFINEMENT)


async def test_a_failed_creation_is_kept_with_its_reason(store):
    await hear(store, held(CREATION))
    (document,) = await hear(store, told(CREATION, CREATE, 1, "failed", reason="No faces found."))

    assert (document.status, document.reason) == ("failed", "No faces found.")


async def test_a_training_that_names_no_model_is_an_error_not_a_loss(store):
    fact = told(CREATION, CREATE, 1, "queued").model_copy(update={"recipe": Recipe(name="Nameless")})

    with pytest.raises(TrainingWithoutModel):
        await hear(store, fact)


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
async def test_two_processes_that_hear_of_one_model_say_contiguous_versions(store):
    await asyncio.gather(
        hear_only(store, held(CREATION)),
        hear_only(store, told(CREATION, CREATE, 1, "processing", percent=10)),
        hear_only(store, told(CREATION, CREATE, 2, "completed")),
    )
    said = await store.said()

    assert [document.version for document in said] == list(range(1, len(said) + 1))
    assert said[-1].status == "ready"


async def hear_only(store, *facts):
    await follow_jobs([delivery(fact) for fact in facts], store.transaction, noon)


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


async def ask(store, kind, **what):
    command = kind(request_id=uuid4(), team_id=TEAM, model_id=MODEL, **what)
    await change_models([delivery(command)], store.transaction, noon)
    (answer,) = await store.said()
    return answer


async def test_a_model_can_be_renamed_rolled_back_and_deleted(store):
    await hear(store, held(CREATION), told(CREATION, CREATE, 2, "completed"))
    await hear(store, told(REFINEMENT, REFINE, 1, "completed", at=NOON + timedelta(hours=1)))

    renamed = await ask(store, UpdateModel, name="Winter line", description="Warm")
    rolled_back = await ask(store, ActivateVersion, version=1)
    deleted = await ask(store, DeleteModel)

    assert (renamed.name, renamed.description, renamed.active_version) == ("Winter line", "Warm", 2)
    assert (rolled_back.name, rolled_back.active_version) == ("Winter line", 1)
    assert (deleted.status, deleted.version) == ("deleted", rolled_back.version + 1)


async def test_a_deleted_model_stays_deleted(store):
    await hear(store, held(CREATION))
    deleted = await ask(store, DeleteModel, cancel_jobs=True)

    assert await hear(store, told(CREATION, CREATE, 2, "completed")) == []
    assert await ask(store, DeleteModel) == deleted


async def test_what_cannot_be_done_is_refused_under_the_request_that_asked(store):
    command = UpdateModel(request_id=uuid4(), team_id=TEAM, model_id=MODEL, name="Winter line")
    await change_models([delivery(command)], store.transaction, noon)

    assert await store.said() == [
        CatalogRefused(
            request_id=command.request_id, about=MODEL, code="not_found", detail="There is no such model."
        )
    ]


async def test_the_models_of_a_closed_team_are_deleted_with_all_their_words(store):
    await hear(store, held(CREATION, CREATE), told(CREATION, CREATE, 3, "completed", at=NOON))
    closed = [delivery(TeamClosed(team_id=team, closed_at=NOON)) for team in (TEAM, uuid4())]
    await close_teams(closed, store.transaction, noon)
    (deleted,) = await store.said()
    await close_teams(closed, store.transaction, noon)
    again = await store.said()
    late = await hear(store, held(REFINEMENT, REFINE), held(uuid4(), CREATE))
    async with store.transaction() as work:
        models = await work.models.lock(await work.models.of_teams({TEAM}))
    words = [(m.origin.name, m.origin.description, m.origin.user_id) for m in models.values()]
    told_to = {training.instructions for model in models.values() for training in model.trainings.values()}

    assert (deleted.status, deleted.name, deleted.description) == ("deleted", "", "")
    assert again == []
    assert {document.status for document in late} <= {"deleted"}
    assert set(words) == {("", "", None)}
    assert told_to == {""}
