from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing.application.ports import EventState, KnownEvent
from chassis.connection import Connection, RowMapping
from chassis.statement import text
from contracts.billing import StripeEvent

ADD = text(
    """
    insert into billing.stripe_events (id, event, received_at)
    values (:id, cast(:event as jsonb), :received_at) on conflict do nothing
    """
)
_COLUMNS = "cast(event as text) as event, state, detail, team_id"
FIND = text(f"select {_COLUMNS} from billing.stripe_events where id = :id")  # noqa: S608 - names of ours
SETTLE = text(
    "update billing.stripe_events set state = :state, detail = :detail, team_id = :team_id where id = :id"
)
WAITING = text(
    f"""
    select {_COLUMNS} from billing.stripe_events where state = 'waiting' and received_at < :before
    order by received_at limit :limit
    """  # noqa: S608 - names of ours
)
NEWEST = text(
    f"""
    select {_COLUMNS} from billing.stripe_events where state = coalesce(:state, state)
    order by received_at desc limit :limit
    """  # noqa: S608 - names of ours
)


@dataclass(frozen=True, slots=True)
class PostgresEvents:
    """Every event of Stripe, in the schema `billing`."""

    connection: Connection

    async def add(self, event: StripeEvent) -> KnownEvent:
        """Note an event, unless it is known; returns what is known of it."""
        row = {"id": event.event_id, "event": event.model_dump_json(), "received_at": event.received_at}
        await self.connection.execute(ADD, row)
        return _known((await self.connection.execute(FIND, {"id": event.event_id})).mappings().one())

    async def settle(self, event_id: str, state: EventState, detail: str, team_id: UUID | None) -> None:
        """Note what became of it."""
        row = {"id": event_id, "state": state, "detail": detail, "team_id": team_id}
        await self.connection.execute(SETTLE, row)

    async def waiting(self, before: datetime, limit: int) -> list[StripeEvent]:
        """Find events that came before then and of which nothing has become yet."""
        rows = await self.connection.execute(WAITING, {"before": before, "limit": limit})
        return [_known(row).event for row in rows.mappings()]

    async def newest(self, state: EventState | None, limit: int) -> list[KnownEvent]:
        """List events, newest first."""
        rows = await self.connection.execute(NEWEST, {"state": state, "limit": limit})
        return [_known(row) for row in rows.mappings()]


def _known(row: RowMapping) -> KnownEvent:
    event = StripeEvent.model_validate_json(row["event"])
    return KnownEvent(event, row["state"], row["detail"], row["team_id"])
