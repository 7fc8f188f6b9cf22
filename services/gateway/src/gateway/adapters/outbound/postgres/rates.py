"""The teams' token buckets, shared by all processes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.database import Database
from chassis.statement import text
from gateway.domain.rate import Use

# One clock for all: the database's. Rows in sorted order, so that two processes cannot block each other.
_EXCHANGE = text("""
    insert into gateway.team_rates as t (team_id, per_minute, tokens, at)
    select team_id, per_minute, per_minute - taken, clock_timestamp()
    from unnest(cast(:teams as uuid[]), cast(:rates as int[]), cast(:taken as float[]))
        as u (team_id, per_minute, taken) order by team_id
    on conflict (team_id) do update set
        tokens = least(
            excluded.per_minute,
            t.tokens + t.per_minute / 60.0 * extract(epoch from excluded.at - t.at)
                + greatest(0, excluded.per_minute - t.per_minute)
        ) - (excluded.per_minute - excluded.tokens),
        per_minute = excluded.per_minute, at = excluded.at
    returning team_id, tokens
""")
_FORGET = text("delete from gateway.team_rates where at < :before")


@dataclass(frozen=True, slots=True)
class StoredRates:
    """Buckets, each exchange on a connection of its own."""

    database: Database

    async def exchange(self, used: Mapping[UUID, Use]) -> dict[UUID, float]:
        """Take what this process let pass out of the shared buckets; returns what is left in them."""
        values = {
            "teams": list(used),
            "rates": [use.per_minute for use in used.values()],
            "taken": [float(use.taken) for use in used.values()],
        }
        async with self.database.reading() as connection:
            return {row.team_id: row.tokens for row in await connection.execute(_EXCHANGE, values)}

    async def forget(self, before: datetime) -> None:
        """Drop buckets that nobody has used since; they are full."""
        async with self.database.reading() as connection:
            await connection.execute(_FORGET, {"before": before})
