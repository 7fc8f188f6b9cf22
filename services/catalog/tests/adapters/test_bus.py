"""Catalog's consumer on the real bus."""

import asyncio
from contextlib import asynccontextmanager

from services.catalog.tests.stories import CREATE, CREATION, REFINE, REFINEMENT, held, told

from catalog.adapters.inbound import bus
from catalog.adapters.outbound import postgres
from chassis.broker import listen
from chassis.clock import utc_now
from chassis.consumer import Reception
from chassis.health import Health
from chassis.publisher import Publisher
from chassis.relay import Relay
from chassis.testing import listening
from contracts.catalog import ModelChanged


@asynccontextmanager
async def catalog(url, database):
    publisher, health = Publisher(url), Health()
    reception = Reception(bus.facts(postgres.transaction(database), utc_now), publisher, health)
    parts = [
        *(asyncio.create_task(line.run()) for line in listen(url, [reception], publisher, health)),
        asyncio.create_task(Relay(database, publisher, health).run()),
    ]
    try:
        yield
    finally:
        for part in parts:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)
        await publisher.close()


async def test_a_model_is_made_and_refined_over_the_bus(fresh_vhost, database):
    async with listening(fresh_vhost, ModelChanged) as ear, catalog(fresh_vhost, database):
        await ear.say(held(CREATION))
        pending = await ear.hear(ModelChanged)
        await ear.say(told(CREATION, CREATE, 3, "completed"))
        ready = await ear.hear(ModelChanged)
        await ear.say(told(CREATION, CREATE, 3, "completed"))
        await ear.say(held(REFINEMENT, REFINE))
        refining = await ear.hear(ModelChanged)

    assert [document.status for document in (pending, ready, refining)] == ["pending", "ready", "ready"]
    assert refining.version == 3
    assert refining.training.job_id == REFINEMENT
