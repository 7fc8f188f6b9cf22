"""The event log, as it is read."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from chassis.database import Database
from contracts import message_class
from contracts.message import Fact
from gateway.application.reading import Event, EventsExpired

_EVENTS = text("""
    select seq, type, subject, version, at, cast(document as text) as document from gateway.event_log
    where team_id = :team_id and seq > :after order by seq limit :limit
""")
_HEAD = text("select seq, pruned_to from gateway.log_head")


@dataclass(frozen=True, slots=True)
class StoredEvents:
    """The log, each page read on a connection of its own."""

    database: Database

    async def events(self, team_id: UUID, after: int, limit: int) -> list[Event]:
        """Read a team's events beyond `after`; 0 means from the oldest. Raises EventsExpired."""
        async with self.database.reading() as connection:
            if after:
                pruned_to = (await connection.execute(_HEAD)).one().pruned_to
                if after < pruned_to:
                    raise EventsExpired(pruned_to)
            values = {"team_id": team_id, "after": after, "limit": limit}
            return [_read(row) for row in await connection.execute(_EVENTS, values)]

    async def head(self) -> int:
        """Tell the number of the newest event of all."""
        async with self.database.reading() as connection:
            return int((await connection.execute(_HEAD)).one().seq)


def _read(row: Row[Any]) -> Event:
    kind = message_class(row.type)
    if kind is None or not issubclass(kind, Fact):
        raise LookupError(f"the event log holds the unknown type {row.type}")
    fact = kind.model_validate_json(row.document)
    return Event(row.seq, row.type, row.subject, row.version, row.at, fact)
