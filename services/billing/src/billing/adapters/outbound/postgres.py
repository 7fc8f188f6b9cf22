from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from billing.application.ports import Transaction, Work
from billing.domain.subscription import Subscription
from chassis.database import Database
from contracts.billing import Limits, PeriodOpened

# In the order of the ids, so that two processes with the same teams never wait for each other.
ADD = text(
    """
    insert into billing.subscriptions (team_id, plan, status, running, open, per_minute, pin, version, anchor,
        period_start, period_end)
    select * from unnest(cast(:team_id as uuid[]), cast(:plan as text[]), cast(:status as text[]),
        cast(:running as integer[]), cast(:open as integer[]), cast(:per_minute as integer[]),
        cast(:pin as boolean[]), cast(:version as integer[]), cast(:anchor as timestamptz[]),
        cast(:period_start as timestamptz[]), cast(:period_end as timestamptz[])) as new (team_id)
    order by team_id
    on conflict do nothing
    returning team_id
    """
)
LOCK = text("select * from billing.subscriptions where team_id = :team_id for no key update")
LOCK_DUE = text(
    """
    select * from billing.subscriptions
    where plan = 'free' and status = 'active' and period_end <= :now
    order by period_end limit :limit
    for no key update skip locked
    """
)
PAGE = text(
    """
    select * from billing.subscriptions where team_id > coalesce(:after, cast(:least as uuid))
    order by team_id limit :limit
    """
)
SAVE = text(
    """
    update billing.subscriptions set plan = :plan, status = :status, running = :running, open = :open,
        per_minute = :per_minute, pin = :pin, version = :version, period_start = :period_start,
        period_end = :period_end
    where team_id = :team_id
    """
)
ADD_PERIOD = text(
    """
    insert into billing.periods (source_ref, team_id, kind, credits, plan, period_start, period_end)
    values (:source_ref, :team_id, :kind, :credits, :plan, :period_start, :period_end)
    """
)


def transaction(database: Database) -> Transaction:
    """Make the transactions of billing's use cases from its database."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        async with database.transaction() as session:
            connection = session.connection
            yield Work(PostgresSubscriptions(connection), PostgresPeriods(connection), session.outbox)

    return opened


@dataclass(frozen=True, slots=True)
class PostgresSubscriptions:
    """The teams' plans in the schema `billing`."""

    connection: AsyncConnection

    async def add(self, subscriptions: Sequence[Subscription]) -> set[UUID]:
        """Store those of teams that have none yet; return these teams."""
        rows = [_row(subscription) for subscription in subscriptions]
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        return set((await self.connection.execute(ADD, columns)).scalars())

    async def lock(self, team_id: UUID) -> Subscription | None:
        """Lock and load a team's subscription."""
        row = (await self.connection.execute(LOCK, {"team_id": team_id})).mappings().one_or_none()
        return _subscription(row) if row else None

    async def lock_due(self, now: datetime, limit: int) -> list[Subscription]:
        """Lock and load Free subscriptions whose month is over, at most `limit`; skip locked ones."""
        rows = await self.connection.execute(LOCK_DUE, {"now": now, "limit": limit})
        return [_subscription(row) for row in rows.mappings()]

    async def page(self, after: UUID | None, limit: int) -> list[Subscription]:
        """Load those of the teams that follow an id."""
        wanted = {"after": after, "least": UUID(int=0), "limit": limit}
        return [_subscription(row) for row in (await self.connection.execute(PAGE, wanted)).mappings()]

    async def save(self, subscriptions: Sequence[Subscription]) -> None:
        """Store what has changed in them."""
        if subscriptions:
            await self.connection.execute(SAVE, [_row(subscription) for subscription in subscriptions])


@dataclass(frozen=True, slots=True)
class PostgresPeriods:
    """Every period that was ever opened, in the schema `billing`."""

    connection: AsyncConnection

    async def add(self, periods: Sequence[PeriodOpened]) -> None:
        """Note that they are open."""
        if periods:
            await self.connection.execute(ADD_PERIOD, [period.model_dump() for period in periods])


def _row(subscription: Subscription) -> dict[str, Any]:
    return {
        "team_id": subscription.team_id,
        "plan": subscription.plan,
        "status": subscription.status,
        **subscription.limits.model_dump(),
        "version": subscription.version,
        "anchor": subscription.anchor,
        "period_start": subscription.period_start,
        "period_end": subscription.period_end,
    }


def _subscription(row: RowMapping) -> Subscription:
    return Subscription(
        team_id=row["team_id"],
        plan=row["plan"],
        status=row["status"],
        limits=Limits(**{name: row[name] for name in Limits.model_fields}),
        version=row["version"],
        anchor=row["anchor"],
        period_start=row["period_start"],
        period_end=row["period_end"],
    )
