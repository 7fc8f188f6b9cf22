import asyncio
import logging
from functools import partial

from catalog.adapters.inbound import bus, schedule
from catalog.adapters.outbound import files, lifts, postgres
from catalog.application.announce_models import announce_models, announce_references
from catalog.application.publish_collection import publish_collection
from catalog.settings import Settings
from chassis import announcing, lifting
from chassis import migrate as chassis_migrate
from chassis.clock import utc_now
from chassis.database import Database
from chassis.service import Service, run
from chassis.settings import load

NAME = "catalog"
logger = logging.getLogger(__name__)


def build(settings: Settings) -> Service:
    """Wire catalog."""
    database = Database(settings.database_url, NAME, settings.database_pool)
    transaction = postgres.transaction(database)
    return Service(
        name=NAME,
        settings=settings,
        database=database,
        consumers=[bus.facts(transaction, utc_now), bus.commands(transaction, utc_now)],
        schedules=[schedule.popularity(transaction, utc_now)],
    )


async def serve() -> None:
    """Run catalog until it is told to stop."""
    await run(build(load(Settings)))


def migrate() -> None:
    """Bring the schema up to date, declare the topology and publish what is new in the collection."""
    settings = load(Settings)
    chassis_migrate.migrate(settings, NAME)
    changed = asyncio.run(publish(settings))
    logger.info("%s curated models are new or changed", changed)


async def publish(settings: Settings) -> int:
    """Publish what has changed in the collection; the relay of a serving process sends it."""
    database = Database(settings.database_url, NAME, pool_size=1)
    try:
        return await publish_collection(files.collection(), postgres.transaction(database), utc_now)
    finally:
        await database.close()


async def lift(wish: lifting.Wish) -> lifting.Lifted:
    """Raise what was restored above what others have seen."""
    database = Database(load(Settings).database_url, NAME, pool_size=1)
    try:
        return await lifting.lift(database, lifts.PARTS, wish, utc_now)
    finally:
        await database.close()


async def announce(rate: float) -> int:
    """Say all models again, curated ones first."""
    database = Database(load(Settings).database_url, NAME, pool_size=1)
    transaction = postgres.transaction(database)
    try:
        pages = [partial(say, transaction=transaction) for say in (announce_references, announce_models)]
        return await announcing.announce(pages, rate)
    finally:
        await database.close()
