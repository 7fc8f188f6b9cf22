"""The event log: everything public that happened, in one order without gaps."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.connection import Connection
from chassis.statement import text
from contracts.jobs import ImagesExpiring
from contracts.message import Document, Fact
from gateway.application.ports import Notice

CHANNEL = "gateway_news"
GRANTED = "granted"
"""Begins a notification of a commit that settled nothing but the requests it names, and granted those."""
_MOST_NAMED = 200
"""Postgres takes 8,000 bytes in a notification."""
# The row lock is the fence: numbers are taken in the order of the commits, so readers never miss a row.
_APPEND = text(f"""
    with head as (
        update gateway.log_head set seq = seq + cast(:count as bigint) returning seq
    ), added as (
        insert into gateway.event_log (seq, team_id, type, subject, version, document, at)
        select head.seq - :count + position, team_id, type, subject, version, document, :now
        from head, unnest(cast(:teams as uuid[]), cast(:types as text[]), cast(:subjects as text[]),
            cast(:versions as bigint[]), cast(:documents as jsonb[]))
            with ordinality as d (team_id, type, subject, version, document, position)
        on conflict (type, subject, version) do nothing returning seq
    )
    select head.seq as last, pg_notify('{CHANNEL}', :told) as told, array(select seq from added) as numbers
    from head
""")  # noqa: S608 - a name of ours
_NOTIFY = text(f"select pg_notify('{CHANNEL}', :told)")
_PRUNE = text("""
    with old as (delete from gateway.event_log where at < :before returning seq)
    update gateway.log_head set pruned_to = greatest(pruned_to, (select max(seq) from old))
    where exists (select 1 from old)
""")


@dataclass(frozen=True, slots=True)
class StoredLog:
    """The log, within one transaction."""

    connection: Connection

    async def append(
        self, facts: Sequence[Document | Notice], now: datetime, granted: Collection[UUID] | None = None
    ) -> Sequence[Document | Notice]:
        """Append documents and notices, each once; returns those that are new.

        After the commit it wakes whoever waits for news or a verdict. Where nothing was settled but what was
        `granted`, nobody has to look for it.
        """
        told = _telling(granted)
        if facts:
            return await self._append(facts, now, told)
        await self.connection.execute(_NOTIFY, {"told": told})
        return []

    async def _append(
        self, facts: Sequence[Document | Notice], now: datetime, told: str
    ) -> Sequence[Document | Notice]:
        count = len(facts)
        values = {
            "told": told,
            "count": count,
            "now": now,
            "teams": [_team(fact) for fact in facts],
            "types": [fact.type for fact in facts],
            "subjects": [fact.subject for fact in facts],
            "versions": [_version(fact) for fact in facts],
            "documents": [fact.model_dump_json() for fact in facts],
        }
        row = (await self.connection.execute(_APPEND, values)).one()
        numbers = set(row.numbers)
        return [fact for seq, fact in enumerate(facts, row.last - count + 1) if seq in numbers]

    async def prune(self, before: datetime) -> None:
        """Drop what happened before then."""
        await self.connection.execute(_PRUNE, {"before": before})


def _telling(granted: Collection[UUID] | None) -> str:
    if granted is None or len(granted) > _MOST_NAMED:
        return ""
    return " ".join((GRANTED, *map(str, granted)))


def _team(fact: Fact) -> UUID | None:
    team_id: UUID | None = getattr(fact, "team_id", None)
    return team_id


def _version(fact: Document | Notice) -> int:
    """Take a notice's time for its version, so that it is logged once however often it comes."""
    if isinstance(fact, Document):
        return fact.version
    at = fact.expires_at if isinstance(fact, ImagesExpiring) else fact.at
    return int(at.timestamp() * 1_000_000)
