from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing.application.ports import Customer
from chassis.connection import Connection, RowMapping
from chassis.statement import text

ADD = text(
    """
    insert into billing.customers (team_id, name, email)
    select * from unnest(cast(:teams as uuid[]), cast(:names as text[]), cast(:emails as text[]))
        as new (team_id)
    order by team_id on conflict do nothing
    """
)
_COLUMNS = "team_id, name, email, customer_id, closed_at is not null as closed"
FIND = text(f"select {_COLUMNS} from billing.customers where team_id = :team_id")  # noqa: S608 - names of ours
BY_CUSTOMER = text(f"select {_COLUMNS} from billing.customers where customer_id = :customer_id")  # noqa: S608
CLOSED = text("select team_id from billing.customers where team_id = any(:teams) and closed_at is not null")
BIND = text(
    """
    insert into billing.customers (team_id, name, customer_id) values (:team_id, '', :customer_id)
    on conflict (team_id) do update set customer_id = excluded.customer_id
    """
)
CLOSE = text(
    """
    insert into billing.customers (team_id, name, closed_at) values (:team_id, '', :now)
    on conflict (team_id) do update set name = '', email = null,
        closed_at = coalesce(customers.closed_at, excluded.closed_at)
    """
)
END = text("update billing.subscriptions set closed_at = :now where team_id = :team_id and closed_at is null")
FORGET = (
    text("delete from billing.top_ups where team_id = :team_id"),
    text("delete from billing.overviews where team_id = :team_id"),
)
RELEASE = text("update billing.customers set customer_id = null where team_id = :team_id")
CLOSING = text(
    f"""
    select {_COLUMNS} from billing.customers where closed_at is not null and customer_id is not null
    order by closed_at limit :limit
    """  # noqa: S608 - names of ours
)
TICKET = text("select nextval('billing.looks')")
LOOKED = text(
    """
    insert into billing.customers (team_id, name, look) values (:team_id, '', :look)
    on conflict (team_id) do update set look = excluded.look where customers.look < excluded.look
    returning team_id
    """
)


@dataclass(frozen=True, slots=True)
class PostgresCustomers:
    """Teams as Stripe knows them, in the schema `billing`."""

    connection: Connection

    async def add(self, customers: Sequence[Customer]) -> None:
        """Note new teams; what is known of one stays."""
        columns = {
            "teams": [each.team_id for each in customers],
            "names": [each.name for each in customers],
            "emails": [each.email for each in customers],
        }
        await self.connection.execute(ADD, columns)

    async def find(self, team_id: UUID) -> Customer:
        """Find a team; one that was never heard of is an empty one."""
        row = (await self.connection.execute(FIND, {"team_id": team_id})).mappings().one_or_none()
        return _customer(row) if row else Customer(team_id)

    async def closed(self, team_ids: Collection[UUID]) -> set[UUID]:
        """Tell which of these teams are closed."""
        return set((await self.connection.execute(CLOSED, {"teams": list(team_ids)})).scalars())

    async def by_customer(self, customer_id: str) -> Customer | None:
        """Find the team behind a customer."""
        found = await self.connection.execute(BY_CUSTOMER, {"customer_id": customer_id})
        row = found.mappings().one_or_none()
        return _customer(row) if row else None

    async def bind(self, team_id: UUID, customer_id: str) -> None:
        """Note what Stripe calls a team."""
        await self.connection.execute(BIND, {"team_id": team_id, "customer_id": customer_id})

    async def close(self, team_id: UUID, now: datetime) -> None:
        """Forget name and address of a team for good, and what it wanted bought; end its plan."""
        for statement in (CLOSE, END):
            await self.connection.execute(statement, {"team_id": team_id, "now": now})
        for statement in FORGET:
            await self.connection.execute(statement, {"team_id": team_id})

    async def release(self, team_id: UUID) -> None:
        """Forget what Stripe calls a team."""
        await self.connection.execute(RELEASE, {"team_id": team_id})

    async def closing(self, limit: int) -> list[Customer]:
        """Find closed teams that Stripe may still charge."""
        return [
            _customer(row) for row in (await self.connection.execute(CLOSING, {"limit": limit})).mappings()
        ]

    async def ticket(self) -> int:
        """Take the number of a look at Stripe, before it begins."""
        return int((await self.connection.execute(TICKET)).scalar_one())

    async def looked(self, team_id: UUID, ticket: int) -> bool:
        """Note a look; False when one that began later is noted already."""
        noted = await self.connection.execute(LOOKED, {"team_id": team_id, "look": ticket})
        return noted.first() is not None


def _customer(row: RowMapping) -> Customer:
    return Customer(**row)
