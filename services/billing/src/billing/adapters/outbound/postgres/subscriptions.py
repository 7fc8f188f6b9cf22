from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from billing.domain.subscription import Subscription
from chassis import lifting
from chassis.connection import Connection, RowMapping
from chassis.statement import text
from contracts.billing import Limits

# In the order of the ids, so that two processes with the same teams never wait for each other.
ADD = text(
    """
    insert into billing.subscriptions (team_id, plan, status, running, open, per_minute, pin, version, anchor,
        period_start, period_end, interval)
    select * from unnest(cast(:team_id as uuid[]), cast(:plan as text[]), cast(:status as text[]),
        cast(:running as integer[]), cast(:open as integer[]), cast(:per_minute as integer[]),
        cast(:pin as boolean[]), cast(:version as integer[]), cast(:anchor as timestamptz[]),
        cast(:period_start as timestamptz[]), cast(:period_end as timestamptz[]),
        cast(:interval as text[])) as new (team_id)
    order by team_id
    on conflict do nothing
    returning team_id
    """
)
LOCK = text(
    """
    select * from billing.subscriptions where team_id = :team_id and closed_at is null for no key update
    """
)
LOCK_DUE = text(
    """
    select * from billing.subscriptions
    where plan = 'free' and period_end <= :now and closed_at is null and due_at is null
        and not exists (select 1 from billing.customers c
            where c.team_id = subscriptions.team_id and c.customer_id is not null)
    order by period_end limit :limit
    for no key update skip locked
    """
)
# Who has paid is looked at before a month of Free is opened: Stripe may know of a payment that we missed.
TO_LOOK_AT = text(
    """
    select team_id from (
        select team_id, due_at as due from billing.subscriptions where due_at <= :now and closed_at is null
        union
        select s.team_id, s.period_end
        from billing.subscriptions s join billing.customers c using (team_id)
        where s.plan = 'free' and s.period_end <= :now and s.due_at is null and s.closed_at is null
            and c.customer_id is not null
    ) as found order by due limit :limit
    """
)
LOOK_AGAIN = text("update billing.subscriptions set due_at = :due_at where team_id = :team_id")
PAGE = text(
    """
    select * from billing.subscriptions
    where closed_at is null and team_id > coalesce(:after, cast(:least as uuid))
    order by team_id limit :limit
    """
)
SAVE = text(
    """
    update billing.subscriptions set plan = :plan, status = :status, running = :running, open = :open,
        per_minute = :per_minute, pin = :pin, version = :version, anchor = :anchor,
        period_start = :period_start, period_end = :period_end, interval = :interval
    where team_id = :team_id
    """
)


@dataclass(frozen=True, slots=True)
class PostgresSubscriptions:
    """The teams' plans in the schema `billing`."""

    connection: Connection

    async def add(self, subscriptions: Sequence[Subscription]) -> set[UUID]:
        """Store those of teams that have none yet; return these teams."""
        rows = [_row(subscription) for subscription in subscriptions]
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        return set((await self.connection.execute(ADD, columns)).scalars())

    async def floor(self) -> int:
        """Tell after which version new documents begin: 0 unless a backup was lifted."""
        return await lifting.floor(self.connection, "billing")

    async def lock(self, team_id: UUID) -> Subscription | None:
        """Lock and load a team's subscription; None when there is none, or the team is closed."""
        row = (await self.connection.execute(LOCK, {"team_id": team_id})).mappings().one_or_none()
        return _subscription(row) if row else None

    async def lock_due(self, now: datetime, limit: int) -> list[Subscription]:
        """Lock and load those on Free whose month is over and who never paid; skip locked ones."""
        rows = await self.connection.execute(LOCK_DUE, {"now": now, "limit": limit})
        return [_subscription(row) for row in rows.mappings()]

    async def to_look_at(self, now: datetime, limit: int) -> list[UUID]:
        """Find teams that pay, or did, and whose plan or month may change by now."""
        return list((await self.connection.execute(TO_LOOK_AT, {"now": now, "limit": limit})).scalars())

    async def look_again(self, team_id: UUID, due_at: datetime | None) -> None:
        """Note when time alone will change something."""
        await self.connection.execute(LOOK_AGAIN, {"team_id": team_id, "due_at": due_at})

    async def page(self, after: UUID | None, limit: int) -> list[Subscription]:
        """Load those of the teams that follow an id."""
        wanted = {"after": after, "least": UUID(int=0), "limit": limit}
        return [_subscription(row) for row in (await self.connection.execute(PAGE, wanted)).mappings()]

    async def save(self, subscriptions: Sequence[Subscription]) -> None:
        """Store what has changed in them."""
        if subscriptions:
            await self.connection.execute(SAVE, [_row(subscription) for subscription in subscriptions])


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
        "interval": subscription.interval,
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
        interval=row["interval"],
    )
