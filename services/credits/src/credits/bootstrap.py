import asyncio
from argparse import Namespace
from collections.abc import Awaitable, Callable
from datetime import timedelta

from chassis import lifting
from chassis.clock import Clock, utc_now
from chassis.database import Database
from chassis.service import Service
from chassis.settings import load
from chassis.turns import PostgresTurns
from credits.adapters.inbound import cli
from credits.adapters.inbound.bus import consumers
from credits.adapters.inbound.schedule import schedules
from credits.adapters.outbound import lifts
from credits.adapters.outbound.alarms import LoggedAlarms
from credits.adapters.outbound.audit import PostgresAudit
from credits.adapters.outbound.figures import PostgresFigures
from credits.adapters.outbound.postgres import transaction
from credits.application.ports import Transaction
from credits.domain.limits import Limits
from credits.settings import Settings

OperatorCommand = Callable[[Namespace, Transaction, Clock], Awaitable[int]]


def build(settings: Settings, clock: Clock = utc_now) -> Service:
    """Put the service together."""
    database = connect(settings)
    begin = transactions(settings, database)
    turns = PostgresTurns(database, "credits schedules")
    return Service(
        name="credits",
        settings=settings,
        database=database,
        consumers=consumers(begin, LoggedAlarms(), clock),
        schedules=schedules(begin, PostgresAudit(database), PostgresFigures(database, clock), turns, clock),
        around=[turns.held],
    )


def connect(settings: Settings) -> Database:
    """Open the service's own schema."""
    # Not planned once: a batch of hundreds is served best by another plan than a hold that comes alone.
    return Database(settings.database_url, "credits", settings.database_pool, plan_once=False)


def transactions(settings: Settings, database: Database) -> Transaction:
    """Make the transactions of the service, under the limits that are set."""
    limits = Limits(
        quote_lifetime=timedelta(seconds=settings.quote_lifetime),
        low_balance=settings.low_balance,
        uncollected=settings.uncollected_limit,
    )
    return transaction(database, limits)


async def lift(wish: lifting.Wish) -> lifting.Lifted:
    """Raise what was restored above what others have seen."""
    database = connect(load(Settings))
    try:
        return await lifting.lift(database, lifts.PARTS, wish, utc_now, also=[lifts.PRICES])
    finally:
        await database.close()


def verify(settings: Settings, _options: Namespace) -> int:
    """Audit the ledger."""
    return _with_database(settings, lambda database: cli.verify(PostgresAudit(database)))


def operate(settings: Settings, command: OperatorCommand, options: Namespace) -> int:
    """Carry an operator's command out."""
    return _with_database(
        settings, lambda database: command(options, transactions(settings, database), utc_now)
    )


def _with_database(settings: Settings, work: Callable[[Database], Awaitable[int]]) -> int:
    async def run() -> int:
        database = connect(settings)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())
