import asyncio
from argparse import Namespace
from collections.abc import Awaitable, Callable

from chassis.clock import Clock, utc_now
from chassis.database import Database
from chassis.service import Service
from credits.adapters.inbound import cli
from credits.adapters.inbound.bus import consumers
from credits.adapters.inbound.schedule import schedules
from credits.adapters.outbound.alarms import LoggedAlarms
from credits.adapters.outbound.audit import PostgresAudit
from credits.adapters.outbound.postgres import OPTIONS, transaction
from credits.settings import Settings


def build(settings: Settings, clock: Clock = utc_now) -> Service:
    """Put the service together."""
    database = connect(settings)
    begin = transaction(database)
    return Service(
        name="credits",
        settings=settings,
        database=database,
        consumers=consumers(begin, LoggedAlarms(), clock),
        schedules=schedules(begin, PostgresAudit(database), clock),
    )


def connect(settings: Settings) -> Database:
    """Open the service's own schema."""
    return Database(settings.database_url, "credits", settings.database_pool, OPTIONS)


def verify(settings: Settings, _options: Namespace) -> int:
    """Audit the ledger."""
    return _with_database(settings, lambda database: cli.verify(PostgresAudit(database)))


def adjust(settings: Settings, options: Namespace) -> int:
    """Adjust one account."""
    return _with_database(settings, lambda database: cli.adjust(options, transaction(database), utc_now))


def _with_database(settings: Settings, work: Callable[[Database], Awaitable[int]]) -> int:
    async def run() -> int:
        database = connect(settings)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())
