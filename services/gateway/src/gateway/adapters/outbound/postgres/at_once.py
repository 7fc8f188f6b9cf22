"""What most requests ask for, jobs alone, written down in one statement without BEGIN and COMMIT."""

from dataclasses import dataclass

import asyncpg

from chassis.database import Database
from chassis.outbox import Outbox, insert_sql
from chassis.statement import text
from chassis.telemetry import current_traceparent
from contracts.envelope import Cause
from contracts.jobs import JobChanged
from gateway.adapters.outbound.postgres.put import PUTS
from gateway.adapters.outbound.postgres.requests import INSERT, row_of
from gateway.domain.asks import Errand
from gateway.domain.requests import Request

_JOBS = PUTS[JobChanged]
_SHOW = _JOBS.insert
for _name in _JOBS.columns:  # a request has an id, too
    _SHOW = _SHOW.replace(f":{_name} ", f":job_{_name} ")
# Locks are taken in the order of a transaction: the request's key, then the row of slots, which every
# request of the team waits for. Who finds too few slots by then, because others took them after this had
# begun, has no team to note the first job with, and the statement fails as a whole.
_WRITE = text(f"""
    with room as (
        select from gateway.team_slots
        where team_id = :team_id and open + cardinality(cast(:jobs as uuid[])) <= allowed),
    asked as ({INSERT.format("from room")}),
    taken as (
        update gateway.team_slots set open = open + cardinality(cast(:jobs as uuid[]))
        where team_id = :team_id and open + cardinality(cast(:jobs as uuid[])) <= allowed
            and exists (select from asked) returning team_id),
    noted as (
        insert into gateway.slots (job_id, team_id)
        select job_id, (select team_id from taken) from unnest(cast(:jobs as uuid[])) as job_id
        where exists (select from asked)),
    shown as ({_SHOW} where exists (select from asked))
    {insert_sql("gateway", "where exists (select from asked)")}
""")  # noqa: S608 - statements of ours


@dataclass(frozen=True, slots=True)
class WrittenAtOnce:
    """Requests that are new and have room."""

    database: Database

    async def __call__(self, request: Request, errand: Errand) -> bool:
        """Write a request down with its jobs, their slots and its message, or nothing; tells which."""
        jobs = _JOBS.values(errand.jobs)
        values = row_of(request, errand.message) | {f"job_{name}": column for name, column in jobs.items()}
        outbox = Outbox(source=self.database.schema)
        outbox.add(errand.message, Cause(request.id, traceparent=current_traceparent()))
        try:
            return await self.database.say_by(_WRITE, values | {"announced": False}, outbox)
        except asyncpg.IntegrityConstraintViolationError:
            return False
