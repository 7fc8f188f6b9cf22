"""Billing's transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from billing.adapters.outbound.postgres.books import PostgresBooks
from billing.adapters.outbound.postgres.customers import PostgresCustomers
from billing.adapters.outbound.postgres.events import PostgresEvents
from billing.adapters.outbound.postgres.overviews import PostgresOffers, PostgresOverviews
from billing.adapters.outbound.postgres.subscriptions import PostgresSubscriptions
from billing.adapters.outbound.postgres.top_ups import PostgresTopUps
from billing.application.ports import Transaction, Work
from chassis.database import Database


def transaction(database: Database) -> Transaction:
    """Make the transactions of billing's use cases from its database."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        async with database.transaction() as session:
            connection = session.connection
            yield Work(
                subscriptions=PostgresSubscriptions(connection),
                customers=PostgresCustomers(connection),
                books=PostgresBooks(connection),
                overviews=PostgresOverviews(connection),
                top_ups=PostgresTopUps(connection),
                events=PostgresEvents(connection),
                offers=PostgresOffers(connection),
                outbox=session.outbox,
            )

    return opened
