"""The line before the provider in Postgres: one dispatcher at a time, everything counted from the jobs."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.connection import Connection
from chassis.statement import text
from jobs.application.work import Candidates, Place
from jobs.domain.breaker import Breaker
from jobs.domain.fairness import Waiting
from jobs.domain.job import Job

if TYPE_CHECKING:
    from jobs.adapters.outbound.postgres import PostgresJobs

_ROOMY, _GOOD_FOR = 2_000, 1.0
_ANYBODY = text(
    "select exists (select 1 from jobs.jobs where state = 'queued'"
    " and (not_before is null or not_before <= :now))"
)
_DISPATCHER = text("select failures, open_until from jobs.dispatcher for no key update")
_FAILURES = text("select failures from jobs.dispatcher")
_SET_BREAKER = text("update jobs.dispatcher set failures = :failures, open_until = :open_until")
_OCCUPIED = text(
    """
    select count(*) from (
        select 1 from jobs.jobs where state in ('submitting', 'running', 'storing')
            and (state <> 'storing' or step < steps)
        limit :most
    ) as working
    """  # a training keeps its slot between its steps
)
_SUBMITTING = text(
    """
    select count(*) from jobs.jobs cross join lateral (
        select from jobs.attempts
        where job_id = jobs.id and attempts.state = 'started' and started_at > :since limit 1
    ) as call where jobs.state = 'submitting'
    """
)
_BUSY = """
    select team_id, count(*) as running from jobs.jobs
    where state in ('submitting', 'running', 'storing') group by team_id
"""
_CANDIDATES = text(
    """
    with recursive teams as (
        (select team_id from jobs.jobs where state = 'queued' order by team_id limit 1)
        union all
        select (select jobs.team_id from jobs.jobs where state = 'queued' and jobs.team_id > teams.team_id
                order by jobs.team_id limit 1)
        from teams where teams.team_id is not null
    ), free as (
        select asking.team_id, allowed, (
            select count(*) from (
                select 1 from jobs.jobs where jobs.team_id = asking.team_id
                    and state in ('submitting', 'running', 'storing') limit allowed
            ) as working
        ) as running
        from (select team_id from teams union select unnest(cast(:teams as uuid[]))) as asking
        left join jobs.plans using (team_id)
        cross join lateral (select coalesce(plans.running, :plan_slots) as allowed) as plan
        where asking.team_id is not null
    )
    select next.id, free.team_id, next.priority, next.created_at, free.running, free.allowed
    from free left join lateral (
        select id, priority, created_at from jobs.jobs
        where jobs.team_id = free.team_id and state = 'queued'
            and (not_before is null or not_before <= :now)
        order by priority desc, created_at, id
        limit least(:most, greatest(free.allowed - free.running, 0))
    ) as next on true
    """
)
_PLACES = text(
    f"""
    with line as (
        select id, team_id, code, position, created_at,
            row_number() over (partition by team_id order by priority desc, created_at, id) as place
        from jobs.jobs where state = 'queued'
    ), busy as ({_BUSY}), told as (
        select line.*, case
            when coalesce(busy.running, 0) >= coalesce(plans.running, :plan_slots) then 'plan_slots_busy'
            else :otherwise end as why
        from line left join busy using (team_id) left join jobs.plans using (team_id)
        where line.created_at < :before
    )
    select id, place, why from told
    where code is distinct from why or position is null
        or (place <> position and (place <= 10 or abs(place - position) * 10 >= position))
    order by place limit :most
    """  # noqa: S608 - names of ours; far back in a long line, not every step forward is news
)


@dataclass(slots=True)
class Counted:
    """What a process has last counted of the provider's slots, and when (monotonic seconds)."""

    slots: int = 0
    at: float = float("-inf")

    def will_do(self, most: int) -> bool:
        """Tell whether it need not be counted again: no house starts thousands of calls in a second."""
        return most - self.slots > _ROOMY and time.monotonic() < self.at + _GOOD_FOR


class PostgresQueue:
    """The line as one transaction sees it."""

    def __init__(self, connection: Connection, jobs: PostgresJobs, counted: Counted) -> None:
        self._connection, self._jobs, self._counted = connection, jobs, counted

    async def anybody(self, now: datetime) -> bool:
        """Tell whether any job waits for its turn."""
        return bool((await self._connection.execute(_ANYBODY, {"now": now})).scalar_one())

    async def dispatcher(self) -> Breaker:
        """Lock the dispatcher's row: nobody else dispatches until this transaction ends."""
        row = (await self._connection.execute(_DISPATCHER)).one()
        return Breaker(row.failures, row.open_until)

    async def failures(self) -> int:
        """Read how often in a row the provider took nothing."""
        return int((await self._connection.execute(_FAILURES)).scalar_one())

    async def set_breaker(self, breaker: Breaker) -> None:
        """Write the circuit breaker."""
        values = {"failures": breaker.failures, "open_until": breaker.open_until}
        await self._connection.execute(_SET_BREAKER, values)

    async def occupied(self, most: int) -> int:
        """Count what the provider has, up to `most`; once a second where thousands of slots are free."""
        if not self._counted.will_do(most):
            self._counted.at = time.monotonic()
            self._counted.slots = int(
                (await self._connection.execute(_OCCUPIED, {"most": most})).scalar_one()
            )
        return self._counted.slots

    async def submitting(self, since: datetime) -> int:
        """Count the calls that have been on their way since then."""
        return int((await self._connection.execute(_SUBMITTING, {"since": since})).scalar_one())

    async def candidates(
        self, now: datetime, plan_slots: int, most: int, teams: Collection[UUID] = ()
    ) -> Candidates:
        """Read who may go next: of each team, as many as its limit leaves."""
        values = {"now": now, "plan_slots": plan_slots, "most": most, "teams": list(teams)}
        rows = (await self._connection.execute(_CANDIDATES, values)).all()
        return Candidates(
            waiting=[Waiting(row.id, row.team_id, row.priority, row.created_at) for row in rows if row.id],
            running={row.team_id: row.running for row in rows},
            limits={row.team_id: row.allowed for row in rows},
        )

    async def take(self, ids: Sequence[UUID]) -> list[Job]:
        """Lock those of the jobs that still wait, in the order given."""
        return await self._jobs.take(ids) if ids else []

    async def places(self, before: datetime, plan_slots: int, otherwise: str, limit: int) -> list[Place]:
        """Find queued jobs whose place is worth telling."""
        values = {"before": before, "plan_slots": plan_slots, "otherwise": otherwise, "most": limit}
        rows = (await self._connection.execute(_PLACES, values)).all()
        return [Place(row.id, row.place, row.why) for row in rows]
