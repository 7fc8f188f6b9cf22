"""After a restore: versions above any that others have seen, also of what is born again."""

from datetime import timedelta
from uuid import uuid4

import pytest
from services.catalog.tests.conftest import Postgres
from services.catalog.tests.steps import CURATED, creation, hear, publish
from services.catalog.tests.stories import CREATE, CREATION, MODEL, NOON, REFINE, REFINEMENT, held, told

from catalog.__main__ import COMMANDS
from catalog.adapters.outbound.lifts import PARTS
from catalog.application.announce_models import announce_models, announce_references
from chassis.commands import main
from chassis.lifting import BEGINNING, PACE, TooLow, Wish, floor_at, lift
from chassis.statement import text

WISH = Wish("restored from last night", "ada")
LIFTED = floor_at(NOON)


@pytest.fixture
def store(database):
    return Postgres(database)


async def lifted(store, at=NOON, wish=WISH):
    return await lift(store.database, PARTS, wish, lambda: at)


async def test_all_documents_rise_to_the_floor_and_go_on_from_there(store):
    await publish(store, CURATED)
    await hear(store, *creation(told(CREATION, CREATE, 1, "queued"), told(CREATION, CREATE, 2, "completed")))

    assert (await lifted(store)).parts == (("curated models", 1), ("models", 1))
    await announce_references(None, 10, store.transaction)
    await announce_models(None, 10, store.transaction)
    assert [d.version for d in await store.said() if hasattr(d, "version")] == [LIFTED, LIFTED]
    (refining,) = await hear(store, held(REFINEMENT, REFINE))
    assert refining.version == LIFTED + 1


async def test_a_model_that_was_forgotten_begins_above_what_others_know(store):
    await lifted(store)
    (born,) = await hear(store, held(CREATION))
    assert (born.id, born.version) == (MODEL, LIFTED + 1)


async def test_lifting_again_changes_nothing_until_time_has_gone_on(store):
    await hear(store, held(CREATION))
    assert dict((await lifted(store)).parts)["models"] == 1
    assert dict((await lifted(store)).parts)["models"] == 0
    later = await lifted(store, NOON + timedelta(minutes=1))
    assert (later.floor, dict(later.parts)["models"]) == (LIFTED + 60 * PACE, 1)
    async with store.database.transaction() as session:
        kept = (await session.connection.execute(text("select * from catalog.lifts order by floor"))).all()
    assert [(row.reason, row.by, row.lifted) for row in kept] == [
        ("restored from last night", "ada", 0),
        ("restored from last night", "ada", 1),
    ]


async def test_more_documents_than_a_page_are_all_lifted(store, monkeypatch):
    monkeypatch.setattr("chassis.lifting.PAGE", 2)
    others = [
        held(uuid4()).model_copy(update={"holds": (hold,)})
        for hold in (
            one.model_copy(
                update={"order": one.order.model_copy(update={"job_id": uuid4(), "recipe": recipe})}
            )
            for one in held(CREATION).holds
            for recipe in (one.order.recipe.model_copy(update={"model_id": uuid4()}) for _ in range(5))
        )
    ]
    await hear(store, *others)
    assert dict((await lifted(store)).parts)["models"] == 5


async def test_a_document_beyond_the_floor_stops_it_before_anything_is_changed(store):
    await hear(store, held(CREATION))
    await lifted(store)
    with pytest.raises(TooLow, match=f"one of the models is at version {LIFTED}, above 0"):
        await lifted(store, BEGINNING)
    higher = await lifted(store, BEGINNING, Wish("seen by the gateway", "ada", above=LIFTED + 7))
    assert higher == type(higher)(LIFTED + 8, (("curated models", 0), ("models", 1)))


def test_an_operator_says_why_and_reads_what_was_lifted(migrated, monkeypatch, capsys):
    for name, value in {"DATABASE_URL": migrated, "RABBITMQ_URL": "amqp://unused"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main("catalog", COMMANDS, ["lift"])
    assert ended.value.code == 2
    with pytest.raises(SystemExit) as ended:
        main("catalog", COMMANDS, ["lift", "--reason", "a disk was lost"])
    assert ended.value.code == 0
    assert ": 0 curated models, 0 models\n" in capsys.readouterr().out
