"""The use cases of the catalog, each a step of a story."""

from services.catalog.tests.stories import NOON, curated, recipe

from catalog.application.follow_jobs import follow_jobs
from catalog.application.publish_collection import publish_collection
from chassis.testing import delivery

CURATED = curated()


def noon():
    return NOON


async def hear(store, *facts, clock=noon):
    await follow_jobs([delivery(fact) for fact in facts], store.transaction, clock)
    return await store.said()


async def publish(store, *collection, clock=noon):
    await publish_collection(collection, store.transaction, clock)
    return await store.said()


def creation(*facts):
    """A creation from the curated model, told by these facts."""
    given = recipe().model_copy(update={"reference_model_id": CURATED.id})
    return [fact.model_copy(update={"recipe": given}) for fact in facts]
