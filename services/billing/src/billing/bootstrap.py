from functools import partial
from uuid import UUID

from billing.adapters.inbound import bus, schedule
from billing.adapters.outbound import postgres
from billing.application import set_limits as use_case
from billing.application.announce_plans import announce_plans
from billing.settings import Settings
from chassis import announcing
from chassis import migrate as chassis_migrate
from chassis.clock import utc_now
from chassis.database import Database
from chassis.service import Service, run
from chassis.settings import load
from contracts.billing import Limits

NAME = "billing"


def build(settings: Settings) -> Service:
    """Wire billing."""
    database = Database(settings.database_url, NAME, settings.database_pool)
    transaction = postgres.transaction(database)
    return Service(
        name=NAME,
        settings=settings,
        database=database,
        consumers=[bus.facts(transaction, utc_now)],
        schedules=[schedule.months(transaction, utc_now)],
    )


async def serve() -> None:
    """Run billing until it is told to stop."""
    await run(build(load(Settings)))


def migrate() -> None:
    """Bring the schema up to date and declare the topology."""
    chassis_migrate.migrate(load(Settings), NAME)


async def announce(rate: float) -> int:
    """Say the plan of every team again."""
    database = Database(load(Settings).database_url, NAME, pool_size=1)
    try:
        say = partial(announce_plans, transaction=postgres.transaction(database))
        return await announcing.announce([say], rate)
    finally:
        await database.close()


async def set_limits(team_id: UUID, changes: dict[str, int]) -> Limits:
    """Set a team's limits; the relay of a serving process tells the others."""
    database = Database(load(Settings).database_url, NAME, pool_size=1)
    try:
        return await use_case.set_limits(team_id, changes, postgres.transaction(database))
    finally:
        await database.close()
