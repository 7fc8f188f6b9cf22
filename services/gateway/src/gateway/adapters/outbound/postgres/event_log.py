"""The event log: everything public that happened, in one order without gaps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.message import Document

CHANNEL = "gateway_news"
# The row lock is the fence: numbers are taken in the order of the commits, so readers never miss a row.
_NUMBER = text("update gateway.log_head set seq = seq + :count returning seq")
_APPEND = text("""
    insert into gateway.event_log (seq, team_id, type, subject, version, document, at)
    select cast(:last as bigint) - :count + position, team_id, type, subject, version, document, :now
    from unnest(cast(:teams as uuid[]), cast(:types as text[]), cast(:subjects as text[]),
        cast(:versions as bigint[]), cast(:documents as jsonb[]))
        with ordinality as d (team_id, type, subject, version, document, position)
    on conflict (type, subject, version) do nothing
""")
_NOTIFY = text(f"select pg_notify('{CHANNEL}', '')")
_PRUNE = text("""
    with old as (delete from gateway.event_log where at < :before returning seq)
    update gateway.log_head set pruned_to = greatest(pruned_to, (select max(seq) from old))
    where exists (select 1 from old)
""")


@dataclass(frozen=True, slots=True)
class StoredLog:
    """The log, within one transaction."""

    connection: AsyncConnection

    async def append(self, documents: Sequence[Document], now: datetime) -> None:
        """Append documents and wake, after the commit, whoever waits for news or a verdict."""
        if documents:
            await self._append(documents, now)
        await self.connection.execute(_NOTIFY)

    async def _append(self, documents: Sequence[Document], now: datetime) -> None:
        count = len(documents)
        last = (await self.connection.execute(_NUMBER, {"count": count})).scalar_one()
        values = {
            "last": last,
            "count": count,
            "now": now,
            "teams": [_team(document) for document in documents],
            "types": [document.type for document in documents],
            "subjects": [document.subject for document in documents],
            "versions": [document.version for document in documents],
            "documents": [document.model_dump_json() for document in documents],
        }
        await self.connection.execute(_APPEND, values)

    async def prune(self, before: datetime) -> None:
        """Drop what happened before then."""
        await self.connection.execute(_PRUNE, {"before": before})


def _team(document: Document) -> UUID | None:
    team_id: UUID | None = getattr(document, "team_id", None)
    return team_id
