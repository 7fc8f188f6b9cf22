"""Custom models through their facts, one transaction each, and what people ask of them."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from services.catalog.tests.steps import CURATED, creation, hear, noon, publish
from services.catalog.tests.stories import CREATE, CREATION, MODEL, NOON, REFINE, REFINEMENT, TEAM, held, told

from catalog.application.change_models import change_models
from catalog.application.close_teams import close_teams
from catalog.application.follow_jobs import TrainingWithoutModel, follow_jobs
from chassis.testing import delivery
from contracts.catalog import ActivateVersion, CatalogRefused, DeleteModel, ModelChanged, UpdateModel
from contracts.gateway import TeamClosed
from contracts.orders import Recipe


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
