"""The jobs in Postgres, and the transaction everything is written in."""

import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from prometheus_client import Counter

from chassis import lifting
from chassis.connection import Connection
from chassis.database import Database
from chassis.statement import Statement, text
from jobs.adapters.outbound.closing import PostgresClosings
from jobs.adapters.outbound.keeping import PostgresDiscards, PostgresExports, PostgresMoves
from jobs.adapters.outbound.line import Counted, PostgresQueue
from jobs.adapters.outbound.rows import (
    ATTEMPT_COLUMNS,
    JOB_COLUMNS,
    arrays,
    attempt_row,
    copy,
    job_row,
    read_attempt,
    read_job,
    unnest,
)
from jobs.adapters.outbound.shelf import PostgresShelf, PostgresTombstones
from jobs.application.work import NONE, Transaction, Work
from jobs.domain.attempt import Attempt
from jobs.domain.calls import StepKind
from jobs.domain.job import Job

logger = logging.getLogger(__name__)
UNREADABLE = Counter("atelier_jobs_unreadable", "Stored jobs that this release cannot read")

_READ = "select id, cast(data as text) as data, due_at, poll_at from jobs.jobs"
_LOCK_TRIED = text(
    f"{_READ} where id in (select job_id from jobs.attempts"  # noqa: S608 - names of ours
    " where id = any(cast(:ids as uuid[]))) order by id for no key update"
)
_LOCK = text(f"{_READ} where id = any(cast(:ids as uuid[])) order by id for no key update")
_TAKE = text(
    f"{_READ} where id = any(cast(:ids as uuid[])) and state = 'queued' order by id"
    " for no key update skip locked"
)
_DUE = text(f"{_READ} where due_at <= :now order by due_at limit :most for no key update skip locked")
_OUTDATED = text(
    f"{_READ} where state = 'completed' and expires_at <= :now order by expires_at limit :most"
    " for no key update skip locked"
)
_TO_WARN = text(
    f"{_READ} where state = 'completed' and warn_at <= :now order by warn_at limit :most"
    " for no key update skip locked"
)
_LOOK = text(f"{_READ} where id = any(cast(:ids as uuid[]))")
_PAGE = text(f"{_READ} where id > coalesce(:after, cast(:least as uuid)) order by id limit :most")
_USING = text(
    f"{_READ} where due_at is not null and cast(data -> 'recipe' ->> 'model_id' as uuid)"
    " = any(cast(:ids as uuid[])) order by id for no key update"
)
_KNOWN = text("select id from jobs.jobs where id = any(cast(:ids as uuid[]))")
_IN_TRAINING = text("select training_of from jobs.jobs where training_of = any(cast(:ids as uuid[]))")
_ATTEMPTS = text("select * from jobs.attempts where job_id = any(cast(:ids as uuid[])) order by step, n")
_SAVED = {**JOB_COLUMNS, "lease_until": "timestamptz"}
_CHANGING = [name for name in JOB_COLUMNS if name not in ("id", "team_id", "operation", "created_at")]
_SAVE = text(
    f"update jobs.jobs set {', '.join(f'{name} = new.{name}' for name in _CHANGING)},"  # noqa: S608 - names of ours
    " lease_until = case when new.state = 'storing' then coalesce(new.lease_until, jobs.lease_until) end"
    f" from {unnest(_SAVED)} where jobs.id = new.id"
)
_SAVE_ATTEMPTS = text(
    f"insert into jobs.attempts ({', '.join(ATTEMPT_COLUMNS)}) select * from {unnest(ATTEMPT_COLUMNS, 'of_')}"  # noqa: S608 - names of ours
    " on conflict (id) do update set state = excluded.state, endpoint = excluded.endpoint,"
    " request_id = excluded.request_id, response_url = excluded.response_url,"
    " status_url = excluded.status_url, cancel_url = excluded.cancel_url,"
    " ended_at = excluded.ended_at"
)
_ADD = text(
    f"with added as (insert into jobs.jobs ({', '.join(JOB_COLUMNS)}) select * from {unnest(JOB_COLUMNS)}"  # noqa: S608 - names of ours
    " on conflict (id) do nothing returning id),"
    f" tried as (insert into jobs.attempts ({', '.join(ATTEMPT_COLUMNS)})"
    f" select new.* from {unnest(ATTEMPT_COLUMNS, 'of_')} join added on added.id = new.job_id)"
    " select id from added"
)
_SAVING = {
    (True, False): _SAVE,
    (False, True): _SAVE_ATTEMPTS,
    (True, True): text(f"with saved as ({_SAVE.text}) {_SAVE_ATTEMPTS.text}"),
}
"""By what has changed: jobs, attempts."""
_TO_POLL = text(
    "update jobs.jobs set poll_at = :again where id in (select id from jobs.jobs where state = 'running'"
    " and poll_at <= :now order by poll_at limit :most for no key update skip locked)"
    " returning id, cast(data as text) as data, due_at, poll_at"
)
_TO_STORE = text(
    "update jobs.jobs set lease_until = cast(:now as timestamptz) + make_interval(secs =>"
    " cast(cast(:leases as jsonb) ->> (data -> 'steps' -> (step - 1) ->> 'kind') as float8))"
    " where id in (select id from jobs.jobs where state = 'storing'"
    " and (lease_until is null or lease_until <= :now)"
    " order by lease_until nulls first, due_at limit :most for no key update skip locked)"
    " returning id, cast(data as text) as data, due_at, poll_at"
)
_SET_ASIDE = text(
    """
    update jobs.jobs set due_at = case when due_at is not null then later end,
        poll_at = case when poll_at is not null then later end,
        not_before = case when state = 'queued' then later else not_before end,
        lease_until = case when state = 'storing' then later end,
        expires_at = case when state = 'completed' then later else expires_at end, warn_at = null
    from (select id as aside, greatest(due_at, expires_at, clock_timestamp()) + interval '1 hour' as later
        from jobs.jobs where id = any(cast(:ids as uuid[]))) as chosen
    where id = aside
    """
)
_LEASE = text("update jobs.jobs set lease_until = :until where id = :id and state = 'storing'")


class PostgresJobs:
    """The jobs as one transaction sees them; only what has changed is written."""

    def __init__(self, connection: Connection, discards: PostgresDiscards) -> None:
        self._connection, self._discards = connection, discards
        self._jobs: dict[UUID, Job] = {}
        self._attempts: dict[UUID, Attempt] = {}

    async def add(self, jobs: Sequence[Job]) -> set[UUID]:
        """Add the jobs that do not exist yet, with their attempts, and return their ids."""
        if not jobs:
            return set()
        values = arrays(JOB_COLUMNS, [job_row(job) for job in jobs])
        tried = [attempt_row(attempt) for job in jobs for attempt in job.attempts]
        return set((await self._run(_ADD, **values, **arrays(ATTEMPT_COLUMNS, tried, "of_"))).scalars())

    async def known(self, ids: Iterable[UUID]) -> set[UUID]:
        """Tell which of these jobs exist."""
        return set((await self._run(_KNOWN, ids=list(ids))).scalars())

    async def floor(self) -> int:
        """Tell after which version new documents begin: 0 unless a backup was lifted."""
        return await lifting.floor(self._connection, "jobs")

    async def in_training(self, model_ids: Iterable[UUID]) -> set[UUID]:
        """Tell which models have a training that is still open."""
        return set((await self._run(_IN_TRAINING, ids=list(model_ids))).scalars())

    async def lock(self, ids: Iterable[UUID]) -> dict[UUID, Job]:
        """Read and lock these jobs, in the order of their ids."""
        return {job.id: job for job in await self.read(_LOCK, ids=list(ids))}

    async def lock_using(self, model_ids: Iterable[UUID]) -> list[Job]:
        """Read and lock the open jobs that train these models or draw with them."""
        return await self.read(_USING, ids=list(model_ids))

    async def of_attempts(self, attempt_ids: Iterable[UUID]) -> dict[UUID, Job]:
        """Read and lock the jobs of these attempts, by attempt."""
        wanted = set(attempt_ids)
        jobs = await self.read(_LOCK_TRIED, ids=list(wanted))
        return {attempt.id: job for job in jobs for attempt in job.attempts if attempt.id in wanted}

    async def due(self, now: datetime, limit: int) -> list[Job]:
        """Lock jobs whose deadline has passed."""
        return await self.sweep(_DUE, now=now, most=limit)

    async def outdated(self, now: datetime, limit: int) -> list[Job]:
        """Lock completed jobs with images that have been kept long enough."""
        return await self.sweep(_OUTDATED, now=now, most=limit)

    async def to_warn(self, now: datetime, limit: int) -> list[Job]:
        """Lock completed jobs whose team is to be told what expires."""
        return await self.sweep(_TO_WARN, now=now, most=limit)

    async def look(self, ids: Iterable[UUID]) -> list[Job]:
        """Read these jobs, as far as they exist."""
        return await self.read(_LOOK, ids=list(ids))

    async def set_aside(self, ids: Iterable[UUID]) -> None:
        """Let no sweep find these jobs for an hour."""
        if aside := list(ids):
            await self._run(_SET_ASIDE, ids=aside)

    async def page(self, after: UUID | None, limit: int) -> list[Job]:
        """Read the jobs that follow an id."""
        return await self.read(_PAGE, after=after, least=UUID(int=0), most=limit)

    async def take(self, ids: Sequence[UUID]) -> list[Job]:
        """Lock those of the jobs that still wait, in the order given."""
        jobs = {job.id: job for job in await self.sweep(_TAKE, ids=list(ids))}
        return [jobs[id_] for id_ in ids if id_ in jobs]

    async def save(self, jobs: Iterable[Job], leases: Mapping[UUID, datetime] = NONE) -> None:
        """Write the jobs that have changed, and their attempts."""
        jobs = list(jobs)
        rows = [(*job_row(job), leases.get(job.id)) for job in jobs if job != self._jobs.get(job.id)]
        attempts = [attempt for job in jobs for attempt in job.attempts]
        changed = [attempt for attempt in attempts if attempt != self._attempts.get(attempt.id)]
        values = arrays(_SAVED, rows) if rows else {}
        if changed:
            values |= arrays(ATTEMPT_COLUMNS, [attempt_row(attempt) for attempt in changed], "of_")
        if values:
            await self._run(_SAVING[bool(rows), bool(changed)], **values)
        await self._discards.add(key for job in jobs for key in job.unwanted)

    async def to_poll(self, now: datetime, again: datetime, limit: int) -> list[Job]:
        """Take running jobs whose poll is due."""
        return await self.sweep(_TO_POLL, now=now, again=again, most=limit)

    async def to_store(self, now: datetime, limit: int, lease: Mapping[StepKind, float]) -> list[Job]:
        """Take jobs whose results are to be stored."""
        seconds = "{" + ", ".join(f'"{kind}": {length}' for kind, length in lease.items()) + "}"
        return await self.sweep(_TO_STORE, now=now, most=limit, leases=seconds)

    async def lease(self, job_id: UUID, until: datetime) -> None:
        """Let nobody take up this job's results before `until`."""
        await self._run(_LEASE, id=job_id, until=until)

    async def read(self, statement: Statement, **parameters: Any) -> list[Job]:  # noqa: ANN401 - of SQL
        """Read the jobs a statement finds, with their attempts."""
        found = (await self._run(statement, **parameters)).all()
        return await self._with_attempts([read_job(row.data, row.due_at, row.poll_at) for row in found])

    async def sweep(self, statement: Statement, **parameters: Any) -> list[Job]:  # noqa: ANN401 - of SQL
        """Read the jobs a statement finds; one that cannot be read is set aside, so that it blocks nobody."""
        jobs, unreadable = [], []
        for row in (await self._run(statement, **parameters)).all():
            try:
                jobs.append(read_job(row.data, row.due_at, row.poll_at))
            except ValueError:
                logger.exception("job %s cannot be read; it is set aside for an hour", row.id)
                UNREADABLE.inc()
                unreadable.append(row.id)
        await self.set_aside(unreadable)
        return await self._with_attempts(jobs)

    async def _with_attempts(self, found: Sequence[Job]) -> list[Job]:
        jobs = {job.id: job for job in found}
        if not jobs:
            return []
        self._jobs |= {job.id: copy(job) for job in jobs.values()}
        for row in await self._run(_ATTEMPTS, ids=list(jobs)):
            attempt = read_attempt(row)
            jobs[attempt.job_id].attempts.append(attempt)
            self._attempts[attempt.id] = copy(attempt)
        return list(jobs.values())

    async def _run(self, statement: Statement, **parameters: Any) -> Any:  # noqa: ANN401 - of SQL
        return await self._connection.execute(statement, parameters)


def transaction(database: Database) -> Transaction:
    """Make transactions of this database."""
    counted = Counted()

    @asynccontextmanager
    async def begin() -> AsyncIterator[Work]:
        async with database.transaction() as session:
            discards = PostgresDiscards(session.connection)
            jobs = PostgresJobs(session.connection, discards)
            yield Work(
                jobs=jobs,
                workload=jobs,
                queue=PostgresQueue(session.connection, jobs, counted),
                shelf=PostgresShelf(session.connection),
                tombstones=PostgresTombstones(session.connection),
                discards=discards,
                moves=PostgresMoves(session.connection),
                exports=PostgresExports(session.connection, discards),
                closings=PostgresClosings(session.connection, jobs),
                outbox=session.outbox,
            )

    return begin
