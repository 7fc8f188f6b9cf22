"""The event log, as it is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.connection import Row
from chassis.database import Database
from chassis.statement import text
from contracts import message_class
from contracts.message import Fact
from gateway.application.reading import Event, EventsExpired

_EVENTS = text("""
    select seq, type, subject, version, at, cast(document as text) as document from gateway.event_log
    where team_id = :team_id and seq > :after and (cast(:types as text[]) = '{}' or type = any(:types))
    order by seq limit :limit
""")
_HEAD = text("select seq, pruned_to from gateway.log_head")


@dataclass(frozen=True, slots=True)
class StoredEvents:
    """The log, each page read on a connection of its own."""

    database: Database

    async def events(self, team_id: UUID, after: int, limit: int, types: Sequence[str] = ()) -> list[Event]:
        """Read a team's events beyond `after`, of these types or all; 0: all kept. Raises EventsExpired."""
        async with self.database.reading() as connection:
            if after:
                pruned_to = (await connection.execute(_HEAD)).one().pruned_to
                if after < pruned_to:
                    raise EventsExpired(pruned_to)
            values = {"team_id": team_id, "after": after, "limit": limit, "types": list(types)}
            return [read_event(row) for row in await connection.execute(_EVENTS, values)]

    async def head(self) -> int:
        """Tell the number of the newest event of all."""
        async with self.database.reading() as connection:
            return int((await connection.execute(_HEAD)).one().seq)


def read_event(row: Row) -> Event:
    """Read a line of the log."""
    kind = message_class(row.type)
    if kind is None or not issubclass(kind, Fact):
        raise LookupError(f"the event log holds the unknown type {row.type}")
    fact = kind.model_validate_json(row.document)
    return Event(row.seq, row.type, row.subject, row.version, row.at, fact)
