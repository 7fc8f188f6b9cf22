"""Counters of attempts, exact for all processes together."""

from dataclasses import dataclass
from datetime import datetime

from chassis.connection import Connection
from chassis.statement import text

_HIT = text("""
    insert into gateway.throttles as t (key, window_start, count) values (:key, :window_start, 1)
    on conflict (key) do update set window_start = excluded.window_start,
        count = case when t.window_start = excluded.window_start then t.count + 1 else 1 end
    returning count
""")
_CLEAR = text("delete from gateway.throttles where key = :key")
_PRUNE = text("delete from gateway.throttles where window_start < :before")


@dataclass(frozen=True, slots=True)
class StoredThrottles:
    """Counters, within one transaction."""

    connection: Connection

    async def hit(self, key: str, window_start: datetime) -> int:
        """Count one attempt and return how many there were in this window."""
        hit = await self.connection.execute(_HIT, {"key": key, "window_start": window_start})
        return int(hit.scalar_one())

    async def clear(self, key: str) -> None:
        """Forget a counter."""
        await self.connection.execute(_CLEAR, {"key": key})

    async def prune(self, before: datetime) -> None:
        """Forget counters of windows that started before then."""
        await self.connection.execute(_PRUNE, {"before": before})
